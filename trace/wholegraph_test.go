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
	name string
	edit func(w *served)
	rule trace.Rule
}{
	{"a task's document is forged", func(w *served) { w.D2G.Last().Document.Key = w.Keys.Foreign }, trace.RuleSignatureInvalid},
	{"a judged task takes from an unsigned one", func(w *served) { takeFrom(w.Build, w.Unsigned) }, trace.RuleInputUnverified},
	{"a judged task takes from a failed one", func(w *served) { takeFrom(w.Build, w.FailedBuild) }, trace.RuleInputUnverified},
	{"a task that is in no graph", func(w *served) { w.Rerun.Entry.Hidden = true }, trace.RuleNotInTaskGraph},
	{"an altered decision", func(w *served) { commandOf(w.Decision, func(s string) string { return s + "x" }) }, trace.RuleDiffersFromTree},
	{"a task that ran before what it depends on", func(w *served) {
		w.Signing.Last().Scheduled = w.Build.Last().Started.Add(-3600 * 1e9)
	}, trace.RuleDependencyUnresolved},
	{"unsigned tasks, which policy refuses", func(w *served) {
		w.policy = func(p string) string {
			return strings.Replace(p, "    envPrefix: GECKO\n", "    envPrefix: GECKO\n    unsignedTasks: refuse\n", 1)
		}
	}, trace.RuleUnsignedTask},
}

func TestGroupAttacks(t *testing.T) {
	for _, a := range groupAttacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			w.Edit(func() { honestGroup(w); a.edit(w) })
			r := w.verifyGroups(trace.GraphTarget{}, w.Decision.ID)
			wantVerdict(t, r, trace.Untrusted)
			wantRule(t, r, a.rule)
		})
	}
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
