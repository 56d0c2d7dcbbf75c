package revocation

import (
	"bytes"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// maxPoints bounds the distribution points of a certificate, maxNames the names
// of one.
const (
	maxPoints = 32
	maxNames  = 32
)

// pointName is a DistributionPointName (RFC 5280 §4.2.1.13): GeneralNames, or a
// name relative to the issuer of the CRL.
type pointName struct {
	names    []generalName
	relative []byte // a RelativeDistinguishedName's content
}

func (p pointName) absent() bool { return p.names == nil && p.relative == nil }

// resolve gives the names, a relative one below issuer.
func (p pointName) resolve(issuer distinguishedName) []generalName {
	if p.relative == nil {
		return p.names
	}
	in := cryptobyte.String(issuer.raw)
	var rdns cryptobyte.String
	if !in.ReadASN1(&rdns, asn1.SEQUENCE) {
		return nil
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(rdns)
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(p.relative) })
	})
	name, err := b.Bytes()
	if err != nil {
		return nil
	}
	return []generalName{{directory: readName(name)}}
}

// generalName is a GeneralName: a directoryName, or any other as its DER.
type generalName struct {
	directory distinguishedName
	other     []byte // nil for a directoryName
}

func (g generalName) equal(o generalName) bool {
	if g.other == nil && o.other == nil {
		return g.directory.equal(o.directory)
	}
	return bytes.Equal(g.other, o.other)
}

func intersect(a, b []generalName) bool {
	for _, x := range a {
		for _, y := range b {
			if x.equal(y) {
				return true
			}
		}
	}
	return false
}

// uris gives the uniformResourceIdentifiers.
func uris(names []generalName) []string {
	var out []string
	for _, n := range names {
		in := cryptobyte.String(n.other)
		var uri cryptobyte.String
		if in.ReadASN1(&uri, primitive(6)) {
			out = append(out, string(uri))
		}
	}
	return out
}

// readNames reads the content of GeneralNames.
func readNames(in cryptobyte.String) ([]generalName, error) {
	if in.Empty() {
		return nil, errors.New("a list of names is empty")
	}
	var out []generalName
	for !in.Empty() {
		var element, content cryptobyte.String
		var tag asn1.Tag
		if !in.ReadAnyASN1Element(&element, &tag) || tag&0xc0 != 0x80 {
			return nil, errors.New("a name is malformed")
		}
		n := generalName{other: element}
		if tag == constructed(4) {
			e := element
			var directory cryptobyte.String
			if !e.ReadASN1(&content, tag) || !content.ReadASN1Element(&directory, asn1.SEQUENCE) || !content.Empty() {
				return nil, errors.New("a directoryName is malformed")
			}
			n = generalName{directory: readName(directory)}
		}
		if out = append(out, n); len(out) > maxNames {
			return nil, errors.New("too many names")
		}
	}
	return out, nil
}

// directoryName gives the first directoryName of GeneralNames, nil if none.
func directoryName(names []byte) []byte {
	all, err := readNames(names)
	if err != nil {
		return nil
	}
	for _, n := range all {
		if n.other == nil {
			return n.directory.raw
		}
	}
	return nil
}

// readPointName reads the content of an explicitly tagged DistributionPointName.
func readPointName(in cryptobyte.String) (pointName, error) {
	var p pointName
	var content cryptobyte.String
	var err error
	switch {
	case in.PeekASN1Tag(constructed(0)) && in.ReadASN1(&content, constructed(0)) && in.Empty():
		p.names, err = readNames(content)
	case in.PeekASN1Tag(constructed(1)) && in.ReadASN1(&content, constructed(1)) && in.Empty() && !content.Empty():
		p.relative = content
	default:
		err = errors.New("a distribution point's name is malformed")
	}
	return p, err
}

// readReasons reads the content of ReasonFlags.
func readReasons(b []byte) (reasons, error) {
	if len(b) < 1 || len(b) > 3 || b[0] > 7 || (len(b) == 1 && b[0] != 0) || (len(b) > 1 && b[len(b)-1]&(1<<b[0]-1) != 0) {
		return 0, errors.New("reason flags are malformed")
	}
	var r reasons
	for i := range (len(b) - 1) * 8 {
		if b[1+i/8]&(0x80>>(i%8)) != 0 {
			r |= 1 << i
		}
	}
	return r & allReasons, nil
}

// scope is an IssuingDistributionPoint (RFC 5280 §5.2.5): for which certificates
// a list speaks. The zero value is all of its issuer's.
type scope struct {
	raw       string // the extension's value, to compare scopes
	point     pointName
	users     bool // onlyContainsUserCerts
	cas       bool // onlyContainsCACerts
	attribute bool // onlyContainsAttributeCerts
	indirect  bool
	some      bool    // onlySomeReasons is there
	reasons   reasons // what it has
}

