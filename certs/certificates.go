package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/graph"
)

// Certificates is the trust material of the methods certificate and cms.
type Certificates struct {
	TrustDomain string // of SPIFFE IDs: the host of the deployment's root URL
	Roots       []Anchor
	Issuers     []Anchor // intermediates: where to find them, and what they are limited to
	// Identities are SPIFFE IDs that may sign for pools beyond the built-in forms.
	Identities []Identity
	// WorkerIdentityRequired are pools for which only an identity of the very
	// worker may sign.
	WorkerIdentityRequired []graph.PoolPattern

	Revocation Revocation
	CRLs       []*revocation.CRL
	CRLURLs    []string
	CRLGrace   time.Duration // past a CRL's nextUpdate
	// CRLKeepsExpired: these CRLs keep entries of expired certificates, though
	// they don't say so.
	CRLKeepsExpired    bool
	DistributionPoints bool // CRLs are fetched from where certificates point to
	OCSP               bool // likewise for OCSP

	Timestamps *Timestamps // nil: no time stamp is accepted
}

// Anchor is a root or an intermediate and the pools whose workers it may vouch
// for; none means all.
type Anchor struct {
	Certificate *x509.Certificate
	Pools       []graph.PoolPattern
}

func (a Anchor) covers(pool graph.WorkerPool) bool {
	return len(a.Pools) == 0 || graph.AnyPool(a.Pools, pool)
}

// Identity maps a SPIFFE ID to the pools it may sign for.
type Identity struct {
	SPIFFEID string
	Pools    []graph.PoolPattern
}

// Timestamps is whom to believe the time.
type Timestamps struct {
	Roots   []*x509.Certificate
	CRLs    []*revocation.CRL
	CRLURLs []string
}

// Revocation says what is demanded of certificates below a root. The zero
// value is none of them.
type Revocation string

// Demands on revocation.
const (
	RequireRevocation       Revocation = "require"        // an answer for each
	RevocationWhenAvailable Revocation = "when-available" // no answer is a warning
	RevocationOff           Revocation = "off"
)

// authority validates signers' certificates and keeps what it found: a graph
// of many tasks has a handful of certificates.
type authority struct {
	Certificates
	limits  map[KeyID][]Anchor // roots and issuers by key: another certificate for the key is limited as well
	workers *validator
	stamps  *validator // nil without Timestamps
	now     time.Time
	trusted bool // signers.queueTime: trusted
}

func newAuthority(c Config) (*authority, error) {
	a := &authority{Certificates: *c.Certificates, limits: map[KeyID][]Anchor{}, now: c.Now, trusted: c.QueueTimeTrusted}
	switch {
	case len(a.Roots) == 0:
		return nil, errors.New("certificates without a root to trust")
	case a.TrustDomain == "":
		return nil, errors.New("certificates without a trust domain for their SPIFFE IDs")
	case c.Now.IsZero():
		return nil, errors.New("certificates need a reference time")
	}
	switch a.Revocation {
	case RequireRevocation, RevocationWhenAvailable, RevocationOff:
	default:
		return nil, fmt.Errorf("unknown demand on revocation %q", a.Revocation)
	}
	var roots, issuers []*x509.Certificate
	for _, r := range a.Roots {
		roots = append(roots, r.Certificate)
		a.limit(r)
	}
	for _, i := range a.Issuers {
		issuers = append(issuers, i.Certificate)
		a.limit(i)
	}
	checks := revocation.Config{
		CRLs: a.CRLs, URLs: a.CRLURLs, Sources: c.Sources, Now: c.Now, Grace: a.CRLGrace, KeepsExpired: a.CRLKeepsExpired,
		DistributionPoints: a.DistributionPoints, OCSP: a.OCSP,
	}
	var err error
	if a.workers, err = newValidator(pkix.NewPool(roots, issuers), checks, a.Revocation, pkix.CodeSigning, pkix.MinRSALeafBits(minWorkerRSABits)); err != nil {
		return nil, err
	}
	if t := a.Timestamps; t != nil {
		if len(t.Roots) == 0 {
			return nil, errors.New("time stamps without a root to trust")
		}
		checks.CRLs, checks.URLs = t.CRLs, t.CRLURLs
		if a.stamps, err = newValidator(pkix.NewPool(t.Roots, nil), checks, a.Revocation, pkix.TimeStamping); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// limit records what an anchor is limited to, by its key.
func (a *authority) limit(anchor Anchor) {
	id := CertificateKeyID(anchor.Certificate)
	a.limits[id] = append(a.limits[id], anchor)
}

// covers tells whether the workers of any pool that may be the given one are
// vouched for by certificates at all.
func (c *Certificates) covers(pool graph.WorkerPool) bool {
	for _, r := range c.Roots {
		if r.covers(pool) {
			return true
		}
	}
	return false
}
