package pkix

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// digest identifies bytes.
type digest [sha256.Size]byte

// certificate is one with all that validation asks of it, read once.
type certificate struct {
	*x509.Certificate
	id, key                       digest // of the certificate, of its public key
	algorithm, signed, signature  []byte
	subject, issuer               string // names that are compared, as name.key
	extensions                    extensions
	names                         []generalName // all that name constraints apply to
	asAny, asCA, asRoot, asIssued *fault        // why it can't be part of a path, be a CA, a root, anything but a root
}

func read(c *x509.Certificate) *certificate {
	r := &certificate{Certificate: c, id: sha256.Sum256(c.Raw), key: sha256.Sum256(c.RawSubjectPublicKeyInfo)}
	if r.asAny = r.parse(); r.asAny == nil {
		r.asAny = r.checkProfile()
		r.asCA = r.checkCA()
		r.asRoot = r.checkRoot()
		r.asIssued = r.checkIssued()
	}
	return r
}

// parse takes the certificate apart where crypto/x509 keeps no part or is lax.
func (c *certificate) parse() *fault {
	var outer, tbs, algorithm cryptobyte.String
	input := cryptobyte.String(c.Raw)
	if !input.ReadASN1(&outer, asn1.SEQUENCE) || !input.Empty() ||
		!outer.ReadASN1Element(&tbs, asn1.SEQUENCE) || !outer.ReadASN1Element(&algorithm, asn1.SEQUENCE) ||
		!outer.ReadASN1BitStringAsBytes(&c.signature) || !outer.Empty() {
		return broken("4.1", "a Certificate in DER", "something else")
	}
	c.signed, c.algorithm = tbs, algorithm
	issuer, ok := parseName(c.RawIssuer)
	if !ok {
		return broken("4.1.2.4", "an issuer in DER", "%s", clipHex(c.RawIssuer))
	}
	subject, ok := parseName(c.RawSubject)
	if !ok {
		return broken("4.1.2.6", "a subject in DER", "%s", clipHex(c.RawSubject))
	}
	c.issuer, c.subject = issuer.key(), subject.key()
	if c.Version != 3 {
		return broken("4.1.2.1", "version 3", "version %d", c.Version)
	}
	if !endsAsDefined(tbs) {
		return broken("4.1", "a TBSCertificate in DER", "more than its fields")
	}
	var f *fault
	if c.extensions, f = readExtensions(c.Certificate); f != nil {
		return f
	}
	if len(subject.rdns) > 0 {
		c.names = append(c.names, generalName{form: formDirectory, directory: subject, text: string(c.RawSubject)})
	}
	for _, e := range subject.emails {
		n := generalName{form: formEmail, text: e}
		if !n.readText() {
			n.host = ""
		}
		c.names = append(c.names, n)
	}
	c.names = append(c.names, c.extensions.altNames...)
	return nil
}

// endsAsDefined tells whether the extensions of a version 3 certificate, or the
// fields before, are the last of it.
func endsAsDefined(tbs cryptobyte.String) bool {
	var extensions, list cryptobyte.String
	var present bool
	tag := func(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific() }
	if !tbs.ReadASN1(&tbs, asn1.SEQUENCE) || !tbs.SkipOptionalASN1(tag(0).Constructed()) || !tbs.SkipASN1(asn1.INTEGER) {
		return false
	}
	for range 5 { // signature, issuer, validity, subject, subjectPublicKeyInfo
		if !tbs.SkipASN1(asn1.SEQUENCE) {
			return false
		}
	}
	if !tbs.SkipOptionalASN1(tag(1)) || !tbs.SkipOptionalASN1(tag(2)) ||
		!tbs.ReadOptionalASN1(&extensions, &present, tag(3).Constructed()) || !tbs.Empty() {
		return false
	}
	return !present || extensions.ReadASN1(&list, asn1.SEQUENCE) && extensions.Empty()
}

