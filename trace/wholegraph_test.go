package trace_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
)

// verifyGroups judges whole groups.
func (w *served) verifyGroups(target trace.GraphTarget, ids ...string) *trace.Report {
	w.t.Helper()
	for _, s := range ids {
		id, err := graph.ParseTaskID(s)
		if err != nil {
			w.t.Fatal(err)
		}
		target.Groups = append(target.Groups, id)
	}
	r, err := w.verifier().VerifyGraph(w.t.Context(), target)
	if err != nil {
		w.t.Fatal(err)
	}
	wantValid(w.t, r)
	return r
}

// A group of every kind of task: what is signed is judged, what failed or is
// unsigned is listed.
func TestWholeGroup(t *testing.T) {
	w := serve(t)
	w.Edit(func() { w.ForeignSigner.Last().Document.Key = nil })
	r := w.verifyGroups(trace.GraphTarget{}, w.Decision.ID)
	wantVerdict(t, r, trace.Verified)
	status := map[string]trace.Task{}
	for _, task := range r.Tasks {
		status[task.TaskID] = task
	}
	for task, want := range map[*fixtures.Task]string{
		w.Build: "judged", w.Signing: "judged", w.Decision: "judged", w.FailedBuild: "failed", w.Unsigned: "unsigned",
	} {
		got := status[task.ID]
		if got.Status != want || got.Verdict.OK() != (want == "judged") {
			t.Errorf("%s: %s, %s; want status %s", task.Label, got.Status, got.Verdict, want)
		}
	}
	if !hasWarning(status[w.Unsigned.ID], trace.RuleUnsignedTask) {
		t.Errorf("the unsigned task: %+v", status[w.Unsigned.ID].Findings)
	}
	if s := r.Summary; s.Listed != 2 || s.Unsigned != 1 || s.Untrusted != 0 || s.Verified != s.Tasks-2 {
		t.Errorf("summary %+v", s)
	}
	if g := r.Target.Groups; len(g) != 1 || g[0].ID != w.Decision.ID || g[0].Sealed != nil || !strings.Contains(strings.Join(r.Notes, " "), "not sealed") {
		t.Errorf("groups %+v, notes %q", g, r.Notes)
	}
}

func hasWarning(task trace.Task, rule trace.Rule) bool {
	return slices.ContainsFunc(task.Findings, func(f trace.Finding) bool { return f.Rule == rule && f.Severity == trace.SeverityWarning })
}

// honestGroup is the standard group without what is broken on purpose.
func honestGroup(w *served) { w.ForeignSigner.Last().Document.Key = nil }

