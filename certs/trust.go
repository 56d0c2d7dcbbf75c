package certs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/certs/cms"
	"github.com/mozilla-releng/cot/certs/pgp"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/graph"
)

// Config is the trust material of a policy.
type Config struct {
	Keys         []Key
	UnkeyedPools []graph.PoolPattern // pools whose workers have no published key
	Certificates *Certificates       // nil: none are trusted
	PGP          *PGP                // nil: no OpenPGP key is trusted
	// Archive says that the evidence is an archive's. Only there the method pgp
	// counts: the queue has long forgotten the tasks of its time.
	Archive bool
	// Require says which methods are acceptable where; the first that has the
	// pool decides. Elsewhere it is certificate and cms where Certificates has
	// a root for the pool, else key, and in an archive also pgp.
	Require []Requirement
	// QueueTimeTrusted judges windows at the run's resolved time alone, not now
	// as well.
	QueueTimeTrusted bool
	Now              time.Time          // the reference time of the run
	Sources          revocation.Sources // fetch CRLs and OCSP answers; nil: nothing is fetched
}

// Requirement names the methods that are acceptable for pools.
type Requirement struct {
	Pools   []graph.PoolPattern
	Methods []Method
}

// Trust decides on signatures. The zero value trusts nobody. It is safe for
// concurrent use, and keeps for its life what it found of certificates.
type Trust struct {
	config       Config
	key          keyMethod
	authority    *authority // nil without certificates
	certificates certificateMethod
	cms          cmsMethod
	pgp          *pgpMethod // nil without OpenPGP keys, and outside archives
}

