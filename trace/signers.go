package trace

import (
	"cmp"
	"slices"
	"time"

	"github.com/mozilla-releng/cot/certs"
)

// SignerUse says how much of the report one key or certificate signed: what an
// operator reads before a rotation.
type SignerUse struct {
	Method   string `json:"method"`
	Identity string `json:"identity"`
	KeyID    string `json:"keyId"`
	// Certificate is ISSUER_KEY_ID:SERIAL; empty for a bare key.
	Certificate string `json:"certificate,omitempty"`
	// NotAfter is when the key, or the first certificate on its path, ends; nil:
	// no end is known.
	NotAfter *time.Time `json:"notAfter,omitempty"`
	Tasks    int        `json:"tasks"`
}

// signerUses counts the documents of the links by signer, the busiest first.
func signerUses(links []*link) []SignerUse {
	uses := map[signerKey]*SignerUse{}
	for _, l := range links {
		if l.doc == nil {
			continue
		}
		for _, s := range l.doc.Signers() {
			if s.Method == certs.MethodNone {
				continue
			}
			key := signerKey{s.Method, s.Identity, s.KeyID, s.Certificate}
			u := uses[key]
			if u == nil {
				u = &SignerUse{
					Method: string(s.Method), Identity: s.Identity, KeyID: string(s.KeyID), Certificate: s.Certificate,
				}
				if !s.NotAfter.IsZero() {
					end := s.NotAfter.UTC()
					u.NotAfter = &end
				}
				uses[key] = u
			}
			u.Tasks++
		}
	}
	out := make([]SignerUse, 0, len(uses))
	for _, u := range uses {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b SignerUse) int {
		return cmp.Or(
			cmp.Compare(b.Tasks, a.Tasks), cmp.Compare(a.Method, b.Method), cmp.Compare(a.Identity, b.Identity),
			cmp.Compare(a.KeyID, b.KeyID), cmp.Compare(a.Certificate, b.Certificate),
		)
	})
	return out
}

type signerKey struct {
	method      certs.Method
	identity    string
	key         certs.KeyID
	certificate string
}
