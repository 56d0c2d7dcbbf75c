package trace_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// sharded is the standard world whose decision's group has tasks that verify it in
// parts, and one that merges them.
type sharded struct {
	*served
	parts   []*fixtures.Task
	merge   *fixtures.Task
	target  trace.MergeTarget
	group   string
	reports [][]byte
	resume  func() // a task that a test paused
}

// shardsIn adds the tasks; the world may be changed before they run.
func shardsIn(t *testing.T, n int, prepare func(w *served)) *sharded {
	t.Helper()
	s := &sharded{served: serve(t)}
	s.options.Version = "v1"
	s.group = s.Decision.ID
	s.Edit(func() {
		honestGroup(s.served)
		for k := range n {
			s.parts = append(s.parts, s.Graph.Verification(fmt.Sprintf("part-%d", k+1)))
		}
		s.merge = s.Graph.Verification("merge")
		for _, p := range s.parts {
			both(s.merge, func(d fixtures.Object) {
				list, _ := d["dependencies"].([]any)
				d["dependencies"] = append(slices.Clone(list), p.ID)
			})
			s.merge.Entry.Dependencies[p.Label] = p.ID
		}
		stillRunning(s.merge.Last())
		if prepare != nil {
			prepare(s.served)
		}
	})
	s.target.Self = mustTarget(t, s.merge.ID).Task
	return s
}

// run lets every part's task verify its part, all at once: each sees the others
// running.
func (s *sharded) run() {
	s.t.Helper()
	var resume []func()
	s.Edit(func() {
		for _, p := range s.parts {
			resume = append(resume, pause(p.Last()))
		}
	})
	for k := range s.parts {
		s.reports = append(s.reports, s.part(k+1, len(s.parts), s.group))
	}
	s.Edit(func() {
		for k, p := range s.parts {
			resume[k]()
			p.Artifact(fixtures.ReportName).Content = fixtures.Bytes(s.reports[k])
			s.target.Reports = append(s.target.Reports, trace.ReportRef{Task: mustTarget(s.t, p.ID).Task, Artifact: fixtures.ReportName})
		}
	})
}

// goodParts tells whether no part's task found anything wrong.
func (s *sharded) goodParts() bool {
	s.t.Helper()
	for _, text := range s.reports {
		r, err := trace.ReadReport(text)
		if err != nil {
			s.t.Fatal(err)
		}
		if r.Verdict != trace.Verified {
			return false
		}
	}
	return true
}

func (s *sharded) wantGoodParts() {
	s.t.Helper()
	if !s.goodParts() {
		s.t.Fatalf("a part is not verified: %s", s.reports)
	}
}

// pause makes a run one that is still going on.
func pause(r *fixtures.Run) (resume func()) {
	before := *r
	stillRunning(r)
	return func() { *r = before }
}

// part is the report of one part, as its task publishes it.
func (s *sharded) part(k, n int, group string) []byte {
	s.t.Helper()
	t := trace.GraphTarget{Shard: &trace.Part{K: k, N: n}, RequireFinished: s.target.RequireFinished}
	if k <= len(s.parts) {
		t.Self = mustTarget(s.t, s.parts[k-1].ID).Task
	}
	return asJSON(s.t, s.verifyGroups(t, group))
}

