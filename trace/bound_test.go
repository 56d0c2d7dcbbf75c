package trace_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
)

// A chain, or a whole graph, of one task more than the bound is refused, and
// nobody's task is blamed for it. One of just as many holds. The bounds of chains
// and of graphs do not count for each other.
func TestTooManyTasks(t *testing.T) {
	const enough = 1000
	for name, tt := range map[string]struct {
		verify func(w *served, v *trace.Verifier) (*trace.Report, error)
		bound  func(v *trace.Verifier, n int)
	}{
		"a chain": {
			func(w *served, v *trace.Verifier) (*trace.Report, error) {
				return v.Verify(w.t.Context(), []trace.RunTarget{mustTarget(w.t, w.Build.ID)})
			},
			func(v *trace.Verifier, n int) { v.BoundTasks(n, 0) },
		},
		"a graph": {
			func(w *served, v *trace.Verifier) (*trace.Report, error) {
				return v.VerifyGraph(w.t.Context(), trace.GraphTarget{Groups: []graph.TaskID{mustTarget(w.t, w.Decision.ID).Task}})
			},
			func(v *trace.Verifier, n int) { v.BoundTasks(0, n) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(t)
			w.Edit(func() {
				honestGroup(w)
				promotionIn(w, []any{w.Twice.ID})
				dependOn(w.Unsigned, w.ReleaseBuild) // so that the graph goes on beyond the groups
			})
			verify := func(n int) (*trace.Report, int) {
				var tasks atomic.Int64
				w := w.within(t)
				w.options.Events = func(e trace.Event) {
					if e.Kind == "task" {
						tasks.Add(1)
					}
				}
				v := w.verifier()
				tt.bound(v, n)
				r, err := tt.verify(w, v)
				if err != nil {
					t.Fatal(err)
				}
				wantValid(t, r)
				return r, int(tasks.Load())
			}
			r, n := verify(enough)
			wantVerdict(t, r, trace.Verified)
			if n < 3 {
				t.Fatalf("%d tasks: that is no chain", n)
			}
			r, seen := verify(n)
			wantVerdict(t, r, trace.Verified)
			if seen != n {
				t.Errorf("%d tasks, then %d", n, seen)
			}
			r, seen = verify(n - 1)
			wantVerdict(t, r, trace.Untrusted)
			if seen >= n {
				t.Errorf("%d tasks were looked at, with a bound of %d", seen, n-1)
			}
			if i := slices.IndexFunc(r.Findings, func(f trace.Finding) bool { return f.Rule == trace.RuleChainTooLong }); i < 0 {
				t.Errorf("nothing of the chain as a whole: %v", r.Findings)
			} else if f := r.Findings[i]; f.Severity != trace.SeverityError || f.Hint == "" {
				t.Errorf("%+v", f)
			}
			for _, task := range r.Tasks {
				if rulesOf(task)[trace.RuleChainTooLong] {
					t.Errorf("%s is blamed", task.Name)
				}
			}
		})
	}
}

// An input whose task lies beyond the bound is an error of the task that took it,
// and one within it is not.
func TestInputBeyondTheBound(t *testing.T) {
	w := serve(t)
	w.Edit(func() {
		honestGroup(w)
		takeFrom(w.Build, w.ReleaseBuild)
	})
	verify := func(bound int) *trace.Report {
		v := w.verifier()
		v.BoundTasks(0, bound)
		r, err := v.VerifyGraph(t.Context(), trace.GraphTarget{Groups: []graph.TaskID{mustTarget(t, w.Decision.ID).Task}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const unseen = "a task that was not looked at" // which follows from the bound
	said := func(r *trace.Report) bool {
		return slices.ContainsFunc(findingsOf(r, trace.RuleInputUnverified), func(f trace.Finding) bool {
			return strings.Contains(f.Message, unseen) && f.Severity == trace.SeverityError && f.Got == w.ReleaseBuild.ID
		})
	}
	full := verify(1000)
	if said(full) {
		t.Error("within the bound")
	}
	if r := verify(full.Target.Groups[0].Tasks); !said(r) {
		wantSaid(t, r, trace.RuleInputUnverified, unseen)
	}
}

// Once the bound is passed, no other group is asked for: an action names as many
// previous graphs as it likes.
func TestGroupsBeyondTheBoundAreNotListed(t *testing.T) {
	w := serve(t)
	w.Edit(func() {
		honestGroup(w)
		promotionIn(w, []any{w.Twice.ID})
	})
	for bound, want := range map[int]int{1: 0, 1000: 1} {
		w := w.within(t)
		w.server.ClearLog()
		v := w.verifier()
		v.BoundTasks(0, bound)
		r, err := v.VerifyGraph(t.Context(), trace.GraphTarget{Groups: []graph.TaskID{mustTarget(t, w.Decision.ID).Task}})
		if err != nil {
			t.Fatal(err)
		}
		listed := 0
		for _, request := range w.server.Requests() {
			if strings.HasSuffix(request.Path, "/task-group/"+w.Twice.ID+"/list") {
				listed = 1
			}
		}
		if listed != want {
			t.Errorf("bound %d: listed %d, want %d", bound, listed, want)
		}
		if refused := slices.ContainsFunc(r.Findings, func(f trace.Finding) bool { return f.Rule == trace.RuleChainTooLong }); refused != (want == 0) {
			t.Errorf("bound %d: %v", bound, r.Findings)
		}
	}
}

// Wherever the bound falls in a chain, no task counts as verified that takes an
// input from one that was not looked at, and some do take one.
func TestNoTaskOfACutChainIsVerifiedByHalf(t *testing.T) {
	w := serve(t)
	w.Edit(func() { takeFrom(w.Toolchain, w.ReleaseBuild) })
	cut := 0
	for bound := 1; ; bound++ {
		v := w.verifier()
		v.BoundTasks(bound, 0)
		r, err := v.Verify(t.Context(), []trace.RunTarget{mustTarget(t, w.Build.ID)})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict.OK() {
			break
		}
		seen := map[string]bool{}
		for _, task := range r.Tasks {
			seen[task.TaskID] = true
		}
		for _, task := range r.Tasks {
			for _, in := range task.Inputs {
				if seen[in.TaskID] {
					continue
				}
				cut++
				if task.Verdict.OK() {
					t.Errorf("bound %d: %s is %s, but its input %s was not looked at", bound, task.Name, task.Verdict, in.TaskID)
				}
			}
		}
	}
	if cut == 0 {
		t.Error("nothing was cut")
	}
}
