package authority

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/certs/signing"
)

// Issuer is a CA's certificate with its key.
type Issuer struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// NewIssuer refuses a certificate that may not sign certificates and revocation
// lists, or that has another key.
func NewIssuer(certificate *x509.Certificate, key crypto.Signer) (*Issuer, error) {
	const usage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	switch {
	case !certificate.BasicConstraintsValid || !certificate.IsCA:
		return nil, fmt.Errorf("%s is not a CA's certificate", certificate.Subject)
	case certificate.KeyUsage&usage != usage:
		return nil, fmt.Errorf("the certificate of %s may not sign both certificates and CRLs", certificate.Subject)
	case !SameKey(certificate.PublicKey, key.Public()):
		return nil, fmt.Errorf("the key is not that of the certificate of %s", certificate.Subject)
	}
	return &Issuer{certificate, key}, nil
}

// Certificate is the issuer's own.
func (i *Issuer) Certificate() *x509.Certificate { return i.certificate }

// SameKey compares two public keys.
func SameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// TrustDomainOf gives the one host that an intermediate's critical name
// constraints allow (RFC 5280 §4.2.1.10: a bare host is that host alone). A
// loopback address, which can't be a constraint, is the subject's organization.
func TrustDomainOf(c *x509.Certificate) (string, error) {
	if o := c.Subject.Organization; len(c.PermittedURIDomains) == 0 && len(c.ExcludedURIDomains) == 0 && len(o) == 1 && unconstrained(o[0]) {
		return o[0], nil
	}
	if len(c.PermittedURIDomains) != 1 || !c.PermittedDNSDomainsCritical || c.PermittedURIDomains[0][0] == '.' {
		return "", fmt.Errorf("the certificate of %s is not limited to one host by critical URI name constraints", c.Subject)
	}
	return c.PermittedURIDomains[0], nil
}

// Window is when a certificate is valid, from the first second to the last.
type Window struct{ NotBefore, NotAfter time.Time }

// within refuses a window that is empty or outlives the issuer's.
func (w Window) within(issuer *x509.Certificate) error {
	if !w.NotAfter.After(w.NotBefore) {
		return fmt.Errorf("valid from %s until %s: it would never be", stamp(w.NotBefore), stamp(w.NotAfter))
	}
	if w.NotAfter.Year() > 9999 {
		return errors.New("valid beyond the year 9999, which a certificate can't say")
	}
	if issuer == nil {
		return nil
	}
	if w.NotAfter.After(issuer.NotAfter) {
		return fmt.Errorf("valid until %s: its issuer %s is valid only until %s", stamp(w.NotAfter), issuer.Subject, stamp(issuer.NotAfter))
	}
	if w.NotBefore.Before(issuer.NotBefore) {
		return fmt.Errorf("valid from %s: its issuer %s is valid only from %s", stamp(w.NotBefore), issuer.Subject, stamp(issuer.NotBefore))
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Name is the subject of a CA's certificate.
type Name struct{ Organization, CommonName string }

func (n Name) subject() (pkix.Name, error) {
	for _, part := range []string{n.Organization, n.CommonName} {
		if part == "" || len(part) > maxNamePart {
			return pkix.Name{}, fmt.Errorf("%.100q can't be part of a name: want 1 to %d bytes", part, maxNamePart)
		}
	}
	return pkix.Name{Organization: []string{n.Organization}, CommonName: n.CommonName}, nil
}

// NewRoot makes the certificate of a new root, and the root of it.
func NewRoot(n Name, w Window, key crypto.Signer, rand io.Reader) (*Issuer, error) {
	if err := signing.CheckKey(key.Public()); err != nil {
		return nil, err
	}
	if err := w.within(nil); err != nil {
		return nil, err
	}
	subject, err := n.subject()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		Subject: subject, NotBefore: w.NotBefore, NotAfter: w.NotAfter,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true,
	}
	c, err := sign(t, t, key.Public(), key, rand)
	if err != nil {
		return nil, err
	}
	return NewIssuer(c, key)
}

// Intermediate says what an intermediate is to be.
type Intermediate struct {
	Name        Name
	Window      Window
	TrustDomain string // the one host that it may issue identities of
	Public      crypto.PublicKey
	CRLURL      string // where the issuer's CRL is published; may be empty
	// ServerName is the DNS name of a CA server that is to hold the key and to
	// issue its own server certificate; empty where there is none.
	ServerName string
}

// Intermediate issues the certificate of an intermediate: it signs no further
// CA, code signing only, and identities of one host, by critical constraints.
// One with a server name may also sign server certificates for that name and
// those below it, which a DNS constraint can't tell apart.
func (i *Issuer) Intermediate(m Intermediate, rand io.Reader) (*x509.Certificate, error) {
	if i.certificate.MaxPathLen == 0 && i.certificate.MaxPathLenZero {
		return nil, fmt.Errorf("%s may not sign a CA's certificate", i.certificate.Subject)
	}
	if err := signing.CheckKey(m.Public); err != nil {
		return nil, err
	}
	if err := m.Window.within(i.certificate); err != nil {
		return nil, err
	}
	subject, err := m.Name.subject()
	if err != nil {
		return nil, err
	}
	points, err := distributionPoints(m.CRLURL)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		Subject: subject, NotBefore: m.Window.NotBefore, NotAfter: m.Window.NotAfter,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		CRLDistributionPoints: points,
	}
	if unconstrained(m.TrustDomain) {
		t.Subject.Organization = []string{m.TrustDomain}
	} else {
		t.PermittedURIDomains, t.PermittedDNSDomainsCritical = []string{m.TrustDomain}, true
	}
	if m.ServerName != "" {
		if !isServerName(m.ServerName) {
			return nil, fmt.Errorf("%.300q is not the name of a server: want lower-case letters, digits and hyphens between dots", m.ServerName)
		}
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		t.PermittedDNSDomains, t.PermittedDNSDomainsCritical = []string{m.ServerName}, true
	}
	return sign(t, i.certificate, m.Public, i.key, rand)
}

