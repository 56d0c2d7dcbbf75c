package trace_test

import (
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// One task among twenty thousand is traced like one among few.
func TestTaskOfALargeGroup(t *testing.T) {
	const tasks = 20_000
	g := fixtures.Group(1, tasks)
	if n := len(g.Tasks()); n != tasks {
		t.Fatalf("%d tasks", n)
	}
	w := serveStandard(t, &fixtures.Standard{World: g.World})
	r := w.verify(g.Tests[tasks/2].ID)
	wantVerdict(t, r, trace.Verified)
	if n := len(r.Tasks); n != 4 { // the test, its build, their image, the decision
		t.Errorf("%d tasks in the report", n)
	}
}