func asJSON(t *testing.T, r *trace.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// republish replaces the report of a part, as it is edited.
func (s *sharded) republish(k int, change func(o fixtures.Object)) {
	s.t.Helper()
	s.reports[k-1] = edited(s.t, s.reports[k-1], change)
	s.Edit(func() { s.parts[k-1].Artifact(fixtures.ReportName).Content = fixtures.Bytes(s.reports[k-1]) })
}

func edited(t *testing.T, text []byte, change func(o fixtures.Object)) []byte {
	t.Helper()
	var o fixtures.Object
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	change(o)
	out, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *sharded) merged() *trace.Report {
	s.t.Helper()
	r, err := s.verifier().Merge(s.t.Context(), s.target)
	if err != nil {
		s.t.Fatal(err)
	}
	wantValid(s.t, r)
	return r
}

// asFiles makes the reports files of the caller's.
func (s *sharded) asFiles() {
	s.target.Reports = nil
	for k, text := range s.reports {
		s.target.Files = append(s.target.Files, trace.ReportFile{Name: fmt.Sprintf("part-%d.json", k+1), Data: text})
	}
}

// partOf is the part that a task is of.
func (s *sharded) partOf(t *fixtures.Task) int {
	id := mustTarget(s.t, t.ID).Task
	for k := range s.parts {
		if (trace.Part{K: k + 1, N: len(s.parts)}).Has(id) {
			return k + 1
		}
	}
	s.t.Fatalf("%s is of no part", t.Label)
	return 0
}

// plain is a report without what a merged one has of its own, in one order.
func plain(t *testing.T, r *trace.Report) string {
	t.Helper()
	sorted := *r
	sorted.Tasks = slices.Clone(r.Tasks)
	slices.SortFunc(sorted.Tasks, func(a, b trace.Task) int { return cmp.Compare(refOf(a), refOf(b)) })
	for i := range sorted.Tasks {
		list := slices.Clone(sorted.Tasks[i].Findings)
		slices.SortFunc(list, func(a, b trace.Finding) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		sorted.Tasks[i].Findings = list
	}
	sorted.Joins, sorted.Notes, sorted.VerifiedAt = nil, nil, time.Time{}
	return string(asJSON(t, &sorted))
}

func refOf(t trace.Task) string {
	if t.RunID == nil {
		return t.TaskID
	}
	return fmt.Sprintf("%s/%d", t.TaskID, *t.RunID)
}

// A group in parts comes to what it comes to as a whole.
func TestMergeEqualsTheWhole(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := shardsIn(t, n, nil)
			s.run()
			got := s.merged()
			wantVerdict(t, got, trace.Verified)
			whole := s.verifyGroups(inTask(s.served, s.merge), s.group)
			if diff := gocmp.Diff(plain(t, whole), plain(t, got)); diff != "" {
				t.Errorf("as a whole (-) and in parts (+): %s", diff)
			}
			if diff := gocmp.Diff(vouchedFor(whole), vouchedFor(got)); diff != "" {
				t.Errorf("vouched for: %s", diff)
			}
			if len(whole.Stored(true)) == 0 || len(got.Stored(true)) != 0 { // what others vouch for is not for use
				t.Errorf("%d artifacts to compare as a whole, %d in parts", len(whole.Stored(true)), len(got.Stored(true)))
			}
			if len(got.Joins) != n || got.Joins[0].K != 1 || got.Joins[n-1].TaskID != s.parts[n-1].ID {
				t.Errorf("joins %+v", got.Joins)
			}
			if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, s.merge.ID) || !strings.Contains(notes, s.parts[0].ID) {
				t.Errorf("notes %s", notes)
			}
		})
	}
}

