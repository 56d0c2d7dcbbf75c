package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/mozilla-releng/cot/certs/pgp"
)

// PGP is the trust material of the method pgp: whose clear-signed documents
// count in archives, whatever the pool.
type PGP struct{ Keys []*pgp.Key }

// pgpMethod verifies a clear-signed document (RFC 9580 §7).
type pgpMethod struct {
	ring    *pgp.Keyring
	now     time.Time
	trusted bool // signers.queueTime: trusted
}

func newPGPMethod(c Config) (*pgpMethod, error) {
	ring, err := pgp.NewKeyring(c.PGP.Keys, c.Now)
	if err != nil {
		return nil, fmt.Errorf("OpenPGP keys: %w", err)
	}
	return &pgpMethod{ring, c.Now, c.QueueTimeTrusted}, nil
}

// unwrap reads a clear-signed document. Where the document stands beside it,
// both must be the same but for the line ending that clear-signing leaves out.
func unwrap(s Signed) (*pgp.Message, *Failure) {
	m, err := pgp.Parse(s.Forms[FormPGP])
	if err != nil {
		return nil, &Failure{Cause: SignatureInvalid, Message: fmt.Sprintf("%s can't be read: %v", FormPGP, err)}
	}
	newline := []byte("\n")
	if s.Document != nil && !bytes.Equal(bytes.TrimSuffix(s.Document, newline), bytes.TrimSuffix(m.Text(), newline)) {
		return nil, &Failure{
			Cause: SignatureInvalid, Message: fmt.Sprintf("%s has another text than the document beside it", FormPGP),
			Want: fmt.Sprintf("the text of %s", DocumentName), Got: "another text",
		}
	}
	return m, nil
}

func (m *pgpMethod) verify(message *pgp.Message, at instant) verdict {
	by, err := m.ring.Verify(message)
	var unfit *pgp.KeyError
	switch {
	case errors.As(err, &unfit):
		return refused(Failure{
			Cause: SignerUnauthorized, Message: fmt.Sprintf("the document is signed by a key that may not sign: %v", unfit),
			Want: "a key of signers.pgp.keyring that is for signing, strong and not revoked", Got: unfit.Fingerprint,
		})
	case err != nil:
		return refused(Failure{
			Cause: SignatureInvalid, Message: fmt.Sprintf("the signature in %s does not count: %v", FormPGP, err),
			Want: "a signature by a key of signers.pgp.keyring",
		})
	}
	spki, err := x509.MarshalPKIXPublicKey(by.Public)
	if err != nil {
		return refused(Failure{Cause: SignerUnauthorized, Message: fmt.Sprintf("OpenPGP key %s: %v", by.Fingerprint, err)})
	}
	if f := m.judgeTime(by, at); f != nil {
		return refused(*f)
	}
	sum := sha256.Sum256(spki)
	return verdict{signer: &Signer{
		Method: MethodPGP, Identity: "openpgp4fpr:" + by.Primary, KeyID: KeyID(hex.EncodeToString(sum[:])),
		SignedAt: at.at, TimeSource: at.source, RestsOn: []string{hex.EncodeToString(sum[:])},
	}}
}

// judgeTime holds key and signature to the run's time, and to now where the
// queue's time only narrows. The time that the signature itself names is the
// signer's word: it must be one at which the key could sign, and proves
// nothing.
func (m *pgpMethod) judgeTime(by pgp.Signer, at instant) *Failure {
	t := table{signed: at, now: m.now, trusted: m.trusted}
	got := fmt.Sprintf("signed %s, verified %s", at, m.now.UTC().Format(time.RFC3339))
	switch {
	case !t.withinOpen(by.From, by.To):
		return &Failure{
			Cause: SignerUnauthorized, Message: fmt.Sprintf("the document is signed by OpenPGP key %s, outside the key's window", by.Fingerprint),
			Want: span(by.From, by.To), Got: got,
			Hint: "signers.queueTime: trusted judges at the signing time alone (for audits)",
		}
	case by.Signed.Before(by.From) || !by.To.IsZero() && by.Signed.After(by.To) || by.Signed.After(m.now):
		return &Failure{
			Cause: SignatureInvalid, Message: fmt.Sprintf("the signature in %s says that it was made when its key could not sign", FormPGP),
			Want: span(by.From, by.To), Got: by.Signed.UTC().Format(time.RFC3339),
		}
	case !t.withinOpen(time.Time{}, by.Expires):
		return &Failure{
			Cause: SignatureInvalid, Message: fmt.Sprintf("the signature in %s has expired", FormPGP),
			Want: span(by.Signed, by.Expires), Got: got,
		}
	}
	return nil
}
