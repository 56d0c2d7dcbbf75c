package trace_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// wantSaid wants a finding of the rule that says all of the texts.
func wantSaid(t *testing.T, r *trace.Report, rule trace.Rule, texts ...string) {
	t.Helper()
	var seen []string
next:
	for _, f := range findingsOf(r, rule) {
		said := fmt.Sprintf("%s: %s; expected %v, found %v; %s", f.Path, f.Message, f.Want, f.Got, f.Hint)
		seen = append(seen, said)
		for _, text := range texts {
			if !strings.Contains(said, text) {
				continue next
			}
		}
		return
	}
	t.Errorf("no finding of %s says %q:\n%s", rule, texts, strings.Join(seen, "\n"))
}

func findingsOf(r *trace.Report, rule trace.Rule) []trace.Finding {
	all := append([]trace.Finding{}, r.Findings...)
	for _, task := range r.Tasks {
		all = append(all, task.Findings...)
	}
	var out []trace.Finding
	for _, f := range all {
		if f.Rule == rule {
			out = append(out, f)
		}
	}
	return out
}

// A contribution's finding names every flag that it needs.
func TestHintsOfATryPush(t *testing.T) {
	w := serve(t)
	r := w.verify(w.TryBuild.ID)
	wantSaid(t, r, trace.RuleUntrustedContrib, "add --accept-untrusted-tree --accept-unsigned-pools", "expected https://")
	w.options.AcceptUnsignedPools = true
	for _, f := range findingsOf(w.verify(w.TryBuild.ID), trace.RuleUntrustedContrib) {
		if strings.Contains(f.Hint, "unsigned") {
			t.Error(f.Hint)
		}
	}
}

func TestHintsOfEvents(t *testing.T) {
	for _, tt := range []struct {
		name   string
		target func(e *fixtures.EventsWorld) *fixtures.Target
		edit   func(e *fixtures.EventsWorld, w *served, t *fixtures.Target)
		rule   trace.Rule
		says   []string
	}{
		{"an untrusted branch", push, func(_ *fixtures.EventsWorld, _ *served, t *fixtures.Target) {
			t.Decision.Replace("refs/heads/main", "refs/heads/feature/new")
		}, trace.RuleUntrustedContrib, []string{"/payload/env/APP_HEAD_REF: ", "branch feature/new is not one that", "expected main"}},
		{"an owner that is a command", push, func(_ *fixtures.EventsWorld, _ *served, t *fixtures.Target) {
			owner := object(t.Decision.Definition, "metadata")["owner"].(string)
			t.Decision.Replace(owner, "x;curl evil")
		}, trace.RuleContextUnvouched, []string{"/metadata/owner: ", "event.pusher.email", "expected 1 to 100", "found x;curl evil"}},
		{"an unreadable input", push, func(_ *fixtures.EventsWorld, _ *served, t *fixtures.Target) {
			object(t.Decision.Definition, "payload", "env")["MOZ_FETCHES"] = "[{"
		}, trace.RuleUndeclaredInput, []string{"/payload/env/MOZ_FETCHES: ", "correct what the task states"}},
		{"a project list that is not there", push, func(_ *fixtures.EventsWorld, w *served, _ *fixtures.Target) {
			w.server.Fault(fixtures.Fault{Match: fixtures.PathHas("projects.yml"), Status: http.StatusNotFound})
		}, trace.RuleContextUnvouched, []string{"can't read the project list", "correct projects in the policy", "/projects.yml"}},
		{"a tag that was moved", tagPush, func(e *fixtures.EventsWorld, _ *served, _ *fixtures.Target) {
			tagOf(e.App, "v1.2.0-build1").Commit = e.App.Main().Head
		}, trace.RuleRevisionNotInTree, []string{"names another commit", "use the task that the tag's present commit started"}},
		{"a release whose tag was moved", release, func(e *fixtures.EventsWorld, _ *served, _ *fixtures.Target) {
			e.Tag.Commit = e.App.Main().Head
			editTree(e.App.Main().Head, "maxRunTime: 1800", "maxRunTime: 1801")
		}, trace.RuleDiffersFromTree, []string{"the tag was moved since", "trigger it again from the tree"}},
		{"a cron job that the tree does not have", ghCron, func(_ *fixtures.EventsWorld, _ *served, t *fixtures.Target) {
			t.Decision.Replace("periodic-update", "mallory")
		}, trace.RuleContextUnvouched, []string{"mallory", "expected ", "there is no such job at this revision"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			world := fixtures.Events(1)
			w := serveWorld(t, world.World)
			target := tt.target(world)
			w.Edit(func() { tt.edit(world, w, target) })
			wantSaid(t, w.verify(target.Build.ID), tt.rule, tt.says...)
		})
	}
}

