package certs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// Config is the trust material of a policy.
type Config struct {
	Keys         []Key
	UnkeyedPools []graph.PoolPattern // pools whose workers have no published key
	// QueueTimeTrusted judges windows at the run's resolved time alone, not now as well.
	QueueTimeTrusted bool
}

// Trust decides on signatures. The zero value trusts nobody.
type Trust struct {
	config  Config
	methods []method
}

// method verifies the forms that it owns. It is asked when one of them is
// present; what it finds wrong is a failure even where another method holds.
type method interface {
	// forms are those that the method reads; the first makes it present.
	forms() []Form
	verify(s Signed, w Worker, now time.Time) ([]Signer, []Failure)
}

// New refuses trust material that could let nobody's signature pass.
func New(c Config) (*Trust, error) {
	if len(c.Keys) == 0 && len(c.UnkeyedPools) == 0 {
		return nil, errors.New("no signer is trusted: policy has neither keys nor pools without one")
	}
	for _, k := range c.Keys {
		if len(k.Pools) == 0 || k.Implementation == "" {
			return nil, fmt.Errorf("key %s has no worker implementation or worker pools", k.ID())
		}
	}
	return &Trust{config: c, methods: []method{keyMethod{c.Keys, c.QueueTimeTrusted}}}, nil
}

// Keyed tells whether policy has any signer for the worker's pool.
func (t *Trust) Keyed(pool graph.WorkerPool) bool {
	for _, k := range t.config.Keys {
		if graph.AnyPool(k.Pools, pool) {
			return true
		}
	}
	return false
}

// Unkeyed tells whether the pool is one whose workers have no published key.
// A pool that has a key is never one.
func (t *Trust) Unkeyed(pool graph.WorkerPool) bool {
	return !t.Keyed(pool) && graph.AnyPool(t.config.UnkeyedPools, pool)
}

// Verify checks every form that is present. It gives a document only when at
// least one signature holds and nothing present fails.
func (t *Trust) Verify(s Signed, w Worker, now time.Time) (*Verified, []Failure) {
	var failures []Failure
	if t.Unkeyed(w.Pool) {
		return nil, []Failure{{
			Cause:   SignerUnauthorized,
			Message: fmt.Sprintf("the workers of pool %s have no published key, so their signatures can't be checked", w.Pool),
			Hint:    "--accept-unsigned-pools accepts such tasks (try and pull-request graphs); the verdict is then \"accepted\"",
		}}
	}
	owned := map[Form]bool{}
	var signers []Signer
	for _, m := range t.methods {
		for _, f := range m.forms() {
			owned[f] = true
		}
		if _, present := s.Forms[m.forms()[0]]; !present {
			continue
		}
		got, bad := m.verify(s, w, now)
		signers, failures = append(signers, got...), append(failures, bad...)
	}
	for _, f := range Forms() {
		if _, present := s.Forms[f]; present && !owned[f] {
			failures = append(failures, unaccepted(f))
		}
	}
	if len(signers) == 0 && len(failures) == 0 {
		failures = append(failures, Failure{
			Cause:   SignatureMissing,
			Message: "the run has a chain of trust document but no signature beside it",
			Want:    string(FormSignature),
			Hint:    "the worker failed to upload the signature, or somebody deleted it; rerun the task",
		})
	}
	if len(failures) > 0 {
		return nil, failures
	}
	return &Verified{document: s.Document, signers: signers}, nil
}

// unaccepted is the failure of a form that policy has no trust material for.
func unaccepted(f Form) Failure {
	cause, what := SignerUnauthorized, "signature"
	if f == FormTimestamp {
		cause, what = TimestampInvalid, "time stamp"
	}
	return Failure{
		Cause:   cause,
		Message: fmt.Sprintf("%s is present, but policy accepts no %s of this form; what is present must verify", f, what),
		Want:    "only forms that policy can verify: " + string(FormSignature),
		Got:     strings.TrimPrefix(string(f), "public/"),
	}
}

// AcceptUnsigned gives a document that nobody's signature vouches for. The
// caller has said that it accepts pools without a published key; the pool must
// be one that policy lists as such.
func (t *Trust) AcceptUnsigned(document []byte, w Worker) (*Verified, error) {
	if !t.Unkeyed(w.Pool) {
		return nil, fmt.Errorf("pool %s is not one whose workers policy lists as having no published key", w.Pool)
	}
	return &Verified{
		document: document,
		signers:  []Signer{{Method: MethodNone, SignedAt: w.Resolved, TimeSource: TimeFromQueue}},
		unsigned: true,
	}, nil
}
