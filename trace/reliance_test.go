package trace_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// relying is the standard world with a task in the decision's graph that
// published a report on what is verified in it.
type relying struct {
	*served
	reporter *fixtures.Task
	on       trace.ReportRef
}

// relyIn adds the report's task to a graph and lets it verify tasks.
func relyIn(w *served, g *fixtures.Graph, verified ...*fixtures.Task) *relying {
	w.t.Helper()
	w.options.Version = "v1"
	r := &relying{served: w}
	w.Edit(func() { r.reporter = g.Verification("chains") })
	r.on = trace.ReportRef{Task: mustTarget(w.t, r.reporter.ID).Task, Artifact: fixtures.ReportName}
	var ids []string
	for _, t := range verified {
		ids = append(ids, t.ID)
	}
	r.publish(w.verify(ids...), nil)
	return r
}

// publish makes a report, as it is edited, the task's artifact.
func (r *relying) publish(rep *trace.Report, edit func(o fixtures.Object)) {
	r.t.Helper()
	var b bytes.Buffer
	if err := report.JSON(&b, rep); err != nil {
		r.t.Fatal(err)
	}
	r.republish(b.Bytes(), edit)
}

func (r *relying) republish(text []byte, edit func(o fixtures.Object)) {
	r.t.Helper()
	if edit != nil {
		var o fixtures.Object
		if err := json.Unmarshal(text, &o); err != nil {
			r.t.Fatal(err)
		}
		edit(o)
		var err error
		if text, err = json.Marshal(o); err != nil {
			r.t.Fatal(err)
		}
	}
	r.Edit(func() { r.reporter.Artifact(fixtures.ReportName).Content = fixtures.Bytes(text) })
}

// edit changes the report that is published.
func (r *relying) edit(change func(o fixtures.Object)) {
	r.republish(r.reporter.Artifact(fixtures.ReportName).Content.Bytes(), change)
}

// rely judges tasks, relying on the report.
func (r *relying) rely(ids ...string) *trace.Report {
	r.t.Helper()
	var targets []trace.RunTarget
	for _, s := range ids {
		targets = append(targets, mustTarget(r.t, s))
	}
	return r.relyFor(targets...)
}

func (r *relying) relyFor(targets ...trace.RunTarget) *trace.Report {
	r.t.Helper()
	rep, err := r.verifier().VerifyRelying(r.t.Context(), targets, r.on)
	if err != nil {
		r.t.Fatal(err)
	}
	wantValid(r.t, rep)
	return rep
}

// entry is a task's entry in a report.
func entry(o fixtures.Object, t *fixtures.Task) fixtures.Object {
	for _, v := range o["tasks"].([]any) {
		if m := v.(fixtures.Object); m["taskId"] == t.ID {
			return m
		}
	}
	panic("the report lacks " + t.Label)
}

// wantRelied tells for how many tasks the report stands; 0: for none.
func wantRelied(t *testing.T, r *trace.Report, want int) {
	t.Helper()
	got := 0
	for _, task := range r.Tasks {
		if task.ReliesOn != "" {
			got++
		}
	}
	if r.ReliesOn == nil || r.ReliesOn.Tasks != got || got != want {
		t.Errorf("relies on %+v, %d tasks name it, want %d", r.ReliesOn, got, want)
	}
}

