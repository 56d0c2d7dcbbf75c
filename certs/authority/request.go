package authority

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"

	"github.com/mozilla-releng/cot/certs/signing"
)

// NewRequest makes a certificate signing request (RFC 2986) in DER. Without an
// identity it proves no more than who holds the key.
func NewRequest(i Identity, key crypto.Signer, rand io.Reader) ([]byte, error) {
	if err := signing.CheckKey(key.Public()); err != nil {
		return nil, err
	}
	t := &x509.CertificateRequest{}
	if !i.IsZero() {
		t.URIs = []*url.URL{i.id.URL()}
		t.Subject.CommonName = i.commonName()
	}
	return x509.CreateCertificateRequest(rand, t, key)
}

// Request is a signing request whose sender has proven to hold the key.
type Request struct {
	Public   crypto.PublicKey
	Identity Identity // zero if the request names none
}

// MaxRequestBytes bounds a request.
const MaxRequestBytes = 64 << 10

// weak algorithms prove nothing.
var weak = []x509.SignatureAlgorithm{
	x509.UnknownSignatureAlgorithm, x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA,
	x509.DSAWithSHA1, x509.DSAWithSHA256, x509.ECDSAWithSHA1,
}

// ParseRequest reads a request in PEM or DER and checks its proof of
// possession. Of what it asks for, only the alternative names count: nothing,
// or one SPIFFE ID. All else in a certificate is the CA's to decide.
func ParseRequest(data []byte) (*Request, error) {
	if len(data) > MaxRequestBytes {
		return nil, fmt.Errorf("a signing request of %d bytes: want at most %d", len(data), MaxRequestBytes)
	}
	der, err := requestDER(data)
	if err != nil {
		return nil, err
	}
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("not a certificate signing request: %w", err)
	}
	if err := signing.CheckKey(r.PublicKey); err != nil {
		return nil, fmt.Errorf("the signing request is for %w", err)
	}
	if slices.Contains(weak, r.SignatureAlgorithm) {
		return nil, fmt.Errorf("the signing request is signed with %s, which proves nothing", r.SignatureAlgorithm)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("the signing request's sender does not hold its key: %w", err)
	}
	out := &Request{Public: r.PublicKey}
	switch {
	case len(r.DNSNames)+len(r.EmailAddresses)+len(r.IPAddresses) > 0, len(r.URIs) > 1:
		return nil, errors.New("the signing request asks for more names than one: want at most a single SPIFFE ID")
	case len(r.URIs) == 1:
		out.Identity, err = ParseIdentity(r.URIs[0].String())
	}
	return out, err
}

func requestDER(data []byte) ([]byte, error) {
	if len(data) > 0 && data[0] == 0x30 {
		return data, nil
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("not a certificate signing request: neither PEM nor DER")
	case block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST":
		return nil, fmt.Errorf("not a certificate signing request: the PEM block is %.60q", block.Type)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("there is more after the certificate signing request: want one")
	}
	return block.Bytes, nil
}