func vouchedFor(r *trace.Report) []trace.Artifact {
	out := slices.Collect(r.Vouched())
	slices.SortFunc(out, func(a, b trace.Artifact) int {
		return cmp.Or(cmp.Compare(a.TaskID, b.TaskID), cmp.Compare(a.RunID, b.RunID), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// What a part says of itself.
func TestShard(t *testing.T) {
	s := shardsIn(t, 1, nil)
	var members []string
	judged := map[string]bool{}
	list := ""
	const n = 4
	for k := 1; k <= n; k++ {
		r := s.verifyGroups(trace.GraphTarget{Shard: &trace.Part{K: k, N: n}}, s.group)
		wantVerdict(t, r, trace.Verified)
		members = append(members, r.Shard.Tasks...)
		if list == "" {
			list = r.Shard.List
		}
		if r.Shard.List != list {
			t.Errorf("part %d lists %s, others %s", k, r.Shard.List, list)
		}
		for _, task := range r.Tasks {
			judged[task.TaskID] = true
		}
		if len(r.Tasks) >= 25 {
			t.Errorf("part %d looked at %d tasks: at all of them?", k, len(r.Tasks))
		}
		if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, fmt.Sprintf("this is part %d of 4", k)) {
			t.Errorf("notes %s", notes)
		}
		for a := range r.Vouched() {
			if !slices.Contains(r.Shard.Tasks, a.TaskID) {
				t.Errorf("part %d vouches for %s, which is of another", k, a.TaskID)
			}
		}
	}
	whole := s.verifyGroups(trace.GraphTarget{}, s.group)
	if len(members) != whole.Target.Groups[0].Tasks {
		t.Errorf("%d members in all, want %d", len(members), whole.Target.Groups[0].Tasks)
	}
	for _, task := range whole.Tasks {
		if !judged[task.TaskID] {
			t.Errorf("no part looked at %s", task.Name)
		}
	}
}

// A part without a task, or with nothing that is signed, is no failure of its own;
// a group with nothing that is signed is.
func TestEmptyParts(t *testing.T) {
	s := shardsIn(t, 1, nil)
	empty := 0
	const n = 64
	for k := 1; k <= n; k++ {
		r := s.verifyGroups(trace.GraphTarget{Shard: &trace.Part{K: k, N: n}}, s.group)
		wantVerdict(t, r, trace.Verified)
		if len(r.Shard.Tasks) == 0 {
			empty++
			if !strings.Contains(strings.Join(r.Notes, "\n"), "nothing in part") {
				t.Errorf("notes %q", r.Notes)
			}
		}
	}
	if empty == 0 {
		t.Error("no part is empty")
	}
}

// mergeAttacks differ in one thing from TestMergeEqualsTheWhole with three parts.
var mergeAttacks = []struct {
	name    string
	options func(s *sharded)
	before  func(s *sharded) // a change of the world that the parts see
	locked  func(s *sharded) // one that only merge sees
	between func(s *sharded) // likewise, any other change
	rule    trace.Rule
	verdict trace.Verdict // empty: untrusted
}{
	{name: "a report that storage changed", locked: func(s *sharded) { s.parts[1].Artifact(fixtures.ReportName).FlipStored(5) }, rule: trace.RuleArtifactHash},
	{name: "a part's task is forged", locked: func(s *sharded) { s.parts[1].Last().Document.Key = s.Keys.Foreign }, rule: trace.RuleSignatureInvalid},
	{name: "a part's task is in no graph", locked: func(s *sharded) { s.parts[1].Entry.Hidden = true }, rule: trace.RuleNotInTaskGraph},
	{name: "a part's task failed", locked: func(s *sharded) { s.parts[1].Last().Resolve(fixtures.Failed, "failed") }, rule: trace.RuleRunNotCompleted},
	{name: "a part's task is still running", locked: func(s *sharded) { stillRunning(s.parts[1].Last()) }, rule: trace.RuleRunNotCompleted, verdict: trace.Undetermined},
	{name: "a part's task published no report", between: func(s *sharded) {
		s.reports[1] = []byte("{}")
		s.republish(2, func(fixtures.Object) {})
	}, rule: trace.RuleReportRefused},
	{name: "a part's task is a contribution's", between: func(s *sharded) {
		var t *fixtures.Task
		s.Edit(func() {
			t = s.TryDecision.Graph().Verification("part")
			t.Artifact(fixtures.ReportName).Content = fixtures.Bytes(s.reports[1])
		})
		s.target.Reports[1].Task = mustTarget(s.t, t.ID).Task
	}, rule: trace.RuleUntrustedContrib},
	{name: "a part's task is of another tree", options: func(s *sharded) { s.options.ExpectTree = mustTree(s.t, s.Central.URL()) }, between: func(s *sharded) {
		var t *fixtures.Task
		s.Edit(func() {
			t = s.ReleaseGraph.Verification("part")
			t.Artifact(fixtures.ReportName).Content = fixtures.Bytes(s.reports[1])
		})
		s.target.Reports[1].Task = mustTarget(s.t, t.ID).Task
	}, rule: trace.RuleTreeUnexpected},
	{name: "an unfinished task that the parts did not wait for", options: func(s *sharded) { s.target.RequireFinished = true }, before: func(s *sharded) {
		dependOn(s.merge, s.D2G)
		s.merge.Entry.Task["dependencies"] = s.merge.Definition["dependencies"]
		s.resume = pause(s.D2G.Last())
	}, rule: trace.RuleRunNotCompleted, verdict: trace.Undetermined},
	{name: "an unfinished task", options: func(s *sharded) { s.target.RequireFinished = true }, before: func(s *sharded) {
		s.resume = pause(s.D2G.Last())
	}, rule: trace.RuleRunNotCompleted, verdict: trace.Undetermined},
	{name: "a report of another group", between: func(s *sharded) {
		s.reports[1] = s.part(2, 3, s.Twice.ID)
		s.republish(2, func(fixtures.Object) {})
	}, rule: trace.RuleReportRefused},
	{name: "all reports are of another group", between: func(s *sharded) {
		for k := range s.parts {
			s.reports[k] = s.part(k+1, 3, s.Twice.ID)
			s.republish(k+1, func(fixtures.Object) {})
		}
		s.target.Groups = []graph.TaskID{mustTarget(s.t, s.group).Task}
	}, rule: trace.RuleReportRefused},
	{name: "a part is missing", between: func(s *sharded) { s.target.Reports = s.target.Reports[:2] }, rule: trace.RuleReportRefused},
	{name: "a part is there twice", between: func(s *sharded) { s.target.Reports[1] = s.target.Reports[0] }, rule: trace.RuleReportRefused},
	{name: "a part is there once too often", between: func(s *sharded) {
		s.target.Reports = append(s.target.Reports, s.target.Reports[0])
	}, rule: trace.RuleReportRefused},
	{name: "another number of parts", between: func(s *sharded) {
		s.reports[1] = s.part(2, 4, s.group)
		s.republish(2, func(fixtures.Object) {})
	}, rule: trace.RuleReportRefused},
	{name: "a report on the whole", between: func(s *sharded) {
		s.reports[1] = asJSON(s.t, s.verifyGroups(trace.GraphTarget{}, s.group))
		s.republish(2, func(fixtures.Object) {})
	}, rule: trace.RuleReportRefused},
	{name: "another policy", between: func(s *sharded) {
		s.republish(2, func(o fixtures.Object) { object(o, "policy")["sha256"] = strings.Repeat("0", 64) })
	}, rule: trace.RuleReportRefused},
	{name: "another version", between: func(s *sharded) { s.republish(2, func(o fixtures.Object) { o["version"] = "v2" }) }, rule: trace.RuleReportRefused},
	{name: "another time", between: func(s *sharded) { s.republish(2, func(o fixtures.Object) { o["at"] = "2026-11-22T00:00:00Z" }) }, rule: trace.RuleReportRefused},
	{name: "no time, where this is as of one", between: func(s *sharded) { s.options.At = s.now.Add(-time.Hour) }, rule: trace.RuleReportRefused},
	{name: "something accepted", between: func(s *sharded) {
		s.republish(2, func(o fixtures.Object) { o["accepted"] = []any{trace.FlagAcceptUntrustedTree} })
	}, rule: trace.RuleReportRefused},
	{name: "another expected product", between: func(s *sharded) { s.options.ExpectProduct = "firefox" }, rule: trace.RuleReportRefused},
	{name: "another expected tree", between: func(s *sharded) { s.options.ExpectTree = mustTree(s.t, s.Central.URL()) }, rule: trace.RuleReportRefused},
	{name: "unfinished tasks, which the parts let pass", between: func(s *sharded) { s.target.RequireFinished = true }, rule: trace.RuleReportRefused},
	{name: "parts that followed less", options: func(s *sharded) { s.options.Dependencies = trace.DependenciesTrust }, before: func(s *sharded) {
		waitsFor(s.Build, s.ReleaseBuild)
		s.ReleaseBuild.Last().Document.Key = s.Keys.Foreign
	}, between: func(s *sharded) { s.options.Dependencies = "" }, rule: trace.RuleReportRefused},
	{name: "a part that compared nothing", between: func(s *sharded) {
		for k := range s.parts {
			s.republish(k+1, func(o fixtures.Object) {
				if k != 1 {
					object(o, "shard")["compared"] = trace.ComparedInputs
				}
			})
		}
	}, rule: trace.RuleReportRefused},
	{name: "parts that followed more", between: func(s *sharded) { s.options.Dependencies = trace.DependenciesTrust }, rule: trace.RuleReportRefused},
	{name: "another listing", between: func(s *sharded) {
		s.republish(2, func(o fixtures.Object) { object(o, "shard")["list"] = strings.Repeat("0", 64) })
	}, rule: trace.RuleReportRefused},
	{name: "a task of another part", between: func(s *sharded) {
		s.republish(2, func(o fixtures.Object) {
			p := object(o, "shard")
			list := append(p["tasks"].([]any), any(s.Build.ID), any(s.Signing.ID), any(s.D2G.ID), any(s.Fetch.ID), any(s.Toolchain.ID))
			slices.SortFunc(list, func(a, b any) int { return cmp.Compare(a.(string), b.(string)) })
			p["tasks"] = slices.Compact(list)
		})
	}, rule: trace.RuleReportRefused},
	{name: "links that are not those of its tasks", between: func(s *sharded) {
		s.republish(2, func(o fixtures.Object) { object(o, "shard")["links"] = []any{} })
	}, rule: trace.RuleReportRefused},
	{name: "a report that hides a task", between: func(s *sharded) {
		s.republish(s.partOf(s.D2G), func(o fixtures.Object) { hide(o, s.D2G) })
	}, rule: trace.RuleReportRefused},
	{name: "a report that contradicts itself", before: func(s *sharded) { s.D2G.Last().Document.Key = s.Keys.Foreign }, between: func(s *sharded) {
		s.republish(s.partOf(s.D2G), func(o fixtures.Object) { entry(o, s.D2G)["verdict"], o["verdict"] = "verified", "verified" })
	}, rule: trace.RuleReportRefused},
	{name: "a report whose verdict alone is good", before: func(s *sharded) { s.D2G.Last().Document.Key = s.Keys.Foreign }, between: func(s *sharded) {
		s.republish(s.partOf(s.D2G), func(o fixtures.Object) { o["verdict"] = "verified" })
	}, rule: trace.RuleReportRefused},
	{name: "a task that does not verify", before: func(s *sharded) { s.D2G.Last().Document.Key = s.Keys.Foreign }, rule: trace.RuleSignatureInvalid},
	{name: "an input that does not verify", before: func(s *sharded) { s.Fetch.Last().Document.Key = s.Keys.Foreign }, rule: trace.RuleInputUnverified},
	{name: "an input that one part alone found bad", between: func(s *sharded) {
		s.republish(s.partOf(s.Fetch), func(o fixtures.Object) {
			o["verdict"] = "untrusted"
			fetch := entry(o, s.Fetch)
			fetch["verdict"] = "untrusted"
			fetch["findings"] = append(fetch["findings"].([]any), fixtures.Object{"rule": "docker-image-pool", "severity": "error", "message": "x"})
		})
	}, rule: trace.RuleInputUnverified},
	{name: "a document that was another for one part", between: func(s *sharded) {
		s.republish(s.partOf(s.Fetch), func(o fixtures.Object) { entry(o, s.Fetch)["documentSha256"] = strings.Repeat("0", 64) })
	}, rule: trace.RuleReportRefused},
	{name: "a task was run again", locked: func(s *sharded) { s.D2G.Rerun() }, rule: trace.RuleReportOutdated, verdict: trace.Undetermined},
	{name: "a task was completed", before: func(s *sharded) { s.resume = pause(s.D2G.Last()) }, locked: func(s *sharded) { s.resume() }, rule: trace.RuleReportOutdated, verdict: trace.Undetermined},
	{
		name: "a bad task was completed that a listed one takes from", before: func(s *sharded) { s.D2G.Entry.Hidden = true; takeWhileRunning(s, s.D2G) },
		locked: func(s *sharded) { s.resume() }, rule: trace.RuleReportOutdated, verdict: trace.Undetermined,
	},
	{name: "a task is gone", locked: func(s *sharded) { s.Unsigned.Gone = true }, rule: trace.RuleReportOutdated, verdict: trace.Undetermined},
	{name: "a task joined", locked: func(s *sharded) { promotionIn(s.served, []any{s.Decision.ID}) }, rule: trace.RuleReportOutdated, verdict: trace.Undetermined},
	{
		name: "a bad task that depends on a part's, completed since", before: func(s *sharded) { lateTask(s, s.parts[0], true) },
		locked: func(s *sharded) { s.resume() }, rule: trace.RuleNotInTaskGraph,
	},
	{
		name: "a bad task that depends on the merge, completed since", before: func(s *sharded) { lateTask(s, s.merge, true) },
		locked: func(s *sharded) { s.resume() }, rule: trace.RuleNotInTaskGraph,
	},
	{name: "a bad task that depends on a part's", before: func(s *sharded) { lateTask(s, s.parts[0], true); s.resume() }, rule: trace.RuleNotInTaskGraph},
	{name: "a restricted scope beside a contribution of another part", between: func(s *sharded) {
		s.options.AcceptUntrustedTree = true
		s.republish(s.partOf(s.D2G), func(o fixtures.Object) {
			o["verdict"], entry(o, s.D2G)["verdict"] = "accepted", "accepted"
			entry(o, s.D2G)["findings"] = []any{fixtures.Object{
				"rule": "untrusted-contribution", "severity": "warning", "message": "x", "accepted": trace.FlagAcceptUntrustedTree,
			}}
		})
	}, rule: trace.RuleRestrictedScope},
}

// lateTask makes a task depend on another, and lets it run on while the parts are
// verified.
func lateTask(s *sharded, on *fixtures.Task, bad bool) {
	s.Rerun.Runs = s.Rerun.Runs[:1]
	s.Rerun.Run(0).Resolve(fixtures.Completed, "completed")
	both(s.Rerun, func(d fixtures.Object) {
		list, _ := d["dependencies"].([]any)
		d["dependencies"] = append(slices.Clone(list), on.ID)
	})
	s.Rerun.Entry.Dependencies["late"] = on.ID
	s.Rerun.Entry.Hidden = bad
	// It was scheduled once that was resolved.
	r := s.Rerun.Last()
	at := s.now.Add(-time.Hour)
	r.Scheduled, r.Started, r.Resolved = at, at.Add(time.Minute), at.Add(2*time.Minute)
	if on == s.merge { // which is not completed
		both(s.Rerun, func(d fixtures.Object) { d["requires"] = "all-completed" })
	}
	s.resume = pause(r)
}

// takeWhileRunning lets a task run on while the parts are verified. One of its part,
// which is listed, takes from that very run.
func takeWhileRunning(s *sharded, of *fixtures.Task) {
	s.resume = pause(of.Last())
	for i := 1; ; i++ {
		taker := s.Graph.Verification(fmt.Sprintf("taker-%d", i))
		taker.Last().Unsign()
		taker.Last().Resolved = s.now.Add(-time.Minute)
		if s.partOf(taker) == s.partOf(of) {
			dependOn(taker, of)
			taker.Definition["extra"].(fixtures.Object)["chainOfTrust"] = fixtures.Object{"inputs": fixtures.Object{"other": of.ID}}
			return
		}
	}
}

// hide takes a task and its link out of a part's report.
func hide(o fixtures.Object, t *fixtures.Task) {
	tasks, links := o["tasks"].([]any), object(o, "shard")["links"].([]any)
	for i, v := range tasks {
		if v.(fixtures.Object)["taskId"] != t.ID {
			continue
		}
		for _, l := range links {
			rests, _ := l.(fixtures.Object)["rests"].([]any)
			for j, on := range rests {
				if on.(float64) > float64(i) {
					rests[j] = on.(float64) - 1
				}
			}
		}
		o["tasks"] = slices.Delete(tasks, i, i+1)
		object(o, "shard")["links"] = slices.Delete(links, i, i+1)
		return
	}
	panic("the report lacks " + t.Label)
}

func TestMergeAttacks(t *testing.T) {
	for _, a := range mergeAttacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			s := shardsIn(t, 3, nil)
			if a.options != nil {
				a.options(s)
			}
			if a.before != nil {
				s.Edit(func() { a.before(s) })
			}
			s.run()
			if a.locked != nil {
				s.Edit(func() { a.locked(s) })
			}
			if a.between != nil {
				a.between(s)
			}
			r := s.merged()
			want := a.verdict
			if want == "" {
				want = trace.Untrusted
			}
			wantVerdict(t, r, want)
			if !hasError(r.Findings, a.rule) {
				wantRule(t, r, a.rule)
			}
		})
	}
}