// What a report covers needs neither its parents' task graphs nor version control
// again: the report's own task does.
func TestRelyOnAReport(t *testing.T) {
	r := relyInCentral(t)
	r.server.ClearLog()
	wantVerdict(t, r.verify(r.Build.ID), trace.Verified)
	without := len(r.server.Requests())

	r.server.ClearLog()
	rep := r.rely(r.Build.ID)
	wantVerdict(t, rep, trace.Verified)
	wantRelied(t, rep, 1)
	with := len(r.server.Requests())
	if with != 28 || without != 40 { // as docs/usage.md has them
		t.Errorf("%d requests with a report, %d without", with, without)
	}
	for _, id := range []string{r.Toolchain.ID, r.Fetch.ID, r.Image.ID} {
		if n := requests(r.served, fixtures.API, id); n > 0 {
			t.Errorf("%d requests about %s, which the report covers", n, id)
		}
	}
	r.server.ClearLog()
	r.rely(r.Build.ID, r.GenericBuild.ID)
	if n := len(r.server.Requests()); n != with+7 {
		t.Errorf("%d requests for two inputs, %d for one", n, with)
	}
	if n := r.server.Count("task-graph.json"); n == 0 || requests(r.served, fixtures.VCS, "json-pushes") != 1 {
		t.Errorf("the report's own task is not traced: %d task graphs, %d pushlogs", n, requests(r.served, fixtures.VCS, "json-pushes"))
	}

	var build trace.Task
	for _, task := range rep.Tasks {
		if task.TaskID == r.Build.ID {
			build = task
		}
	}
	name := r.reporter.ID + "/0:" + fixtures.ReportName
	if build.ReliesOn != name || build.Tree == nil || build.Tree.Revision != r.Push.Revision() || build.Product != "firefox" {
		t.Errorf("the build: %+v", build)
	}
	if on := rep.ReliesOn; on.TaskID != r.reporter.ID || on.Artifact != fixtures.ReportName ||
		on.SHA256 != r.reporter.Artifact(fixtures.ReportName).SHA256() || !on.VerifiedAt.Equal(r.now) {
		t.Errorf("relies on %+v", on)
	}
	if rep.Target.TaskID != r.Build.ID {
		t.Errorf("target %+v", rep.Target)
	}
	run := mustRun(t, r.Build.ID+"/0")
	if _, f := rep.Verified(run, "public/build/target.tar.bz2"); f != nil {
		t.Errorf("the build's artifact is not taken: %+v", f)
	}
	if _, f := rep.Verified(mustRun(t, r.reporter.ID+"/0"), fixtures.ReportName); f == nil {
		t.Error("the report itself was not asked for")
	}
}

// What the report does not cover is verified in full, beside what it does.
func TestUncoveredIsVerifiedInFull(t *testing.T) {
	r := relyInCentral(t)
	rep := r.rely(r.Build.ID, r.ReleaseBuild.ID, r.GenericBuild.ID)
	wantVerdict(t, rep, trace.Verified)
	wantRelied(t, rep, 2)
	if got := rep.Target.Tasks; len(got) != 3 || got[1] != r.ReleaseBuild.ID+"/0" {
		t.Errorf("targets %q", got)
	}
	for _, id := range []string{r.Build.ID, r.ReleaseBuild.ID, r.GenericBuild.ID} {
		if run, ok := rep.Run(mustTarget(t, id)); !ok || run.Task.String() != id {
			t.Errorf("run of %s: %v", id, run)
		}
	}
	// One of those that are left to be traced is not good.
	r.Edit(func() { r.ReleaseBuild.Last().Document.Key = r.Keys.Foreign })
	rep = r.rely(r.Build.ID, r.ReleaseBuild.ID)
	wantVerdict(t, rep, trace.Untrusted)
	wantRule(t, rep, trace.RuleSignatureInvalid)
}

// A task that the report's own chain has anyhow is judged there.
func TestRelyForATaskOfTheReportsChain(t *testing.T) {
	r := relyInCentral(t)
	for _, id := range []string{r.Decision.ID, r.reporter.ID} {
		rep := r.rely(id)
		wantVerdict(t, rep, trace.Verified)
		wantRelied(t, rep, 0)
		if rep.Target.TaskID != id {
			t.Errorf("target %+v", rep.Target)
		}
		if names := rep.Names(mustRun(t, id+"/0")); len(names) == 0 {
			t.Errorf("nothing of %s can be taken", id)
		}
	}
}

