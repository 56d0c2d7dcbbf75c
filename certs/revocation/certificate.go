package revocation

import (
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

var (
	oidKeyUsage           = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidDistributionPoints = asn1.ObjectIdentifier{2, 5, 29, 31}
	oidFreshestCRL        = asn1.ObjectIdentifier{2, 5, 29, 46}
	oidOCSPNoCheck        = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
)

// serialOctets gives the content octets of the serial number as they stand in
// the certificate, which is how lists have them.
func serialOctets(c *x509.Certificate) ([]byte, error) {
	in := cryptobyte.String(c.RawTBSCertificate)
	var tbs, serial cryptobyte.String
	if !in.ReadASN1(&tbs, cryptobyteasn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(constructed(0)) ||
		!readInteger(&tbs, &serial) {
		return nil, errors.New("the certificate's serial number is malformed")
	}
	return serial, nil
}

// maySignCRLs tells whether key usage, where there is one, has cRLSign (RFC 5280
// §6.3.3 (f)).
func maySignCRLs(c *x509.Certificate) bool {
	return c.KeyUsage&x509.KeyUsageCRLSign != 0 || !hasExtension(c, oidKeyUsage)
}

func hasExtension(c *x509.Certificate, id asn1.ObjectIdentifier) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(id) {
			return true
		}
	}
	return false
}

// distinguishedName is an RDNSequence with its pkix.NameKey, empty for what is
// no name. The zero value equals none.
type distinguishedName struct {
	raw []byte
	key string
}

func readName(raw []byte) distinguishedName {
	key, _ := pkix.NameKey(raw)
	return distinguishedName{raw, key}
}

func (n distinguishedName) equal(o distinguishedName) bool { return n.key != "" && n.key == o.key }

// String writes the name for people, with what could confuse a terminal escaped.
func (n distinguishedName) String() string {
	var rdns stdpkix.RDNSequence
	if rest, err := asn1.Unmarshal(n.raw, &rdns); err != nil || len(rest) > 0 {
		return fmt.Sprintf("%.40x", n.raw)
	}
	return fmt.Sprintf("%.200q", rdns.String())
}