// New refuses trust material that could let nobody's signature pass.
func New(c Config) (*Trust, error) {
	archived := c.Archive && c.PGP != nil
	if len(c.Keys) == 0 && len(c.UnkeyedPools) == 0 && c.Certificates == nil && !archived {
		return nil, errors.New("no signer is trusted: policy has neither keys nor certificates nor pools without a key (OpenPGP keys count in archives alone)")
	}
	if c.Now.IsZero() {
		return nil, errors.New("a reference time is needed")
	}
	for _, k := range c.Keys {
		if len(k.Pools) == 0 || k.Implementation == "" {
			return nil, fmt.Errorf("key %s has no worker implementation or worker pools", k.ID())
		}
	}
	for _, r := range c.Require {
		if len(r.Pools) == 0 || len(r.Methods) == 0 {
			return nil, errors.New("a requirement without worker pools or methods")
		}
	}
	t := &Trust{config: c, key: keyMethod{c.Keys, c.Now, c.QueueTimeTrusted}}
	if c.Certificates != nil {
		var err error
		if t.authority, err = newAuthority(c); err != nil {
			return nil, err
		}
	}
	t.certificates.authority, t.cms.authority = t.authority, t.authority
	if archived {
		var err error
		if t.pgp, err = newPGPMethod(c); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Keyed tells whether policy has any signer for the worker's pool in
// particular: a key, a root or issuer that is limited to pools and covers this
// one, or a demand that nothing but certificates meets.
func (t *Trust) Keyed(pool graph.WorkerPool) bool {
	for _, k := range t.config.Keys {
		if graph.AnyPool(k.Pools, pool) {
			return true
		}
	}
	c := t.config.Certificates
	if c == nil {
		return false
	}
	own := func(a Anchor) bool { return len(a.Pools) > 0 && a.covers(pool) }
	return slices.ContainsFunc(c.Roots, own) || slices.ContainsFunc(c.Issuers, own) ||
		graph.AnyPool(c.WorkerIdentityRequired, pool) || t.certificateRequired(pool)
}

// certificateRequired tells whether policy demands a certificate of the pool.
func (t *Trust) certificateRequired(pool graph.WorkerPool) bool {
	for _, r := range t.config.Require {
		if graph.AnyPool(r.Pools, pool) {
			return !slices.Contains(r.Methods, MethodKey)
		}
	}
	return false
}

// Unkeyed tells whether the pool is one whose workers have no published key.
// A pool that has a signer of its own is never one.
func (t *Trust) Unkeyed(pool graph.WorkerPool) bool {
	return !t.Keyed(pool) && graph.AnyPool(t.config.UnkeyedPools, pool)
}

// Unsigned tells whether there is nothing that anybody could check: the pool
// has no published key, and only its raw signature is there.
func (t *Trust) Unsigned(s Signed, w Worker) bool {
	for f := range s.Forms {
		if f != FormSignature {
			return false
		}
	}
	return t.Unkeyed(w.Pool)
}

// accepted gives the methods that policy accepts for a pool.
func (t *Trust) accepted(pool graph.WorkerPool) []Method {
	for _, r := range t.config.Require {
		if graph.AnyPool(r.Pools, pool) {
			return r.Methods
		}
	}
	if c := t.config.Certificates; c != nil && c.covers(pool) {
		return []Method{MethodCertificate, MethodCMS}
	}
	if t.pgp != nil {
		return []Method{MethodKey, MethodPGP}
	}
	return []Method{MethodKey}
}

// accepts tells whether policy accepts a method for a pool, and has somebody to
// trust by it.
func (t *Trust) accepts(m Method, pool graph.WorkerPool) bool {
	switch m {
	case MethodCertificate, MethodCMS:
		if t.authority == nil {
			return false
		}
	case MethodPGP:
		if t.pgp == nil {
			return false
		}
	}
	return slices.Contains(t.accepted(pool), m)
}

// verdict is what a method says of its form.
type verdict struct {
	signer   *Signer // nil with failures
	warnings []Failure
	failures []Failure
}

func refused(f ...Failure) verdict { return verdict{failures: f} }

// Verify checks every form that is present. It gives a document only when at
// least one signature holds and nothing present fails.
func (t *Trust) Verify(ctx context.Context, s Signed, w Worker) (*Verified, []Failure) {
	if t.Unsigned(s, w) {
		return nil, []Failure{{
			Cause:   SignerUnauthorized,
			Message: fmt.Sprintf("the workers of pool %s have no published key, so their signatures can't be checked", w.Pool),
			Hint:    "--accept-unsigned-pools accepts such tasks (try and pull-request graphs); the verdict is then \"accepted\"",
		}}
	}
	var failures []Failure
	methods := present(s)
	if len(methods) == 0 {
		failures = append(failures, Failure{
			Cause:   SignatureMissing,
			Message: "the run has a chain of trust document but no signature beside it",
			Want:    string(FormSignature),
			Hint:    "the worker failed to upload the signature, or somebody deleted it; rerun the task",
		})
	}
	for form, data := range s.Forms {
		if data == nil {
			failures = append(failures, Failure{Cause: SignatureMissing, Message: fmt.Sprintf("%s is listed but could not be read", form)})
		}
	}
	if len(failures) > 0 {
		return nil, failures
	}
	v := &Verified{document: s.Document}
	var clear *pgp.Message
	if s.Forms[FormPGP] != nil && t.accepts(MethodPGP, w.Pool) {
		var bad *Failure
		if clear, bad = unwrap(s); bad != nil {
			failures = append(failures, *bad)
		} else if s.Document == nil {
			v.document = clear.Text()
		}
	}
	if s.Document == nil {
		// What the other forms would be over is not there.
		for _, form := range Forms() {
			if _, present := s.Forms[form]; present && form != FormPGP {
				failures = append(failures, Failure{Cause: SignatureInvalid, Message: fmt.Sprintf("%s is there without %s, which it is over", form, DocumentName)})
			}
		}
	}
	var message *cms.Signed
	if p7s := s.Forms[FormCMS]; p7s != nil && t.accepts(MethodCMS, w.Pool) {
		var err error
		if message, err = cms.Verify(p7s, s.Document, cms.Options{}); err != nil {
			failures = append(failures, Failure{Cause: SignatureInvalid, Message: fmt.Sprintf("%s does not verify: %v", FormCMS, err)})
		}
	}
	times, bad := t.times(ctx, s, message, w)
	failures = append(failures, bad...)
	for _, m := range methods {
		var got verdict
		switch {
		case !t.accepts(m, w.Pool):
			got = refused(unaccepted(m, t.accepted(w.Pool), w))
		case m == MethodKey:
			got = t.key.verify(s, w, times.raw)
		case m == MethodCertificate:
			got = t.certificates.verify(ctx, s, w, times.raw)
		case m == MethodCMS && message != nil:
			got = t.cms.verify(ctx, w, message, times.cms)
		case m == MethodPGP && clear != nil:
			got = t.pgp.verify(clear, instant{at: w.Resolved, source: TimeFromQueue})
		}
		failures, v.warnings = append(failures, got.failures...), append(v.warnings, got.warnings...)
		if got.signer != nil {
			v.signers = append(v.signers, *got.signer)
		}
	}
	if len(failures) > 0 || len(v.signers) == 0 { // among them those of a time that is not known
		return nil, failures
	}
	return v, nil
}

// present gives the methods whose forms are there.
func present(s Signed) []Method {
	var out []Method
	has := func(f Form) bool { _, ok := s.Forms[f]; return ok }
	switch {
	case has(FormChain):
		out = append(out, MethodCertificate)
	case has(FormSignature):
		out = append(out, MethodKey)
	}
	if has(FormCMS) {
		out = append(out, MethodCMS)
	}
	if has(FormPGP) {
		out = append(out, MethodPGP)
	}
	return out
}

// signingTimes are the times at which the forms are judged.
type signingTimes struct{ raw, cms instant }

// times takes the signing time from a time stamp, for the signature that it is
// over, else from the queue.
func (t *Trust) times(ctx context.Context, s Signed, message *cms.Signed, w Worker) (signingTimes, []Failure) {
	queue := instant{at: w.Resolved, source: TimeFromQueue}
	out := signingTimes{queue, queue}
	response, stamped := s.Forms[FormTimestamp]
	if !stamped {
		return out, nil
	}
	signature := s.Forms[FormSignature]
	switch {
	case signature != nil:
		var failures []Failure
		out.raw, failures = t.authority.stamp(ctx, response, signature, w)
		return out, failures
	case message != nil:
		var failures []Failure
		out.cms, failures = t.authority.stamp(ctx, response, message.Signature, w)
		return out, failures
	}
	return out, []Failure{{Cause: TimestampInvalid, Message: fmt.Sprintf("%s is there without a signature that it could be over", FormTimestamp)}}
}

// unaccepted is the failure of a form that policy does not accept for the pool.
func unaccepted(m Method, accepted []Method, w Worker) Failure {
	names := make([]string, len(accepted))
	for i, a := range accepted {
		names[i] = string(a)
	}
	return Failure{
		Cause:   SignerUnauthorized,
		Message: fmt.Sprintf("the document is signed by method %s, which policy does not accept for pool %s; what is present must verify", m, w.Pool),
		Want:    strings.Join(names, " or "), Got: string(m),
		Hint: unacceptedHint(m),
	}
}

func unacceptedHint(m Method) string {
	if m == MethodPGP {
		return "OpenPGP signatures count in archives alone, by the keys of signers.pgp.keyring"
	}
	return "signers.require in the policy says which methods are acceptable where"
}

// AcceptUnsigned gives a document that nobody's signature vouches for. The
// caller has said that it accepts pools without a published key; the pool must
// be one that policy lists as such, and nothing beside the document one that
// could be checked.
func (t *Trust) AcceptUnsigned(s Signed, w Worker) (*Verified, error) {
	if !t.Unsigned(s, w) {
		return nil, fmt.Errorf("pool %s is not one whose workers policy lists as having no published key", w.Pool)
	}
	return &Verified{
		document: s.Document,
		signers:  []Signer{{Method: MethodNone, SignedAt: w.Resolved, TimeSource: TimeFromQueue}},
		unsigned: true,
	}, nil
}
