package trace_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// A try push is a contribution on pools without published keys: accepted where
// both are asked for, and the report says so.
func TestTryIsAcceptedWhenAskedFor(t *testing.T) {
	w := serve(t)
	w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
	r := w.verify(w.TryBuild.ID)
	wantVerdict(t, r, trace.Accepted)
	if v := r.Tasks[0].Verdict; v != trace.Accepted {
		t.Errorf("the target itself is %s, want accepted", v)
	}
	if want := []string{trace.FlagAcceptUnsignedPools, trace.FlagAcceptUntrustedTree}; !slices.Equal(r.Accepted, want) {
		t.Errorf("accepted %v, want %v", r.Accepted, want)
	}
	// The flags change nothing for what is verified without them.
	wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
}

// No task is called better than what it rests on, and none worse for what it
// does not.
func TestTaskVerdicts(t *testing.T) {
	w := serve(t)
	w.Edit(func() { object(w.Decision.Definition, "metadata")["owner"] = "mallory@example.org" })
	r := w.verify(w.Build.ID, w.ReleaseBuild.ID)
	wantVerdict(t, r, trace.Untrusted)
	for _, task := range r.Tasks {
		want := trace.Untrusted
		if strings.HasPrefix(task.Tree.Repository, w.Release.URL()) {
			want = trace.Verified
		}
		if task.Verdict != want {
			t.Errorf("%s of %s is %s, want %s", task.Name, task.Tree.Repository, task.Verdict, want)
		}
	}
}

// Accepting a contribution does not accept restricted scopes in it.
func TestRestrictedScopeOnTryStaysRefused(t *testing.T) {
	w := serve(t)
	w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
	w.Edit(func() { grant(w.TryBuild, "project:releng:signing:cert:nightly-signing") })
	wantRefused(t, w.verify(w.TryBuild.ID), trace.RuleRestrictedScope)
}

// Nothing of a contribution is fetched unless the caller accepts it.
func TestContributionIsNotFetched(t *testing.T) {
	w := serve(t)
	w.options.AcceptUnsignedPools = true
	w.verify(w.TryBuild.ID)
	if n := w.server.Count("/try/"); n != 0 {
		t.Errorf("%d requests for a contribution that nobody accepted", n)
	}
	w.options.AcceptUntrustedTree = true
	w.verify(w.TryBuild.ID)
	if n := w.server.Count("/try/"); n == 0 {
		t.Error("an accepted contribution was not rebuilt from its tree")
	}
}

// On try the comment may be the push's "try:" line, and only that.
func TestTrySyntax(t *testing.T) {
	for comment, want := range map[string]trace.Verdict{
		"try: -b do -p linux64": trace.Accepted, " ": trace.Accepted,
		"try: -b do -p linux64 -u all": trace.Untrusted, "Bug 1": trace.Untrusted,
	} {
		w := serve(t)
		w.options.AcceptUntrustedTree, w.options.AcceptUnsignedPools = true, true
		w.Edit(func() {
			c := &w.TryPush.Changesets[len(w.TryPush.Changesets)-1]
			c.Desc = "Bug 1\n\ntry: -b do -p linux64\nmore"
			object(w.TryDecision.Definition, "payload", "env")["GECKO_COMMIT_MSG"] = comment
		})
		wantVerdict(t, w.verify(w.TryBuild.ID), want)
	}
}

func TestExpectations(t *testing.T) {
	w := serve(t)
	w.options.ExpectProduct = "firefox"
	w.options.ExpectTree = mustTree(t, "ssh://hg.mozilla.org/mozilla-central/")
	wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
	r := w.verify(w.Build.ID, w.ReleaseBuild.ID) // one of two leads elsewhere
	wantRefused(t, r, trace.RuleTreeUnexpected)
}

// A rerun's earlier completed run verifies when it is named.
func TestNamedRun(t *testing.T) {
	w := serve(t)
	r := w.verify(w.Rerun.ID + "/1")
	wantVerdict(t, r, trace.Verified)
	if *r.Tasks[0].RunID != 1 {
		t.Errorf("run %d was verified, want 1", *r.Tasks[0].RunID)
	}
}