// groupAttacks differ in one thing from TestWholeGroup.
var groupAttacks = []struct {
	name    string
	edit    func(w *served)
	rule    trace.Rule
	verdict trace.Verdict // empty: untrusted
	target  func(w *served) trace.GraphTarget
	group   func(w *served) string // nil: the decision's
}{
	{name: "a task's document is forged", edit: func(w *served) { w.D2G.Last().Document.Key = w.Keys.Foreign }, rule: trace.RuleSignatureInvalid},
	{name: "a judged task takes from an unsigned one", edit: func(w *served) { takeFrom(w.Build, w.Unsigned) }, rule: trace.RuleInputUnverified},
	{name: "a judged task takes from a failed one", edit: func(w *served) { takeFrom(w.Build, w.FailedBuild) }, rule: trace.RuleInputUnverified},
	{name: "a task that is in no graph", edit: func(w *served) { w.Rerun.Entry.Hidden = true }, rule: trace.RuleNotInTaskGraph},
	{name: "an altered decision", edit: func(w *served) { commandOf(w.Decision, func(s string) string { return s + "x" }) }, rule: trace.RuleDiffersFromTree},
	{name: "a task that ran before what it depends on", edit: func(w *served) {
		w.Signing.Last().Scheduled = w.Build.Last().Started.Add(-3600 * 1e9)
	}, rule: trace.RuleDependencyUnresolved},
	{name: "unsigned tasks, which policy refuses", edit: refuseUnsigned, rule: trace.RuleUnsignedTask},
	{name: "unsigned tasks that name each other as parents", edit: func(w *served) {
		refuseUnsigned(w)
		w.D2G.Last().Unsign()
		object(w.Unsigned.Definition, "extra")["parent"] = w.D2G.ID
		object(w.D2G.Definition, "extra")["parent"] = w.Unsigned.ID
	}, rule: trace.RuleUnsignedTask},
	{name: "nothing is signed", edit: unsignAll, rule: trace.RuleEvidenceUnavailable},
	{name: "nothing is finished", edit: func(w *served) {
		for _, task := range w.Tasks() {
			if task.Definition["taskGroupId"] == w.Decision.ID {
				task.Runs = task.Runs[:1]
				stillRunning(task.Last())
			}
		}
	}, rule: trace.RuleEvidenceUnavailable, verdict: trace.Undetermined},
	{name: "a group of unsigned tasks that depends on a good one", edit: func(w *served) {
		w.Unsigned.Definition["taskGroupId"] = unsignedGroup
		object(w.Unsigned.Definition, "extra")["parent"] = w.Decision.ID
	}, group: func(*served) string { return unsignedGroup }, rule: trace.RuleEvidenceUnavailable},
	{name: "a completed task that depends on the running one", edit: func(w *served) {
		w.Rerun.Entry.Hidden = true
		dependOn(w.Rerun, w.GenericBuild)
		stillRunning(w.GenericBuild.Last())
	}, target: func(w *served) trace.GraphTarget { return inTask(w, w.GenericBuild) }, rule: trace.RuleNotInTaskGraph},
	{
		name: "the running task is said to be one that all depends on", edit: func(w *served) { w.D2G.Last().Document.Key = w.Keys.Foreign },
		target: func(w *served) trace.GraphTarget { return inTask(w, w.Decision) }, rule: trace.RuleSignatureInvalid,
	},
	{name: "an unsigned task depends on the running one", edit: func(w *served) {
		refuseUnsigned(w)
		dependOn(w.Unsigned, w.GenericBuild)
		stillRunning(w.GenericBuild.Last())
	}, target: func(w *served) trace.GraphTarget { return inTask(w, w.GenericBuild) }, rule: trace.RuleUnsignedTask},
	{name: "a dependency of another group is gone", edit: func(w *served) {
		both(w.Build, func(d fixtures.Object) {
			d["dependencies"] = append(slices.Clone(d["dependencies"].([]any)), w.ReleaseBuild.ID)
		})
		w.Build.Entry.Dependencies["x"] = w.ReleaseBuild.ID
		w.ReleaseBuild.Gone = true
	}, rule: trace.RuleEvidenceUnavailable},
	{
		name: "a task is run again", edit: func(w *served) { stillRunning(w.Signing.Rerun()) },
		target: func(*served) trace.GraphTarget { return trace.GraphTarget{RequireFinished: true} },
		rule:   trace.RuleRunNotCompleted, verdict: trace.Undetermined,
	},
	{name: "previous graphs that are no ids", edit: func(w *served) { promotionIn(w, "x") }, rule: trace.RuleActionInput},
}

const unsignedGroup = "BBBBBBBBQBBBBBBBBBBBBA"

func refuseUnsigned(w *served) {
	w.policy = func(p string) string {
		return strings.Replace(p, "    envPrefix: GECKO\n", "    envPrefix: GECKO\n    unsignedTasks: refuse\n", 1)
	}
}

func unsignAll(w *served) {
	for _, task := range w.Tasks() {
		for _, r := range task.Runs {
			r.Unsign()
		}
	}
}

func dependOn(task, on *fixtures.Task) {
	list, _ := task.Definition["dependencies"].([]any)
	task.Definition["dependencies"] = append(slices.Clone(list), on.ID)
}

func inTask(w *served, task *fixtures.Task) trace.GraphTarget {
	return trace.GraphTarget{Self: mustTarget(w.t, task.ID).Task}
}

// promotionIn adds a release promotion and a build of its.
func promotionIn(w *served, previous any) *fixtures.Task {
	promote := w.Graph.Action("release-promotion", nil, fixtures.Object{
		"build_number": 1, "release_promotion_flavor": "promote_firefox", "previous_graph_ids": previous,
	})
	buildIn(promote)
	return promote
}

func TestGroupAttacks(t *testing.T) {
	for _, a := range groupAttacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			w.Edit(func() { honestGroup(w); a.edit(w) })
			group, target, verdict := w.Decision.ID, trace.GraphTarget{}, trace.Untrusted
			if a.group != nil {
				group = a.group(w)
			}
			if a.target != nil {
				target = a.target(w)
			}
			if a.verdict != "" {
				verdict = a.verdict
			}
			r := w.verifyGroups(target, group)
			wantVerdict(t, r, verdict)
			if !slices.ContainsFunc(r.Findings, func(f trace.Finding) bool { return f.Rule == a.rule && f.Severity == trace.SeverityError }) {
				wantRule(t, r, a.rule)
			}
		})
	}
}

