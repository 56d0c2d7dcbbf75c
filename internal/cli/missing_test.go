package cli

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
)

// explained runs cot-verify-graph and gives its exit code and what it wrote to
// standard output.
func (w *badRun) explained(args ...string) (int, string) {
	w.t.Helper()
	policy := filepath.Join(w.dir, "policy.yml")
	write(w.t, policy, w.PolicyYAML(w.server), 0o600)
	s, stdout, stderr := plainIO(append(args, "--policy", policy, "--progress", "none")...)
	s.Now = func() time.Time { return w.Now }
	s.tune = impatient
	code := VerifyGraph(w.t.Context(), s)
	if code == exitUsage {
		w.t.Fatal(stderr.String())
	}
	return code, stdout.String()
}

func feature(value any) func(w *badRun, b *fixtures.Task) {
	return func(_ *badRun, b *fixtures.Task) {
		payload, _ := b.Definition["payload"].(fixtures.Object)
		features, _ := payload["features"].(fixtures.Object)
		if features["chainOfTrust"] = value; value == nil {
			delete(features, "chainOfTrust")
		}
		b.Last().Unsign()
	}
}

func resolved(state, reason string) func(w *badRun, b *fixtures.Task) {
	return func(_ *badRun, b *fixtures.Task) {
		b.Last().Unsign()
		b.Last().Resolve(state, reason)
	}
}

func unsigned(_ *badRun, b *fixtures.Task) { b.Last().Unsign() }

// open takes a task's run back to before it was resolved.
func open(state string) func(w *badRun, b *fixtures.Task) {
	return func(_ *badRun, b *fixtures.Task) {
		b.Last().Unsign()
		b.Last().Resolve(state, "")
		b.Last().Resolved = time.Time{}
		if state == fixtures.Pending {
			b.Last().Started = time.Time{}
		}
		if state == fixtures.Unscheduled {
			b.Runs = nil
		}
	}
}

// onArtifact edits the document or its signature.
func onArtifact(name string, f func(w *badRun, a *fixtures.Artifact)) func(w *badRun, b *fixtures.Task) {
	return func(w *badRun, b *fixtures.Task) { f(w, b.Artifact(name)) }
}

func failedUpload(_ *badRun, a *fixtures.Artifact) {
	a.Storage, a.Reason, a.Message = fixtures.StorageError, "file-missing-on-worker", "no space left\x1b[2J"
}

func expired(w *badRun, a *fixtures.Artifact) { a.Expires = w.Now.Add(-24 * time.Hour) }

