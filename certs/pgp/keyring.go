package pgp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	stded25519 "crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"time"

	ecdsapgp "github.com/ProtonMail/go-crypto/openpgp/ecdsa"
	"github.com/ProtonMail/go-crypto/openpgp/ed25519"
	"github.com/ProtonMail/go-crypto/openpgp/eddsa"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

const minRSABits = 2048

// Keyring is the keys that are trusted, with their subkeys. It is safe for
// concurrent use.
type Keyring struct{ byID map[uint64][]*candidate }

// candidate is a primary key or a subkey.
type candidate struct {
	key     *packet.PublicKey
	primary string
	from    time.Time
	to      time.Time // zero: without end
	err     error     // why it may not sign
}

// NewKeyring makes a ring of keys as they are at the reference time. A key that
// stands twice is refused: one of the two may lack a revocation.
func NewKeyring(keys []*Key, now time.Time) (*Keyring, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, fmt.Errorf("a ring of %d keys, want 1 to %d", len(keys), MaxKeys)
	}
	r := &Keyring{byID: map[uint64][]*candidate{}}
	seen := map[string]bool{}
	for _, k := range keys {
		list, err := k.candidates(now)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.fingerprint, err)
		}
		for _, c := range list {
			name := fmt.Sprintf("%x", c.key.Fingerprint)
			if seen[name] {
				return nil, fmt.Errorf("key %s stands twice", name)
			}
			seen[name] = true
			r.byID[c.key.KeyId] = append(r.byID[c.key.KeyId], c)
		}
	}
	return r, nil
}

// candidates judges what does not depend on when a key signed. Self-signatures
// may be over SHA-1, as those of 2016 are: the key is trusted for standing in
// the ring, and they only narrow what it may do.
func (k *Key) candidates(now time.Time) ([]*candidate, error) {
	e, err := k.entity()
	if err != nil {
		return nil, err
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	primary := &candidate{key: e.PrimaryKey, primary: k.fingerprint, from: e.PrimaryKey.CreationTime}
	self, err := e.PrimarySelfSignature(now, config)
	switch {
	case k.revoked[k.fingerprint] || e.Revoked(now):
		primary.err = errors.New("the key is revoked")
	case err != nil:
		primary.err = errors.New("the key has no self-signature that counts")
	default:
		primary.err = acceptable(e.PrimaryKey)
		primary.until(self)
		if direct, err := e.LatestValidDirectSignature(now, config); err == nil {
			primary.until(direct)
		}
	}
	out := []*candidate{primary}
	for _, s := range e.Subkeys {
		out = append(out, k.subkey(primary, s, now, config))
	}
	if primary.err == nil && !(self.FlagsValid && self.FlagSign) {
		primary.err = errors.New("the key is not for signing")
	}
	return out, nil
}

func (k *Key) subkey(primary *candidate, s openpgp.Subkey, now time.Time, config *packet.Config) *candidate {
	c := &candidate{key: s.PublicKey, primary: k.fingerprint, from: s.PublicKey.CreationTime, to: primary.to, err: primary.err}
	if c.from.Before(primary.from) {
		c.from = primary.from
	}
	binding, err := s.LatestValidBindingSignature(now, config)
	switch {
	case c.err != nil:
	case k.revoked[fmt.Sprintf("%x", s.PublicKey.Fingerprint)] || s.Revoked(nil, now):
		c.err = errors.New("the subkey is revoked")
	case err != nil:
		c.err = errors.New("the subkey is not bound to its key")
	case !(binding.FlagsValid && binding.FlagSign):
		c.err = errors.New("the subkey is not for signing")
	default:
		c.err = acceptable(s.PublicKey)
		c.until(binding)
	}
	return c
}

// until ends the window where a self-signature says so.
func (c *candidate) until(self *packet.Signature) {
	if self.KeyLifetimeSecs == nil || *self.KeyLifetimeSecs == 0 {
		return
	}
	end := c.key.CreationTime.Add(time.Duration(*self.KeyLifetimeSecs) * time.Second)
	if c.to.IsZero() || end.Before(c.to) {
		c.to = end
	}
}

// acceptable refuses what is too weak to sign or to bind.
func acceptable(k *packet.PublicKey) error {
	if k.Version != 4 {
		return fmt.Errorf("the key is of version %d, want 4", k.Version)
	}
	if _, err := public(k); err != nil {
		return err
	}
	return nil
}

// public gives the key as the standard library has it.
func public(k *packet.PublicKey) (crypto.PublicKey, error) {
	switch p := k.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minRSABits {
			return nil, fmt.Errorf("the key is RSA of %d bits, want %d or more", bits, minRSABits)
		}
		return p, nil
	case *ecdsapgp.PublicKey:
		name, err := k.Curve()
		curve := map[packet.Curve]elliptic.Curve{
			packet.CurveNistP256: elliptic.P256(), packet.CurveNistP384: elliptic.P384(), packet.CurveNistP521: elliptic.P521(),
		}[name]
		if err != nil || curve == nil {
			return nil, fmt.Errorf("the key is ECDSA on %s, want P-256, P-384 or P-521", name)
		}
		return ecdsa.ParseUncompressedPublicKey(curve, p.MarshalPoint())
	case *eddsa.PublicKey:
		if name, err := k.Curve(); err != nil || name != packet.Curve25519 || len(p.X) != stded25519.PublicKeySize {
			return nil, fmt.Errorf("the key is EdDSA on %s, want Ed25519", name)
		}
		return stded25519.PublicKey(p.X), nil
	case *ed25519.PublicKey:
		return stded25519.PublicKey(p.Point), nil
	}
	return nil, fmt.Errorf("the key is of OpenPGP's algorithm %d, want RSA, ECDSA or Ed25519", k.PubKeyAlgo)
}

