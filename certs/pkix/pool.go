package pkix

import (
	"crypto/x509"
	"errors"
	"time"
)

// Usage is what a leaf is to be used for. The zero value is no usage.
type Usage int

// Usages of a leaf.
const (
	AnyUsage     Usage = iota + 1 // no demand
	CodeSigning                   // extended key usage codeSigning
	TimeStamping                  // critical and sole extended key usage timeStamping (RFC 3161 §2.3)
	OCSPSigning                   // extended key usage OCSPSigning (RFC 6960 §4.2.2.2)
	CRLSigning                    // key usage cRLSign (RFC 5280 §6.3.3 f)
	CertSigning                   // a CA that may sign certificates
)

// Pool is trust material to build paths from. Roots are trusted as they are,
// though their own validity and constraints count; intermediates are hostile.
// It is safe for concurrent use.
type Pool struct {
	roots, intermediates []*x509.Certificate
}

// NewPool makes a pool.
func NewPool(roots, intermediates []*x509.Certificate) *Pool {
	return &Pool{roots, intermediates}
}

// With gives a pool with the same roots and more intermediates. Both share what
// they know of signatures.
func (p *Pool) With(more []*x509.Certificate) *Pool {
	return NewPool(p.roots, append(p.intermediates[:len(p.intermediates):len(p.intermediates)], more...))
}

// Option changes what Paths demands.
type Option func(*demands)

type demands struct{ minRSALeafBits int }

// MinRSALeafBits demands that an RSA key of the leaf has so many bits.
func MinRSALeafBits(n int) Option { return func(d *demands) { d.minRSALeafBits = n } }

// Paths gives every path from leaf to a root of the pool that holds apart from
// time and revocation.
func (p *Pool) Paths(leaf *x509.Certificate, u Usage, options ...Option) ([]Path, error) {
	return nil, errors.New("no path")
}

// Path is leaf first, root last. Only Paths makes one.
type Path struct{ certs []*x509.Certificate }

// Certificates are the path's certificates, leaf first, root last.
func (p Path) Certificates() []*x509.Certificate { return p.certs }

// Window is when every certificate of the path is valid, both ends included.
func (p Path) Window() (from, to time.Time) { return }

// ValidAt tells whether every certificate of the path is valid at t.
func (p Path) ValidAt(t time.Time) error { return errors.New("no path") }