// A target without a run stands for the newest completed one, whatever other
// runs are named beside it.
func TestNamedRunBesideTheNewest(t *testing.T) {
	w := serve(t)
	r := w.verify(w.Rerun.ID, w.Rerun.ID+"/1")
	wantVerdict(t, r, trace.Verified)
	newest, named := mustRun(t, w.Rerun.ID+"/2"), mustRun(t, w.Rerun.ID+"/1")
	if got, _ := r.Run(trace.RunTarget{Task: newest.Task}); got != newest {
		t.Errorf("no run named: %s, want %s", got, newest)
	}
	if got, _ := r.Run(trace.RunTarget{Task: named.Task, Run: &named.Run}); got != named {
		t.Errorf("run 1 named: %s, want %s", got, named)
	}
}

// What a task adds to its own signed document is marked, and nothing more.
func TestTaskClaimsAreMarked(t *testing.T) {
	w := serve(t)
	w.Edit(func() {
		w.GenericBuild.Last().Document.AdditionalData = fixtures.Object{
			"note": "mine", "taskId": "BBBBBBBBQBBBBBBBBBBBBA",
			"artifacts":   fixtures.Object{"public/extra": fixtures.Object{"sha256": strings.Repeat("0", 64)}},
			"environment": fixtures.Object{"imageArtifactHash": "sha256:" + strings.Repeat("0", 64)},
		}
	})
	r := w.verify(w.GenericBuild.ID)
	wantVerdict(t, r, trace.Verified)
	if want := []string{"/environment/imageArtifactHash", "/note"}; !slices.Equal(r.Tasks[0].Claims, want) {
		t.Errorf("claims %v, want %v", r.Tasks[0].Claims, want)
	}
	if !slices.ContainsFunc(r.Tasks[0].Findings, func(f trace.Finding) bool {
		return f.Rule == trace.RuleTaskClaimed && f.Severity == trace.SeverityWarning
	}) {
		t.Error("no warning tells of the claims")
	}
	run := mustRun(t, w.GenericBuild.ID+"/0")
	if _, f := r.Verified(run, "public/extra"); f == nil || f.Rule != trace.RuleArtifactUnavailable {
		t.Errorf("an artifact that only the task vouches for: %+v", f)
	}
	if _, f := r.Verified(run, "public/build/target.zip"); f != nil && f.Rule == trace.RuleCotMissing {
		t.Errorf("the worker's own artifact: %+v", f)
	}
}

func TestVerifiedArtifact(t *testing.T) {
	w := serve(t)
	r := w.verify(w.StorageTask.ID)
	run := mustRun(t, w.StorageTask.ID+"/0")
	for storage, name := range fixtures.StorageNames {
		a, f := r.Verified(run, name)
		switch storage {
		case fixtures.StorageS3, fixtures.StorageObject:
			if f != nil || a.Digests()[0].Hex() != w.StorageTask.Artifact(name).SHA256() {
				t.Errorf("%s: %+v %+v", storage, a, f)
			}
		default:
			if f == nil {
				t.Errorf("%s: an artifact that no worker hashes was given", storage)
			}
		}
	}
	if _, f := r.Verified(run, "public/none"); f == nil || f.Rule != trace.RuleArtifactNotInCot {
		t.Errorf("an artifact that is not in the document: %+v", f)
	}
	if _, f := r.Verified(mustRun(t, w.Build.ID+"/0"), "public/build/target.tar.bz2"); f == nil {
		t.Error("an artifact of a task that was not asked for was given")
	}
}