// checkProfile checks what RFC 5280 §4 demands of every certificate.
func (c *certificate) checkProfile() *fault {
	e := &c.extensions
	switch {
	case c.issuer == "":
		return broken("4.1.2.4", "an issuer", "an empty name")
	case c.subject == "" && !e.hasAltNames:
		return broken("4.1.2.6", "a subject or a subjectAltName", "neither")
	case c.subject == "" && !e.altNamesCritical:
		return broken("4.2.1.6", "a critical subjectAltName where the subject is empty", "one that is not critical")
	case c.NotAfter.Before(c.NotBefore):
		return broken("4.1.2.5", "a validity that begins before it ends", "%s to %s", date(c.NotBefore), date(c.NotAfter))
	case e.hasKeyUsage && e.keyUsage&x509.KeyUsageCertSign != 0 && !e.ca:
		return broken("4.2.1.9", "no key usage keyCertSign where cA is not set", "keyCertSign")
	case e.constraints != nil && !e.ca:
		return broken("4.2.1.10", "nameConstraints in CA certificates only", "nameConstraints where cA is not set")
	case e.barePolicyConstraints && !e.hasPolicies:
		// RFC 3280 did not demand it, and many CAs with policies are that old.
		return broken("4.2.1.11", "policyConstraints that are critical, or beside policies of their own", "neither")
	}
	if err := CheckKey(c.PublicKey); err != nil {
		return broken("4.1.2.7", "a key that signatures are accepted from", "%s", err)
	}
	// Keys are told apart by these bytes: in limits, and by who distrusts one.
	if spki, err := x509.MarshalPKIXPublicKey(c.PublicKey); err != nil || !bytes.Equal(spki, c.RawSubjectPublicKeyInfo) {
		return broken("4.1.2.7", "a key in its one encoding", "another, %s", clipHex(c.RawSubjectPublicKeyInfo))
	}
	return nil
}

// checkIssued checks what is demanded of all but roots, which are trusted for
// being known and not for how they were issued.
func (c *certificate) checkIssued() *fault {
	switch {
	case c.SerialNumber.Sign() <= 0:
		return broken("4.1.2.2", "a positive serial number", "%d", c.SerialNumber)
	case c.SerialNumber.BitLen() > 20*8-1:
		return broken("4.1.2.2", "a serial number of at most 20 bytes", "%d bits", c.SerialNumber.BitLen())
	case len(c.extensions.authorityKeyID) == 0 && !c.selfIssued():
		return broken("4.2.1.1", "an authorityKeyIdentifier with a keyIdentifier", "none")
	}
	return nil
}

// checkCA checks what is demanded of a certificate to sign others.
func (c *certificate) checkCA() *fault {
	e := &c.extensions
	switch {
	case !e.basicConstraints:
		return broken("4.2.1.9", "a CA, with basicConstraints", "none")
	case !e.ca:
		return broken("4.2.1.9", "a CA", "cA not set in basicConstraints")
	case e.hasKeyUsage && e.keyUsage&x509.KeyUsageCertSign == 0:
		return broken("4.2.1.3", "a CA with key usage keyCertSign", "key usage without it")
	case c.subject == "":
		return broken("4.1.2.6", "a CA with a subject", "an empty name")
	case len(e.subjectKeyID) == 0:
		return broken("4.2.1.2", "a CA with a subjectKeyIdentifier", "none")
	}
	return nil
}

// checkRoot checks what is demanded of roots alone. Below them, a
// basicConstraints that is not critical says as much as a critical one.
func (c *certificate) checkRoot() *fault {
	switch {
	case !c.extensions.basicConstraintsCritical:
		return broken("4.2.1.9", "a root with critical basicConstraints", "one that is not critical")
	case len(c.extensions.authorityKeyID) == 0 && !c.selfIssued() &&
		CheckSignature(c.PublicKey, c.algorithm, c.signed, c.signature) != nil:
		return broken("4.2.1.1", "an authorityKeyIdentifier where the root is not self-signed", "none")
	}
	return nil
}

// selfIssued tells whether issuer and subject are one name (RFC 5280 §6.1).
func (c *certificate) selfIssued() bool { return c.subject == c.issuer }
