package certs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/revocation"
)

const minWorkerRSABits = 3072

// maxKept bounds how many distinct signers' paths are kept. What is beyond is
// validated anew each time.
const maxKept = 4096

// validator finds paths of one usage and what revokes them.
type validator struct {
	pool    *pkix.Pool
	usage   pkix.Usage
	options []pkix.Option
	demand  Revocation
	checker *revocation.Checker // nil if nothing is demanded

	mu   sync.Mutex
	kept map[[sha256.Size]byte]*found
}

// found is what was found of a signer's certificate, once.
type found struct {
	once  sync.Once
	paths []pkix.Path
	err   error
}

func newValidator(pool *pkix.Pool, checks revocation.Config, demand Revocation, u pkix.Usage, o ...pkix.Option) (*validator, error) {
	v := &validator{pool: pool, usage: u, options: o, demand: demand, kept: map[[sha256.Size]byte]*found{}}
	if demand == RevocationOff {
		return v, nil
	}
	checks.Pool = pool
	var err error
	v.checker, err = revocation.NewChecker(checks)
	return v, err
}

// paths gives the paths of a leaf, found once for the same certificates.
func (v *validator) paths(leaf *x509.Certificate, others []*x509.Certificate) ([]pkix.Path, error) {
	h := sha256.New()
	h.Write(leaf.Raw)
	for _, o := range others {
		h.Write(o.Raw)
	}
	key := [sha256.Size]byte(h.Sum(nil))
	v.mu.Lock()
	f := v.kept[key]
	if f == nil {
		f = &found{}
		if len(v.kept) < maxKept {
			v.kept[key] = f
		}
	}
	v.mu.Unlock()
	f.once.Do(func() {
		f.err = errors.New("building its path broke off")
		f.paths, f.err = v.pool.With(others).Paths(leaf, v.usage, v.options...)
	})
	return f.paths, f.err
}

// instant is a signing time, certain within ±accuracy. Without a source it is
// not known: see table.unknown.
type instant struct {
	at       time.Time
	accuracy time.Duration
	source   TimeSource
	restsOn  []string // ids of who says so
}

func (i instant) earliest() time.Time { return i.at.Add(-i.accuracy) }
func (i instant) latest() time.Time   { return i.at.Add(i.accuracy) }

func (i instant) String() string {
	return fmt.Sprintf("%s by the %s", i.at.UTC().Format(time.RFC3339), i.source)
}

// pathFailure is the failure of a certificate for which there is no path.
func pathFailure(err error) Failure {
	f := Failure{
		Cause: CertificatePath, Message: "the signer's certificate has no path to a root that policy trusts: " + err.Error(),
		Hint: "signers.certificates.roots in the policy names the roots; intermediates must be beside the document or in signers.certificates.issuers",
	}
	var p *pkix.PathError
	if errors.As(err, &p) {
		f.Want, f.Got = p.Want, p.Found
	}
	return f
}

// judge looks for a path that was valid at the signing time and is not revoked.
// usable, if not nil, says what else a path must be. The failures are of the
// path that got furthest; the warnings are of the path that holds.
func (v *validator) judge(ctx context.Context, leaf *x509.Certificate, others []*x509.Certificate, t table, usable func(pkix.Path) *Failure) (pkix.Path, []Failure, []Failure) {
	paths, err := v.paths(leaf, others)
	if err != nil {
		return pkix.Path{}, nil, []Failure{pathFailure(err)}
	}
	// Without a path to judge, this is what stands: nothing is not an answer.
	furthest := []Failure{pathFailure(errors.New("no path was found"))}
	stage := 0
	keep := func(n int, failures ...Failure) {
		if n > stage {
			stage, furthest = n, failures
		}
	}
	for _, p := range paths {
		if usable != nil {
			if f := usable(p); f != nil {
				keep(1, *f)
				continue
			}
		}
		if f := t.validity(p); f != nil {
			keep(2, *f)
			continue
		}
		warnings, failures := v.revoked(ctx, p, t)
		if len(failures) == 0 {
			return p, warnings, nil
		}
		keep(3, failures...)
	}
	return pkix.Path{}, nil, furthest
}

// revoked asks about every certificate below the root.
func (v *validator) revoked(ctx context.Context, p pkix.Path, t table) (warnings, failures []Failure) {
	if v.checker == nil {
		return nil, nil
	}
	list := p.Certificates()
	for i, c := range list[:len(list)-1] {
		answer := v.checker.Check(ctx, p, i)
		if f := t.revoked(c, answer); f != nil {
			failures = append(failures, *f)
			continue
		}
		// A revocation that does not count, by a source that does not count
		// either, says nothing of what came after it.
		if answer.Status == revocation.Unknown || answer.Why != "" {
			f := Failure{
				Cause: RevocationUnknown, Message: fmt.Sprintf("nobody says whether %s is revoked: %s", pkix.Describe(c), answer.Why),
				Want: "a current CRL of its issuer, or another answer that policy allows", Heals: answer.Heals,
				Hint: "signers.certificates.crls in the policy names CRLs; a CRL that has expired must be renewed by its CA",
			}
			if v.demand == RevocationWhenAvailable {
				warnings = append(warnings, f)
			} else {
				failures = append(failures, f)
			}
		}
	}
	return warnings, failures
}

// revoked gives the first revocation that counts, nil if none does.
func (t table) revoked(c *x509.Certificate, a revocation.Answer) *Failure {
	for _, r := range a.Revocations {
		if why := t.counts(r); why != "" {
			return &Failure{
				Cause: CertificateRevoked, Message: fmt.Sprintf("%s is revoked: %s", pkix.Describe(c), why),
				Want: "a certificate that was not revoked when it signed", Got: describeRevocation(r),
				Hint: "do not use what this worker signed; rerun the task on a worker with another certificate",
			}
		}
	}
	return nil
}

func describeRevocation(r revocation.Revocation) string {
	s := fmt.Sprintf("revoked %s, reason %s", r.RevokedAt.UTC().Format(time.RFC3339), r.Reason)
	if r.InvalidityDate != nil {
		s += ", invalid since " + r.InvalidityDate.UTC().Format(time.RFC3339)
	}
	if r.Source != "" {
		s += ", by " + r.Source
	}
	return s
}

// distinct drops what stands twice, so that a list can't be made longer
// at no cost.
func distinct(list []*x509.Certificate) []*x509.Certificate {
	var out []*x509.Certificate
	for _, c := range list {
		if !slices.ContainsFunc(out, func(o *x509.Certificate) bool { return bytes.Equal(o.Raw, c.Raw) }) {
			out = append(out, c)
		}
	}
	return out
}