// Each of these differs in one thing from TestRelyOnAReport. Without a rule the
// report does not cover the task, which is then verified in full.
var relianceAttacks = []struct {
	name    string
	edit    func(o fixtures.Object, r *relying) // the report
	raw     string                              // instead of the report
	world   func(r *relying)
	options func(w *served)
	rule    trace.Rule
	verdict trace.Verdict // empty: untrusted with a rule, verified without
	target  string        // empty: the build
}{
	{name: "by another version", edit: func(o fixtures.Object, _ *relying) { o["version"] = "v2" }, rule: trace.RuleReportRefused},
	{name: "by nobody knows which version", edit: func(o fixtures.Object, _ *relying) { delete(o, "version") }, rule: trace.RuleReportRefused},
	{name: "of another schema", edit: func(o fixtures.Object, _ *relying) { o["apiVersion"] = "cot/v2" }, rule: trace.RuleReportRefused},
	{name: "about signatures alone", edit: func(o fixtures.Object, _ *relying) { o["scope"] = "signature" }, rule: trace.RuleReportRefused},
	{name: "about recorded evidence", edit: func(o fixtures.Object, _ *relying) { o["evidence"] = "recorded" }, rule: trace.RuleReportRefused},
	{name: "as of another time", edit: func(o fixtures.Object, _ *relying) { o["at"] = "2026-11-22T00:00:00Z" }, rule: trace.RuleReportRefused},
	{name: "of the future", edit: func(o fixtures.Object, _ *relying) { o["verifiedAt"] = "2026-11-23T13:00:00Z" }, rule: trace.RuleReportRefused},
	{name: "about another deployment", edit: func(o fixtures.Object, _ *relying) { o["rootUrl"] = "https://tc.example.com" }, rule: trace.RuleReportRefused},
	{name: "by another policy", edit: func(o fixtures.Object, _ *relying) {
		o["policy"].(fixtures.Object)["sha256"] = strings.Repeat("0", 64)
	}, rule: trace.RuleReportRefused},
	{name: "by another caller's acceptance", edit: func(o fixtures.Object, _ *relying) { o["accepted"] = []any{trace.FlagAcceptUntrustedTree} }, rule: trace.RuleReportRefused},
	{name: "with something accepted that it does not list", edit: func(o fixtures.Object, r *relying) {
		entry(o, r.Image)["findings"] = []any{fixtures.Object{
			"rule": "untrusted-contribution", "severity": "warning", "message": "x", "accepted": trace.FlagAcceptUntrustedTree,
		}}
	}, rule: trace.RuleReportRefused},
	{name: "with a flag that nobody knows", edit: func(o fixtures.Object, _ *relying) { o["accepted"] = []any{"--accept-anything"} }, rule: trace.RuleReportRefused},
	{name: "on what would be", edit: func(o fixtures.Object, _ *relying) {
		o["distrusted"] = fixtures.Object{"ids": []any{}, "tasks": []any{}}
	}, rule: trace.RuleReportRefused},
	{name: "that did not see everything", edit: func(o fixtures.Object, _ *relying) {
		o["verdict"] = "untrusted"
		o["findings"] = []any{fixtures.Object{"rule": "chain-too-long", "severity": "error", "message": "x"}}
	}, rule: trace.RuleReportRefused},
	{name: "that contradicts itself", edit: func(o fixtures.Object, r *relying) {
		entry(o, r.Fetch)["findings"] = []any{fixtures.Object{"rule": "cot-missing", "severity": "error", "message": "x"}}
	}, rule: trace.RuleReportRefused},
	{name: "whose task contradicts itself", edit: func(o fixtures.Object, r *relying) {
		o["verdict"] = "untrusted"
		entry(o, r.Build)["findings"] = []any{fixtures.Object{"rule": "cot-missing", "severity": "error", "message": "x"}}
	}, rule: trace.RuleReportRefused},
	{name: "with a task twice", edit: func(o fixtures.Object, r *relying) { o["tasks"] = append(o["tasks"].([]any), entry(o, r.Build)) }, rule: trace.RuleReportRefused},
	{name: "with a name that differs by case", edit: func(o fixtures.Object, r *relying) { entry(o, r.Build)["Verdict"] = "verified" }, rule: trace.RuleReportRefused},
	{name: "with a name that looks alike", edit: func(o fixtures.Object, _ *relying) { o["verdıct"] = "verified" }, rule: trace.RuleReportRefused},
	{name: "with a verdict that is none", edit: func(o fixtures.Object, r *relying) { entry(o, r.Build)["verdict"] = "Verified" }, rule: trace.RuleReportRefused},
	{name: "that is no report", raw: "{}", rule: trace.RuleReportRefused},
	{name: "that is no JSON", raw: "{", rule: trace.RuleReportRefused},
	{name: "that nests deeply", edit: func(o fixtures.Object, r *relying) {
		var deep any
		for range 5000 {
			deep = []any{deep}
		}
		entry(o, r.Build)["findings"] = []any{fixtures.Object{"rule": "x", "severity": "warning", "message": "x", "got": deep}}
	}, rule: trace.RuleReportRefused},

	{name: "whose task is forged", world: func(r *relying) { r.reporter.Last().Document.Key = r.Keys.Foreign }, rule: trace.RuleSignatureInvalid},
	{name: "whose task is not signed", world: func(r *relying) { r.reporter.Last().Unsign() }, rule: trace.RuleCotMissing},
	{name: "whose task is in no graph", world: func(r *relying) { r.reporter.Entry.Hidden = true }, rule: trace.RuleNotInTaskGraph},
	{name: "whose task failed", world: func(r *relying) { r.reporter.Last().Resolve(fixtures.Failed, "failed") }, rule: trace.RuleRunNotCompleted},
	{name: "whose task is still running", world: func(r *relying) { stillRunning(r.reporter.Last()) }, rule: trace.RuleRunNotCompleted, verdict: trace.Undetermined},
	{name: "that storage changed", world: func(r *relying) { r.reporter.Artifact(fixtures.ReportName).FlipStored(9) }, rule: trace.RuleArtifactHash},
	{name: "that the task did not publish", world: func(r *relying) { r.on.Artifact = "public/other.json" }, rule: trace.RuleArtifactNotInCot},
	{name: "as a link", world: func(r *relying) {
		a := r.reporter.Artifact(fixtures.ReportName)
		a.Storage, a.Target = fixtures.StorageLink, "public/logs/live_backing.log"
	}, rule: trace.RuleArtifactUnavailable},
	{name: "as a reference", world: func(r *relying) {
		a := r.reporter.Artifact(fixtures.ReportName)
		a.Storage, a.URL = fixtures.StorageReference, "https://example.org/cot.json"
	}, rule: trace.RuleArtifactUnavailable},
	{name: "of a task of another tree", options: func(w *served) { w.options.ExpectTree = mustTree(w.t, w.Release.URL()) }, rule: trace.RuleTreeUnexpected},
	{name: "on a task of another tree", edit: func(o fixtures.Object, r *relying) {
		entry(o, r.Build)["tree"].(fixtures.Object)["repository"] = r.Release.URL()
	}, options: func(w *served) { w.options.ExpectTree = mustTree(w.t, w.Central.URL()) }, rule: trace.RuleTreeUnexpected},
	{name: "on a task of another revision", edit: func(o fixtures.Object, r *relying) {
		entry(o, r.Build)["tree"].(fixtures.Object)["revision"] = strings.Repeat("0", 40)
	}, options: func(w *served) {
		w.options.ExpectTree = mustTree(w.t, w.Central.URL())
		w.options.ExpectTree.Revision = mustRevision(w.t, w.Push.Revision())
	}, rule: trace.RuleTreeUnexpected},
	{
		name: "on a task of another product", edit: func(o fixtures.Object, r *relying) { entry(o, r.Build)["product"] = "thunderbird" },
		options: func(w *served) { w.options.ExpectProduct = "firefox" }, rule: trace.RuleProductMismatch,
	},

	{name: "on a task whose key was revoked since", world: func(r *relying) { r.Build.Last().Document.Key = r.Keys.Foreign }, rule: trace.RuleSignatureInvalid},
	{name: "on a task whose document was replaced since", world: func(r *relying) {
		r.Build.Last().Document.Edit = func(doc fixtures.Object) { doc["extra"] = "x" }
	}, rule: trace.RuleReportRefused},
	{name: "on a task whose definition was changed since", world: func(r *relying) {
		object(r.Build.Definition, "metadata")["name"] = "x"
		r.Build.Last().Document.Edit = func(doc fixtures.Object) { object(doc, "task", "metadata")["name"] = "y" }
	}, rule: trace.RuleCotTaskDefinition},
	{
		name: "on a task that claims another worker", world: func(r *relying) { object(r.Build.Definition, "tags")["worker-implementation"] = "generic-worker" },
		rule: trace.RuleWorkerImplementation,
	},

	{name: "on a run before the newest", world: func(r *relying) { r.Build.Rerun() }},
	{name: "on another run than is named", world: func(r *relying) { r.Build.Rerun() }, target: "/1"},
	{name: "that found the task untrusted", edit: func(o fixtures.Object, r *relying) {
		o["verdict"] = "untrusted"
		entry(o, r.Build)["verdict"] = "untrusted"
	}},
	{name: "that found an input of the task untrusted", edit: func(o fixtures.Object, r *relying) {
		o["verdict"] = "untrusted"
		fetch := entry(o, r.Fetch)
		fetch["verdict"] = "untrusted"
		fetch["findings"] = []any{fixtures.Object{"rule": "cot-missing", "severity": "error", "message": "x"}}
	}},
	{name: "that found an input's input untrusted", edit: func(o fixtures.Object, r *relying) {
		o["verdict"] = "untrusted"
		entry(o, r.Image)["verdict"] = "undetermined"
	}},
	{name: "that lists the task", edit: func(o fixtures.Object, r *relying) { entry(o, r.Build)["status"] = "failed" }},
	{name: "that found no document of the task", edit: func(o fixtures.Object, r *relying) { delete(entry(o, r.Build), "documentSha256") }},
	{name: "that found no tree of the task", edit: func(o fixtures.Object, r *relying) { delete(entry(o, r.Build), "tree") }},
	{name: "that found no signer of the task", edit: func(o fixtures.Object, r *relying) { delete(entry(o, r.Build), "signer") }},
	{name: "that relies on another for the task", edit: func(o fixtures.Object, r *relying) { entry(o, r.Build)["reliesOn"] = "x" }},
	{name: "that did not look at the task's parent", edit: func(o fixtures.Object, r *relying) { without(o, r.Decision) }},
	{name: "that did not look at an input", edit: func(o fixtures.Object, r *relying) { without(o, r.Fetch) }},
	{name: "that did not find an input", edit: func(o fixtures.Object, r *relying) {
		entry(o, r.Build)["inputs"].([]any)[0].(fixtures.Object)["taskId"] = ""
	}},
	{name: "that does not have the task", edit: func(o fixtures.Object, r *relying) { without(o, r.Build) }},
}

