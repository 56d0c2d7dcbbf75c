package cms

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// Limits of what is read.
const (
	MaxBytes        = 1 << 20 // of a message without its detached content
	MaxCertificates = 32      // inside; a path has four or five
	MaxAttributes   = 32      // signed, and as many unsigned
)

// Content types (RFC 5652 §4, §5.1).
var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// Tags that the grammars below use.
var (
	context0 = tag.Tag(0).ContextSpecific()
	context1 = tag.Tag(1).ContextSpecific()
)

// Message is SignedData with exactly one SignerInfo as it came. Nothing of it
// is verified: for a person to look at, or to be verified.
type Message struct {
	ContentType  x509.OID
	Content      []byte // of an attached message; nil if detached
	Attached     bool
	Certificates []*x509.Certificate

	digests []algorithm
	signer  signerInfo
}

// Parse reads SignedData in DER, or in PEM with the label CMS or PKCS7 and
// nothing around it.
func Parse(data []byte) (*Message, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("CMS message: %d bytes, want at most %d", len(data), MaxBytes)
	}
	if isPEM(data) {
		der, err := decodePEM(data)
		if err != nil {
			return nil, fmt.Errorf("CMS message: %w", err)
		}
		data = der
	}
	return ParseDER(data)
}

// ParseDER is Parse for DER alone.
func ParseDER(der []byte) (*Message, error) {
	if len(der) > MaxBytes {
		return nil, fmt.Errorf("CMS message: %d bytes, want at most %d", len(der), MaxBytes)
	}
	m, err := parseContentInfo(der)
	if err != nil {
		return nil, fmt.Errorf("CMS message: %w", err)
	}
	return m, nil
}

// parseContentInfo reads (RFC 5652 §3)
//
//	ContentInfo ::= SEQUENCE {
//	  contentType ContentType,
//	  content [0] EXPLICIT ANY DEFINED BY contentType }
func parseContentInfo(der []byte) (*Message, error) {
	in := cryptobyte.String(der)
	var info, content cryptobyte.String
	var kind x509.OID
	if !in.ReadASN1(&info, tag.SEQUENCE) || !readOID(&info, &kind) {
		return nil, errors.New("not a ContentInfo in DER")
	}
	if !in.Empty() {
		return nil, fmt.Errorf("%d bytes after the end", len(in))
	}
	if !kind.EqualASN1OID(oidSignedData) {
		return nil, fmt.Errorf("want content type %s (signedData), found %s", oidSignedData, kind)
	}
	if !info.ReadASN1(&content, context0.Constructed()) || !info.Empty() {
		return nil, errors.New("malformed ContentInfo")
	}
	return parseSignedData(content)
}

// parseSignedData reads (RFC 5652 §5.1)
//
//	SignedData ::= SEQUENCE {
//	  version CMSVersion,
//	  digestAlgorithms DigestAlgorithmIdentifiers,
//	  encapContentInfo EncapsulatedContentInfo,
//	  certificates [0] IMPLICIT CertificateSet OPTIONAL,
//	  crls [1] IMPLICIT RevocationInfoChoices OPTIONAL,
//	  signerInfos SignerInfos }
//
// CRLs inside are not looked at: anybody can put them there.
func parseSignedData(in cryptobyte.String) (*Message, error) {
	var body, digests, content, certificates, crls, signers cryptobyte.String
	var version int
	var has bool
	if !in.ReadASN1(&body, tag.SEQUENCE) || !in.Empty() ||
		!body.ReadASN1Integer(&version) ||
		!body.ReadASN1(&digests, tag.SET) ||
		!body.ReadASN1(&content, tag.SEQUENCE) ||
		!body.ReadOptionalASN1(&certificates, &has, context0.Constructed()) ||
		!body.ReadOptionalASN1(&crls, &has, context1.Constructed()) ||
		!body.ReadASN1(&signers, tag.SET) || !body.Empty() {
		return nil, errors.New("malformed SignedData")
	}
	// 2 was never assigned; 4 and 5 come with kinds of certificates and CRLs
	// that no worker or time-stamping authority uses.
	if version != 1 && version != 3 {
		return nil, fmt.Errorf("want SignedData of version 1 or 3, found %d", version)
	}
	m := new(Message)
	var err error
	if m.digests, err = parseDigests(digests); err != nil {
		return nil, err
	}
	if err := m.parseEncapsulated(content); err != nil {
		return nil, err
	}
	if m.Certificates, err = parseCertificates(certificates); err != nil {
		return nil, err
	}
	if m.signer, err = parseSigners(signers); err != nil {
		return nil, err
	}
	return m, nil
}

func parseDigests(in cryptobyte.String) ([]algorithm, error) {
	var all []algorithm
	for !in.Empty() {
		var a algorithm
		if !a.read(&in) {
			return nil, errors.New("malformed digestAlgorithms")
		}
		if all = append(all, a); len(all) > 8 {
			return nil, errors.New("more than 8 digestAlgorithms, for one signer")
		}
	}
	return all, nil
}

// parseEncapsulated reads (RFC 5652 §5.2)
//
//	EncapsulatedContentInfo ::= SEQUENCE {
//	  eContentType ContentType,
//	  eContent [0] EXPLICIT OCTET STRING OPTIONAL }
func (m *Message) parseEncapsulated(in cryptobyte.String) error {
	var explicit, content cryptobyte.String
	if !readOID(&in, &m.ContentType) ||
		!in.ReadOptionalASN1(&explicit, &m.Attached, context0.Constructed()) || !in.Empty() {
		return errors.New("malformed encapContentInfo")
	}
	if m.Attached {
		if !explicit.ReadASN1(&content, tag.OCTET_STRING) || !explicit.Empty() {
			return errors.New("malformed eContent")
		}
		m.Content = content
	}
	return nil
}

// parseCertificates reads CertificateSet (RFC 5652 §10.2.3), of whose choices
// only the plain X.509 certificate is taken. They are counted before the first
// is parsed. Their order is not looked at: tools write leaf first.
func parseCertificates(in cryptobyte.String) ([]*x509.Certificate, error) {
	var raw []cryptobyte.String
	for !in.Empty() {
		var c cryptobyte.String
		if !in.ReadASN1Element(&c, tag.SEQUENCE) {
			return nil, errors.New("malformed certificates: want X.509 certificates in DER alone")
		}
		if raw = append(raw, c); len(raw) > MaxCertificates {
			return nil, fmt.Errorf("more than %d certificates", MaxCertificates)
		}
	}
	certificates := make([]*x509.Certificate, 0, len(raw))
	for i, r := range raw {
		c, err := pkix.ParseCertificate(r)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		if !containsCertificate(certificates, c) {
			certificates = append(certificates, c)
		}
	}
	return certificates, nil
}

func containsCertificate(all []*x509.Certificate, c *x509.Certificate) bool {
	for _, o := range all {
		if bytes.Equal(o.Raw, c.Raw) {
			return true
		}
	}
	return false
}

// readOID reads an object identifier with arcs of any size, in at most 100
// octets.
func readOID(in *cryptobyte.String, out *x509.OID) bool {
	var raw cryptobyte.String
	return in.ReadASN1(&raw, tag.OBJECT_IDENTIFIER) && len(raw) <= 100 && out.UnmarshalBinary(raw) == nil
}
