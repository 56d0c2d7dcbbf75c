package pkix

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
)

// Bounds of what is remembered. Who offers more costs others their memory, not
// ours.
const (
	maxRememberedCertificates = 1 << 10
	maxRememberedSignatures   = 1 << 14
)

// memo remembers certificates that were read and signatures that were checked.
type memo struct {
	mu           sync.Mutex
	certificates map[digest]*certificate
	signatures   map[signedBy]error
}

// signedBy is a certificate and a key that may have signed it.
type signedBy struct{ certificate, key digest }

func newMemo() *memo {
	return &memo{certificates: map[digest]*certificate{}, signatures: map[signedBy]error{}}
}

func (m *memo) read(c *x509.Certificate) *certificate {
	id := digest(sha256.Sum256(c.Raw))
	m.mu.Lock()
	r := m.certificates[id]
	m.mu.Unlock()
	if r != nil {
		return r
	}
	r = read(c)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.certificates) >= maxRememberedCertificates {
		clear(m.certificates)
	}
	m.certificates[id] = r
	return r
}

// readAll reads certificates, each once.
func (m *memo) readAll(certs []*x509.Certificate) []*certificate {
	var out []*certificate
	seen := map[digest]bool{}
	for _, c := range certs {
		if r := m.read(c); !seen[r.id] {
			seen[r.id] = true
			out = append(out, r)
		}
	}
	return out
}

// checkSignature checks that parent's key signed child.
func (m *memo) checkSignature(child, parent *certificate) error {
	k := signedBy{child.id, parent.key}
	m.mu.Lock()
	err, known := m.signatures[k]
	m.mu.Unlock()
	if known {
		return err
	}
	err = CheckSignature(parent.PublicKey, child.algorithm, child.signed, child.signature)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.signatures) >= maxRememberedSignatures {
		clear(m.signatures)
	}
	m.signatures[k] = err
	return err
}
