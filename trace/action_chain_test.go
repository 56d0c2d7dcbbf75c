package trace_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// actionChain has Build created by an action that an action created, n of them,
// the last one by the decision task. It gives the actions.
func actionChain(w *served, n int) []*fixtures.Task {
	parent := w.Decision
	var actions []*fixtures.Task
	for range n {
		a := w.Graph.Action("retrigger", w.Build, fixtures.Object{})
		object(a.Definition, "extra")["parent"] = parent.ID
		actions, parent = append(actions, a), a
	}
	object(w.Build.Definition, "extra")["parent"] = parent.ID
	return actions
}

func rulesOf(task trace.Task) map[trace.Rule]bool {
	out := map[trace.Rule]bool{}
	for _, f := range task.Findings {
		out[f.Rule] = true
	}
	return out
}

// Parents are followed through any number of actions up to the bound. Each is
// held to the rules for actions; none is skipped over. (The decision task counts
// as one link: it is the group's, and so is found from everywhere.)
func TestChainsOfActions(t *testing.T) {
	for _, c := range []struct {
		actions, limit int
		tooLong        bool
	}{{1, 20, false}, {5, 20, false}, {5, 5, false}, {6, 5, true}, {20, 20, false}, {21, 20, true}} {
		t.Run(fmt.Sprintf("%d actions of at most %d links", c.actions, c.limit), func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			w.policy = func(p string) string { return fmt.Sprintf("%s\nlimits: {maxChainLength: %d}\n", p, c.limit) }
			var actions []*fixtures.Task
			w.Edit(func() { actions = actionChain(w, c.actions) })
			r := w.verify(w.Build.ID)
			tasks := map[string]trace.Task{}
			found := false
			for _, task := range r.Tasks {
				tasks[task.TaskID] = task
				found = found || rulesOf(task)[trace.RuleChainTooLong]
			}
			if found != c.tooLong {
				t.Errorf("chain-too-long %v, want %v", found, c.tooLong)
			}
			if traced := r.Tasks[0].Tree != nil; traced == c.tooLong {
				t.Errorf("the chain leads to a tree: %v, but is too long: %v", traced, c.tooLong)
			}
			if c.tooLong {
				wantVerdict(t, r, trace.Untrusted)
				return
			}
			for _, a := range actions {
				if got := tasks[a.ID].Type; got != string(trace.KindAction) {
					t.Errorf("action %s is of type %q", a.ID, got)
				}
			}
		})
	}
}

// Actions that created each other lead nowhere.
func TestActionsInACircle(t *testing.T) {
	w := serve(t)
	w.Edit(func() {
		actions := actionChain(w, 3)
		object(actions[0].Definition, "extra")["parent"] = actions[2].ID
	})
	r := w.verify(w.Build.ID)
	wantRefused(t, r, trace.RuleChainTooLong)
	if r.Tasks[0].Tree != nil {
		t.Errorf("a circle leads to %v", r.Tasks[0].Tree)
	}
}

// Of a parent with two runs, one's actions can't be had: they may be what the
// action was made from, whatever the other's say.
func TestActionsThatCannotBeHad(t *testing.T) {
	w := serve(t)
	var honest, altered *fixtures.Task
	w.Edit(func() {
		g := w.Twice.Graph()
		honest = g.Action("retrigger", nil, fixtures.Object{})
		altered = g.Action("retrigger", nil, fixtures.Object{})
		commandOf(altered, func(s string) string { return s + "x" })
	})
	wantVerdict(t, w.verify(honest.ID), trace.Verified)
	wantRefused(t, w.verify(altered.ID), trace.RuleDiffersFromTree)
	w.server.Fault(fixtures.Fault{Match: fixtures.PathHas(w.Twice.ID + "/1/" + trace.ActionsName), Status: http.StatusServiceUnavailable})
	wantVerdict(t, w.verify(honest.ID), trace.Verified) // the other run offers the same
	wantVerdict(t, w.verify(altered.ID), trace.Undetermined)
}