func TestHintsOfChains(t *testing.T) {
	for _, tt := range []struct {
		name   string
		target func(w *served) *fixtures.Task
		edit   func(w *served)
		rule   trace.Rule
		says   []string
	}{
		{"parents in a circle", build, func(w *served) {
			object(w.Build.Definition, "extra")["parent"] = w.D2G.ID
			object(w.D2G.Definition, "extra")["parent"] = w.Build.ID
		}, trace.RuleChainTooLong, []string{"no honest graph has a circle"}},
		{"a dependency that was dropped", build, func(w *served) {
			w.Build.Definition["dependencies"] = []any{}
		}, trace.RuleUndeclaredDependency, []string{"lacks a dependency"}},
		{"a task graph over the limit", build, func(w *served) {
			w.policy = func(p string) string { return p + "\nlimits: {maxTaskGraphBytes: 1KiB}\n" }
		}, trace.RuleArtifactUnavailable, []string{"raise limits.maxTaskGraphBytes"}},
		{"an event that is not stated", build, func(w *served) {
			delete(object(w.Decision.Definition, "extra"), "tasks_for")
		}, trace.RuleTasksFor, []string{"no extra.tasks_for"}},
		{"a task that its parent did not make", build, func(w *served) {
			w.Build.Entry.Hidden = true
		}, trace.RuleNotInTaskGraph, []string{"is in no task graph of its parent", "use the task of that name that the parent scheduled"}},
		{"an index path that was written by hand", generic, func(w *served) {
			mountByNamespace(w, toolchainPath)
			w.Index[toolchainPath] = w.Rerun
		}, trace.RuleIndexedInput, []string{"does not have that route", "have the task name the other by its task id"}},
		{"products that may not feed each other", build, func(w *served) {
			w.policy = twoProducts("[]")
			takeFrom(w.Build, w.ReleaseBuild)
		}, trace.RuleProductMismatch, []string{"take the input from a task of firefox", "add release to products.firefox.inputsFrom"}},
		{"a restricted scope with a contribution in the chain", signing, func(w *served) {
			w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
			takeFrom(w.Build, w.TryBuild)
		}, trace.RuleRestrictedScope, []string{"comes from a contribution", "expected trees that policy trusts", "found https://hg.mozilla.org/try@", "find out how that task came into the chain"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := serve(t)
			w.Edit(func() { tt.edit(w) })
			wantSaid(t, w.verify(tt.target(w).ID), tt.rule, tt.says...)
		})
	}
}

func TestHintsOfActions(t *testing.T) {
	ids := fixtures.Events(1) // the same in every such world
	foreign, own := ids.TagPush.Build.ID, ids.GitHubAction.Action.ID
	for _, tt := range []struct {
		name string
		edit func(d fixtures.Object)
		rule trace.Rule
		says []string
	}{
		{
			"before its decision task", func(d fixtures.Object) { d["created"] = "2020-01-01T00:00:00.000Z" },
			trace.RuleContextUnvouched,
			[]string{"/created: ", "before any completed run", "expected after 2"},
		},
		{
			"another name", func(d fixtures.Object) { object(d, "extra", "action")["name"] = "no-such" },
			trace.RuleActionUnknown,
			[]string{"offers no such action", "trigger the action again"},
		},
		{
			"another callback", func(d fixtures.Object) { object(d, "payload", "env")["ACTION_CALLBACK"] = "no-such" },
			trace.RuleActionUnknown,
			[]string{"with another callback"},
		},
		{
			"on a task of another group", func(d fixtures.Object) {
				object(d, "extra", "action", "context")["taskId"] = foreign
				object(d, "payload", "env")["ACTION_TASK_ID"] = `"` + foreign + `"`
			},
			trace.RuleActionInput,
			[]string{"/extra/action/context/taskId: ", "expected a task of group ", "found " + foreign + " of group ", "on a task of the graph that is meant"},
		},
		{
			"without a parent", func(d fixtures.Object) {
				delete(object(d, "extra"), "parent")
				d["taskGroupId"] = own
			},
			trace.RuleTasksFor,
			[]string{"/extra/parent: ", "names none as its parent", "trigger the action again, by its hook"},
		},
		{
			"of pull requests on a push", func(d fixtures.Object) { object(d, "extra")["tasks_for"] = "pr-action" },
			trace.RuleTasksFor,
			[]string{"/extra/tasks_for: ", "was started for github-push", "the hook that the graph's actions.json names"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			world := fixtures.Events(1)
			w := serveWorld(t, world.World)
			w.Edit(func() { tt.edit(world.GitHubAction.Action.Definition) })
			wantSaid(t, w.verify(world.GitHubAction.Action.ID), tt.rule, tt.says...)
		})
	}
}
