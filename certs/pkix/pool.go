package pkix

import (
	"crypto/rsa"
	"crypto/x509"
	"slices"
)

// Pool is trust material to build paths from. Roots are trusted as they are,
// though their own validity and constraints count; intermediates are hostile.
// It is safe for concurrent use.
type Pool struct {
	roots         []*certificate
	intermediates [][]*certificate // each in the order in which it was given
	memo          *memo
}

// NewPool makes a pool.
func NewPool(roots, intermediates []*x509.Certificate) *Pool {
	p := &Pool{memo: newMemo()}
	p.roots = p.memo.readAll(roots)
	return p.With(intermediates)
}

// With gives a pool with the same roots and more intermediates. Both share what
// they know of certificates and signatures.
func (p *Pool) With(more []*x509.Certificate) *Pool {
	q := *p
	if len(more) > 0 {
		q.intermediates = append(slices.Clip(p.intermediates), p.memo.readAll(more))
	}
	return &q
}

// Roots are the pool's roots.
func (p *Pool) Roots() []*x509.Certificate {
	out := make([]*x509.Certificate, len(p.roots))
	for i, c := range p.roots {
		out[i] = c.Certificate
	}
	return out
}

// Option changes what Paths demands.
type Option func(*demands)

type demands struct{ minRSALeafBits int }

// MinRSALeafBits demands that an RSA key of the leaf has so many bits.
func MinRSALeafBits(n int) Option { return func(d *demands) { d.minRSALeafBits = n } }

func (d demands) check(leaf *certificate) *fault {
	if k, ok := leaf.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < d.minRSALeafBits {
		f := broken("4.1.2.7", "an RSA key of enough bits", "%d bits of the %d that are demanded here", k.N.BitLen(), d.minRSALeafBits)
		return f
	}
	return nil
}

// Paths gives every path from leaf to a root of the pool that holds apart from
// time and revocation (RFC 5280 §6.1), first those along which key identifiers
// agree, then the shortest. The user-initial-policy-set
// is any-policy; what certificates demand of policies is honoured.
//
// Number and work are bounded: beyond MaxPaths paths, or where the search has
// become too long after at least one was found, there may be more. A root by
// itself is a path for CertSigning and CRLSigning only. Without any path the
// error is a *PathError.
func (p *Pool) Paths(leaf *x509.Certificate, u Usage, options ...Option) ([]Path, error) {
	s := newSearch(p, u)
	for _, o := range options {
		o(&s.demands)
	}
	s.run(p.memo.read(leaf))
	if len(s.found) > 0 {
		return s.found, nil
	}
	return nil, s.best
}
