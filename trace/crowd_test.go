package trace_test

import (
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// A group of many tasks, made by several parents, with tools of another group.
func TestCrowdedGroup(t *testing.T) {
	const tasks = 400
	c := fixtures.Crowds(1, tasks, false)
	w := serveStandard(t, &fixtures.Standard{World: c.World})
	r := w.verifyGroups(trace.GraphTarget{}, c.Decision.ID)
	wantVerdict(t, r, trace.Verified)
	if n := len(r.Tasks); n != tasks {
		t.Errorf("%d tasks in the report, want %d", n, tasks)
	}
}
