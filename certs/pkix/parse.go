package pkix

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
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
		if !rest.ReadASN1Element(&der, asn1.SEQUENCE) {
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
func ParseCertificate(der []byte) (*x509.Certificate, error) {
	if len(der) > MaxCertificateBytes {
		return nil, fmt.Errorf("the certificate has %d bytes, more than %d", len(der), MaxCertificateBytes)
	}
	return x509.ParseCertificate(der)
}