func parseScope(in cryptobyte.String) (scope, error) {
	s := scope{raw: string(in)}
	malformed := errors.New("the issuingDistributionPoint is malformed")
	var seq, point, flags cryptobyte.String
	var has bool
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || !seq.ReadOptionalASN1(&point, &has, constructed(0)) {
		return s, malformed
	}
	if has {
		var err error
		if s.point, err = readPointName(point); err != nil {
			return s, err
		}
	}
	var ok [4]bool
	s.users, ok[0] = readTrue(&seq, 1)
	s.cas, ok[1] = readTrue(&seq, 2)
	if !seq.ReadOptionalASN1(&flags, &s.some, primitive(3)) {
		return s, malformed
	}
	if s.some {
		var err error
		if s.reasons, err = readReasons(flags); err != nil {
			return s, err
		}
	}
	s.indirect, ok[2] = readTrue(&seq, 4)
	s.attribute, ok[3] = readTrue(&seq, 5)
	if ok != [4]bool{true, true, true, true} || !seq.Empty() {
		return s, malformed
	}
	return s, nil
}

// point is a DistributionPoint of a certificate (RFC 5280 §4.2.1.13).
type point struct {
	name    pointName
	reasons reasons
	issuer  []generalName // cRLIssuer; nil if absent
}

func parsePoints(in cryptobyte.String) ([]point, error) {
	malformed := errors.New("the distribution points are malformed")
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || seq.Empty() {
		return nil, malformed
	}
	var out []point
	for !seq.Empty() {
		p := point{reasons: allReasons}
		var dp, name, flags, issuer cryptobyte.String
		var hasName, hasFlags, hasIssuer bool
		if !seq.ReadASN1(&dp, asn1.SEQUENCE) ||
			!dp.ReadOptionalASN1(&name, &hasName, constructed(0)) ||
			!dp.ReadOptionalASN1(&flags, &hasFlags, primitive(1)) ||
			!dp.ReadOptionalASN1(&issuer, &hasIssuer, constructed(2)) || !dp.Empty() {
			return nil, malformed
		}
		var err error
		if hasName {
			if p.name, err = readPointName(name); err != nil {
				return nil, err
			}
		}
		if hasFlags {
			if p.reasons, err = readReasons(flags); err != nil {
				return nil, err
			}
		}
		if hasIssuer {
			if p.issuer, err = readNames(issuer); err != nil {
				return nil, err
			}
		}
		if out = append(out, p); len(out) > maxPoints {
			return nil, errors.New("too many distribution points")
		}
	}
	return out, nil
}

// speaksFor tells whether a list of that issuer has a say on a certificate at
// all (RFC 5280 §6.3.3 (b)(1)): it is the certificate's issuer, or an issuer
// that the certificate names for indirect CRLs.
func (l *CRL) speaksFor(c *subject) bool {
	if l.issuer.equal(c.issuer) {
		return true
	}
	if !l.scope.indirect {
		return false
	}
	for _, p := range c.points {
		if p.issuedBy(l.issuer) {
			return true
		}
	}
	return false
}

func (p point) issuedBy(issuer distinguishedName) bool {
	return intersect(p.issuer, []generalName{{directory: issuer}})
}

// covers gives the reasons for which a list speaks on a certificate (RFC 5280
// §6.3.3 (b) and (d)), or why there are none.
func (l *CRL) covers(c *subject) (reasons, string) {
	switch s := l.scope; {
	case s.users && c.ca:
		return 0, "it lists no CA certificates"
	case s.cas && !c.ca:
		return 0, "it lists CA certificates only"
	case s.attribute:
		return 0, "it lists attribute certificates only"
	}
	mask := allReasons
	if l.scope.some {
		mask = l.scope.reasons
	}
	var out reasons
	for _, p := range c.points {
		if l.matches(p, c) {
			out |= mask & p.reasons
		}
	}
	// §6.3.3, last paragraph: any list of the certificate's issuer, as if a
	// point named by the issuer were there.
	byIssuer := point{name: pointName{names: []generalName{{directory: c.issuer}}}, reasons: allReasons}
	if l.matches(byIssuer, c) {
		out |= mask
	}
	if out == 0 {
		return 0, "it is for another distribution point"
	}
	return out, ""
}

// matches tells whether the list may be the one of a certificate's point.
func (l *CRL) matches(p point, c *subject) bool {
	base := c.issuer
	if p.issuer != nil {
		if !l.scope.indirect || !p.issuedBy(l.issuer) {
			return false
		}
		base = l.issuer
	} else if !l.issuer.equal(c.issuer) {
		return false
	}
	if l.scope.point.absent() {
		return true
	}
	mine := l.scope.point.resolve(l.issuer)
	if p.name.absent() {
		return intersect(mine, p.issuer)
	}
	return intersect(mine, p.name.resolve(base))
}