// What is missing is explained by what the queue and the definition say. Each
// world is honest but for one thing: the same task verifies before.
func TestMissingDocumentsAreExplained(t *testing.T) {
	const document, signature = fixtures.DocumentName, fixtures.SignatureName
	yesterday := fixtures.Release(1).Now.Add(-24 * time.Hour).UTC().Format(time.RFC3339)
	for _, tt := range []struct {
		name string
		of   func(w *badRun) *fixtures.Task // nil: GenericBuild
		edit func(w *badRun, b *fixtures.Task)
		code int
		rule string
		says []string
	}{
		{"the feature is off", nil, feature(false), 1, "cot-missing", []string{
			"at /payload/features/chainOfTrust", "does not ask its worker for one", "expected true, found false", "set payload.features.chainOfTrust to true",
		}},
		{"no such feature", nil, feature(nil), 1, "cot-missing", []string{"at /payload/features/chainOfTrust", "expected true, found nothing"}},
		{"the feature is a text", nil, feature("true"), 1, "cot-missing", []string{`expected true, found "true"`}},
		{"never uploaded", nil, unsigned, 1, "cot-missing", []string{"asks for one, but the worker never uploaded it", "insecure engine, which cannot sign"}},
		{"nothing was uploaded", nil, func(_ *badRun, b *fixtures.Task) { b.Last().Unsign(); b.Last().Artifacts = nil }, 1, "cot-missing", []string{
			"never uploaded it", `found "no artifact at all"`,
		}},
		{"a scriptworker uploaded none", func(w *badRun) *fixtures.Task { return w.Signing }, unsigned, 1, "cot-missing", []string{
			"has no chain of trust document: the worker never uploaded it", "look into the log of the run",
		}},
		{"the task has expired", nil, func(w *badRun, b *fixtures.Task) {
			b.Last().Unsign()
			b.Definition["expires"] = w.Now.Add(-24 * time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")
		}, 1, "cot-missing", []string{"expired with it, at " + yesterday, "made again"}},
		{"failed to upload", nil, onArtifact(document, failedUpload), 1, "cot-missing", []string{
			"the worker failed to upload it (file-missing-on-worker: no space left?[2J)", "look into the log of the run",
		}},
		{"expired", nil, onArtifact(document, expired), 1, "cot-missing", []string{"has expired, at " + yesterday, "it was there once"}},
		{"lost by the queue", nil, onArtifact(document, func(_ *badRun, a *fixtures.Artifact) { a.NotPresent = true }), 1, "cot-missing", []string{
			"though it is listed", "not found",
		}},
		{"lost by storage", nil, onArtifact(document, func(_ *badRun, a *fixtures.Artifact) { a.Lost = true }), 1, "cot-missing", []string{
			"though it is listed", "storage answered with status 404", "it was deleted, or never uploaded",
		}},
		{"a link", nil, onArtifact(document, func(_ *badRun, a *fixtures.Artifact) {
			a.Storage, a.Target = fixtures.StorageLink, target
		}), 1, "cot-missing", []string{"is not a file that a worker uploaded", `found "link"`}},

		{"still running", nil, open(fixtures.Running), 75, "run-not-completed", []string{`found "running"`, "wait until the task has completed"}},
		{"still pending", nil, open(fixtures.Pending), 75, "run-not-completed", []string{`found "pending"`, "no worker has claimed it"}},
		{"unscheduled", nil, open(fixtures.Unscheduled), 75, "run-not-completed", []string{`found "unscheduled"`, "its dependencies have not resolved"}},
		{"failed before the upload", nil, resolved(fixtures.Failed, "failed"), 1, "cot-missing", []string{"the run failed, and its worker uploaded none"}},
		{"cancelled", nil, resolved(fixtures.Exception, "canceled"), 1, "cot-missing", []string{
			`found "exception (canceled)"`, "ended as exception (canceled), so somebody cancelled it before it was signed", "rerun the task",
		}},
		{"the worker went away", nil, resolved(fixtures.Exception, "claim-expired"), 1, "cot-missing", []string{"(claim-expired), so its worker went away"}},
		{"too late", nil, resolved(fixtures.Exception, "deadline-exceeded"), 1, "cot-missing", []string{"not resolved in time", "create the task anew"}},
		{"a payload that the worker refused", nil, resolved(fixtures.Exception, "malformed-payload"), 1, "cot-missing", []string{
			"its worker refused the payload", "an engine that cannot sign refuses features.chainOfTrust",
		}},

		{"no signature", nil, func(_ *badRun, b *fixtures.Task) { b.Last().Remove(signature) }, 1, "signature-missing", []string{
			"the second upload did not happen", signature,
		}},
		{"no signature of an exception", nil, func(_ *badRun, b *fixtures.Task) {
			b.Last().Remove(signature)
			b.Last().Resolve(fixtures.Exception, "worker-shutdown")
		}, 1, "signature-missing", []string{"no signature beside it: it ended as exception (worker-shutdown), so its worker went away"}},
		{"a signature that failed to upload", nil, onArtifact(signature, failedUpload), 1, "signature-missing", []string{
			"the worker failed to upload it (file-missing-on-worker: no space left?[2J)",
		}},
		{"a signature that has expired", nil, onArtifact(signature, expired), 1, "signature-missing", []string{"has expired, at " + yesterday}},
		{"a signature that storage lost", nil, onArtifact(signature, func(_ *badRun, a *fixtures.Artifact) { a.Lost = true }), 1, "signature-missing", []string{
			"though it is listed", "storage answered with status 404",
		}},
		{"a signature by reference", nil, onArtifact(signature, func(_ *badRun, a *fixtures.Artifact) {
			a.Storage, a.URL = fixtures.StorageReference, "https://example.org/sig"
		}), 1, "signature-missing", []string{"is not a file that a worker uploaded", `found "reference"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newBadRun(t, fixtures.Options{})
			of := tt.of
			if of == nil {
				of = func(w *badRun) *fixtures.Task { return w.GenericBuild }
			}
			task := of(w)
			if code, said := w.explained(task.ID); code != exitOK {
				t.Fatalf("in an honest world: exit code %d\n%s", code, said)
			}
			w.Edit(func() { tt.edit(w, task) })
			code, said := w.explained("-v", task.ID)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, word := range append(tt.says, tt.rule) {
				if !strings.Contains(said, word) {
					t.Errorf("nothing is said of %q", word)
				}
			}
			if t.Failed() {
				t.Logf("said:\n%s", said)
			}
		})
	}
}
