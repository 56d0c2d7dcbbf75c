package trace_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// editTree changes the template at a commit.
func editTree(c *fixtures.Commit, from, to string) {
	const name = ".taskcluster.yml"
	files := map[string][]byte{}
	for k, v := range c.Files {
		files[k] = v
	}
	if !bytes.Contains(files[name], []byte(from)) {
		panic("nothing to replace: " + from)
	}
	files[name] = bytes.ReplaceAll(files[name], []byte(from), []byte(to))
	c.Files = files
}

type eventAttack struct {
	name   string
	target func(e *fixtures.EventsWorld) *fixtures.Target
	edit   func(e *fixtures.EventsWorld, t *fixtures.Target)
	rule   trace.Rule
	accept bool // a contribution that the caller accepts; the twin is accepted too
}

func push(e *fixtures.EventsWorld) *fixtures.Target     { return e.Push }
func merged(e *fixtures.EventsWorld) *fixtures.Target   { return e.Merged }
func release(e *fixtures.EventsWorld) *fixtures.Target  { return e.GitHubRelease }
func ghCron(e *fixtures.EventsWorld) *fixtures.Target   { return e.GitHubCron }
func oldCron(e *fixtures.EventsWorld) *fixtures.Target  { return e.GitHubOldCron }
func pull(e *fixtures.EventsWorld) *fixtures.Target     { return e.PullRequest }
func ghAction(e *fixtures.EventsWorld) *fixtures.Target { return e.GitHubAction }
func pullAct(e *fixtures.EventsWorld) *fixtures.Target  { return e.PullAction }
func small(e *fixtures.EventsWorld) *fixtures.Target    { return e.SmallPush }
func smallAct(e *fixtures.EventsWorld) *fixtures.Target { return e.SmallAction }
func tagPush(e *fixtures.EventsWorld) *fixtures.Target  { return e.TagPush }

