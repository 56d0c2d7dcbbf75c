package certs

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// keyMethod verifies a raw Ed25519 signature (RFC 8032) under keys that policy
// pins to a worker implementation and worker pools.
type keyMethod struct {
	keys    []Key
	now     time.Time
	trusted bool // signers.queueTime: trusted
}

func (m keyMethod) verify(s Signed, w Worker, at instant) verdict {
	sig := s.Forms[FormSignature]
	if len(sig) != ed25519.SignatureSize {
		return refused(Failure{
			Cause:   SignatureInvalid,
			Message: "the signature has the wrong length",
			Want:    fmt.Sprintf("%d bytes", ed25519.SignatureSize),
			Got:     fmt.Sprintf("%d bytes", len(sig)),
		})
	}
	t := table{signed: at, now: m.now, trusted: m.trusted}
	var mine, others []Key
	for _, k := range m.keys {
		if k.Implementation == w.Implementation && graph.AnyPool(k.Pools, w.Pool) {
			mine = append(mine, k)
		} else {
			others = append(others, k)
		}
	}
	var outside []Key
	for _, k := range mine {
		if !ed25519.Verify(k.Public, s.Document, sig) {
			continue
		}
		if !t.withinOpen(k.NotBefore, k.NotAfter) {
			outside = append(outside, k)
			continue
		}
		return verdict{signer: &Signer{
			Method: MethodKey, Identity: string(k.Implementation), KeyID: k.ID(), SignedAt: at.at, TimeSource: at.source,
			NotAfter: k.NotAfter, RestsOn: append([]string{string(k.ID())}, at.restsOn...),
		}}
	}
	if len(outside) > 0 {
		return refused(Failure{
			Cause:   SignerUnauthorized,
			Message: fmt.Sprintf("the document is signed by key %s, outside the key's window", outside[0].ID()),
			Want:    span(outside[0].NotBefore, outside[0].NotAfter),
			Got:     fmt.Sprintf("signed %s, verified %s", at, m.now.UTC().Format(time.RFC3339)),
			Hint:    "signers.queueTime: trusted judges at the signing time alone (for audits)",
		})
	}
	for _, k := range others {
		if ed25519.Verify(k.Public, s.Document, sig) {
			return refused(Failure{
				Cause:   SignerUnauthorized,
				Message: fmt.Sprintf("the document is signed by key %s, which may not sign for this worker", k.ID()),
				Want:    fmt.Sprintf("a key of %s for pool %s", w.Implementation, w.Pool),
				Got:     fmt.Sprintf("a key of %s for pools %s", k.Implementation, patterns(k.Pools)),
				Hint:    scriptworkerHint(w, k.Implementation == graph.Scriptworker),
			})
		}
	}
	if len(mine) == 0 {
		hint := "add the pool to a key in signers.keys, or to unkeyedPools if its workers have no published key"
		if more := scriptworkerHint(w, true); more != "" {
			hint += "; " + more
		}
		return refused(Failure{
			Cause:   SignerUnauthorized,
			Message: fmt.Sprintf("policy has no key of %s for pool %s", w.Implementation, w.Pool),
			Hint:    hint,
		})
	}
	return refused(Failure{
		Cause:   SignatureInvalid,
		Message: "the signature does not verify under any key that policy has",
		Want:    "a signature by " + keyIDs(mine),
		Got:     "a signature by an unknown key, or of other bytes",
	})
}

// scriptworkerHint: a scriptworker's task is taken for generic-worker's where
// policy doesn't name its provisioner.
func scriptworkerHint(w Worker, likely bool) string {
	if !likely || w.Implementation != graph.GenericWorker {
		return ""
	}
	provisioner, _, _ := strings.Cut(w.Pool.String(), "/")
	return fmt.Sprintf("if scriptworkers run in %s, add %s to scriptworkerProvisioners", w.Pool, provisioner)
}

// span says a window; a zero end is open.
func span(notBefore, notAfter time.Time) string {
	from, to := "the beginning", "now on"
	if !notBefore.IsZero() {
		from = notBefore.UTC().Format(time.RFC3339)
	}
	if !notAfter.IsZero() {
		to = notAfter.UTC().Format(time.RFC3339)
	}
	return "from " + from + " to " + to
}

func patterns(ps []graph.PoolPattern) string {
	s := make([]string, len(ps))
	for i, p := range ps {
		s[i] = p.String()
	}
	return strings.Join(s, ", ")
}

func keyIDs(keys []Key) string {
	s := make([]string, len(keys))
	for i, k := range keys {
		s[i] = string(k.ID())
	}
	return strings.Join(s, " or ")
}