// Each differs in one thing from an attack on a group.
func TestGroupTwins(t *testing.T) {
	for name, edit := range map[string]func(w *served){
		"an unsigned task depends on the running one": func(w *served) {
			dependOn(w.Unsigned, w.GenericBuild)
			stillRunning(w.GenericBuild.Last())
		},
		"a dependency of another group": func(w *served) {
			both(w.Build, func(d fixtures.Object) {
				d["dependencies"] = append(slices.Clone(d["dependencies"].([]any)), w.ReleaseBuild.ID)
			})
			w.Build.Entry.Dependencies["x"] = w.ReleaseBuild.ID
		},
		"a dependency of an unsigned task is gone": func(w *served) {
			dependOn(w.Unsigned, w.ReleaseBuild)
			w.ReleaseBuild.Gone = true
		},
		"previous graphs": func(w *served) { promotionIn(w, []any{w.Twice.ID}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			w.Edit(func() { honestGroup(w); edit(w) })
			wantVerdict(t, w.verifyGroups(inTask(w, w.GenericBuild), w.Decision.ID), trace.Verified)
		})
	}
}

// What a group's statement is about are artifacts of tasks that were judged.
func TestVouchedOfAGroup(t *testing.T) {
	w := serve(t)
	w.Edit(func() {
		honestGroup(w)
		takeFrom(w.Unsigned, w.FailedBuild) // so that its document is looked at
		w.FailedBuild.Entry.Hidden = true
	})
	r := w.verifyGroups(trace.GraphTarget{}, w.Decision.ID)
	wantVerdict(t, r, trace.Verified)
	of := map[string]bool{}
	for a := range r.Vouched() {
		of[a.TaskID] = true
	}
	if of[w.FailedBuild.ID] || !of[w.Build.ID] {
		t.Errorf("vouched for: %v", of)
	}
}

// A promotion's group is named by its action, which is in another.
func TestGroupOfAPromotion(t *testing.T) {
	w := serve(t)
	var promote *fixtures.Task
	w.Edit(func() {
		honestGroup(w)
		promote = promotionIn(w, []any{w.Decision.ID})
	})
	r := w.verifyGroups(trace.GraphTarget{}, promote.ID)
	wantVerdict(t, r, trace.Verified)
	if len(r.Target.Groups) != 2 {
		t.Errorf("groups %+v", r.Target.Groups)
	}
	w.Edit(func() { w.D2G.Last().Document.Key = w.Keys.Foreign }) // nobody's input
	wantVerdict(t, w.verifyGroups(trace.GraphTarget{}, promote.ID), trace.Untrusted)
}

// What is unfinished is listed, unless the caller wants it finished.
func TestUnfinishedTasksOfAGroup(t *testing.T) {
	w := serve(t)
	w.Edit(func() {
		honestGroup(w)
		stillRunning(w.Signing.Last())
	})
	wantVerdict(t, w.verifyGroups(trace.GraphTarget{}, w.Decision.ID), trace.Verified)
	wantVerdict(t, w.verifyGroups(trace.GraphTarget{RequireFinished: true}, w.Decision.ID), trace.Undetermined)
	self, err := graph.ParseTaskID(w.Signing.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, w.verifyGroups(trace.GraphTarget{RequireFinished: true, Self: self}, w.Decision.ID), trace.Verified)
}

// A group that is not there, and a release promotion's previous graphs.
func TestGroups(t *testing.T) {
	w := serve(t)
	w.Edit(func() { honestGroup(w) })
	r := w.verifyGroups(trace.GraphTarget{}, w.Decision.ID, "BBBBBBBBQBBBBBBBBBBBBA")
	wantVerdict(t, r, trace.Untrusted)
	if len(r.Findings) != 1 || r.Findings[0].Rule != trace.RuleEvidenceUnavailable {
		t.Errorf("findings %+v", r.Findings)
	}
	var promote *fixtures.Task
	w.Edit(func() {
		promote = w.Graph.Action("release-promotion", nil, fixtures.Object{
			"build_number": 1, "release_promotion_flavor": "promote_firefox", "previous_graph_ids": []any{w.Decision.ID, w.Twice.ID},
		})
		buildIn(promote)
	})
	r = w.verifyGroups(trace.GraphTarget{}, w.Decision.ID)
	wantVerdict(t, r, trace.Verified)
	var ids []string
	for _, g := range r.Target.Groups {
		ids = append(ids, g.ID)
	}
	if want := []string{w.Decision.ID, w.Twice.ID}; !slices.Equal(ids, want) {
		t.Errorf("groups %q, want %q", ids, want)
	}
}
