package timestamp

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" //nolint:gosec // see checkCertificateIDs for why it does no harm
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/cms"
	"github.com/mozilla-releng/cot/certs/pkix"
)

// Attributes that name the signer's certificate (RFC 2634 §5.4, RFC 5035 §3).
var (
	oidSigningCertificate   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
)

// maxCertificateIDs bounds how many certificates an attribute names.
const maxCertificateIDs = cms.MaxCertificates

// checkCertificateIDs demands a signed ESSCertID or ESSCertIDv2 (RFC 3161
// §2.4.1, RFC 5816 §2.2) whose hash is that of the signer's certificate. If both
// are there, both must match.
//
// The hash of ESSCertID is SHA-1. It is taken, since RFC 5816 allows it and
// authorities made with OpenSSL 3.0 have nothing else: what it must withstand is
// another certificate for the authority's key, and to have one that collides an
// attacker would need a CA that the caller trusts for time stamps.
func checkCertificateIDs(s *cms.Signed) error {
	v1, err := s.Attribute(oidSigningCertificate)
	if err != nil {
		return err
	}
	v2, err := s.Attribute(oidSigningCertificateV2)
	if err != nil {
		return err
	}
	if v1 == nil && v2 == nil {
		return errors.New("no ESSCertID or ESSCertIDv2: want the signer's certificate named among the signed attributes")
	}
	if v1 != nil {
		if err := checkCertificateID(v1, s.Signer, false); err != nil {
			return fmt.Errorf("ESSCertID: %w", err)
		}
	}
	if v2 != nil {
		if err := checkCertificateID(v2, s.Signer, true); err != nil {
			return fmt.Errorf("ESSCertIDv2: %w", err)
		}
	}
	return nil
}

// checkCertificateID reads
//
//	SigningCertificateV2 ::= SEQUENCE {
//	  certs SEQUENCE OF ESSCertIDv2,
//	  policies SEQUENCE OF PolicyInformation OPTIONAL }
//	ESSCertIDv2 ::= SEQUENCE {
//	  hashAlgorithm AlgorithmIdentifier DEFAULT {algorithm id-sha256},
//	  certHash Hash,
//	  issuerSerial IssuerSerial OPTIONAL }
//
// or version 1, which has no hashAlgorithm. The first id is the signer's; the
// others name certificates of its path, which the caller builds.
func checkCertificateID(der cryptobyte.String, signer *x509.Certificate, v2 bool) error {
	var body, ids, policies cryptobyte.String
	var has bool
	if !der.ReadASN1(&body, tag.SEQUENCE) || !der.Empty() || !body.ReadASN1(&ids, tag.SEQUENCE) ||
		!body.ReadOptionalASN1(&policies, &has, tag.SEQUENCE) || !body.Empty() || ids.Empty() {
		return errors.New("malformed attribute")
	}
	for n := 0; !ids.Empty(); n++ {
		var id cryptobyte.String
		if n == maxCertificateIDs || !ids.ReadASN1(&id, tag.SEQUENCE) {
			return errors.New("malformed or too many certificate ids")
		}
		h, sum, issuer, err := parseCertificateID(id, v2)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		d := h.New()
		d.Write(signer.Raw)
		if found := d.Sum(nil); !bytes.Equal(found, sum) {
			return fmt.Errorf("it names a certificate with %s %.128x, the signer's has %x", h, sum, found)
		}
		if issuer != nil && (issuer.serial.Cmp(signer.SerialNumber) != 0 || !pkix.EqualNames(issuer.name, signer.RawIssuer)) {
			return errors.New("it names another issuer or serial number than the signer's certificate has")
		}
	}
	return nil
}

// issuerSerial is IssuerSerial (RFC 5035 §4) for a public-key certificate.
type issuerSerial struct {
	name   []byte
	serial *big.Int
}

func parseCertificateID(in cryptobyte.String, v2 bool) (crypto.Hash, []byte, *issuerSerial, error) {
	h := crypto.SHA1
	if v2 {
		h = crypto.SHA256
		if in.PeekASN1Tag(tag.SEQUENCE) {
			var ok bool
			var id x509.OID
			if h, id, ok = readHash(&in); !ok {
				return 0, nil, nil, errors.New("malformed hashAlgorithm")
			} else if h == 0 {
				return 0, nil, nil, fmt.Errorf("want SHA-256, SHA-384 or SHA-512, found %s", id)
			}
		}
	}
	var sum, issuer cryptobyte.String
	var has bool
	if !in.ReadASN1(&sum, tag.OCTET_STRING) || !in.ReadOptionalASN1(&issuer, &has, tag.SEQUENCE) || !in.Empty() {
		return 0, nil, nil, errors.New("malformed certificate id")
	}
	if !has {
		return h, sum, nil, nil
	}
	// issuer GeneralNames is exactly one directoryName (RFC 5035 §4).
	var names, directory, name cryptobyte.String
	i := issuerSerial{serial: new(big.Int)}
	if !issuer.ReadASN1(&names, tag.SEQUENCE) ||
		!names.ReadASN1(&directory, tag.Tag(4).ContextSpecific().Constructed()) || !names.Empty() ||
		!directory.ReadASN1Element(&name, tag.SEQUENCE) || !directory.Empty() ||
		!issuer.ReadASN1Integer(i.serial) || !issuer.Empty() {
		return 0, nil, nil, errors.New("malformed issuerSerial")
	}
	i.name = name
	return h, sum, &i, nil
}