// isServerName accepts a DNS name. An address is none: a name constraint has
// other forms for those.
func isServerName(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// Leaf says what a worker's certificate is to be.
type Leaf struct {
	Identity Identity
	Window   Window
	Public   crypto.PublicKey
	CRLURL   string // where the issuer's CRL is published; may be empty
}

// Leaf issues a worker's certificate.
func (i *Issuer) Leaf(l Leaf, rand io.Reader) (*x509.Certificate, error) {
	if l.Identity.IsZero() {
		return nil, errors.New("no identity to issue to")
	}
	domain, err := TrustDomainOf(i.certificate)
	if err != nil {
		return nil, err
	}
	if l.Identity.TrustDomain() != domain {
		return nil, fmt.Errorf("%s: %s may only issue identities of %s", l.Identity, i.certificate.Subject, domain)
	}
	if err := signing.CheckKey(l.Public); err != nil {
		return nil, err
	}
	if SameKey(l.Public, i.certificate.PublicKey) {
		return nil, errors.New("the key is the issuer's own")
	}
	if err := l.Window.within(i.certificate); err != nil {
		return nil, err
	}
	points, err := distributionPoints(l.CRLURL)
	if err != nil {
		return nil, err
	}
	c, err := sign(&x509.Certificate{
		Subject:   pkix.Name{CommonName: l.Identity.commonName()},
		NotBefore: l.Window.NotBefore, NotAfter: l.Window.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		BasicConstraintsValid: true,
		URIs:                  []*url.URL{l.Identity.id.URL()},
		CRLDistributionPoints: points,
	}, i.certificate, l.Public, i.key, rand)
	if err != nil {
		return nil, err
	}
	if _, err := signing.CheckLeaf(c); err != nil {
		return nil, err
	}
	return c, nil
}

func distributionPoints(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%.300q is not a URL of a CRL: want http://HOST/PATH", s)
	}
	return []string{s}, nil
}

// sign completes a template and makes the certificate of it.
func sign(t, issuer *x509.Certificate, public crypto.PublicKey, key crypto.Signer, rand io.Reader) (*x509.Certificate, error) {
	var err error
	if t.SerialNumber, err = newSerial(rand); err != nil {
		return nil, err
	}
	if t.SubjectKeyId, err = keyIdentifier(public); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand, t, issuer, public, key)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return x509.ParseCertificate(der)
}

// newSerial gives 159 random bits, which is all that 20 octets hold of a
// positive number (RFC 5280 §4.1.2.2).
func newSerial(rand io.Reader) (*big.Int, error) {
	b := make([]byte, 20)
	if _, err := io.ReadFull(rand, b); err != nil {
		return nil, err
	}
	b[0] &= 0x7f
	n := new(big.Int).SetBytes(b)
	if n.BitLen() < 64 {
		return nil, errors.New("the random source gives zeros")
	}
	return n, nil
}

// keyIdentifier is RFC 7093 §2 method 1.
func keyIdentifier(public crypto.PublicKey) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(info.Key.RightAlign())
	return sum[:20], nil
}
