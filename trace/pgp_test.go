package trace_test

import (
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/fixtures/gnupg"
	"github.com/mozilla-releng/cot/trace"
)

const clearSignedName = "public/chainOfTrust.json.asc"

type keyring []byte

func (k keyring) ReadFile(name string, _ int64) ([]byte, error) {
	if name != "old-keys.asc" {
		return nil, fs.ErrNotExist
	}
	return k, nil
}

// archive is the standard world with policy's keyring, judged as an archive,
// and a worker's GnuPG.
func archive(t *testing.T) (*served, *gnupg.Home) {
	t.Helper()
	w := serve(t)
	w.now, w.options.Archive = w.Now, true
	g := gnupg.New(t, w.Now.AddDate(0, -6, 0))
	g.Key("worker", "rsa2048", "sign", "1y")
	g.Now = w.Now.Add(-time.Minute)
	w.files = keyring(g.Export("worker"))
	w.policy = func(text string) string {
		return replaceOnce(text, "signers:\n", "signers:\n  pgp: {keyring: old-keys.asc}\n")
	}
	return w, g
}

// clearSign adds the clear-signed document of a task's last run. alone takes
// away all others.
func clearSign(g *gnupg.Home, task *fixtures.Task, alone bool) {
	document := string(task.Artifact(fixtures.DocumentName).Honest().Bytes())
	a := fixtures.File(clearSignedName, fixtures.Bytes(g.Sign(document, "worker")))
	a.Unhashed = true
	task.Last().Add(a)
	if alone {
		task.Last().Remove(fixtures.DocumentName, fixtures.SignatureName)
	}
}

func TestClearSignedArchive(t *testing.T) {
	for name, alone := range map[string]bool{"alone": true, "beside the plain documents": false} {
		t.Run(name, func(t *testing.T) {
			w, g := archive(t)
			w.Edit(func() {
				for _, task := range []*fixtures.Task{w.Build, w.Decision} {
					clearSign(g, task, alone)
				}
			})
			r := w.verify(w.Signing.ID)
			wantVerdict(t, r, trace.Verified)
			signed := 0
			for _, task := range r.Tasks {
				if alone && task.Signer.Method == "pgp" && task.Signer.Identity == "openpgp4fpr:"+g.Fingerprint("worker") {
					signed++
				}
			}
			if alone && signed != 2 {
				t.Errorf("%d tasks under the keyring, want 2", signed)
			}
			w.options.Archive = false
			r = w.verify(w.Signing.ID)
			wantVerdict(t, r, trace.Untrusted)
			want := trace.RuleSignerUnauthorized
			if alone {
				want = trace.RuleCotMissing
			}
			wantRule(t, r, want)
		})
	}
}

// Each differs from TestClearSignedArchive in one thing, on one link.
func TestAttacksOnClearSigned(t *testing.T) {
	for _, a := range []struct {
		name string
		edit func(w *served, g *gnupg.Home)
		rule trace.Rule
	}{
		{"another task's document", func(w *served, g *gnupg.Home) {
			clearSign(g, w.D2G, true)
			clearSign(g, w.Build, true)
			w.Build.Artifact(clearSignedName).Stored = w.D2G.Artifact(clearSignedName).Honest()
		}, trace.RuleCotTaskID},
		{"a key that is not in the ring", func(w *served, g *gnupg.Home) {
			clearSign(g, w.Build, true)
			g.Key("other", "ed25519", "sign", "1y")
			w.files = keyring(g.Export("other"))
		}, trace.RuleSignatureInvalid},
		{"a second document before it", func(w *served, g *gnupg.Home) {
			clearSign(g, w.Build, true)
			w.Build.Artifact(clearSignedName).EditStored = func(b []byte) []byte { return slices.Concat([]byte("{}\n"), b) }
		}, trace.RuleSignatureInvalid},
		{"a changed byte", func(w *served, g *gnupg.Home) {
			clearSign(g, w.Build, true)
			w.Build.Artifact(clearSignedName).FlipStored(100)
		}, trace.RuleSignatureInvalid},
		{"listed and lost", func(w *served, g *gnupg.Home) {
			clearSign(g, w.Build, true)
			w.Build.Artifact(clearSignedName).Lost = true
		}, trace.RuleSignatureMissing},
		{"beside a plain document of other bytes", func(w *served, g *gnupg.Home) {
			clearSign(g, w.D2G, false)
			clearSign(g, w.Build, false)
			w.Build.Artifact(clearSignedName).Stored = w.D2G.Artifact(clearSignedName).Honest()
		}, trace.RuleSignatureInvalid},
		{"the plain document deleted, its signature left", func(w *served, g *gnupg.Home) {
			clearSign(g, w.Build, true)
			addForm(w, fixtures.SignatureName)
		}, trace.RuleCotMissing},
		{"the plain document lost", func(w *served, g *gnupg.Home) {
			clearSign(g, w.Build, false)
			w.Build.Artifact(fixtures.DocumentName).Lost = true
		}, trace.RuleCotMissing},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w, g := archive(t)
			w.Edit(func() { a.edit(w, g) })
			wantRefused(t, w.verify(w.Signing.ID), a.rule)
		})
	}
}