// Each differs in one thing from an attack on a merge.
func TestMergeTwins(t *testing.T) {
	for name, a := range map[string]struct {
		options func(s *sharded)
		before  func(s *sharded)
		locked  func(s *sharded)
		between func(s *sharded)
	}{
		"the group is named": {between: func(s *sharded) { s.target.Groups = []graph.TaskID{mustTarget(s.t, s.group).Task} }},
		"a part's task is of another graph": {between: func(s *sharded) {
			var t *fixtures.Task
			s.Edit(func() {
				stillRunning(s.parts[1].Last())
				t = s.ReleaseGraph.Verification("part")
				t.Artifact(fixtures.ReportName).Content = fixtures.Bytes(s.reports[1])
			})
			s.target.Reports[1].Task = mustTarget(s.t, t.ID).Task
			r := s.merged()
			for a := range r.Vouched() {
				if a.TaskID == t.ID {
					s.t.Errorf("vouched for: %+v, which is of no group", a)
				}
			}
		}},
		"in another order":      {between: func(s *sharded) { slices.Reverse(s.target.Reports) }},
		"a part's run is named": {between: func(s *sharded) { run := graph.RunID(0); s.target.Reports[1].Run = &run }},
		"the same expectations everywhere": {options: func(s *sharded) {
			s.options.ExpectProduct, s.options.ExpectTree = "firefox", mustTree(s.t, s.Central.URL())
		}},
		"as of one time": {options: func(s *sharded) { s.options.At = s.now.Add(-time.Minute) }},
		"what is followed is said everywhere": {options: func(s *sharded) { s.options.Dependencies = trace.DependenciesTrust }, before: func(s *sharded) {
			waitsFor(s.Build, s.ReleaseBuild)
			s.ReleaseBuild.Last().Document.Key = s.Keys.Foreign
		}},
		"all parts compared": {between: func(s *sharded) {
			for k := range s.parts {
				s.republish(k+1, func(o fixtures.Object) { object(o, "shard")["compared"] = trace.ComparedInputs })
			}
			if notes := strings.Join(s.merged().Notes, "\n"); strings.Contains(notes, "no artifacts") {
				s.t.Errorf("notes %s", notes)
			}
		}},
		"no part compared": {between: func(s *sharded) {
			if notes := strings.Join(s.merged().Notes, "\n"); !strings.Contains(notes, "no artifacts") {
				s.t.Errorf("notes %s", notes)
			}
		}},
		"all, and that is said once":                {between: func(s *sharded) { s.options.Dependencies = trace.DependenciesAll }},
		"finished tasks":                            {options: func(s *sharded) { s.target.RequireFinished = true }},
		"a task failed since":                       {before: func(s *sharded) { s.resume = pause(s.Signing.Last()) }, locked: func(s *sharded) { s.resume(); s.Signing.Last().Resolve(fixtures.Failed, "failed") }},
		"a listed task takes from one that runs on": {before: func(s *sharded) { s.D2G.Entry.Hidden = true; takeWhileRunning(s, s.D2G) }},
		"a task is run again":                       {locked: func(s *sharded) { stillRunning(s.D2G.Rerun()) }},
		"duplicates, as many as the graph asks for": {before: func(s *sharded) {
			s.Graph.Duplicate(s.Duplicated, 5)
			s.Duplicated.Entry.Attributes["task_duplicates"] = 7
		}},
		"a task that depends on a part's, completed since": {before: func(s *sharded) { lateTask(s, s.parts[0], false) }, locked: func(s *sharded) { s.resume() }},
		"a part's task was killed and run again": {locked: func(s *sharded) {
			p := s.parts[1]
			p.Rerun()
			p.Run(0).Resolve(fixtures.Exception, "claim-expired")
			p.Run(0).Artifacts, p.Run(0).Document = nil, nil
		}},
		"another accepts nothing that it needs": {between: func(s *sharded) { s.options.AcceptUntrustedTree = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shardsIn(t, 3, nil)
			if a.options != nil {
				a.options(s)
			}
			if a.before != nil {
				s.Edit(func() { a.before(s) })
			}
			s.run()
			s.wantGoodParts()
			if a.locked != nil {
				s.Edit(func() { a.locked(s) })
			}
			if a.between != nil {
				a.between(s)
			}
			wantVerdict(t, s.merged(), trace.Verified)
		})
	}
}

