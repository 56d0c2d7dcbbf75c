package cms

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// signerInfo is SignerInfo (RFC 5652 §5.3) without its unsigned attributes:
// nobody vouches for those, and they change nothing.
type signerInfo struct {
	id        identifier
	digest    algorithm
	attrs     *attributes // nil: the signature is over the content itself
	algorithm algorithm
	signature []byte
}

// parseSigners reads a SET of exactly one
//
//	SignerInfo ::= SEQUENCE {
//	  version CMSVersion,
//	  sid SignerIdentifier,
//	  digestAlgorithm DigestAlgorithmIdentifier,
//	  signedAttrs [0] IMPLICIT SignedAttributes OPTIONAL,
//	  signatureAlgorithm SignatureAlgorithmIdentifier,
//	  signature SignatureValue,
//	  unsignedAttrs [1] IMPLICIT UnsignedAttributes OPTIONAL }
func parseSigners(in cryptobyte.String) (signerInfo, error) {
	var s signerInfo
	if in.Empty() {
		return s, errors.New("want one SignerInfo, found none")
	}
	var body cryptobyte.String
	if !in.ReadASN1(&body, tag.SEQUENCE) {
		return s, errors.New("malformed SignerInfo")
	}
	if !in.Empty() {
		return s, errors.New("want one SignerInfo, found more")
	}
	var version int
	var signed, unsigned, signature cryptobyte.String
	var hasSigned, hasUnsigned bool
	if !body.ReadASN1Integer(&version) {
		return s, errors.New("malformed SignerInfo")
	}
	if err := s.id.read(&body, version); err != nil {
		return s, err
	}
	if !s.digest.read(&body) ||
		!readOptionalElement(&body, &signed, &hasSigned, context0.Constructed()) ||
		!s.algorithm.read(&body) ||
		!body.ReadASN1(&signature, tag.OCTET_STRING) ||
		!body.ReadOptionalASN1(&unsigned, &hasUnsigned, context1.Constructed()) || !body.Empty() {
		return s, errors.New("malformed SignerInfo")
	}
	s.signature = signature
	if hasUnsigned {
		if _, err := parseAttributes(unsigned, anyOrder); err != nil {
			return s, fmt.Errorf("unsigned attributes: %w", err)
		}
	}
	if hasSigned {
		a, err := parseSigned(signed)
		if err != nil {
			return s, fmt.Errorf("signed attributes: %w", err)
		}
		s.attrs = a
	}
	return s, nil
}

func readOptionalElement(in, out *cryptobyte.String, present *bool, t tag.Tag) bool {
	*present = in.PeekASN1Tag(t)
	return !*present || in.ReadASN1Element(out, t)
}

// identifier is SignerIdentifier: issuer and serial number, or, if keyID is not
// nil, the subject key identifier.
type identifier struct {
	issuer []byte
	serial *big.Int
	keyID  []byte
}

// read reads (RFC 5652 §5.3)
//
//	SignerIdentifier ::= CHOICE {
//	  issuerAndSerialNumber IssuerAndSerialNumber,
//	  subjectKeyIdentifier [0] SubjectKeyIdentifier }
//
// of which version 1 goes with the first and 3 with the second.
func (i *identifier) read(in *cryptobyte.String, version int) error {
	var body, issuer, keyID cryptobyte.String
	if in.PeekASN1Tag(context0) {
		if !in.ReadASN1(&keyID, context0) || keyID.Empty() {
			return errors.New("malformed subjectKeyIdentifier")
		}
		i.keyID = keyID
	} else {
		i.serial = new(big.Int)
		if !in.ReadASN1(&body, tag.SEQUENCE) || !body.ReadASN1Element(&issuer, tag.SEQUENCE) ||
			!body.ReadASN1Integer(i.serial) || !body.Empty() ||
			i.serial.BitLen() > 1024 {
			return errors.New("malformed issuerAndSerialNumber")
		}
		i.issuer = issuer
	}
	want := 1
	if i.keyID != nil {
		want = 3
	}
	if version != want {
		return fmt.Errorf("want SignerInfo of version %d, found %d", want, version)
	}
	return nil
}

func (i *identifier) names(c *x509.Certificate) bool {
	if i.keyID != nil {
		return bytes.Equal(i.keyID, c.SubjectKeyId)
	}
	return c.SerialNumber.Cmp(i.serial) == 0 && pkix.EqualNames(c.RawIssuer, i.issuer)
}

func (i *identifier) String() string {
	if i.keyID != nil {
		return fmt.Sprintf("subject key identifier %.40x", i.keyID)
	}
	return fmt.Sprintf("serial number %x", i.serial)
}

// Signer finds the one certificate inside that the SignerInfo names. Two that
// differ are refused: which of them signed would depend on their order.
func (m *Message) Signer() (*x509.Certificate, error) {
	if len(m.Certificates) == 0 {
		return nil, errors.New("the message has no certificates: want the signer's inside")
	}
	var found *x509.Certificate
	for _, c := range m.Certificates {
		if !m.signer.id.names(c) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("two different certificates have the signer's %s", &m.signer.id)
		}
		found = c
	}
	if found == nil {
		return nil, fmt.Errorf("none of the %d certificates inside is the signer's, with %s", len(m.Certificates), &m.signer.id)
	}
	return found, nil
}

// Algorithms are what the SignerInfo says it was made with.
func (m *Message) Algorithms() (digest, signature x509.OID) {
	return m.signer.digest.id, m.signer.algorithm.id
}

// SignedAttributes are those of the SignerInfo; none if the signature is over
// the content itself.
func (m *Message) SignedAttributes() []Attribute {
	if m.signer.attrs == nil {
		return nil
	}
	return m.signer.attrs.list
}
