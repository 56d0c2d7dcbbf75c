package main

import (
	"strings"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// actsOn tells whether the parent is an action on a task, not on its group.
func actsOn(c *chain) bool {
	return acts(c) && object(c.action.Definition, "extra", "action", "context")["taskId"] != nil
}

// given is what the action says that its hook was given.
func given(c *chain) fixtures.Object {
	return object(c.action.Definition, "extra", "action", "context")
}

var actionAttacks = []attack{
	{
		name: "a callback that nobody offers", on: acts, edit: variable("ACTION_CALLBACK", "mallory"), rules: rules(trace.RuleActionUnknown),
	},
	{
		name: "another action's callback", on: acts,
		edit: func(c *chain) {
			other := "release-promotion"
			if variables(c.action)["ACTION_CALLBACK"] == other {
				other = "retrigger"
			}
			variables(c.action)["ACTION_CALLBACK"] = other
		},
		rules: rules(trace.RuleActionUnknown),
	},
	{
		name: "an action's name that nobody offers", on: acts,
		edit: started(func(d fixtures.Object) { object(d, "extra", "action")["name"] = "mallory" }), rules: rules(trace.RuleActionUnknown),
	},
	{
		name: "input beyond the action's schema", on: actsOn,
		edit: func(c *chain) {
			given(c)["input"] = fixtures.Object{"times": 1000}
			variables(c.action)["ACTION_INPUT"] = `{"times":1000}`
		},
		rules: rules(trace.RuleActionInput),
		why:   "scriptworker takes the input from the task under test and never reads the schema",
	},
	{
		name: "input that the variable alone has", on: actsOn, edit: variable("ACTION_INPUT", `{"times":3}`), rules: rules(trace.RuleDiffersFromTree),
	},
	{
		name: "a task of another group acted on", on: actsOn,
		edit: func(c *chain) {
			other := c.world.AppTwoPush.Build.ID
			given(c)["taskId"], variables(c.action)["ACTION_TASK_ID"] = other, `"`+other+`"`
		},
		rules: rules(trace.RuleActionInput),
		why:   "an action is on a task of the graph that offers it; scriptworker takes it from the task under test",
	},
	{
		name: "parameters of its own", on: all(acts, hg),
		edit: func(c *chain) { given(c)["parameters"] = fixtures.Object{"level": "3"} }, rules: rules(trace.RuleDiffersFromTree),
	},
	{
		name: "a client that is a command", on: all(acts, app), edit: func(c *chain) { c.action.Replace(fixtures.ClientID, evil) },
		rules: rules(trace.RuleContextUnvouched),
		why:   "scriptworker takes it from the task under test, in any syntax",
	},
	{
		name: "the scope of another permission", on: acts,
		edit: func(c *chain) {
			scopes := c.action.Definition["scopes"].([]any)
			scope := scopes[0].(string)
			scopes[0] = scope[:strings.LastIndex(scope, ":")+1] + "mallory"
		},
		rules: rules(trace.RuleDiffersFromTree),
	},
	{
		name: "a task group that is neither the decision nor the action", on: acts,
		edit: func(c *chain) { variables(c.action)["ACTION_TASK_GROUP_ID"] = c.stranger().ID }, rules: rules(trace.RuleDiffersFromTree),
		why: "scriptworker checks the group that it rebuilt, and then takes the one that the task claims",
	},
	{
		name: "an action of another decision", on: acts,
		edit: func(c *chain) {
			other := c.stranger().ID
			c.action.Definition["taskGroupId"] = other
			object(c.action.Definition, "extra")["parent"] = other
		},
		rules: rules(trace.RuleActionInput, trace.RuleDiffersFromTree, trace.RuleTasksFor),
	},
	{
		name: "actions that storage changed", on: acts,
		edit: func(c *chain) {
			c.decision.Artifact(trace.ActionsName).EditStored = func(b []byte) []byte { return append(b, '\n') }
		},
		rules: rules(trace.RuleArtifactHash),
	},
	{
		name: "actions that no document vouches for", on: acts,
		edit: func(c *chain) { c.decision.Artifact(trace.ActionsName).Unhashed = true }, rules: rules(trace.RuleArtifactNotInCot),
	},
	{
		name: "parameters that storage changed", on: all(acts, hg),
		edit: func(c *chain) {
			c.decision.Artifact(trace.ParametersName).EditStored = func(b []byte) []byte { return append(b, '\n') }
		},
		rules: rules(trace.RuleArtifactHash),
	},
	{
		name: "an action from before its decision ran", on: acts,
		edit: func(c *chain) { c.action.Definition["created"] = "2026-06-15T00:00:00.000Z" }, rules: rules(trace.RuleContextUnvouched, trace.RuleDiffersFromTree),
	},
}