func without(o fixtures.Object, t *fixtures.Task) {
	o["tasks"] = slices.DeleteFunc(o["tasks"].([]any), func(v any) bool { return v.(fixtures.Object)["taskId"] == t.ID })
}

func TestRelianceAttacks(t *testing.T) {
	for _, a := range relianceAttacks {
		t.Run("a report "+a.name, func(t *testing.T) {
			t.Parallel()
			r := relyInCentral(t)
			if a.edit != nil {
				r.edit(func(o fixtures.Object) { a.edit(o, r) })
			}
			if a.raw != "" {
				r.republish([]byte(a.raw), nil)
			}
			if a.world != nil {
				r.Edit(func() { a.world(r) })
			}
			if a.options != nil {
				a.options(r.served)
			}
			rep := r.rely(r.Build.ID + a.target)
			want := a.verdict
			switch {
			case a.rule == "":
				wantVerdict(t, rep, trace.Verified)
				wantRelied(t, rep, 0)
				return
			case want == "":
				want = trace.Untrusted
			}
			wantVerdict(t, rep, want)
			wantRule(t, rep, a.rule)
			if _, f := rep.Verified(mustRun(t, r.Build.ID+"/0"), "public/build/target.tar.bz2"); f == nil {
				t.Error("its artifact is taken all the same")
			}
		})
	}
}

