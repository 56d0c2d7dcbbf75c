package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// Digest algorithms (RFC 5754 §2).
var (
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
)

// Signature algorithms (RFC 5754 §3, RFC 4056, RFC 8419).
var (
	oidRSA             = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidPSS             = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidRSAWithSHA256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidRSAWithSHA384   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}
	oidRSAWithSHA512   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECDSAWithSHA384 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	oidECDSAWithSHA512 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
	oidEd25519         = asn1.ObjectIdentifier{1, 3, 101, 112}
)

// scheme is a way of signing.
type scheme int

const (
	pkcs1 scheme = iota + 1
	pss
	ecdsaSignature
	eddsa
)

// hash is a digest algorithm with the signature algorithms that use it.
type hash struct {
	id         asn1.ObjectIdentifier
	hash       crypto.Hash
	rsa, ecdsa asn1.ObjectIdentifier
}

func hashes() []hash {
	return []hash{
		{oidSHA256, crypto.SHA256, oidRSAWithSHA256, oidECDSAWithSHA256},
		{oidSHA384, crypto.SHA384, oidRSAWithSHA384, oidECDSAWithSHA384},
		{oidSHA512, crypto.SHA512, oidRSAWithSHA512, oidECDSAWithSHA512},
	}
}

// algorithm is AlgorithmIdentifier (RFC 5280 §4.1.1.2); parameters are nil if
// absent.
type algorithm struct {
	id         x509.OID
	parameters cryptobyte.String
}

func (a *algorithm) read(in *cryptobyte.String) bool { return a.readTagged(in, tag.SEQUENCE) }

func (a *algorithm) readTagged(in *cryptobyte.String, t tag.Tag) bool {
	var body cryptobyte.String
	if !in.ReadASN1(&body, t) || !readOID(&body, &a.id) {
		return false
	}
	if body.Empty() {
		return true
	}
	var kind tag.Tag
	return body.ReadAnyASN1Element(&a.parameters, &kind) && body.Empty()
}

// plain tells that there are no parameters, which some write as NULL.
func (a *algorithm) plain() bool {
	return a.parameters == nil || bytes.Equal(a.parameters, []byte{byte(tag.NULL), 0})
}

func (a *algorithm) equal(b *algorithm) bool {
	return a.id.Equal(b.id) && (a.plain() && b.plain() || bytes.Equal(a.parameters, b.parameters))
}

// digest gives the hash of a digest algorithm: SHA-256, SHA-384 or SHA-512.
func (a *algorithm) digest() (hash, error) {
	for _, h := range hashes() {
		if !a.id.EqualASN1OID(h.id) {
			continue
		}
		if !a.plain() {
			return hash{}, fmt.Errorf("digest algorithm %s with parameters", a.id)
		}
		return h, nil
	}
	return hash{}, fmt.Errorf("want digest algorithm SHA-256, SHA-384 or SHA-512, found %s", a.id)
}

// scheme gives how a signature algorithm signs what h digested. One that names
// another hash than the SignerInfo's digestAlgorithm is refused.
func (a *algorithm) scheme(h hash) (scheme, error) {
	var s scheme
	ok := true
	switch {
	case a.id.EqualASN1OID(oidRSA), a.id.EqualASN1OID(h.rsa):
		s, ok = pkcs1, a.plain()
	case a.id.EqualASN1OID(h.ecdsa):
		s, ok = ecdsaSignature, a.parameters == nil
	case a.id.EqualASN1OID(oidPSS):
		if err := checkPSS(a.parameters, h); err != nil {
			return 0, err
		}
		s = pss
	case a.id.EqualASN1OID(oidEd25519):
		// RFC 8419 §3: the digest of signed attributes is SHA-512.
		if h.hash != crypto.SHA512 {
			return 0, fmt.Errorf("want digest algorithm SHA-512 with Ed25519, found %s", h.hash)
		}
		s, ok = eddsa, a.parameters == nil
	default:
		return 0, fmt.Errorf("signature algorithm %s is none that signs with %s", a.id, h.hash)
	}
	if !ok {
		return 0, fmt.Errorf("signature algorithm %s with parameters that it has not", a.id)
	}
	return s, nil
}

// checkPSS reads the hash of (RFC 4055 §3.1)
//
//	RSASSA-PSS-params ::= SEQUENCE {
//	  hashAlgorithm [0] HashAlgorithm DEFAULT sha1Identifier, ... }
//
// which must be that of digestAlgorithm (RFC 4056 §3). Package pkix judges the
// rest.
func checkPSS(der cryptobyte.String, h hash) error {
	var body, field cryptobyte.String
	var digest algorithm
	if !der.ReadASN1(&body, tag.SEQUENCE) || !body.ReadASN1(&field, context0.Constructed()) || !digest.read(&field) {
		return errors.New("malformed RSA-PSS parameters, or SHA-1, their default")
	}
	if !digest.id.EqualASN1OID(h.id) {
		return fmt.Errorf("want RSA-PSS with %s, as in digestAlgorithm, found %s", h.hash, digest.id)
	}
	return nil
}

// Keys says which public keys may sign.
type Keys int

// Sets of keys.
const (
	// WorkerKeys are ECDSA P-256 and P-384, RSA of at least 3072 bits, Ed25519.
	WorkerKeys Keys = iota
	// AuthorityKeys are also P-521 and RSA of at least 2048 bits, which
	// time-stamping authorities have.
	AuthorityKeys
)

// check tells why a key may not sign by that scheme, nil if it may.
func (k Keys) check(key crypto.PublicKey, s scheme) error {
	var fits bool
	switch key := key.(type) {
	case *rsa.PublicKey:
		least := 3072
		if k == AuthorityKeys {
			least = pkix.MinRSABits
		}
		if n := key.N.BitLen(); n < least || n > pkix.MaxRSABits {
			return fmt.Errorf("want an RSA key of %d to %d bits, found %d", least, pkix.MaxRSABits, n)
		}
		fits = s == pkcs1 || s == pss
	case *ecdsa.PublicKey:
		switch {
		case key.Curve == elliptic.P256(), key.Curve == elliptic.P384():
		case k == AuthorityKeys && key.Curve == elliptic.P521():
		default:
			return fmt.Errorf("want an ECDSA key on P-256 or P-384, found %s", key.Curve.Params().Name)
		}
		fits = s == ecdsaSignature
	case ed25519.PublicKey:
		fits = s == eddsa
	default:
		return errors.New("want an RSA, ECDSA or Ed25519 key, found another")
	}
	if !fits {
		return errors.New("the signature algorithm is none for the signer's key")
	}
	return nil
}
