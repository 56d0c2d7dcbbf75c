package trace_test

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// Where worker and queue contradict each other, that is the cause, and what the
// task graph says of the same place follows from it. Where they agree, the
// difference from the task graph is the cause.
func TestWhatTheWorkerSignedDecides(t *testing.T) {
	variable := func(d fixtures.Object, name string) { object(d, "payload", "env")[name] = "evil" }
	for name, tt := range map[string]struct {
		edit    func(w *served)
		derived map[string]bool // of the differences from the task graph, by path
		signed  int             // findings that the worker signed something else
	}{
		"the queue alone has it": {
			func(w *served) { w.Build.EditQueue = func(d fixtures.Object) { variable(d, "A") } },
			map[string]bool{"/payload/env/A": true},
			1,
		},
		"the worker ran it": {
			func(w *served) { variable(w.Build.Definition, "A") },
			map[string]bool{"/payload/env/A": false},
			0,
		},
		"the queue has one, the worker ran another": {
			func(w *served) {
				variable(w.Build.Definition, "AB")
				w.Build.EditQueue = func(d fixtures.Object) { variable(d, "A") }
			},
			map[string]bool{"/payload/env/A": true, "/payload/env/AB": false},
			1,
		},
		"the queue alone has a dependency": {
			func(w *served) {
				w.Build.EditQueue = func(d fixtures.Object) {
					d["dependencies"] = append(append([]any{}, d["dependencies"].([]any)...), w.ReleaseBuild.ID)
				}
			},
			map[string]bool{"/dependencies": true},
			1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(t)
			w.Edit(func() { tt.edit(w) })
			r := w.verify(w.Build.ID)
			wantVerdict(t, r, trace.Untrusted)
			got, signed := map[string]bool{}, 0
			for _, f := range r.Tasks[0].Findings {
				switch {
				case f.Severity != trace.SeverityError:
				case f.Rule == trace.RuleDiffersFromTaskGraph, f.Rule == trace.RuleUndeclaredDependency:
					got[f.Path] = f.Derived()
				case f.Rule == trace.RuleCotTaskDefinition:
					signed++
					if f.Derived() || !strings.HasPrefix(f.Path, "/task/") {
						t.Errorf("%+v", f)
					}
				}
			}
			if signed != tt.signed || len(got) != len(tt.derived) {
				t.Errorf("signed %d, want %d; derived %v, want %v", signed, tt.signed, got, tt.derived)
			}
			for path, want := range tt.derived {
				if was, found := got[path]; !found || was != want {
					t.Errorf("%s: derived %v, found %v", path, was, found)
				}
			}
		})
	}
}
