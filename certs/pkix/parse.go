package pkix

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Limits of what is parsed.
const (
	MaxCertificates     = 512     // in one file
	MaxCertificateBytes = 1 << 16 // of one certificate in DER
)

// ParseCertificates reads all certificates of a file: PEM with any number of
// CERTIFICATE blocks and text between them (RFC 7468 §2), or one or several
// certificates in DER. Any other block, a block with headers, and a block or
// certificate that is broken is an error, and so is a file without any.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	if len(data) > 0 && data[0] == 0x30 {
		return parseDER(data)
	}
	return parsePEM(data)
}

func parseDER(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	rest := cryptobyte.String(data)
	for !rest.Empty() {
		if len(certs) == MaxCertificates {
			return nil, fmt.Errorf("more than %d certificates", MaxCertificates)
		}
		var der cryptobyte.String
		if !rest.ReadASN1Element(&der, tag.SEQUENCE) {
			return nil, fmt.Errorf("certificate %d: not DER, or cut short", len(certs)+1)
		}
		c, err := ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(certs)+1, err)
		}
		certs = append(certs, c)
	}
	return certs, nil
}

var (
	pemBegin = []byte("-----BEGIN")
	pemEnd   = []byte("-----END")
)

func parsePEM(data []byte) ([]*x509.Certificate, error) {
	// pem.Decode passes over broken blocks; their boundaries give them away.
	blocks := bytes.Count(data, pemBegin)
	switch {
	case blocks == 0:
		return nil, errors.New("no certificates: want PEM blocks CERTIFICATE, or DER")
	case blocks > MaxCertificates:
		return nil, fmt.Errorf("more than %d PEM blocks", MaxCertificates)
	case blocks != bytes.Count(data, pemEnd):
		return nil, errors.New("a PEM block does not end, or does not begin")
	}
	certs := make([]*x509.Certificate, 0, blocks)
	for i := range blocks {
		block, rest := pem.Decode(data)
		if block == nil || bytes.Count(data[:len(data)-len(rest)], pemBegin) != 1 {
			return nil, fmt.Errorf("PEM block %d is broken", i+1)
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("PEM block %d: want CERTIFICATE, found %.40q", i+1, block.Type)
		}
		if len(block.Headers) > 0 {
			return nil, fmt.Errorf("PEM block %d has headers (RFC 7468 §2)", i+1)
		}
		c, err := ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		certs, data = append(certs, c), rest
	}
	return certs, nil
}

// ParseCertificate reads one certificate in DER, without trailing data. A
// negative serial number is refused (RFC 5280 §4.1.2.2).
//
// crypto/x509 refuses distribution points that are relative to the CRL issuer
// (RFC 5280 §4.2.1.13). They are for who looks for CRLs to read: the certificate
// has the extension, but no CRLDistributionPoints.
func ParseCertificate(der []byte) (*x509.Certificate, error) {
	if len(der) > MaxCertificateBytes {
		return nil, fmt.Errorf("the certificate has %d bytes, more than %d", len(der), MaxCertificateBytes)
	}
	c, err := x509.ParseCertificate(der)
	if err == nil {
		return c, nil
	}
	if c := parseAroundPoints(der); c != nil {
		return c, nil
	}
	return nil, err
}

// parseAroundPoints parses a certificate whose cRLDistributionPoints
// crypto/x509 must not see: for it, they have an object identifier that nobody
// gave a meaning. It is nil where this does not help.
func parseAroundPoints(der []byte) *x509.Certificate {
	tbs, at := findPoints(slices.Clip(der))
	if at == 0 {
		return nil
	}
	const pointsArc, unusedArc = 31, 127 // 2.5.29.
	masked := bytes.Clone(der)
	masked[at] = unusedArc
	c, err := x509.ParseCertificate(masked)
	if err != nil {
		return nil
	}
	c.Raw, c.RawTBSCertificate = der, tbs
	isMasked := func(id asn1.ObjectIdentifier) bool { return id.Equal(asn1.ObjectIdentifier{2, 5, 29, unusedArc}) }
	for i := range c.Extensions {
		if isMasked(c.Extensions[i].Id) {
			c.Extensions[i].Id = asn1.ObjectIdentifier{2, 5, 29, pointsArc}
		}
	}
	c.UnhandledCriticalExtensions = slices.DeleteFunc(c.UnhandledCriticalExtensions, isMasked)
	return c
}

// findPoints gives the TBSCertificate and the offset in der, which has no spare
// capacity, of the last byte of cRLDistributionPoints' object identifier; 0 if
// there is not exactly one.
func findPoints(der []byte) (tbs []byte, at int) {
	var outer, element, fields, list cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&outer, tag.SEQUENCE) || !outer.ReadASN1Element(&element, tag.SEQUENCE) {
		return nil, 0
	}
	tbs = element
	if !element.ReadASN1(&fields, tag.SEQUENCE) {
		return nil, 0
	}
	for !fields.Empty() {
		var field cryptobyte.String
		var t tag.Tag
		if !fields.ReadAnyASN1(&field, &t) {
			return nil, 0
		}
		if t != tag.Tag(3).ContextSpecific().Constructed() {
			continue
		}
		if !field.ReadASN1(&list, tag.SEQUENCE) {
			return nil, 0
		}
		for !list.Empty() {
			var extension, id cryptobyte.String
			if !list.ReadASN1(&extension, tag.SEQUENCE) || !extension.ReadASN1(&id, tag.OBJECT_IDENTIFIER) {
				return nil, 0
			}
			if string(id) != "\x55\x1d\x1f" {
				continue
			}
			if at > 0 {
				return nil, 0
			}
			at = cap(der) - cap(id) + len(id) - 1
		}
	}
	return tbs, at
}
