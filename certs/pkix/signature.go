package pkix

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the digests that crypto.Hash.New gives
	_ "crypto/sha512"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Sizes of RSA keys that signatures are accepted from. What is larger takes too
// long and is used by no one.
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

// CheckKey tells whether a public key is of a kind that signatures are accepted
// from: RSA of MinRSABits to MaxRSABits, ECDSA on P-256, P-384 or P-521, Ed25519
// but for points of small order, whose signatures prove nothing.
func CheckKey(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < MinRSABits || n > MaxRSABits {
			return fmt.Errorf("an RSA key of %d to %d bits is wanted, found %d bits", MinRSABits, MaxRSABits, n)
		}
		if k.E < 3 || k.E%2 == 0 || k.N.Bit(0) == 0 {
			return errors.New("not an RSA key: an even modulus, or an exponent that is even or 1")
		}
		return nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
			return nil
		}
		return fmt.Errorf("a key on P-256, P-384 or P-521 is wanted, found one on %s", k.Curve.Params().Name)
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return fmt.Errorf("an Ed25519 key has %d bytes, found %d", ed25519.PublicKeySize, len(k))
		}
		return checkPoint(k)
	case nil:
		return errors.New("an RSA, ECDSA or Ed25519 key is wanted, found one of an unknown algorithm")
	}
	return fmt.Errorf("an RSA, ECDSA or Ed25519 key is wanted, found a %T", key)
}

// scheme is how a signature is made.
type scheme struct {
	kind kind
	hash crypto.Hash
	salt int // RSA-PSS
}

type kind int

const (
	rsaPKCS1 kind = iota + 1
	rsaPSS
	ecdsaDER
	ed25519Raw
)

// Object identifiers of signature algorithms and digests, as in DER.
const (
	oidRSA       = "\x2a\x86\x48\x86\xf7\x0d\x01\x01" // 1.2.840.113549.1.1, the arc
	oidRSAPSS    = oidRSA + "\x0a"
	oidMGF1      = oidRSA + "\x08"
	oidECDSA     = "\x2a\x86\x48\xce\x3d\x04"         // 1.2.840.10045.4, the arc
	oidEd25519   = "\x2b\x65\x70"                     // 1.3.101.112
	oidSHA2      = "\x60\x86\x48\x01\x65\x03\x04\x02" // 2.16.840.1.101.3.4.2, the arc
	oidSHA1      = "\x2b\x0e\x03\x02\x1a"
	oidDSA       = "\x2a\x86\x48\xce\x38\x04" // 1.2.840.10040.4, the arc
	oidDSASHA256 = "\x60\x86\x48\x01\x65\x03\x04\x03"
)

var rsaHashes = map[string]crypto.Hash{
	oidRSA + "\x0b": crypto.SHA256,
	oidRSA + "\x0c": crypto.SHA384,
	oidRSA + "\x0d": crypto.SHA512,
}

var ecdsaHashes = map[string]crypto.Hash{
	oidECDSA + "\x03\x02": crypto.SHA256,
	oidECDSA + "\x03\x03": crypto.SHA384,
	oidECDSA + "\x03\x04": crypto.SHA512,
}

var digests = map[string]crypto.Hash{
	oidSHA2 + "\x01": crypto.SHA256,
	oidSHA2 + "\x02": crypto.SHA384,
	oidSHA2 + "\x03": crypto.SHA512,
}

// weak names what is refused for its age, for people who look at errors.
var weak = map[string]string{
	oidRSA + "\x02":       "MD2 with RSA",
	oidRSA + "\x03":       "MD4 with RSA",
	oidRSA + "\x04":       "MD5 with RSA",
	oidRSA + "\x05":       "SHA-1 with RSA",
	oidRSA + "\x0e":       "SHA-224 with RSA",
	oidECDSA + "\x01":     "ECDSA with SHA-1",
	oidECDSA + "\x03\x01": "ECDSA with SHA-224",
	oidDSA + "\x03":       "DSA with SHA-1",
	oidDSASHA256 + "\x01": "DSA with SHA-224",
	oidDSASHA256 + "\x02": "DSA with SHA-256",
	oidSHA1:               "SHA-1",
}

// CheckSignature verifies a signature by the holder of key over signed.
// algorithm is the DER of the AlgorithmIdentifier. Accepted are RSA with PKCS #1
// v1.5 or PSS, ECDSA and Ed25519 with keys that CheckKey accepts and SHA-256,
// SHA-384 or SHA-512 (RFC 4055, 5758, 8410).
func CheckSignature(key crypto.PublicKey, algorithm, signed, signature []byte) error {
	s, err := parseAlgorithm(algorithm)
	if err != nil {
		return err
	}
	if err := CheckKey(key); err != nil {
		return err
	}
	digest := signed
	if s.kind != ed25519Raw {
		h := s.hash.New()
		h.Write(signed)
		digest = h.Sum(nil)
	}
	holds, fits := false, false
	switch k := key.(type) {
	case *rsa.PublicKey:
		switch s.kind {
		case rsaPKCS1:
			fits = true
			holds = rsa.VerifyPKCS1v15(k, s.hash, digest, signature) == nil
		case rsaPSS:
			fits = true
			holds = rsa.VerifyPSS(k, s.hash, digest, signature, &rsa.PSSOptions{SaltLength: s.salt}) == nil
		}
	case *ecdsa.PublicKey:
		fits = s.kind == ecdsaDER
		holds = fits && ecdsa.VerifyASN1(k, digest, signature)
	case ed25519.PublicKey:
		fits = s.kind == ed25519Raw
		holds = fits && ed25519.Verify(k, digest, signature)
	}
	switch {
	case !fits:
		return fmt.Errorf("the signature is one of %s, the key is a %T", s, key)
	case !holds:
		return fmt.Errorf("the %s signature does not hold", s)
	}
	return nil
}