var eventAttacks = []eventAttack{
	// A push.
	{name: "an altered command", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		commandOf(t.Decision, func(s string) string { return s + " && curl evil" })
	}, rule: trace.RuleDiffersFromTree},
	{name: "another scope", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Definition["scopes"] = append(t.Decision.Definition["scopes"].([]any), "assume:mallory")
	}, rule: trace.RuleDiffersFromTree},
	{name: "a claimed commit that is a command", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		variables(t.Decision)["APP_BASE_REV"] = "$(curl evil)"
	}, rule: trace.RuleContextUnvouched},
	{name: "an owner that is a command", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		owner := object(t.Decision.Definition, "metadata")["owner"].(string)
		t.Decision.Replace(owner, "x;curl evil")
	}, rule: trace.RuleContextUnvouched},
	{name: "a claim in one place alone", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		object(t.Decision.Definition, "metadata")["owner"] = "mallory@example.org"
	}, rule: trace.RuleDiffersFromTree},
	{name: "a commit of a fork", target: push, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace(e.Push.Decision.Graph().Origin.Revision, e.ForkPull.HeadSHA)
	}, rule: trace.RuleRevisionNotInTree},
	{name: "a commit of another branch", target: push, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace(e.Push.Decision.Graph().Origin.Revision, e.Feature.Head.SHA)
	}, rule: trace.RuleRevisionNotInTree},
	{name: "a commit that is nowhere", target: push, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace(e.Push.Decision.Graph().Origin.Revision, strings.Repeat("ab", 20))
	}, rule: trace.RuleRevisionNotInTree},
	{name: "a branch that policy does not trust", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace("refs/heads/main", "refs/heads/feature/new")
	}, rule: trace.RuleUntrustedContrib},
	{name: "a changed template", target: push, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		editTree(commitOf(e.App, t), "maxRunTime: 1800", "maxRunTime: 1801")
	}, rule: trace.RuleDiffersFromTree},
	{name: "a template that wants what no service says", target: push, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		editTree(commitOf(e.App, t), "maxRunTime: 1800", "maxRunTime: {$eval: 'event.forced'}")
	}, rule: trace.RuleContextUnvouched},
	{name: "a template of a version that nobody renders", target: push, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		editTree(commitOf(e.App, t), "version: 1\n", "version: 0\n")
	}, rule: trace.RuleTemplateError},
	{name: "a repository of another owner", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace("example-org/app", "contributor/app")
	}, rule: trace.RuleUntrustedContrib},
	{name: "a repository on another host", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace("github.com", "github.example.com")
	}, rule: trace.RuleRepositoryUntrusted},
	{name: "a repository on a Mercurial host", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace("github.com", fixtures.Host)
	}, rule: trace.RuleRepositoryUntrusted},
	{name: "another event", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		object(t.Decision.Definition, "extra")["tasks_for"] = "github-release"
	}, rule: trace.RuleRevisionNotInTree},
	{name: "a merge's owner", target: merged, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		object(t.Decision.Definition, "tags")["createdForUser"] = "mallory@example.org"
	}, rule: trace.RuleDiffersFromTree},

	{name: "a build that checks out another repository", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		both(t.Build, func(d fixtures.Object) {
			object(d, "payload", "env")["APP_HEAD_REPOSITORY"] = "https://github.com/mallory/app"
		})
	}, rule: trace.RuleSourceMismatch},
	{name: "a build that checks out another revision", target: push, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		both(t.Build, func(d fixtures.Object) { object(d, "payload", "env")["APP_HEAD_REV"] = strings.Repeat("ab", 20) })
	}, rule: trace.RuleSourceMismatch},

	// A tag and a release.
	{name: "a tag that was moved", target: tagPush, edit: func(e *fixtures.EventsWorld, _ *fixtures.Target) {
		tagOf(e.App, "v1.2.0-build1").Commit = e.App.Main().Head
	}, rule: trace.RuleRevisionNotInTree},
	{name: "a tag that is gone", target: tagPush, edit: func(e *fixtures.EventsWorld, _ *fixtures.Target) {
		removeTag(e.App, "v1.2.0-build1")
	}, rule: trace.RuleRevisionNotInTree},
	{name: "a release's tag on a branch of level 1", target: release, edit: func(e *fixtures.EventsWorld, _ *fixtures.Target) {
		e.Tag.Commit = e.Feature.Head
	}, rule: trace.RuleUntrustedContrib},
	{name: "a release whose tag was moved", target: release, edit: func(e *fixtures.EventsWorld, _ *fixtures.Target) {
		e.Tag.Commit = e.App.Main().Head
		editTree(e.App.Main().Head, "maxRunTime: 1800", "maxRunTime: 1801")
	}, rule: trace.RuleDiffersFromTree},
	{name: "a release that is gone", target: release, edit: func(e *fixtures.EventsWorld, _ *fixtures.Target) { e.App.Releases = nil }, rule: trace.RuleRevisionNotInTree},
	{name: "a release with another scope", target: release, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Definition["scopes"] = []any{"assume:repo:github.com/example-org/app:*"}
	}, rule: trace.RuleDiffersFromTree},
	{name: "a tag that is no tag", target: release, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace("v1.2.0", "../v1.2.0")
	}, rule: trace.RuleRevisionNotInTree},

	// Cron.
	{name: "hostile arguments of a job", target: ghCron, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace("file_update", "x;curl evil")
	}, rule: trace.RuleDiffersFromTree},
	{name: "a job at a commit of a fork", target: ghCron, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace(t.Decision.Graph().Origin.Revision, e.ForkPull.HeadSHA)
	}, rule: trace.RuleRevisionNotInTree},
	{name: "hostile arguments in an old tree", target: oldCron, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace("nightly_desktop", "x;curl evil")
	}, rule: trace.RuleDiffersFromTree},

	// A pull request.
	{name: "a commit of another pull request", target: pull, accept: true, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		variables(t.Decision)["APP_PULL_REQUEST_NUMBER"] = "2"
	}, rule: trace.RuleRevisionNotInTree},
	{name: "a commit that the request does not add", target: pull, accept: true, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Replace(t.Decision.Graph().Origin.Revision, e.App.Main().Head.SHA)
	}, rule: trace.RuleRevisionNotInTree},
	{name: "no number", target: pull, accept: true, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		delete(variables(t.Decision), "APP_PULL_REQUEST_NUMBER")
	}, rule: trace.RuleContextUnvouched},
	{name: "a request that is not there", target: pull, accept: true, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		variables(t.Decision)["APP_PULL_REQUEST_NUMBER"] = "99"
	}, rule: trace.RuleRevisionNotInTree},
	{name: "somebody else's name", target: pull, accept: true, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		object(t.Decision.Definition, "metadata")["owner"] = "mallory@users.noreply.github.com"
	}, rule: trace.RuleDiffersFromTree},
	{name: "the role of a push", target: pull, accept: true, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Definition["scopes"] = []any{"assume:repo:github.com/example-org/app:branch:main"}
	}, rule: trace.RuleDiffersFromTree},
	{name: "the role of a trusted request", accept: true, target: func(e *fixtures.EventsWorld) *fixtures.Target { return e.PullRequestUntrusted }, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Definition["scopes"] = []any{"assume:repo:github.com/example-org/app:pull-request"}
	}, rule: trace.RuleDiffersFromTree},

	// Actions.
	{name: "an action that nobody offers on GitHub", target: ghAction, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		object(t.Action.Definition, "extra", "action")["name"] = "mallory"
	}, rule: trace.RuleActionUnknown},
	{name: "an action with another input", target: ghAction, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		object(t.Action.Definition, "extra", "action", "context")["input"] = fixtures.Object{"times": "many"}
		variables(t.Action)["ACTION_INPUT"] = `{"times":"many"}`
	}, rule: trace.RuleActionInput},
	{name: "an action's altered command", target: ghAction, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		commandOf(t.Action, func(s string) string { return s + " && curl evil" })
	}, rule: trace.RuleDiffersFromTree},
	{name: "a generic action that reads its parameters from itself", target: ghAction, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		variables(t.Action)["ACTION_TASK_GROUP_ID"] = t.Action.ID
	}, rule: trace.RuleDiffersFromTree},
	{name: "a client that is no client", target: ghAction, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Action.Replace(fixtures.ClientID, "$(curl evil)")
	}, rule: trace.RuleContextUnvouched},
	{name: "a client in what the task runs", target: ghAction, edit: func(e *fixtures.EventsWorld, t *fixtures.Target) {
		editTree(commitOf(e.App, t), "ACTION_CALLBACK: '${action.cb_name}'", "ACTION_CALLBACK: '${action.cb_name}'\n                      WHO: '${clientId}'")
		variables(t.Action)["WHO"] = fixtures.ClientID
	}, rule: trace.RuleContextUnvouched},
	{name: "a pull request's action with the role of a push's", target: pullAct, accept: true, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Action.Definition["scopes"] = []any{"assume:repo:github.com/example-org/app:action:generic"}
	}, rule: trace.RuleDiffersFromTree},

	// A tree that leaves much to the services.
	{name: "times that are apart", target: small, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Definition["deadline"] = "2026-06-16T23:00:00.000Z"
	}, rule: trace.RuleDiffersFromTree},
	{name: "a route beside the service's", target: small, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Definition["routes"] = append(t.Decision.Definition["routes"].([]any), "index.mallory")
	}, rule: trace.RuleDiffersFromTree},
	{name: "both of the service's routes", target: small, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Decision.Definition["routes"] = []any{"checks", "statuses"}
	}, rule: trace.RuleDiffersFromTree},
	{name: "an action with another scope", target: smallAct, edit: func(_ *fixtures.EventsWorld, t *fixtures.Target) {
		t.Action.Definition["scopes"] = []any{"assume:repo:github.com/example-com/*"}
	}, rule: trace.RuleDiffersFromTree},
}