// What may heal is undetermined; anything that is wrong besides decides.
func TestUndetermined(t *testing.T) {
	down := func(service, part string) func(w *served) {
		return func(w *served) {
			w.server.Fault(fixtures.Fault{Service: service, Match: fixtures.PathHas(part), Status: http.StatusServiceUnavailable})
		}
	}
	cases := map[string]func(w *served){
		"the queue is down for the target":     func(w *served) { down(fixtures.API, w.Build.ID)(w) },
		"the queue is down for the decision":   func(w *served) { down(fixtures.API, w.Decision.ID)(w) },
		"the queue is down for an input":       func(w *served) { down(fixtures.API, w.Image.ID)(w) },
		"the decision's status is unavailable": func(w *served) { down(fixtures.API, w.Decision.ID+"/status")(w) },
		"the decision's document is unavailable": func(w *served) {
			a := w.Decision.Artifact(fixtures.DocumentName)
			w.server.Fault(fixtures.Fault{Match: fixtures.Download(a), Status: http.StatusServiceUnavailable})
		},
		"the decision's task graph breaks off": func(w *served) {
			a := w.Decision.Artifact(trace.TaskGraphName)
			w.server.Fault(fixtures.Fault{Match: fixtures.Download(a), Truncate: true, At: 100})
		},
		"the decision is still running": func(w *served) {
			w.Edit(func() { stillRunning(w.Decision.Last()) })
		},
		"the pushlog is down":      down(fixtures.VCS, "json-pushes"),
		"the template is down":     down(fixtures.VCS, "raw-file"),
		"the project list is down": down(fixtures.VCS, "projects.yml"),
		"the target is still running": func(w *served) {
			w.Edit(func() {
				r := w.Build.Last()
				r.State, r.Resolved = fixtures.Running, time.Time{}
			})
		},
	}
	for name, fault := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			fault(w)
			wantVerdict(t, w.verify(w.Build.ID), trace.Undetermined)
			w.Edit(func() { w.Toolchain.Last().Document.Key = w.Keys.Foreign })
			if name == "the target is still running" || name == "the queue is down for the target" {
				return // its inputs are not looked at
			}
			wantVerdict(t, w.verify(w.Build.ID), trace.Untrusted)
		})
	}
}

func stillRunning(r *fixtures.Run) {
	r.State, r.Resolved = fixtures.Running, time.Time{}
	r.Artifacts, r.Document = nil, nil
}

// A child that no completed run of its parent has may be in the graph of the
// run that is still going on; that it is in none at all stays wrong.
func TestParentStillRunning(t *testing.T) {
	w := serve(t)
	w.Edit(func() { stillRunning(w.Twice.Last()) })
	wantVerdict(t, w.verify(w.SecondChild.ID), trace.Undetermined)
	wantVerdict(t, w.verify(w.FirstChild.ID), trace.Verified)
	w.Edit(func() { w.Twice.Last().Resolve(fixtures.Failed, "failed") })
	wantVerdict(t, w.verify(w.SecondChild.ID), trace.Untrusted)
}

// A recovering service leaves no trace in the verdict.
func TestRecovers(t *testing.T) {
	w := serve(t)
	w.server.Fault(fixtures.Fault{Service: fixtures.API, Times: 2, Status: 500})
	w.server.Fault(fixtures.Fault{Service: fixtures.VCS, Times: 1, Reset: true})
	wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
}

// Signature scope: only the target's own document is looked at.
func TestSignatureScope(t *testing.T) {
	w := serve(t)
	w.options.Scope = trace.ScopeSignature
	w.Edit(func() { w.Toolchain.Last().Document.Key = w.Keys.Foreign })
	r := w.verify(w.Build.ID)
	wantVerdict(t, r, trace.Signed)
	if len(r.Tasks) != 1 {
		t.Errorf("%d tasks were looked at, want 1", len(r.Tasks))
	}
	w.Edit(func() { w.Build.Last().Document.Key = w.Keys.Foreign })
	wantVerdict(t, w.verify(w.Build.ID), trace.Untrusted)
}

