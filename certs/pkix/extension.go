package pkix

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// extensions are a certificate's extensions as validation needs them, read
// strictly: crypto/x509 leaves out directory names, and takes some values that
// DER or RFC 5280 forbids.
type extensions struct {
	authorityKeyID, subjectKeyID []byte

	hasKeyUsage bool
	keyUsage    x509.KeyUsage

	basicConstraints, basicConstraintsCritical bool
	ca                                         bool
	pathLen                                    int // -1: none

	hasPurposes, purposesCritical bool
	purposes                      []string

	broken generalName // the name that makes altNames or constraints so

	hasAltNames, altNamesCritical bool
	altNames                      []generalName

	constraints *constraints

	// barePolicyConstraints: they are there and not critical.
	barePolicyConstraints bool

	hasPolicies     bool
	policies        []string // object identifiers in DER
	mappings        []mapping
	requireExplicit int // -1: none
	inhibitMapping  int
	inhibitAny      int
}

type mapping struct{ issuer, subject string }

// extension is how one is read. Those that RFC 5280 wants critical or not
// critical, always, are refused otherwise.
type extension struct {
	name     string
	section  string
	critical criticality
	// read is nil where the value means nothing to a path.
	read func(e *extensions, value cryptobyte.String, critical bool) bool
}

type criticality int

const (
	either criticality = iota
	always
	never
)

const anyPolicy = "\x55\x1d\x20\x00" // 2.5.29.32.0

// known gives how an extension is processed, by its object identifier.
func known(id asn1.ObjectIdentifier) (extension, bool) {
	switch id.String() {
	case "2.5.29.35":
		return extension{name: "authorityKeyIdentifier", section: "4.2.1.1", critical: never, read: readAuthorityKeyID}, true
	case "2.5.29.14":
		return extension{name: "subjectKeyIdentifier", section: "4.2.1.2", critical: never, read: readSubjectKeyID}, true
	case "2.5.29.15":
		return extension{name: "keyUsage", section: "4.2.1.3", read: readKeyUsage}, true
	case "2.5.29.32":
		return extension{name: "certificatePolicies", section: "4.2.1.4", read: readPolicies}, true
	case "2.5.29.33":
		return extension{name: "policyMappings", section: "4.2.1.5", read: readMappings}, true
	case "2.5.29.17":
		return extension{name: "subjectAltName", section: "4.2.1.6", read: readAltNames}, true
	case "2.5.29.19":
		return extension{name: "basicConstraints", section: "4.2.1.9", read: readBasicConstraints}, true
	case "2.5.29.30":
		return extension{name: "nameConstraints", section: "4.2.1.10", critical: always, read: readConstraints}, true
	case "2.5.29.36":
		return extension{name: "policyConstraints", section: "4.2.1.11", read: readPolicyConstraints}, true
	case "2.5.29.37":
		return extension{name: "extKeyUsage", section: "4.2.1.12", read: readPurposes}, true
	case "2.5.29.31":
		return extension{name: "cRLDistributionPoints", section: "4.2.1.13"}, true
	case "2.5.29.54":
		return extension{name: "inhibitAnyPolicy", section: "4.2.1.14", critical: always, read: readInhibitAny}, true
	case "1.3.6.1.5.5.7.1.1":
		return extension{name: "authorityInfoAccess", section: "4.2.2.1", critical: never}, true
	case "1.3.6.1.5.5.7.1.11":
		return extension{name: "subjectInfoAccess", section: "4.2.2.2", critical: never}, true
	}
	return extension{}, false
}

// readExtensions reads all extensions, or gives the first broken rule.
func readExtensions(c *x509.Certificate) (extensions, *fault) {
	e := extensions{pathLen: -1, requireExplicit: -1, inhibitMapping: -1, inhibitAny: -1}
	for _, x := range c.Extensions {
		k, ok := known(x.Id)
		switch {
		case !ok && x.Critical:
			return e, broken("4.2", "critical extensions that are processed here", "critical extension %s", x.Id)
		case !ok:
			continue
		case k.critical == always && !x.Critical:
			return e, broken(k.section, "a critical "+k.name, "one that is not critical")
		case k.critical == never && x.Critical:
			return e, broken(k.section, k.name+" that is not critical", "a critical one")
		}
		if k.read == nil || k.read(&e, x.Value, x.Critical) {
			continue
		}
		found := clipHex(x.Value)
		if e.broken.text != "" {
			found = e.broken.String()
		}
		return e, broken(k.section, k.name+" in DER and as defined", "%s", found)
	}
	return e, nil
}

func clipHex(b []byte) string {
	if len(b) > 32 {
		return fmt.Sprintf("%x… (%d bytes)", b[:32], len(b))
	}
	return fmt.Sprintf("%x", b)
}

// sequence unwraps a SEQUENCE that is all of s and not empty.
func sequence(s cryptobyte.String) (cryptobyte.String, bool) {
	var inner cryptobyte.String
	return inner, s.ReadASN1(&inner, der.SEQUENCE) && s.Empty() && !inner.Empty()
}

func readAuthorityKeyID(e *extensions, value cryptobyte.String, _ bool) bool {
	var seq, id cryptobyte.String
	var present bool
	if !value.ReadASN1(&seq, der.SEQUENCE) || !value.Empty() ||
		!seq.ReadOptionalASN1(&id, &present, der.Tag(0).ContextSpecific()) {
		return false
	}
	e.authorityKeyID = id
	return true
}

