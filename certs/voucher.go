package certs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"github.com/mozilla-releng/cot/certs/cms"
	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/graph"
)

// TimeFromVerifier is the signing time of what no queue knows and no time stamp
// is over: it is judged as if it were signed now.
const TimeFromVerifier TimeSource = "verifier"

// VerifyVoucher checks a signature over something that is no worker's document,
// by the holder of a SPIFFE ID that the caller names: whoever else has a
// certificate vouches for nothing. All that is present must verify, under policy's
// certificates, as workers' signatures do. It gives the signer only where nothing
// fails.
func (t *Trust) VerifyVoucher(ctx context.Context, s Signed, identity string) (*Signer, []Failure) {
	a := t.authority
	if identity == "" {
		return nil, []Failure{{Cause: SignerUnauthorized, Message: "nobody is named whose word counts"}}
	}
	if a == nil {
		return nil, []Failure{{
			Cause: SignerUnauthorized, Message: "policy trusts no certificates, so nobody can vouch by one",
			Want: "signers.certificates in the policy", Got: "none",
		}}
	}
	w := Worker{Started: time.Unix(0, 0), Resolved: a.now, voucher: identity}
	var failures []Failure
	var message *cms.Signed
	if p7s, present := s.Forms[FormCMS]; present {
		var err error
		if message, err = cms.Verify(p7s, s.Document, cms.Options{}); err != nil {
			failures = append(failures, Failure{Cause: SignatureInvalid, Message: fmt.Sprintf("the CMS signature does not verify: %v", err)})
		}
	}
	times, bad := t.times(ctx, s, message, w)
	failures = append(failures, bad...)
	for _, at := range []*instant{&times.raw, &times.cms} {
		if at.source == TimeFromQueue {
			at.source = TimeFromVerifier
		}
	}
	methods := present(s)
	if len(methods) == 0 {
		failures = append(failures, Failure{Cause: SignatureMissing, Message: "there is no signature"})
	}
	var signer *Signer
	for _, m := range methods {
		var got verdict
		switch {
		case m == MethodCertificate:
			got = t.certificates.verify(ctx, s, w, times.raw)
		case m == MethodCMS && message != nil:
			got = t.cms.verify(ctx, w, message, times.cms)
		case m != MethodCMS:
			got = refused(Failure{Cause: SignatureMissing, Message: "there is a signature without the certificates that it is under", Want: "certificates in PEM, leaf first"})
		}
		failures = append(failures, got.failures...)
		if got.signer != nil && signer == nil {
			signer = got.signer
		}
	}
	if len(failures) > 0 {
		return nil, failures
	}
	return signer, nil
}

// vouches decides whether an identity is the one that the caller named.
func vouches(id spiffeid.ID, w Worker) *Failure {
	if id.String() == w.voucher {
		return nil
	}
	return &Failure{
		Cause: SignerUnauthorized, Message: "it is signed by another than the one whose word counts",
		Want: w.voucher, Got: id.String(),
	}
}

// limitedVoucher tells whether each root and intermediate of the path may vouch
// for the identity: one that is limited to pools may for identities of these
// alone.
func (a *authority) limitedVoucher(p pkix.Path, w Worker) *Failure {
	pool := voucherPool(w.voucher)
	for _, c := range p.Certificates()[1:] {
		for _, anchor := range a.limits[CertificateKeyID(c)] {
			if len(anchor.Pools) > 0 && (pool == graph.WorkerPool{} || !anchor.covers(pool)) {
				return &Failure{
					Cause: SignerUnauthorized, Message: fmt.Sprintf("policy does not let %s vouch for this identity", pkix.Describe(c)),
					Want: patterns(anchor.Pools), Got: w.voucher,
				}
			}
		}
	}
	return nil
}

// voucherPool is the pool of a worker's or a pool's identity; zero for others.
func voucherPool(identity string) graph.WorkerPool {
	id, err := spiffeid.FromString(identity)
	if err != nil {
		return graph.WorkerPool{}
	}
	parts := strings.Split(strings.TrimPrefix(id.Path(), "/worker-pool/"), "/")
	if !strings.HasPrefix(id.Path(), "/worker-pool/") || len(parts) != 2 && (len(parts) != 5 || parts[2] != "worker") {
		return graph.WorkerPool{}
	}
	pool, err := graph.ParseWorkerPool(parts[0] + "/" + parts[1])
	if err != nil {
		return graph.WorkerPool{}
	}
	return pool
}
