package pkix

import "crypto/x509"

// NameKey gives a short text that two RDNSequences in DER share if EqualNames
// holds for them, and only then. It is not ok for what is no name, or an empty one.
func NameKey(rdns []byte) (key string, ok bool) {
	n, ok := parseName(rdns)
	if !ok || len(n.rdns) == 0 {
		return "", false
	}
	return n.key(), true
}

// Named gives the certificates of the pool, roots first, whose subject has a
// NameKey.
func (p *Pool) Named(key string) []*x509.Certificate {
	var out []*x509.Certificate
	add := func(set []*certificate) {
		for _, c := range set {
			if key != "" && c.subject == key {
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