func readSubjectKeyID(e *extensions, value cryptobyte.String, _ bool) bool {
	var id cryptobyte.String
	ok := value.ReadASN1(&id, der.OCTET_STRING) && value.Empty() && !id.Empty()
	e.subjectKeyID = id
	return ok
}

func readKeyUsage(e *extensions, value cryptobyte.String, _ bool) bool {
	var bits asn1.BitString
	if !value.ReadASN1BitString(&bits) || !value.Empty() {
		return false
	}
	for i := range 9 {
		if bits.At(i) != 0 {
			e.keyUsage |= 1 << i
		}
	}
	e.hasKeyUsage = true
	return e.keyUsage != 0 // "at least one of the bits MUST be set to 1"
}

func readBasicConstraints(e *extensions, value cryptobyte.String, critical bool) bool {
	var seq cryptobyte.String
	if !value.ReadASN1(&seq, der.SEQUENCE) || !value.Empty() {
		return false
	}
	// A cA that says FALSE is no DER, but many write it.
	if seq.PeekASN1Tag(der.BOOLEAN) && !seq.ReadASN1Boolean(&e.ca) {
		return false
	}
	if !seq.Empty() && !readCount(&seq, der.INTEGER, &e.pathLen) {
		return false
	}
	e.basicConstraints, e.basicConstraintsCritical = true, critical
	return seq.Empty() && (e.ca || e.pathLen < 0)
}

// readCount reads INTEGER (0..MAX); what is larger than any path counts as a
// thousand.
func readCount(s *cryptobyte.String, tag der.Tag, out *int) bool {
	var n int64
	if !s.ReadASN1Int64WithTag(&n, tag) || n < 0 {
		return false
	}
	*out = int(min(n, 1000))
	return true
}

func readPurposes(e *extensions, value cryptobyte.String, critical bool) bool {
	seq, ok := sequence(value)
	for ok && !seq.Empty() {
		var oid cryptobyte.String
		ok = seq.ReadASN1(&oid, der.OBJECT_IDENTIFIER)
		e.purposes = append(e.purposes, string(oid))
	}
	e.hasPurposes, e.purposesCritical = true, critical
	return ok
}

func readAltNames(e *extensions, value cryptobyte.String, critical bool) bool {
	seq, ok := sequence(value)
	for ok && !seq.Empty() {
		var n generalName
		if n, ok = readGeneralName(&seq, false); !ok {
			e.broken = n
		}
		e.altNames = append(e.altNames, n)
	}
	e.hasAltNames, e.altNamesCritical = true, critical
	return ok
}

func readPolicies(e *extensions, value cryptobyte.String, critical bool) bool {
	seq, ok := sequence(value)
	seen := map[string]bool{}
	for ok && !seq.Empty() {
		var info, oid, qualifiers cryptobyte.String
		if !seq.ReadASN1(&info, der.SEQUENCE) || !info.ReadASN1(&oid, der.OBJECT_IDENTIFIER) {
			return false
		}
		if !info.Empty() && (!info.ReadASN1(&qualifiers, der.SEQUENCE) || !info.Empty() || !readQualifiers(qualifiers, critical)) {
			return false
		}
		if seen[string(oid)] {
			return false
		}
		seen[string(oid)] = true
		e.policies = append(e.policies, string(oid))
	}
	e.hasPolicies = true
	return ok
}

// readQualifiers checks that a critical extension has no qualifiers but the two
// of RFC 5280, a pointer and a notice, which mean nothing to a machine.
func readQualifiers(s cryptobyte.String, critical bool) bool {
	const arc = "\x2b\x06\x01\x05\x05\x07\x02"
	ok := !s.Empty()
	for ok && !s.Empty() {
		var info, oid cryptobyte.String
		ok = s.ReadASN1(&info, der.SEQUENCE) && info.ReadASN1(&oid, der.OBJECT_IDENTIFIER) &&
			(!critical || string(oid) == arc+"\x01" || string(oid) == arc+"\x02")
	}
	return ok
}

func readMappings(e *extensions, value cryptobyte.String, _ bool) bool {
	seq, ok := sequence(value)
	for ok && !seq.Empty() {
		var pair, issuer, subject cryptobyte.String
		ok = seq.ReadASN1(&pair, der.SEQUENCE) && pair.ReadASN1(&issuer, der.OBJECT_IDENTIFIER) &&
			pair.ReadASN1(&subject, der.OBJECT_IDENTIFIER) && pair.Empty()
		e.mappings = append(e.mappings, mapping{string(issuer), string(subject)})
	}
	return ok
}

func readPolicyConstraints(e *extensions, value cryptobyte.String, critical bool) bool {
	e.barePolicyConstraints = !critical
	seq, ok := sequence(value)
	for n, out := range []*int{&e.requireExplicit, &e.inhibitMapping} {
		tag := der.Tag(n).ContextSpecific() //nolint:gosec // 0 or 1
		if ok && seq.PeekASN1Tag(tag) {
			ok = readCount(&seq, tag, out)
		}
	}
	return ok && seq.Empty()
}

func readInhibitAny(e *extensions, value cryptobyte.String, _ bool) bool {
	return readCount(&value, der.INTEGER, &e.inhibitAny) && value.Empty()
}

func readConstraints(e *extensions, value cryptobyte.String, _ bool) bool {
	c, bad, ok := parseConstraints(value)
	e.constraints, e.broken = c, bad
	return ok
}

func oidString(oid string) string {
	var id x509.OID
	if len(oid) > 64 || id.UnmarshalBinary([]byte(oid)) != nil {
		return clipHex([]byte(oid))
	}
	return id.String()
}
