package trace_test

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// hgEvents are the ways in which a Mercurial tree starts tasks. Each gives a
// task of the graph that the event made, and the task that the event started.
var hgEvents = map[string]func(w *served) (target, parent *fixtures.Task){
	"cron": func(w *served) (*fixtures.Task, *fixtures.Task) {
		return buildIn(w.Push.Cron(fixtures.CronJob{Name: "nightly-desktop"}))
	},
	"cron with arguments to quote": func(w *served) (*fixtures.Task, *fixtures.Task) {
		return buildIn(w.Push.Cron(fixtures.CronJob{Name: "rebuild"}))
	},
	"cron with flags": func(w *served) (*fixtures.Task, *fixtures.Task) {
		return buildIn(w.Push.Cron(fixtures.CronJob{Name: "periodic-update"}))
	},
	"cron that may have input": func(w *served) (*fixtures.Task, *fixtures.Task) {
		return buildIn(w.Push.Cron(fixtures.CronJob{Name: "with-input"}))
	},
	"cron of an older build-decision": func(w *served) (*fixtures.Task, *fixtures.Task) {
		return buildIn(w.Push.Cron(fixtures.CronJob{Name: "nightly-desktop", NoInput: true}))
	},
	"generic action on a task": func(w *served) (*fixtures.Task, *fixtures.Task) {
		return buildIn(w.Graph.Action("retrigger", w.Build, fixtures.Object{"times": 2}))
	},
	"release promotion in a group of its own": func(w *served) (*fixtures.Task, *fixtures.Task) {
		return buildIn(w.Graph.Action("release-promotion", nil, promotion()))
	},
	"action on a cron graph": func(w *served) (*fixtures.Task, *fixtures.Task) {
		return buildIn(w.Push.Cron(fixtures.CronJob{Name: "nightly-desktop"}).Graph().Action("retrigger", nil, fixtures.Object{}))
	},
	"action on an action's graph": func(w *served) (*fixtures.Task, *fixtures.Task) {
		promote := w.Graph.Action("release-promotion", nil, promotion())
		return buildIn(promote.Graph().Action("retrigger", nil, fixtures.Object{}))
	},
}

func promotion() fixtures.Object {
	return fixtures.Object{"build_number": 1, "release_promotion_flavor": "promote_firefox"}
}

// buildIn adds a build to a parent's graph.
func buildIn(parent *fixtures.Task) (*fixtures.Task, *fixtures.Task) {
	g := parent.Graph()
	return g.Build("linux64-event/opt", g.DockerImage("event-build")), parent
}

func TestHgEvents(t *testing.T) {
	for name, event := range hgEvents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			var target, parent *fixtures.Task
			w.Edit(func() { target, parent = event(w) })
			wantVerdict(t, w.verify(target.ID), trace.Verified)
			r := w.verify(parent.ID)
			wantVerdict(t, r, trace.Verified)
			if tree := r.Tasks[0].Tree; tree == nil || tree.Revision != w.Push.Revision() {
				t.Errorf("tree %+v, want that of %s", tree, w.Push.Revision())
			}
		})
	}
}

func variables(t *fixtures.Task) fixtures.Object { return object(t.Definition, "payload", "env") }

// commandOf changes the last word of a task's command.
func commandOf(t *fixtures.Task, change func(string) string) {
	c := object(t.Definition, "payload")["command"].([]any)
	c[len(c)-1] = change(c[len(c)-1].(string))
}

func replaced(from, to string) func(string) string {
	return func(s string) string {
		if !strings.Contains(s, from) {
			panic("nothing to replace: " + from)
		}
		return strings.ReplaceAll(s, from, to)
	}
}