// commitOf is the commit that a target was made for.
func commitOf(r *fixtures.GitHubRepository, t *fixtures.Target) *fixtures.Commit {
	sha := t.Decision.Graph().Origin.Revision
	for c := []*fixtures.Commit{r.Main().Head}; len(c) > 0; c = append(c[1:], c[0].Parents...) {
		if c[0].SHA == sha {
			return c[0]
		}
	}
	panic("no commit " + sha)
}

func tagOf(r *fixtures.GitHubRepository, name string) *fixtures.Tag {
	return r.Tags[slices.IndexFunc(r.Tags, func(t *fixtures.Tag) bool { return t.Name == name })]
}

func removeTag(r *fixtures.GitHubRepository, name string) {
	r.Tags = slices.DeleteFunc(r.Tags, func(t *fixtures.Tag) bool { return t.Name == name })
}

func TestEventAttacks(t *testing.T) {
	for _, a := range eventAttacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			world := fixtures.Events(1)
			w := serveWorld(t, world.World)
			honest := trace.Verified
			if a.accept {
				w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
				honest = trace.Accepted
			}
			target := a.target(world)
			wantVerdict(t, w.verify(target.Build.ID), honest) // the twin
			w.Edit(func() { a.edit(world, target) })
			wantRefused(t, w.verify(target.Build.ID), a.rule)
		})
	}
}

// What no service can confirm is taken in a strict syntax, and said.
func TestClaimsOfEventsAreSaid(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	r := w.verify(world.Push.Build.ID)
	wantVerdict(t, r, trace.Verified)
	var claimed map[string]any
	for _, task := range r.Tasks {
		for _, f := range task.Findings {
			if f.Rule == trace.RuleTaskClaimed && task.TaskID == world.Push.Decision.ID {
				claimed, _ = f.Got.(map[string]any)
			}
		}
	}
	for _, name := range []string{"event.before", "event.pusher.email"} {
		if claimed[name] == nil {
			t.Errorf("%s is not said to be the task's own word: %v", name, claimed)
		}
	}
}

// A push that the template needs no more for than git says spends nothing of the
// API's rate limit.
func TestPushSpendsNoRateLimit(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	wantVerdict(t, w.verify(world.AppTwoPush.Build.ID), trace.Verified)
	if n := w.server.Count("/api/repos"); n != 0 {
		t.Errorf("%d requests to GitHub's API, want none", n)
	}
}