// What no chain may have beside a restricted scope, and no two runs in one image, they
// may not where the report stands for one of the two.
func TestBesideWhatAReportCovers(t *testing.T) {
	for _, a := range []struct {
		name    string
		covered func(w *served) *fixtures.Task
		target  func(w *served) *fixtures.Task
		edit    func(w *served)
		rule    trace.Rule
		verdict trace.Verdict
	}{
		{name: "a contribution that is covered", covered: tryBuild, target: signing, rule: trace.RuleRestrictedScope, verdict: trace.Untrusted},
		{name: "a contribution", covered: signing, target: tryBuild, rule: trace.RuleRestrictedScope, verdict: trace.Untrusted},
		{name: "a contribution that is covered, without the scope", covered: tryBuild, target: d2g, verdict: trace.Accepted},
		{name: "a contribution, without the scope", covered: d2g, target: tryBuild, verdict: trace.Accepted},
		{name: "an indexed image that is covered", covered: d2g, target: signing, edit: d2gByIndex, rule: trace.RuleIndexedImage, verdict: trace.Untrusted},
		{name: "an indexed image", covered: signing, target: d2g, edit: d2gByIndex, rule: trace.RuleIndexedImage, verdict: trace.Untrusted},
		{name: "another id of the same image", covered: build, target: d2g, edit: func(w *served) {
			leafForD2G(w)
			w.D2G.Last().Document.ImageHash = "sha256:" + strings.Repeat("0", 64)
		}, rule: trace.RuleDockerImageHash, verdict: trace.Untrusted},
		{name: "the same id of the same image", covered: build, target: d2g, edit: leafForD2G, verdict: trace.Verified},
		{name: "an indexed image that is covered, without the scope", covered: d2g, target: build, edit: d2gByIndex, verdict: trace.Verified},
		{name: "an indexed image, without the scope", covered: build, target: d2g, edit: d2gByIndex, verdict: trace.Verified},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
			if a.edit != nil {
				w.Edit(func() { a.edit(w) })
			}
			covered, target := a.covered(w), a.target(w)
			r := relyIn(w, w.Graph, covered)
			wantVerdict(t, r.verify(covered.ID, target.ID), a.verdict)
			rep := r.rely(covered.ID, target.ID)
			wantRelied(t, rep, 1)
			wantVerdict(t, rep, a.verdict)
			if a.rule != "" {
				wantRule(t, rep, a.rule)
			}
		})
	}
}

