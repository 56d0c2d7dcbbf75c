package trace

import (
	"cmp"
	"iter"
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

// signersOf gives whose signatures a link's document has.
func signersOf(l *link) []SignerUse {
	if l.doc == nil {
		return nil
	}
	var out []SignerUse
	for _, s := range l.doc.Signers() {
		if s.Method == certs.MethodNone {
			continue
		}
		u := SignerUse{Method: string(s.Method), Identity: s.Identity, KeyID: string(s.KeyID), Certificate: s.Certificate, Tasks: 1}
		if !s.NotAfter.IsZero() {
			end := s.NotAfter.UTC()
			u.NotAfter = &end
		}
		out = append(out, u)
	}
	return out
}

// signerUses counts documents by signer, the busiest first. It is given those of
// each document.
func signerUses(documents iter.Seq[[]SignerUse]) []SignerUse {
	uses := map[signerKey]*SignerUse{}
	for signers := range documents {
		for _, s := range signers {
			key := signerKey{s.Method, s.Identity, s.KeyID, s.Certificate}
			if uses[key] == nil {
				u := s
				u.Tasks = 0
				uses[key] = &u
			}
			uses[key].Tasks++
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

type signerKey struct{ method, identity, key, certificate string }
