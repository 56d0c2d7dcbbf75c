package trace_test

import (
	"crypto/x509"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/trace"
)

// certified is the standard world with workers that sign under certificates.
func certified(t *testing.T) (*served, *fixtures.Certified) {
	t.Helper()
	w := serve(t)
	w.now = w.Now
	root, err := url.Parse(w.server.RootURL)
	if err != nil {
		t.Fatal(err)
	}
	var c *fixtures.Certified
	w.Edit(func() { c = w.Certify(root.Hostname()) })
	w.policy = c.PolicyYAML
	return w, c
}

func TestChainUnderCertificates(t *testing.T) {
	w, c := certified(t)
	r := w.verify(w.Signing.ID, w.GenericBuild.ID)
	wantVerdict(t, r, trace.Verified)
	for _, task := range r.Tasks {
		s := task.Signer
		if s == nil || s.Method != "certificate" || s.Identity != c.PoolID(task.WorkerPool) || s.TimeSource != "queue" {
			t.Errorf("%s: %+v", task.Name, s)
		}
	}
	w.Edit(func() { c.Stamp(w.World) })
	r = w.verify(w.Signing.ID)
	wantVerdict(t, r, trace.Verified)
	for _, task := range r.Tasks {
		if task.Signer.TimeSource != "timestamp" {
			t.Errorf("%s: %+v", task.Name, task.Signer)
		}
	}
}

// Each differs from TestChainUnderCertificates in one thing, on one link: the
// target, an input, the image, the parent.
func TestAttacksOnCertificates(t *testing.T) {
	for _, a := range []struct {
		name string
		edit func(w *served, c *fixtures.Certified)
		rule trace.Rule
	}{
		{"the chain of the decision task was deleted", func(w *served, _ *fixtures.Certified) {
			w.Decision.Last().Remove(fixtures.ChainName)
		}, trace.RuleSignerUnauthorized},
		{"the chain of an input was deleted", func(w *served, _ *fixtures.Certified) {
			w.Build.Last().Remove(fixtures.ChainName)
		}, trace.RuleSignerUnauthorized},
		{"the chain is listed and lost", func(w *served, _ *fixtures.Certified) {
			w.Build.Artifact(fixtures.ChainName).Lost = true
		}, trace.RuleSignatureMissing},
		{"an input is signed by a pinned key after all", func(w *served, _ *fixtures.Certified) {
			w.Build.Last().Remove(fixtures.ChainName)
			w.Build.Last().Document.Holder = nil
		}, trace.RuleSignerUnauthorized},
		{"an input by another pool's worker", func(w *served, c *fixtures.Certified) {
			w.Build.Last().Document.Holder = c.Holder("gecko-3/b-win")
		}, trace.RuleSignerUnauthorized},
		{"the image by a worker of builds", func(w *served, c *fixtures.Certified) {
			w.Image.Last().Document.Holder = c.Holder("gecko-3/b-linux")
		}, trace.RuleSignerUnauthorized},
		{"a decision task by a level 1 worker", func(w *served, c *fixtures.Certified) {
			w.Decision.Last().Document.Holder = c.Holder("gecko-1/decision")
		}, trace.RuleSignerUnauthorized},
		{"a chain of the adversary", func(w *served, c *fixtures.Certified) {
			evil := ca.Root("evil").Intermediate("issuer")
			w.Build.Last().Document.Holder = evil.Worker(ca.Key("evil"), c.PoolID(w.Build.Pool()))
		}, trace.RuleCertificatePath},
		{"an expired certificate", func(w *served, c *fixtures.Certified) {
			w.Build.Last().Document.Holder = w.expired(c, w.Build)
		}, trace.RuleCertificateExpired},
		{"a leaked key, revoked with one entry", func(w *served, c *fixtures.Certified) {
			c.Revoked = append(c.Revoked, ca.Revoked{Of: c.Holder(w.Build.Pool()), At: w.Now.Add(-2 * time.Hour), Reason: 1})
		}, trace.RuleCertificateRevoked},
		{"a document replayed from another run of the pool", func(w *served, _ *fixtures.Certified) {
			w.Build.Last().Document.Replay = w.Toolchain.Last()
		}, trace.RuleCotTaskID},
		{"a time stamp that policy trusts nobody for", func(w *served, c *fixtures.Certified) {
			c.Stamp(w.World)
			c.TSA = nil
		}, trace.RuleTimestampInvalid},
		{"a time stamp over another signature", func(w *served, c *fixtures.Certified) {
			c.Stamp(w.World)
			w.Build.Artifact(fixtures.TimestampName).Stored = w.D2G.Artifact(fixtures.TimestampName).Honest()
		}, trace.RuleTimestampInvalid},
		{"a time stamp that was stripped from storage", func(w *served, c *fixtures.Certified) {
			c.Stamp(w.World)
			w.Build.Artifact(fixtures.TimestampName).Lost = true
		}, trace.RuleSignatureMissing},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w, c := certified(t)
			w.Edit(func() { a.edit(w, c) })
			wantRefused(t, w.verify(w.Signing.ID), a.rule)
		})
	}
}

// expired is a certificate for the task's pool that ended before now.
func (w *served) expired(c *fixtures.Certified, task *fixtures.Task) *ca.Holder {
	return c.Issuer.Worker(ca.Key("expired"), c.PoolID(task.Pool()), validUntil(w.Now.Add(-time.Minute)))
}

// A certificate that has expired since verifies by its time stamp, or where an
// auditor says that the queue's time counts.
func TestExpiredSince(t *testing.T) {
	for name, edit := range map[string]func(w *served, c *fixtures.Certified){
		"stamped": func(w *served, c *fixtures.Certified) { c.Stamp(w.World) },
		"the queue's time trusted": func(w *served, c *fixtures.Certified) {
			policy := w.policy
			w.policy = func(text string) string {
				return replaceOnce(policy(text), "signers:\n", "signers:\n  queueTime: trusted\n")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, c := certified(t)
			policy := w.policy
			w.policy = func(text string) string {
				return replaceOnce(policy(text), "  certificates:\n", "  certificates:\n    crlKeepsExpired: true\n")
			}
			w.Edit(func() {
				w.Build.Last().Document.Holder = w.expired(c, w.Build)
				edit(w, c)
			})
			r := w.verify(w.Signing.ID)
			wantVerdict(t, r, trace.Verified)
			if !slices.ContainsFunc(r.Policy.Relaxed, func(s string) bool { return len(s) > 0 }) {
				t.Errorf("relaxed: %q", r.Policy.Relaxed)
			}
		})
	}
}

func validUntil(at time.Time) ca.Edit { return func(c *x509.Certificate) { c.NotAfter = at } }

func replaceOnce(s, old, new string) string { return strings.Replace(s, old, new, 1) }