func tryBuild(w *served) *fixtures.Task { return w.TryBuild }

// leafForD2G takes D2G's place by a task that takes nothing but its image.
func leafForD2G(w *served) { w.D2G = w.Graph.Build("leaf/opt", w.Image) }

// d2gByIndex has D2G run in an image that the index names, as policy allows.
func d2gByIndex(w *served) {
	w.policy = indexedImagesAllowed
	w.Index[imagePath] = w.Image
	both(w.D2G, func(d fixtures.Object) {
		object(d, "payload")["image"] = fixtures.Object{"type": "indexed-image", "namespace": imagePath, "path": fixtures.ImageName}
	})
}

// What a caller overruled is that caller's word, and nobody else relies on it: the
// task is judged here as what it is.
func TestNobodyReliesOnAnOverruledType(t *testing.T) {
	for asked, want := range map[trace.Kind]trace.Verdict{trace.KindTask: trace.Untrusted, "": trace.Verified} {
		r := relyInCentral(t)
		r.Edit(func() {
			if asked != "" { // it says that it builds images, in a pool that doesn't
				both(r.Fetch, func(d fixtures.Object) { object(d, "tags")["kind"] = "docker-image" })
			}
		})
		r.options.TaskType = asked
		rep := r.verify(r.Fetch.ID)
		wantVerdict(t, rep, trace.Verified)
		r.publish(rep, nil)
		r.options.TaskType = ""
		wantVerdict(t, r.rely(r.Fetch.ID), want)
	}
}