func listedBranches(p string) string {
	return strings.Replace(p, `(-two|-legacy)?"}`, `(-two|-legacy)?", branches: [main, "releases_*"]}`, 1)
}

// Branches that policy lists win over the project list.
func TestListedBranches(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	w.policy = listedBranches
	wantVerdict(t, w.verify(world.ReleasesPush.Build.ID, world.Push.Build.ID), trace.Verified)
	w.policy = func(p string) string { return strings.Replace(listedBranches(p), ", \"releases_*\"", "", 1) }
	wantVerdict(t, w.verify(world.Push.Build.ID), trace.Verified)
	wantRefused(t, w.verify(world.ReleasesPush.Build.ID), trace.RuleUntrustedContrib)
}

// What can't be had of GitHub leaves a chain undetermined, and so does a branch
// that is gone; neither is trusted.
func TestGitHubUndetermined(t *testing.T) {
	for name, edit := range map[string]func(e *fixtures.EventsWorld, w *served) *fixtures.Target{
		"the API is down": func(e *fixtures.EventsWorld, w *served) *fixtures.Target {
			w.server.Fault(fixtures.Fault{Service: fixtures.GitHub, Match: fixtures.PathHas("/api/"), Status: http.StatusServiceUnavailable})
			return e.GitHubRelease
		},
		"files and the API are down": func(e *fixtures.EventsWorld, w *served) *fixtures.Target {
			w.server.Fault(fixtures.Fault{Service: fixtures.GitHub, Match: fixtures.PathHas("/raw/"), Status: http.StatusServiceUnavailable})
			w.server.Fault(fixtures.Fault{Service: fixtures.GitHub, Match: fixtures.PathHas("/api/"), Status: http.StatusServiceUnavailable})
			return e.AppTwoPush
		},
		"the branch is gone": func(e *fixtures.EventsWorld, w *served) *fixtures.Target {
			w.policy = listedBranches // the project list forgets a branch that is gone
			w.Edit(func() { e.Releases.Delete() })
			return e.ReleasesPush
		},
		"the project list is down": func(e *fixtures.EventsWorld, w *served) *fixtures.Target {
			w.server.Fault(fixtures.Fault{Match: fixtures.PathHas("projects.yml"), Status: http.StatusServiceUnavailable})
			return e.Push
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := fixtures.Events(1)
			w := serveWorld(t, world.World)
			wantVerdict(t, w.verify(edit(world, w).Build.ID), trace.Undetermined)
		})
	}
}

// A release may come from a branch that only a wildcard names.
func TestReleaseFromABranchOfAWildcard(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	var release, tagged *fixtures.Task
	w.Edit(func() {
		r := world.App.Release(world.App.Tag("v1.2.1", world.Releases.Head))
		r.Target = world.Releases.Name
		release = r.Decision()
		tagged = world.App.Tag("v1.2.1-build1", world.Releases.Head).Push().Decision()
	})
	w.policy = listedBranches
	wantVerdict(t, w.verify(release.ID), trace.Verified)
	wantVerdict(t, w.verify(tagged.ID), trace.Verified)
	w.policy = func(p string) string { return strings.Replace(listedBranches(p), "releases_*", "release-*", 1) }
	for _, task := range []*fixtures.Task{release, tagged} {
		wantRefused(t, w.verify(task.ID), trace.RuleUntrustedContrib)
	}
}

// An annotated tag's push names the tag's object; it stands for its commit.
func TestPushOfAnAnnotatedTag(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	var decision *fixtures.Task
	w.Edit(func() { decision = world.Tag.Push().Decision() })
	r := w.verify(decision.ID)
	wantVerdict(t, r, trace.Verified)
	if got := r.Tasks[0].Tree.Revision; got != world.Tag.Commit.SHA {
		t.Errorf("revision %s, want the tag's commit %s", got, world.Tag.Commit.SHA)
	}
}

// Nothing of a repository that policy does not trust is read unless the caller
// accepts contributions, and of a host that it does not name never.
func TestNothingIsReadOfContributions(t *testing.T) {
	world := fixtures.Events(1)
	w := serveWorld(t, world.World)
	w.options.AcceptUnsignedPools = true
	for _, target := range []*fixtures.Target{world.FeaturePush, world.PullRequest, world.PullRequestUntrusted, world.PullAction} {
		w.server.ClearLog()
		wantVerdict(t, w.verify(target.Build.ID), trace.Untrusted)
		for _, request := range w.server.Requests() {
			if request.Service == fixtures.GitHub {
				t.Errorf("%s: %s %s was asked for", target.Name, request.Method, request.Path)
			}
		}
	}
}
