package trace_test

import (
	"fmt"
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
		name string
		edit func(t *fixtures.Target)
		rule trace.Rule
		says []string
	}{
		{"an untrusted branch", func(t *fixtures.Target) {
			t.Decision.Replace("refs/heads/main", "refs/heads/feature/new")
		}, trace.RuleUntrustedContrib, []string{"/payload/env/APP_HEAD_REF: ", "branch feature/new is not one that", "expected main"}},
		{"an owner that is a command", func(t *fixtures.Target) {
			owner := object(t.Decision.Definition, "metadata")["owner"].(string)
			t.Decision.Replace(owner, "x;curl evil")
		}, trace.RuleContextUnvouched, []string{"/metadata/owner: ", "event.pusher.email", "expected 1 to 100", "found x;curl evil"}},
		{"an unreadable input", func(t *fixtures.Target) {
			object(t.Decision.Definition, "payload", "env")["MOZ_FETCHES"] = "[{"
		}, trace.RuleUndeclaredInput, []string{"/payload/env/MOZ_FETCHES: ", "correct what the task states"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			world := fixtures.Events(1)
			w := serveWorld(t, world.World)
			w.Edit(func() { tt.edit(world.Push) })
			wantSaid(t, w.verify(world.Push.Build.ID), tt.rule, tt.says...)
		})
	}
}

func TestHintsOfChains(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(w *served)
		rule trace.Rule
		says []string
	}{
		{"parents in a circle", func(w *served) {
			object(w.Build.Definition, "extra")["parent"] = w.D2G.ID
			object(w.D2G.Definition, "extra")["parent"] = w.Build.ID
		}, trace.RuleChainTooLong, []string{"no honest graph has a circle"}},
		{"a dependency that was dropped", func(w *served) {
			w.Build.Definition["dependencies"] = []any{}
		}, trace.RuleUndeclaredDependency, []string{"lacks a dependency"}},
		{"a task graph over the limit", func(w *served) {
			w.policy = func(p string) string { return p + "\nlimits: {maxTaskGraphBytes: 1KiB}\n" }
		}, trace.RuleArtifactUnavailable, []string{"raise limits.maxTaskGraphBytes"}},
		{"an event that is not stated", func(w *served) {
			delete(object(w.Decision.Definition, "extra"), "tasks_for")
		}, trace.RuleTasksFor, []string{"no extra.tasks_for"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := serve(t)
			w.Edit(func() { tt.edit(w) })
			wantSaid(t, w.verify(w.Build.ID), tt.rule, tt.says...)
		})
	}
}

func TestHintsOfActions(t *testing.T) {
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
	} {
		t.Run(tt.name, func(t *testing.T) {
			world := fixtures.Events(1)
			w := serveWorld(t, world.World)
			w.Edit(func() { tt.edit(world.GitHubAction.Action.Definition) })
			wantSaid(t, w.verify(world.GitHubAction.Action.ID), tt.rule, tt.says...)
		})
	}
}