// The same report is relied on under the same expectations.
func TestRelianceTwins(t *testing.T) {
	for name, a := range map[string]struct {
		world   func(r *relying)
		edit    func(o fixtures.Object, r *relying)
		options func(w *served)
		target  string
	}{
		"nothing is changed": {},
		"expectations": {options: func(w *served) {
			w.options.ExpectTree = mustTree(w.t, w.Central.URL())
			w.options.ExpectTree.Revision = mustRevision(w.t, w.Push.Revision())
			w.options.ExpectProduct = "firefox"
		}},
		"the run is named":        {target: "/0"},
		"a run before the newest": {world: func(r *relying) { r.Build.Rerun() }, target: "/0"},
		"a failed run after it":   {world: func(r *relying) { r.Build.Rerun().Resolve(fixtures.Failed, "failed") }},
		"another task is not good": {edit: func(o fixtures.Object, r *relying) {
			o["verdict"] = "untrusted"
			entry(o, r.GenericBuild)["verdict"] = "untrusted"
		}},
		"explained":                      {edit: func(o fixtures.Object, _ *relying) { o["chain"] = []any{} }},
		"a little after its time":        {edit: func(o fixtures.Object, _ *relying) { o["verifiedAt"] = "2026-11-23T12:00:30Z" }},
		"the report's run is named":      {world: func(r *relying) { run := graph.RunID(0); r.on.Run = &run }},
		"the report's task is run again": {world: func(r *relying) { r.reporter.Rerun() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := relyInCentral(t)
			if a.edit != nil {
				r.edit(func(o fixtures.Object) { a.edit(o, r) })
			}
			if a.world != nil {
				r.Edit(func() { a.world(r) })
			}
			if a.options != nil {
				a.options(r.served)
			}
			rep := r.rely(r.Build.ID + a.target)
			wantVerdict(t, rep, trace.Verified)
			wantRelied(t, rep, 1)
		})
	}
}

// A contribution's task can publish a report, too. It is relied on by those who
// accept contributions, and says so.
func TestRelyOnAContribution(t *testing.T) {
	w := serve(t)
	w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
	r := relyIn(w, w.TryDecision.Graph(), w.TryBuild)
	rep := r.rely(w.TryBuild.ID)
	wantVerdict(t, rep, trace.Accepted)
	wantRelied(t, rep, 1)
	if want := []string{trace.FlagAcceptUnsignedPools, trace.FlagAcceptUntrustedTree}; !slices.Equal(rep.Accepted, want) {
		t.Errorf("accepted %q, want %q", rep.Accepted, want)
	}
	for _, task := range rep.Tasks {
		if task.TaskID != w.TryBuild.ID {
			continue
		}
		for _, flag := range rep.Accepted { // whatever its own chain rests on
			if !slices.ContainsFunc(task.Findings, func(f trace.Finding) bool { return f.Accepted == flag && strings.Contains(f.Message, "its caller") }) {
				t.Errorf("the build: nothing says that %s was needed: %+v", flag, task.Findings)
			}
		}
	}
	w.options.AcceptUntrustedTree = false
	wantVerdict(t, r.rely(w.TryBuild.ID), trace.Untrusted)
	w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, false
	wantVerdict(t, r.rely(w.TryBuild.ID), trace.Untrusted)
}