// Signer is who signed a message, and when the key and the signature count.
type Signer struct {
	Primary     string // fingerprints, in lower-case hex
	Fingerprint string // of the key that signed; the primary's, or a subkey's
	Public      crypto.PublicKey
	From, To    time.Time // of the key; a zero To is without end
	Signed      time.Time // as the signer says
	Expires     time.Time // of the signature; zero: never
}

// KeyError says why a key that is in the ring may not sign.
type KeyError struct {
	Fingerprint string
	Err         error
}

func (e *KeyError) Error() string { return fmt.Sprintf("OpenPGP key %s: %v", e.Fingerprint, e.Err) }
func (e *KeyError) Unwrap() error { return e.Err }

// Verify gives the signer of a message. A key of the ring that signed but may
// not is a *KeyError.
func (r *Keyring) Verify(m *Message) (Signer, error) {
	s := m.signature
	err := fmt.Errorf("it is by key %016x, which is not in the keyring", *s.IssuerKeyId)
	for _, c := range r.byID[*s.IssuerKeyId] {
		name := fmt.Sprintf("%x", c.key.Fingerprint)
		h, prepareErr := s.PrepareVerify()
		if prepareErr != nil {
			return Signer{}, prepareErr
		}
		h.Write(m.canonical)
		switch {
		case s.IssuerFingerprint != nil && !bytes.Equal(s.IssuerFingerprint, c.key.Fingerprint):
			continue
		case c.key.VerifySignature(h, s) != nil:
			err = fmt.Errorf("it does not verify under key %s", name)
			continue
		case c.err != nil:
			return Signer{}, &KeyError{name, c.err}
		}
		key, publicErr := public(c.key)
		if publicErr != nil {
			return Signer{}, &KeyError{name, publicErr}
		}
		out := Signer{Primary: c.primary, Fingerprint: name, Public: key, From: c.from, To: c.to, Signed: s.CreationTime}
		if s.SigLifetimeSecs != nil && *s.SigLifetimeSecs != 0 {
			out.Expires = s.CreationTime.Add(time.Duration(*s.SigLifetimeSecs) * time.Second)
		}
		return out, nil
	}
	return Signer{}, err
}
