package trace_test

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// eventTwins look like one of the attacks on events and are none.
var eventTwins = []struct {
	name   string
	target func(e *fixtures.EventsWorld) *fixtures.Target
	edit   func(e *fixtures.EventsWorld, t *fixtures.Target)
}{
	{"a template that yields other tasks too", push, func(e *fixtures.EventsWorld, t *fixtures.Target) {
		editTree(commitOf(e.App, t), "tasks:\n  - $let:", "tasks:\n  - {metadata: {name: another}, payload: {}}\n  - $let:")
	}},
	{"members that hold nothing", push, func(e *fixtures.EventsWorld, t *fixtures.Target) {
		editTree(commitOf(e.App, t), "maxRunTime: 1800", "maxRunTime: 1800\n              onExitStatus: {}\n              capabilities: {devices: []}\n              log: null")
	}},
	{"members that hold nothing, in the task", push, func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		object(t.Decision.Definition, "payload")["onExitStatus"] = fixtures.Object{"retry": []any{}}
	}},
	{"a task queue's id in two parts", push, func(_ *fixtures.EventsWorld, t *fixtures.Target) { delete(t.Decision.Definition, "taskQueueId") }},
	{"the default project's id left out", push, func(_ *fixtures.EventsWorld, t *fixtures.Target) { delete(t.Decision.Definition, "projectId") }},
	{"another priority", push, func(_ *fixtures.EventsWorld, t *fixtures.Target) { t.Decision.Definition["priority"] = "highest" }},
	{"a repository that is named for ssh", push, func(e *fixtures.EventsWorld, t *fixtures.Target) {
		editTree(commitOf(e.App, t), "APP_HEAD_REPOSITORY: '${tree.head}'", "APP_HEAD_REPOSITORY: '${event.repository.ssh_url}'")
		variables(t.Decision)["APP_HEAD_REPOSITORY"] = "git@github.com:example-org/app.git"
	}},
	{"a release promotion whose tasks join the group that it acts on", func(e *fixtures.EventsWorld) *fixtures.Target { return e.GitHubPromotion }, func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		variables(t.Action)["ACTION_TASK_GROUP_ID"] = t.Decision.ID
	}},
	{"another claim of the same syntax", push, func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace(variables(t.Decision)["APP_BASE_REV"].(string), strings.Repeat("0", 40))
	}},
	{"a commit that the API knows more of", push, func(e *fixtures.EventsWorld, t *fixtures.Target) {
		editTree(commitOf(e.App, t), "APP_BASE_REPOSITORY:", "AUTHOR: '${event.head_commit.author.email}'\n                    APP_BASE_REPOSITORY:")
		variables(t.Decision)["AUTHOR"] = "dev@example.org"
	}},
}

func TestEventTwins(t *testing.T) {
	for _, tt := range eventTwins {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			world := fixtures.Events(1)
			w := serveWorld(t, world.World)
			target := tt.target(world)
			w.Edit(func() { tt.edit(world, target) })
			wantVerdict(t, w.verify(target.Build.ID), trace.Verified)
		})
	}
}

// A private repository is traced with a token, and without one it is said that
// one is needed.
func TestPrivateRepository(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	w.Edit(func() {
		world.App.Private = true
		world.GitHubTokens = []string{"ghs_reader"}
	})
	r := w.verify(world.Push.Build.ID)
	wantVerdict(t, r, trace.Untrusted)
	if !strings.Contains(strings.Join(hints(r), " "), "GITHUB_TOKEN") {
		t.Errorf("without a token: %s, hints %q", r.Verdict, hints(r))
	}
	w.token = "ghs_reader"
	wantVerdict(t, w.verify(world.Push.Build.ID), trace.Verified)
}

func hints(r *trace.Report) []string {
	var out []string
	for _, task := range r.Tasks {
		for _, f := range task.Findings {
			out = append(out, f.Hint)
		}
	}
	return out
}