// A contribution's report says nothing of what is trusted without it.
func TestAContributionsReportIsNone(t *testing.T) {
	w := serve(t)
	w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
	r := relyIn(w, w.TryDecision.Graph(), w.Build)
	w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = false, false
	rep := r.rely(w.Build.ID)
	wantVerdict(t, rep, trace.Untrusted)
	wantRule(t, rep, trace.RuleUntrustedContrib)
}

// An index path's task must have the route, whoever verified it.
func TestRelyForAnIndexPath(t *testing.T) {
	r := relyInCentral(t)
	target := trace.RunTarget{Namespace: "gecko.v2.x"}
	r.Edit(func() { r.Index[target.Namespace] = r.Build })
	rep := r.relyFor(target)
	wantVerdict(t, rep, trace.Untrusted)
	wantRule(t, rep, trace.RuleIndexedInput)

	r.Edit(func() {
		both(r.Build, func(d fixtures.Object) {
			d["routes"] = append(slices.Clone(d["routes"].([]any)), "index."+target.Namespace)
		})
	})
	r.publish(r.verify(r.Build.ID), nil)
	rep = r.relyFor(target)
	wantVerdict(t, rep, trace.Verified)
	wantRelied(t, rep, 1)

	rep = r.relyFor(trace.RunTarget{Namespace: "gecko.v2.nothing"})
	if rep.Verdict.OK() || len(rep.Findings) != 1 {
		t.Errorf("verdict %s, findings %+v", rep.Verdict, rep.Findings)
	}
}

// Questions to which a report is no answer.
func TestRelianceOnNothing(t *testing.T) {
	r := relyInCentral(t)
	targets := []trace.RunTarget{mustTarget(t, r.Build.ID)}
	r.options.Scope = trace.ScopeSignature
	if _, err := r.verifier().VerifyRelying(t.Context(), targets, r.on); err == nil {
		t.Error("signatures alone rely on a report")
	}
	r.options.Scope = trace.ScopeTree
	r.options.At = r.now.Add(-time.Hour)
	if _, err := r.verifier().VerifyRelying(t.Context(), targets, r.on); err == nil {
		t.Error("an earlier time relies on a report")
	}
	r.options.At = time.Time{}
	if _, err := r.verifier().VerifyRelying(t.Context(), nil, r.on); err == nil {
		t.Error("nothing relies on a report")
	}
}

// What is read is what was written.
func TestReportsAreReadAsWritten(t *testing.T) {
	w := serve(t)
	for _, write := range []func(*trace.Report) ([]byte, error){written(report.JSON), written(report.ExplainJSON)} {
		for _, id := range []string{w.Build.ID, w.Signing.ID, w.FailedBuild.ID, w.TryBuild.ID, w.ForeignSigner.ID, w.Twice.ID} {
			rep := w.verify(id)
			text, err := write(rep)
			if err != nil {
				t.Fatal(err)
			}
			again, err := trace.ReadReport(text)
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			plain, err := written(report.JSON)(rep)
			if err != nil {
				t.Fatal(err)
			}
			got, err := written(report.JSON)(again)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, plain) {
				t.Errorf("%s: read and written again it is\n%s\nwant\n%s", id, got, plain)
			}
		}
	}
}

func written(write func(io.Writer, *trace.Report) error) func(*trace.Report) ([]byte, error) {
	return func(r *trace.Report) ([]byte, error) {
		var b bytes.Buffer
		err := write(&b, r)
		return b.Bytes(), err
	}
}

func relyInCentral(t *testing.T) *relying {
	t.Helper()
	w := serve(t)
	return relyIn(w, w.Graph, w.Build, w.GenericBuild)
}

func requests(w *served, service, part string) int {
	n := 0
	for _, q := range w.server.Requests() {
		if q.Service == service && strings.Contains(q.Path, part) {
			n++
		}
	}
	return n
}