func (s scheme) String() string {
	switch s.kind {
	case rsaPKCS1:
		return "RSA " + s.hash.String()
	case rsaPSS:
		return "RSA-PSS " + s.hash.String()
	case ecdsaDER:
		return "ECDSA " + s.hash.String()
	case ed25519Raw:
		return "Ed25519"
	}
	return "unknown"
}

func parseAlgorithm(der []byte) (scheme, error) {
	oid, parameters, ok := algorithmIdentifier(der)
	if !ok {
		return scheme{}, errors.New("the signature's algorithm is not an AlgorithmIdentifier in DER")
	}
	if h, ok := rsaHashes[oid]; ok {
		// RFC 4055 §5: NULL, and absent must be accepted.
		if !nullOrAbsent(parameters) {
			return scheme{}, fmt.Errorf("RSA %s with parameters (RFC 4055 §5)", h)
		}
		return scheme{kind: rsaPKCS1, hash: h}, nil
	}
	if h, ok := ecdsaHashes[oid]; ok {
		if len(parameters) > 0 {
			return scheme{}, fmt.Errorf("ECDSA %s with parameters (RFC 5758 §3.2)", h)
		}
		return scheme{kind: ecdsaDER, hash: h}, nil
	}
	switch oid {
	case oidEd25519:
		if len(parameters) > 0 {
			return scheme{}, errors.New("Ed25519 with parameters (RFC 8410 §3)")
		}
		return scheme{kind: ed25519Raw}, nil
	case oidRSAPSS:
		return parsePSS(parameters)
	}
	return scheme{}, fmt.Errorf("want RSA, ECDSA or Ed25519 with SHA-256, SHA-384 or SHA-512, found %s", algorithmName(oid))
}

// parsePSS reads RSASSA-PSS-params (RFC 4055 §3.1). Its defaults are SHA-1, so
// all but the trailer must be there: one digest, for MGF1 too, and a salt no
// shorter than it.
func parsePSS(der []byte) (scheme, error) {
	odd := func(what string) (scheme, error) {
		return scheme{}, fmt.Errorf("RSA-PSS with %s (RFC 4055 §3.1)", what)
	}
	input := cryptobyte.String(der)
	var params, hash, mgf, salt, trailer cryptobyte.String
	var hasHash, hasMGF, hasSalt, hasTrailer bool
	field := func(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }
	if !input.ReadASN1(&params, asn1.SEQUENCE) || !input.Empty() ||
		!params.ReadOptionalASN1(&hash, &hasHash, field(0)) ||
		!params.ReadOptionalASN1(&mgf, &hasMGF, field(1)) ||
		!params.ReadOptionalASN1(&salt, &hasSalt, field(2)) ||
		!params.ReadOptionalASN1(&trailer, &hasTrailer, field(3)) || !params.Empty() {
		return odd("parameters that are not DER")
	}
	if !hasHash || !hasMGF || !hasSalt {
		return odd("SHA-1 or a salt of 20 bytes, its defaults")
	}
	oid, rest, ok := algorithmIdentifier(hash)
	h, known := digests[oid]
	if !ok || !known || !nullOrAbsent(rest) {
		return odd("a digest other than SHA-256, SHA-384 and SHA-512")
	}
	mgfOID, inner, ok := algorithmIdentifier(mgf)
	if !ok || mgfOID != oidMGF1 {
		return odd("a mask generation function other than MGF1")
	}
	innerOID, rest, ok := algorithmIdentifier(inner)
	if !ok || innerOID != oid || !nullOrAbsent(rest) {
		return odd("two digests")
	}
	var n, t int
	if !salt.ReadASN1Integer(&n) || !salt.Empty() || n < h.Size() || n > MaxRSABits/8 {
		return odd("a salt shorter than its digest, or longer than its key")
	}
	if hasTrailer && (!trailer.ReadASN1Integer(&t) || !trailer.Empty() || t != 1) {
		return odd("a trailer field other than 1")
	}
	return scheme{kind: rsaPSS, hash: h, salt: n}, nil
}

// algorithmIdentifier gives the object identifier and the DER of the parameters,
// which is empty where they are absent.
func algorithmIdentifier(der []byte) (oid string, parameters []byte, ok bool) {
	var seq, id, rest cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&seq, asn1.SEQUENCE) || !input.Empty() || !seq.ReadASN1(&id, asn1.OBJECT_IDENTIFIER) {
		return "", nil, false
	}
	if !seq.Empty() {
		var tag asn1.Tag
		if !seq.ReadAnyASN1Element(&rest, &tag) || !seq.Empty() {
			return "", nil, false
		}
	}
	return string(id), rest, true
}

func nullOrAbsent(parameters []byte) bool {
	return len(parameters) == 0 || string(parameters) == "\x05\x00"
}

func algorithmName(oid string) string {
	if s, ok := weak[oid]; ok {
		return s
	}
	return "the algorithm " + oidString(oid)
}
