package pkix

import "crypto/x509"

// Named gives the certificates of the pool, roots first, whose subject equals a
// raw RDNSequence.
func (p *Pool) Named(subject []byte) []*x509.Certificate {
	var out []*x509.Certificate
	add := func(set []*certificate) {
		for _, c := range set {
			if EqualNames(c.RawSubject, subject) {
				out = append(out, c.Certificate)
			}
		}
	}
	add(p.roots)
	for _, set := range p.intermediates {
		add(set)
	}
	return out
}
