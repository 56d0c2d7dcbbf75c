package trace_test

import (
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// Every honest task of the standard world verifies.
func TestHonest(t *testing.T) {
	w := serve(t)
	for name, task := range map[string]*fixtures.Task{
		"decision": w.Decision, "image": w.Image, "fetch": w.Fetch, "toolchain": w.Toolchain,
		"build": w.Build, "generic build": w.GenericBuild, "d2g": w.D2G, "signing": w.Signing,
		"rerun": w.Rerun, "duplicated": w.Duplicated, "duplicate": w.Duplicates[0],
		"decision with two runs": w.Twice, "child of run 0": w.FirstChild, "child of run 1": w.SecondChild,
		"release": w.ReleaseSign, "storage types": w.StorageTask,
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			r := w.verify(task.ID)
			wantVerdict(t, r, trace.Verified)
			if r.Tasks[0].TaskID != task.ID || r.Tasks[0].Tree == nil || r.Tasks[0].Signer == nil {
				t.Errorf("the first task of the report is not the target, or lacks its tree or signer: %+v", r.Tasks[0])
			}
		})
	}
}
