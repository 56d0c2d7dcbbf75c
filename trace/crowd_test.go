package trace_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// A group of many tasks, made by several parents, with tools of another group.
func TestCrowdedGroup(t *testing.T) {
	const tasks = 400
	c := fixtures.Crowds(1, tasks, false)
	w := serveStandard(t, &fixtures.Standard{World: c.World})
	for _, w.options.TakenOnly = range []bool{false, true} {
		r := w.verifyGroups(trace.GraphTarget{}, c.Decision.ID)
		wantVerdict(t, r, trace.Verified)
		if n := len(r.Tasks); n != tasks {
			t.Errorf("%d tasks in the report, want %d", n, tasks)
		}
		if n := len(slices.Collect(r.Vouched())); w.options.TakenOnly != (n == 0) {
			t.Errorf("%d artifacts vouched for; only what is taken is kept: %v", n, w.options.TakenOnly)
		}
	}
}

// A queue that answers 429 to more than a few requests at a time is soon asked
// for no more at a time; one that answers all is asked for all.
func TestCrowdedGroupOfABusyQueue(t *testing.T) {
	c := fixtures.Crowds(1, 200, false)
	w := serveStandard(t, &fixtures.Standard{World: c.World})
	w.tries = 12
	for _, atOnce := range []int{4, 1000} {
		before := len(w.server.Requests())
		w.server.ClearFaults()
		w.server.Fault(fixtures.Fault{Service: fixtures.API, AtOnce: atOnce, Delay: 2 * time.Millisecond, Status: http.StatusTooManyRequests})
		r := w.verifyGroups(trace.GraphTarget{}, c.Decision.ID)
		wantVerdict(t, r, trace.Verified)
		all, refused := w.server.Requests()[before:], 0
		for _, request := range all {
			if request.Status == http.StatusTooManyRequests {
				refused++
			}
		}
		if atOnce < 1000 && (refused == 0 || refused > len(all)/8) || atOnce == 1000 && refused > 0 {
			t.Errorf("%d at once: %d of %d requests refused", atOnce, refused, len(all))
		}
	}
}

// Whatever is wrong with a group, the report is the same where only those
// artifacts are kept that its tasks take.
func TestTakenOnlyChangesNothing(t *testing.T) {
	attacks := slices.Clone(groupAttacks)
	for _, a := range slices.Concat(imageAttacks, inputAttacks) {
		if a.edit != nil {
			as := attacks[0]
			as.name, as.edit, as.target, as.group = a.name, a.edit, nil, nil
			attacks = append(attacks, as)
		}
	}
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			w.Edit(func() { honestGroup(w); a.edit(w) })
			group, target := w.Decision.ID, trace.GraphTarget{}
			if a.group != nil {
				group = a.group(w)
			}
			if a.target != nil {
				target = a.target(w)
			}
			all := lines(t, w.verifyGroups(target, group))
			w.options.TakenOnly = true
			if some := lines(t, w.verifyGroups(target, group)); !slices.Equal(some, all) {
				t.Errorf("found\n%q\nwant\n%q", some, all)
			}
		})
	}
}

// lines are what a report says, without the order in which it was found.
func lines(t *testing.T, r *trace.Report) []string {
	t.Helper()
	var out []string
	add := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	for _, task := range r.Tasks {
		for _, f := range task.Findings {
			add([]any{task.TaskID, f})
		}
		task.Findings = nil
		add(task)
	}
	for _, f := range r.Findings {
		add(f)
	}
	add([]any{r.Verdict, r.Summary, r.Signers})
	slices.Sort(out)
	return out
}