// A graph's entry stands for so many duplicates and no more, whatever parts they
// are in: each part may find nothing wrong.
func TestDuplicatesOverParts(t *testing.T) {
	found := false
	for n := 2; n <= 7 && !found; n++ {
		s := shardsIn(t, n, func(w *served) { w.Graph.Duplicate(w.Duplicated, 3) }) // two more than there may be
		wantVerdict(t, s.verifyGroups(inTask(s.served, s.merge), s.group), trace.Untrusted)
		s.run()
		if found = s.goodParts(); !found {
			continue
		}
		r := s.merged()
		wantVerdict(t, r, trace.Untrusted)
		wantRule(t, r, trace.RuleNotInTaskGraph)
		if got := len(errorsOf(r)); got != 2 {
			t.Errorf("%d errors, want one for each of the two:\n%s", got, strings.Join(errorsOf(r), "\n"))
		}
	}
	if !found {
		t.Error("the duplicates are never in parts that find nothing wrong")
	}
}

// What two tasks make wrong together is wrong, though no part has both.
func TestWrongOverParts(t *testing.T) {
	for _, a := range []struct {
		name string
		edit func(w *served, leaf *fixtures.Task)
		rule trace.Rule // empty: verified
	}{
		{name: "two ids of one image", edit: func(_ *served, leaf *fixtures.Task) {
			leaf.Last().Document.ImageHash = "sha256:" + strings.Repeat("0", 64)
		}, rule: trace.RuleDockerImageHash},
		{name: "one id of an image"},
		{name: "an indexed image beside a restricted scope", edit: func(w *served, leaf *fixtures.Task) {
			w.policy = indexedImagesAllowed
			w.Index[imagePath] = w.Image
			both(leaf, func(d fixtures.Object) {
				object(d, "payload")["image"] = fixtures.Object{"type": "indexed-image", "namespace": imagePath, "path": fixtures.ImageName}
			})
		}, rule: trace.RuleIndexedImage},
		{name: "an image by its task beside a restricted scope", edit: func(w *served, _ *fixtures.Task) { w.policy = indexedImagesAllowed }},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{3, 7, 15, 31} {
				s := shardsIn(t, n, func(w *served) {
					leaf := w.Graph.Build("leaf/opt", w.Image)
					if a.edit != nil {
						a.edit(w, leaf)
					}
				})
				want := trace.Untrusted
				if a.rule == "" {
					want = trace.Verified
				}
				wantVerdict(t, s.verifyGroups(inTask(s.served, s.merge), s.group), want)
				if s.run(); !s.goodParts() {
					continue
				}
				r := s.merged()
				wantVerdict(t, r, want)
				if a.rule != "" {
					wantRule(t, r, a.rule)
				}
				return
			}
			t.Error("a part sees it, however many there are")
		})
	}
}

