package pkix

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// Path is leaf first, root last, and holds apart from time and revocation. Only
// Paths makes one; the zero value is no path.
type Path struct{ certificates []*certificate }

// Certificates are the path's certificates, leaf first, root last.
func (p Path) Certificates() []*x509.Certificate {
	out := make([]*x509.Certificate, len(p.certificates))
	for i, c := range p.certificates {
		out[i] = c.Certificate
	}
	return out
}

// Leaf is the path's first certificate.
func (p Path) Leaf() *x509.Certificate { return p.certificates[0].Certificate }

// Root is the path's last certificate.
func (p Path) Root() *x509.Certificate { return p.certificates[len(p.certificates)-1].Certificate }

// Window is when every certificate of the path is valid, both ends included
// (RFC 5280 §4.1.2.5). It is empty, with from after to, where they never are.
func (p Path) Window() (from, to time.Time) {
	for i, c := range p.certificates {
		if i == 0 || c.NotBefore.After(from) {
			from = c.NotBefore
		}
		if i == 0 || c.NotAfter.Before(to) {
			to = c.NotAfter
		}
	}
	return from, to
}

// ValidAt tells whether every certificate of the path is valid at t, in whole
// seconds, as certificates have them. The error is a *PathError about the one
// closest to the root that is not.
func (p Path) ValidAt(t time.Time) error {
	if len(p.certificates) == 0 {
		return fmt.Errorf("no path is valid at %s", date(t))
	}
	second := t.UTC().Truncate(time.Second)
	for _, c := range slices.Backward(p.certificates) {
		if second.Before(c.NotBefore) || second.After(c.NotAfter) {
			return broken("6.1.3 a", "one that is valid at "+date(t), "one valid from %s to %s", date(c.NotBefore), date(c.NotAfter)).at(c.Certificate)
		}
	}
	return nil
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }
