package trace_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// waitsFor makes a dependency from which the task takes nothing.
func waitsFor(task, on *fixtures.Task) {
	both(task, func(d fixtures.Object) {
		d["dependencies"] = append(slices.Clone(d["dependencies"].([]any)), on.ID)
	})
	task.Entry.Dependencies["waits"] = on.ID
}

// What a task only waits for counts where all dependencies are asked for.
func TestDependencies(t *testing.T) {
	for _, c := range []struct {
		name   string
		follow trace.Dependencies
		edit   func(w *served)
		rule   trace.Rule // empty: verified
	}{
		{name: "trust, of a forged one", edit: func(w *served) { w.D2G.Last().Document.Key = w.Keys.Foreign }},
		{name: "all, of an honest one", follow: trace.DependenciesAll},
		{name: "all, of a forged one", follow: trace.DependenciesAll, edit: func(w *served) { w.D2G.Last().Document.Key = w.Keys.Foreign }, rule: trace.RuleSignatureInvalid},
		{name: "all, of one that the tree does not ask for", follow: trace.DependenciesAll, edit: func(w *served) {
			object(object(w.D2G.Definition, "payload"), "env")["EVIL"] = "1"
		}, rule: trace.RuleDiffersFromTaskGraph},
		{name: "all, of an unsigned one", follow: trace.DependenciesAll, edit: func(w *served) { w.D2G.Last().Unsign() }},
		{name: "all, and the target itself is unsigned", follow: trace.DependenciesAll, edit: func(w *served) { w.Build.Last().Unsign() }, rule: trace.RuleCotMissing},
		{name: "all, and the target is forged", follow: trace.DependenciesAll, edit: func(w *served) { w.Build.Last().Document.Key = w.Keys.Foreign }, rule: trace.RuleSignatureInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			w.options.Dependencies = c.follow
			w.Edit(func() {
				waitsFor(w.Build, w.D2G)
				if c.edit != nil {
					c.edit(w)
				}
			})
			r := w.verify(w.Build.ID)
			if r.Target.TaskID != w.Build.ID {
				t.Errorf("target %+v", r.Target)
			}
			followed := slices.ContainsFunc(r.Tasks, func(task trace.Task) bool { return task.TaskID == w.D2G.ID })
			if followed != (c.follow == trace.DependenciesAll) {
				t.Errorf("the dependency was looked at: %t", followed)
			}
			if c.rule == "" {
				wantVerdict(t, r, trace.Verified)
				if run, ok := r.Run(mustTarget(t, w.Build.ID)); !ok || r.Names(run) == nil {
					t.Errorf("run %v, %t, without names", run, ok)
				}
				return
			}
			wantVerdict(t, r, trace.Untrusted)
			wantRule(t, r, c.rule)
		})
	}
}

// A named run is the one that is judged, and no other stands for it.
func TestAllDependenciesOfANamedRun(t *testing.T) {
	w := serve(t)
	w.options.Dependencies = trace.DependenciesAll
	wantVerdict(t, w.verify(w.Rerun.ID+"/1"), trace.Verified)
	r := w.verify(w.Rerun.ID + "/0")
	wantVerdict(t, r, trace.Untrusted)
	wantRule(t, r, trace.RuleRunNotCompleted)
}

// A group of which only what trust rests on is followed.
func TestGroupWithoutDependencies(t *testing.T) {
	for follow, want := range map[trace.Dependencies]trace.Verdict{"": trace.Untrusted, trace.DependenciesTrust: trace.Verified} {
		w := serve(t)
		w.options.Dependencies = follow
		w.Edit(func() {
			honestGroup(w)
			waitsFor(w.Build, w.ReleaseBuild)
			w.ReleaseBuild.Last().Document.Key = w.Keys.Foreign
		})
		wantVerdict(t, w.verifyGroups(trace.GraphTarget{}, w.Decision.ID), want)
	}
}

// The caller's word on a type decides which rules hold, but frees no task from
// being rebuilt from the tree.
func TestTaskType(t *testing.T) {
	for _, c := range []struct {
		name   string
		target func(w *served) *fixtures.Task
		asked  trace.Kind
		rule   trace.Rule // empty: verified
	}{
		{name: "a build is a build", target: build, asked: trace.KindTask},
		{name: "a decision is one", target: decision, asked: trace.KindDecision},
		{name: "a build is an image task", target: build, asked: trace.KindDockerImage, rule: trace.RuleDockerImagePool},
		{name: "a build is an action", target: build, asked: trace.KindAction, rule: trace.RuleTasksFor},
		{name: "a build is a decision", target: build, asked: trace.KindDecision, rule: trace.RuleTaskType},
		{name: "a decision is a build", target: decision, asked: trace.KindTask, rule: trace.RuleTaskType},
		{name: "a decision is an action", target: decision, asked: trace.KindAction, rule: trace.RuleTaskType},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			w.options.TaskType = c.asked
			target := c.target(w)
			r := w.verify(target.ID)
			noted := strings.Contains(strings.Join(r.Notes, "\n"), "--task-type")
			if c.rule == "" {
				wantVerdict(t, r, trace.Verified)
				if noted {
					t.Errorf("notes %q", r.Notes)
				}
				return
			}
			wantVerdict(t, r, trace.Untrusted)
			wantRule(t, r, c.rule)
			if noted != (c.rule != trace.RuleTaskType) {
				t.Errorf("notes %q", r.Notes)
			}
		})
	}
}