// Nobody vouches for files: they are undetermined at best, and what is wrong in them
// stays wrong.
func TestMergeFiles(t *testing.T) {
	s := shardsIn(t, 3, nil)
	s.run()
	s.asFiles()
	r := s.merged()
	wantVerdict(t, r, trace.Undetermined)
	if len(r.Joins) != 3 || r.Joins[0].File != "part-1.json" {
		t.Errorf("joins %+v", r.Joins)
	}
	for _, task := range r.Tasks {
		if task.TaskID == s.Build.ID && task.Verdict != trace.Verified {
			t.Errorf("the build is %s", task.Verdict)
		}
	}
	s.target.Files = s.target.Files[:2]
	wantVerdict(t, s.merged(), trace.Untrusted)
	s.target.Files = []trace.ReportFile{{Name: "x", Data: []byte("{")}}
	wantVerdict(t, s.merged(), trace.Untrusted)
}

// What is wrong with a whole group is wrong with its parts together.
func TestGroupAttacksInParts(t *testing.T) {
	for _, a := range groupAttacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			s := &sharded{served: serve(t)}
			s.options.Version = "v1"
			s.Edit(func() { honestGroup(s.served); a.edit(s.served) })
			s.group = s.Decision.ID
			if a.group != nil {
				s.group = a.group(s.served)
			}
			whole := trace.GraphTarget{}
			if a.target != nil {
				whole = a.target(s.served)
			}
			s.target.Self, s.target.RequireFinished = whole.Self, whole.RequireFinished
			const n = 3
			rule := a.rule
			for k := 1; k <= n; k++ {
				s.reports = append(s.reports, s.part(k, n, s.group))
				if part, err := trace.ReadReport(s.reports[k-1]); err != nil || hasError(part.Findings, rule) {
					rule = trace.RuleReportRefused // the part did not see everything
				}
			}
			s.asFiles()
			r := s.merged()
			want := a.verdict
			if want == "" {
				want = trace.Untrusted
			}
			wantVerdict(t, r, want)
			if !hasError(r.Findings, rule) {
				wantRule(t, r, rule)
			}
		})
	}
}

func hasError(list []trace.Finding, rule trace.Rule) bool {
	return slices.ContainsFunc(list, func(f trace.Finding) bool { return f.Rule == rule && f.Severity == trace.SeverityError })
}

// Questions without sense.
func TestMergeOfNothing(t *testing.T) {
	w := serve(t)
	if _, err := w.verifier().Merge(t.Context(), trace.MergeTarget{}); err == nil {
		t.Error("nothing is merged")
	}
	for _, p := range []trace.Part{{}, {K: 1}, {K: 2, N: 1}, {K: -1, N: 3}, {K: 1, N: trace.MaxShards + 1}} {
		if p.Check() == nil {
			t.Errorf("%s is a part", p)
		}
	}
	if err := (trace.Part{K: trace.MaxShards, N: trace.MaxShards}).Check(); err != nil {
		t.Error(err)
	}
}