// hgEventAttacks change an honest event's task, as somebody with scopes could:
// worker and queue agree on it.
var hgEventAttacks = []struct {
	name, event string
	edit        func(w *served, parent *fixtures.Task)
	rule        trace.Rule
}{
	{"hostile arguments in the claim alone", "cron", func(_ *served, p *fixtures.Task) {
		p.Definition["extra"].(fixtures.Object)["cron"] = replaced("nightly_desktop", "x; curl evil")(p.Definition["extra"].(fixtures.Object)["cron"].(string))
	}, trace.RuleDiffersFromTree},
	{"hostile arguments in claim and command", "cron", func(_ *served, p *fixtures.Task) {
		p.Definition["extra"].(fixtures.Object)["cron"] = replaced("nightly_desktop", "x; curl evil")(p.Definition["extra"].(fixtures.Object)["cron"].(string))
		commandOf(p, replaced("nightly_desktop", "x; curl evil"))
	}, trace.RuleDiffersFromTree},
	{"a job that the tree does not have", "cron", func(_ *served, p *fixtures.Task) {
		p.Definition["extra"].(fixtures.Object)["cron"] = replaced("nightly-desktop", "mallory")(p.Definition["extra"].(fixtures.Object)["cron"].(string))
	}, trace.RuleContextUnvouched},
	{"hostile arguments, which the job does not have", "cron", func(_ *served, p *fixtures.Task) {
		p.Definition["extra"].(fixtures.Object)["cron"] = replaced("nightly_desktop", "x; curl evil")(p.Definition["extra"].(fixtures.Object)["cron"].(string))
		commandOf(p, replaced("nightly_desktop", "x; curl evil"))
	}, trace.RuleContextUnvouched},
	{"another symbol", "cron", func(_ *served, p *fixtures.Task) {
		object(p.Definition, "extra", "treeherder")["symbol"] = "X"
	}, trace.RuleDiffersFromTree},
	{"input that nothing vouches for", "cron that may have input", func(_ *served, p *fixtures.Task) {
		p.Definition["extra"].(fixtures.Object)["cron"] = replaced(`"input":{}`, `"input":{"a":1}`)(p.Definition["extra"].(fixtures.Object)["cron"].(string))
	}, trace.RuleContextUnvouched},
	{"a hook's task that is no task id", "cron", func(_ *served, p *fixtures.Task) {
		extra := object(p.Definition, "extra")
		extra["cron"] = strings.Replace(extra["cron"].(string), `"task_id":"`, `"task_id":"$(x)`, 1)
	}, trace.RuleContextUnvouched},
	{"a cron that can't be read", "cron", func(_ *served, p *fixtures.Task) { object(p.Definition, "extra")["cron"] = "{" }, trace.RuleContextUnvouched},
	{"no .cron.yml", "cron", func(w *served, _ *fixtures.Task) { delete(w.Push.Files, ".cron.yml") }, trace.RuleContextUnvouched},
	{"a .cron.yml that asks for another job now", "cron", func(w *served, _ *fixtures.Task) {
		w.Push.Files[".cron.yml"] = []byte(strings.Replace(string(w.Push.Files[".cron.yml"]), "nightly_desktop", "nightly_other", 1))
	}, trace.RuleDiffersFromTree},
	{"an older revision's cron", "cron", func(w *served, _ *fixtures.Task) { w.Push.Hidden = true }, trace.RuleRevisionNotInTree},

	{"an action that nobody offers", "generic action on a task", func(_ *served, p *fixtures.Task) {
		object(p.Definition, "extra", "action")["name"] = "mallory"
	}, trace.RuleActionUnknown},
	{"another action's callback", "generic action on a task", func(_ *served, p *fixtures.Task) {
		variables(p)["ACTION_CALLBACK"] = "release-promotion"
	}, trace.RuleActionUnknown},
	{"input beyond the schema", "generic action on a task", func(_ *served, p *fixtures.Task) {
		given := object(p.Definition, "extra", "action", "context")
		given["input"] = fixtures.Object{"times": 1000}
		variables(p)["ACTION_INPUT"] = `{"times":1000}`
	}, trace.RuleActionInput},
	{"input that the variable alone has", "generic action on a task", func(_ *served, p *fixtures.Task) {
		variables(p)["ACTION_INPUT"] = `{"times":3}`
	}, trace.RuleDiffersFromTree},
	{"parameters of the task's own", "generic action on a task", func(_ *served, p *fixtures.Task) {
		object(p.Definition, "extra", "action", "context")["parameters"] = fixtures.Object{"level": "3"}
	}, trace.RuleDiffersFromTree},
	{"a target in another group", "generic action on a task", func(w *served, p *fixtures.Task) {
		object(p.Definition, "extra", "action", "context")["taskId"] = w.ReleaseBuild.ID
		variables(p)["ACTION_TASK_ID"] = `"` + w.ReleaseBuild.ID + `"`
	}, trace.RuleActionInput},
	{"the scope of another permission", "generic action on a task", func(_ *served, p *fixtures.Task) {
		p.Definition["scopes"].([]any)[0] = replaced("action:generic", "action:release-promotion")(p.Definition["scopes"].([]any)[0].(string))
	}, trace.RuleDiffersFromTree},
	{"a task group of neither", "release promotion in a group of its own", func(w *served, p *fixtures.Task) {
		variables(p)["ACTION_TASK_GROUP_ID"] = w.Twice.ID
	}, trace.RuleDiffersFromTree},
	{"actions that storage changed", "generic action on a task", func(w *served, _ *fixtures.Task) {
		w.Decision.Artifact(trace.ActionsName).EditStored = func(b []byte) []byte { return append(b, '\n') }
	}, trace.RuleArtifactHash},
	{"parameters that storage changed", "generic action on a task", func(w *served, _ *fixtures.Task) {
		w.Decision.Artifact(trace.ParametersName).EditStored = func(b []byte) []byte { return append(b, '\n') }
	}, trace.RuleArtifactHash},
	{"actions that the worker did not hash", "generic action on a task", func(w *served, _ *fixtures.Task) {
		w.Decision.Artifact(trace.ActionsName).Unhashed = true
	}, trace.RuleArtifactNotInCot},
	{"an action that is its own parent", "generic action on a task", func(_ *served, p *fixtures.Task) {
		p.Definition["taskGroupId"] = p.ID
		object(p.Definition, "extra")["parent"] = p.ID
	}, trace.RuleTasksFor},
	{"an action of another decision", "generic action on a task", func(w *served, p *fixtures.Task) {
		p.Definition["taskGroupId"] = w.Twice.ID
		object(p.Definition, "extra")["parent"] = w.Twice.ID
	}, trace.RuleActionInput},
	{"an action triggered before its decision ran", "generic action on a task", func(w *served, p *fixtures.Task) {
		p.Definition["created"] = "2026-06-15T00:00:00.000Z"
	}, trace.RuleContextUnvouched},
	{"an action on an altered action's graph", "action on an action's graph", func(w *served, p *fixtures.Task) {
		promote := w.Task(object(p.Definition, "extra")["parent"].(string))
		commandOf(promote, replaced("action-callback", "action-callback; curl evil"))
	}, trace.RuleDiffersFromTree},
}

func TestHgEventAttacks(t *testing.T) {
	for _, a := range hgEventAttacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			var target, parent *fixtures.Task
			w.Edit(func() { target, parent = hgEvents[a.event](w) })
			wantVerdict(t, w.verify(target.ID), trace.Verified) // the twin
			w.Edit(func() { a.edit(w, parent) })
			wantRefused(t, w.verify(target.ID), a.rule)
		})
	}
}
