package main

import (
	"slices"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

func inPayload(member string, value any) func(*chain) {
	return planned(func(d fixtures.Object) { object(d, "payload")[member] = value })
}

func feature(name string, value any) func(*chain) {
	return planned(func(d fixtures.Object) { object(d, "payload", "features")[name] = value })
}

func granted(scope string) func(*chain) { return func(c *chain) { grant(c.build, scope) } }

var native = on(genericPush)

// states has the target say what kind of task it takes its files from.
func states(taskType string) func(*chain) {
	return func(c *chain) {
		both(c.signing, func(d fixtures.Object) {
			object(d, "payload")["upstreamArtifacts"].([]any)[0].(fixtures.Object)["taskType"] = taskType
		})
	}
}

var workerAttacks = []attack{
	{name: "an interactive docker task", on: plannable, edit: feature("interactive", true), rules: rules(trace.RuleInteractive)},
	{
		name: "an interactive native task", on: native, edit: feature("interactive", true), rules: rules(trace.RuleInteractive),
	},
	{
		name: "an interactive variable", on: plannable,
		edit:  planned(func(d fixtures.Object) { object(d, "payload", "env")["TASKCLUSTER_INTERACTIVE"] = "true" }),
		rules: rules(trace.RuleInteractive),
	},
	{name: "remote desktop", on: native, edit: inPayload("rdpInfo", "private/rdp.json"), rules: rules(trace.RuleInteractive)},
	{name: "a scope for remote desktop", on: native, edit: granted("generic-worker:allow-rdp:gecko-3/b-win2022"), rules: rules(trace.RuleInteractive)},
	{
		name: "a task run as the worker's user", on: native, edit: feature("runTaskAsCurrentUser", true), rules: rules(trace.RuleRunAsCurrentUser),
		why: "it can read the worker's signing key",
	},
	{
		name: "a task run as administrator", on: native, edit: feature("runAsAdministrator", true), rules: rules(trace.RuleRunAsCurrentUser),
		why: "it can read the worker's signing key",
	},
	{name: "mounts in a docker payload", on: plannable, edit: inPayload("mounts", []any{}), rules: rules(trace.RuleWorkerImplementation)},
	{
		name: "a tag of another implementation", on: inGraph,
		edit: planned(func(d fixtures.Object) { object(d, "tags")["worker-implementation"] = "scriptworker" }), rules: rules(trace.RuleWorkerImplementation),
	},
	{
		name: "a docker-worker scope of a native task", on: native, edit: granted("docker-worker:cache:x"), rules: rules(trace.RuleWorkerImplementation),
	},
	{name: "a build stated to be a docker-image", on: signed, edit: states("docker-image"), rules: rules(trace.RuleTaskType)},
	{name: "a build stated to be a scriptworker's", on: signed, edit: states("beetmover"), rules: rules(trace.RuleTaskType)},
	{name: "a build stated to be a decision", on: signed, edit: states("decision"), rules: rules(trace.RuleTaskType)},
	{
		name: "a decision stated to be a build", on: plannable,
		edit: func(c *chain) {
			both(c.build, func(d fixtures.Object) { object(d, "extra", "chainOfTrust", "inputs")["build"] = c.decision.ID })
		},
		rules: rules(trace.RuleTaskType),
		why:   "a task that takes an input for what it is not was not planned by the tree",
	},
}

// foreign is a scope of the product that no tree of the chain's may have.
const foreign = "project:releng:signing:cert:release-signing"

func firefox(c *chain) bool { return c.product() == "firefox" }

// below makes the chain one of a repository that is nobody's who may release.
func below(path, project string, scopes ...string) func(*chain) {
	return func(c *chain) {
		r := c.world.Repository(path, project, "3")
		r.Unlisted = true
		c.decision = r.Push("make it mine").Decision()
		g := c.decision.Graph()
		c.image = g.DockerImage("mine")
		c.build = g.Build("mine/opt", c.image)
		c.signing = g.Signing("mine/opt", scopes, fixtures.Upstream{Task: c.build})
	}
}

var scopeAttacks = []attack{
	{
		name: "a restricted scope of another tree", on: all(firefox, signed), edit: func(c *chain) { grant(c.signing, foreign) },
		rules: rules(trace.RuleRestrictedScope),
	},
	{
		name: "a scope that contains a restricted one of another tree", on: all(firefox, signed),
		edit:  func(c *chain) { grant(c.signing, "project:releng:signing:*") },
		rules: rules(trace.RuleRestrictedScope),
		why:   "whoever has `…:*` has all that it stands for; scriptworker compares it as a word",
	},
	{
		name: "a restricted scope of another tree, on the build that is signed", on: all(firefox, signed, inGraph), edit: granted(foreign),
		rules: rules(trace.RuleRestrictedScope),
		why:   "scriptworker looks at the scopes of the last task alone",
	},
	{
		name: "a restricted scope of a contribution", on: all((*chain).contribution, not(small)),
		edit: func(c *chain) {
			scope := "project:app:releng:signing:cert:release-signing"
			if !c.gitHub() {
				scope = foreign
			}
			grant(c.build, scope)
		},
		rules: rules(trace.RuleRestrictedScope),
		why:   "scriptworker knows repositories, not branches: whoever may push any branch of one has what its releases have",
	},
	{
		name: "a task of an unknown repository", on: on("hg-push"), edit: below("/users/someone/mozilla-fork", "mozilla-fork"),
		rules: rules(trace.RuleUntrustedContrib),
	},
	{
		name: "a task of a repository below a trusted one", on: on("hg-push"),
		edit:  below("/mozilla-central/mine", "mozilla-central", "project:releng:signing:cert:nightly-signing"),
		rules: rules(trace.RuleUntrustedContrib),
		why:   "patterns are of whole paths, or whoever may name a repository may name it so that it begins like a trusted one",
	},
	{
		name: "a build whose source is another repository", on: inGraph,
		edit: planned(func(d fixtures.Object) {
			object(d, "metadata")["source"] = "https://hg.mozilla.org/users/someone/evil/file/0123456789012345678901234567890123456789/x"
		}),
		rules: rules(trace.RuleSourceMismatch),
	},
	{
		name: "a build whose source is another revision", on: inGraph,
		edit: func(c *chain) {
			both(c.build, func(d fixtures.Object) {
				m := object(d, "metadata")
				m["source"] = replaced(m["source"].(string), c.origin().Revision, "0123456789012345678901234567890123456789")
			})
		},
		rules: rules(trace.RuleSourceMismatch),
		why:   "all of a graph is of one revision; scriptworker compares the repository alone",
	},
}

func small(c *chain) bool { return c.product() == "small" }

var harmless = []attack{
	{name: "another priority of the build", on: inGraph, edit: definition(func(d fixtures.Object) { d["priority"] = "very-high" })},
	{name: "another priority of what the event started", edit: started(func(d fixtures.Object) { d["priority"] = "highest" })},
	{
		name: "dependencies in another order", on: all(inGraph, docker),
		edit: definition(func(d fixtures.Object) {
			list := slices.Clone(d["dependencies"].([]any))
			slices.Reverse(list)
			d["dependencies"] = list
		}),
	},
	{
		name: "a dependency on the task group's own task", on: inGraph,
		edit: definition(func(d fixtures.Object) {
			if list := d["dependencies"].([]any); !slices.Contains(list, d["taskGroupId"]) {
				d["dependencies"] = added(list, d["taskGroupId"])
			}
		}),
	},
	{name: "interactive switched off", on: plannable, edit: feature("interactive", false)},
	{name: "a native task not run as administrator", on: native, edit: feature("runAsAdministrator", false)},
	{name: "a build stated to be a repackage", on: signed, edit: states("repackage")},
	{name: "a prebuilt image by tag where policy allows any", on: all(plannable, prebuilt), edit: runsIn("ubuntu:24.04")},
	{
		name: "a prebuilt image in the other spelling where policy allows any", on: all(plannable, prebuilt),
		edit: runsIn(fixtures.Object{"type": "docker-image", "name": "ubuntu:24.04"}),
	},
	{
		name: "a task queue's id in two parts", edit: started(func(d fixtures.Object) { delete(d, "taskQueueId") }),
	},
	{name: "the default project's id left out", edit: started(func(d fixtures.Object) { delete(d, "projectId") })},
	{
		name: "members that hold nothing", edit: started(func(d fixtures.Object) {
			object(d, "payload")["onExitStatus"] = fixtures.Object{}
		}),
	},
	{
		name: "an artifact that storage sends packed", bytes: true, on: signed, edit: func(c *chain) { c.build.Artifact(artifact).Gzip = true },
	},
	{name: "an input that is declared", on: plannable, edit: func(c *chain) { fetches(c, true) }},
}
