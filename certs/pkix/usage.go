package pkix

import (
	"crypto/x509"
	"slices"
)

// Usage is what a leaf is to be used for. The zero value is no usage.
type Usage int

// Usages of a leaf. Where key usage is given it must allow the use too.
const (
	AnyUsage     Usage = iota + 1 // no demand
	CodeSigning                   // extended key usage codeSigning
	TimeStamping                  // critical and sole extended key usage timeStamping (RFC 3161 §2.3)
	OCSPSigning                   // extended key usage OCSPSigning (RFC 6960 §4.2.2.2)
	CRLSigning                    // key usage cRLSign (RFC 5280 §6.3.3 f)
	CertSigning                   // a CA that may sign certificates
)

func (u Usage) String() string {
	switch u {
	case AnyUsage:
		return "any"
	case CodeSigning:
		return "codeSigning"
	case TimeStamping:
		return "timeStamping"
	case OCSPSigning:
		return "OCSPSigning"
	case CRLSigning:
		return "cRLSign"
	case CertSigning:
		return "keyCertSign"
	}
	return "none"
}

const (
	purposeArc = "\x2b\x06\x01\x05\x05\x07\x03" // 1.3.6.1.5.5.7.3
	anyPurpose = "\x55\x1d\x25\x00"             // 2.5.29.37.0
)

// purpose is the extended key usage that a usage needs, in DER.
func (u Usage) purpose() (string, bool) {
	switch u {
	case CodeSigning:
		return purposeArc + "\x03", true
	case TimeStamping:
		return purposeArc + "\x08", true
	case OCSPSigning:
		return purposeArc + "\x09", true
	}
	return "", false
}

// checkLeaf tells whether a leaf may be used so. The purpose must be named:
// anyExtendedKeyUsage does not do (RFC 5280 §4.2.1.12 leaves that to us).
func (u Usage) checkLeaf(c *certificate) *fault {
	e := &c.extensions
	keyUsage := func(want x509.KeyUsage, names string) *fault {
		if e.hasKeyUsage && e.keyUsage&want == 0 {
			return broken("4.2.1.3", "key usage "+names+" for "+u.String(), "key usage without it")
		}
		return nil
	}
	if purpose, ok := u.purpose(); ok {
		switch {
		case !e.hasPurposes:
			return broken("4.2.1.12", "extended key usage "+u.String(), "no extKeyUsage")
		case !slices.Contains(e.purposes, purpose):
			return broken("4.2.1.12", "extended key usage "+u.String(), "others")
		}
	}
	switch u {
	case AnyUsage:
		return nil
	case CodeSigning:
		return keyUsage(x509.KeyUsageDigitalSignature, "digitalSignature")
	case TimeStamping:
		if !e.purposesCritical || len(e.purposes) != 1 {
			return &fault{
				section: "RFC 3161 §2.3", want: "a critical extKeyUsage with timeStamping alone",
				found: "one that is not critical, or has other purposes",
			}
		}
		return keyUsage(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment, "digitalSignature or nonRepudiation")
	case OCSPSigning:
		return keyUsage(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment, "digitalSignature or nonRepudiation")
	case CRLSigning:
		return keyUsage(x509.KeyUsageCRLSign, "cRLSign")
	case CertSigning:
		return c.asCA
	}
	return broken("4.2.1.12", "a usage", "none")
}

// checkCA tells whether a CA may issue certificates for such use: extended key
// usage of a CA, where given, limits what is below it.
func (u Usage) checkCA(c *certificate) *fault {
	purpose, ok := u.purpose()
	e := &c.extensions
	if ok && e.hasPurposes && !slices.Contains(e.purposes, purpose) && !slices.Contains(e.purposes, anyPurpose) {
		return broken("4.2.1.12", "a CA whose extKeyUsage, if any, has "+u.String(), "others")
	}
	return nil
}