// The worker implementation chooses the keys, so signatures alone depend on it.
func TestSignatureScopeHoldsImplementations(t *testing.T) {
	w := serve(t)
	w.options.Scope = trace.ScopeSignature
	w.policy = func(p string) string { return p + "implementations: {generic-worker: [gecko-3/b-linux]}\n" }
	r := w.verify(w.Build.ID)
	wantRefused(t, r, trace.RuleWorkerImplementation)
	wantVerdict(t, w.verify(w.GenericBuild.ID), trace.Signed)
}

// Key windows: a queue time only narrows, so the window must hold now as well.
func TestKeyWindow(t *testing.T) {
	window := func(from, to string) func(string) string {
		return func(p string) string {
			return strings.Replace(p, "    - workerImplementation: generic-worker\n",
				"    - workerImplementation: generic-worker\n      notBefore: "+from+"\n      notAfter: "+to+"\n", 1)
		}
	}
	for name, c := range map[string]struct {
		from, to string
		trusted  bool
		want     trace.Verdict
	}{
		"within":           {"2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z", false, trace.Verified},
		"ended before now": {"2020-01-01T00:00:00Z", "2026-11-01T00:00:00Z", false, trace.Untrusted},
		"ended before now, but queue time is trusted": {"2020-01-01T00:00:00Z", "2026-11-01T00:00:00Z", true, trace.Verified},
		"began after the run":                         {"2026-11-01T00:00:00Z", "2030-01-01T00:00:00Z", true, trace.Untrusted},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(t)
			w.policy = func(p string) string {
				p = window(c.from, c.to)(p)
				if c.trusted {
					p = strings.Replace(p, "signers:\n", "signers:\n  queueTime: trusted\n", 1)
				}
				return p
			}
			r := w.verify(w.GenericBuild.ID)
			wantVerdict(t, r, c.want)
			if c.want == trace.Untrusted {
				wantRule(t, r, trace.RuleSignerUnauthorized)
			}
		})
	}
}

// Targets of several products are judged each by its own; being a target too
// lets no task of one product feed another.
func TestProducts(t *testing.T) {
	w := serve(t)
	w.policy = func(p string) string {
		p = strings.Replace(p, `(beta|release|esr`, `(beta|esr`, 1)
		return p + `  other:
    vcs: hg
    envPrefix: GECKO
    tasksFor: [hg-push]
    repositories: [{host: ` + fixtures.Host + `, path: /releases/mozilla-release}]
    decisionPools: [gecko-3/decision]
    dockerImagePools: [gecko-3/images]
    prebuiltImages: [decision, action, docker-image]
`
	}
	wantVerdict(t, w.verify(w.Build.ID, w.ReleaseBuild.ID), trace.Verified)
	w.Edit(func() {
		both(w.Signing, func(d fixtures.Object) {
			d["dependencies"] = append(slices.Clone(d["dependencies"].([]any)), w.ReleaseBuild.ID)
			p := object(d, "payload")
			p["upstreamArtifacts"] = append(slices.Clone(p["upstreamArtifacts"].([]any)), fixtures.Object{
				"taskId": w.ReleaseBuild.ID, "paths": []any{"public/build/target.tar.bz2"},
			})
		})
	})
	for _, ids := range [][]string{{w.Signing.ID}, {w.Signing.ID, w.ReleaseBuild.ID}} {
		wantRefused(t, w.verify(ids...), trace.RuleProductMismatch)
	}
}

// A try push with --rebuild gives every test of its graph duplicates; that they
// are many matters to none of the others.
func TestManyDuplicates(t *testing.T) {
	w := serve(t)
	w.Edit(func() {
		for range 1001 {
			w.Graph.Entries = append(w.Graph.Entries, &fixtures.Entry{
				TaskID: w.NewTaskID(), Label: "test", Attributes: fixtures.Object{"task_duplicates": 5},
				Task: fixtures.Object{"metadata": fixtures.Object{"name": "test"}},
			})
		}
	})
	wantVerdict(t, w.verify(w.Build.ID, w.Duplicates[0].ID, w.Duplicates[1].ID), trace.Verified)
}
