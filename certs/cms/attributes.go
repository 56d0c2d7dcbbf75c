package cms

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Attribute types (RFC 5652 §11, RFC 6211).
var (
	oidContentType         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidAlgorithmProtection = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 52}
)

// Attribute is one attribute of a signer with its values, each in DER.
type Attribute struct {
	Type   x509.OID
	Values [][]byte
}

// attributes are signed attributes and the octets that are signed for them.
type attributes struct {
	list   []Attribute
	signed []byte
}

// order says whether a SET OF must be in the order of DER.
type order bool

const (
	derOrder order = true
	anyOrder order = false
)

// parseSigned reads the [0] of a SignerInfo. What is signed is the DER of a SET
// OF Attribute (RFC 5652 §5.4). Attributes that came in another encoding are
// refused instead of encoded anew, so what was checked is what was signed.
func parseSigned(element cryptobyte.String) (*attributes, error) {
	signed := bytes.Clone(element)
	signed[0] = byte(tag.SET)
	var content cryptobyte.String
	if !element.ReadASN1(&content, context0.Constructed()) {
		return nil, errors.New("malformed")
	}
	list, err := parseAttributes(content, derOrder)
	if err != nil {
		return nil, err
	}
	return &attributes{list: list, signed: signed}, nil
}

// parseAttributes reads SIZE (1..MAX) of (RFC 5652 §5.3)
//
//	Attribute ::= SEQUENCE {
//	  attrType OBJECT IDENTIFIER,
//	  attrValues SET OF AttributeValue }
//
// In DER order no type may stand twice: for those that count RFC 5652 §11
// forbids it, and of others nobody could say which is meant.
func parseAttributes(in cryptobyte.String, o order) ([]Attribute, error) {
	elements, ok := splitSet(in, MaxAttributes, o)
	if !ok || len(elements) == 0 {
		return nil, fmt.Errorf("want 1 to %d attributes in the order and encoding of DER", MaxAttributes)
	}
	list := make([]Attribute, len(elements))
	for i, e := range elements {
		a := &list[i]
		var body, values cryptobyte.String
		if !e.ReadASN1(&body, tag.SEQUENCE) || !readOID(&body, &a.Type) ||
			!body.ReadASN1(&values, tag.SET) || !body.Empty() {
			return nil, fmt.Errorf("attribute %d is malformed", i+1)
		}
		elements, ok := splitSet(values, MaxAttributes, o)
		if !ok || len(elements) == 0 {
			return nil, fmt.Errorf("attribute %s: want 1 to %d values in the order and encoding of DER", a.Type, MaxAttributes)
		}
		for _, v := range elements {
			a.Values = append(a.Values, v)
		}
		for _, b := range list[:i] {
			if o == derOrder && a.Type.Equal(b.Type) {
				return nil, fmt.Errorf("attribute %s stands twice", a.Type)
			}
		}
	}
	return list, nil
}

// splitSet gives the elements of a SET OF (X.690 §11.6: in DER they ascend).
func splitSet(in cryptobyte.String, limit int, o order) ([]cryptobyte.String, bool) {
	var all []cryptobyte.String
	for !in.Empty() {
		var e cryptobyte.String
		var t tag.Tag
		if len(all) == limit || !in.ReadAnyASN1Element(&e, &t) {
			return nil, false
		}
		if o == derOrder && len(all) > 0 && bytes.Compare(all[len(all)-1], e) > 0 {
			return nil, false
		}
		all = append(all, e)
	}
	return all, true
}

// value gives the only value of an attribute, nil if there is no such attribute.
func (a *attributes) value(t asn1.ObjectIdentifier) (cryptobyte.String, error) {
	for _, at := range a.list {
		if !at.Type.EqualASN1OID(t) {
			continue
		}
		if len(at.Values) != 1 {
			return nil, fmt.Errorf("signed attribute %s: want one value, found %d", t, len(at.Values))
		}
		return at.Values[0], nil
	}
	return nil, nil
}

// check compares the signed attributes with the message (RFC 5652 §5.4, §5.6).
// Without contentType or messageDigest the signature says nothing of it.
func (a *attributes) check(contentType x509.OID, digest []byte, s *signerInfo) error {
	v, err := a.value(oidContentType)
	if err != nil {
		return err
	}
	var found x509.OID
	switch {
	case v == nil:
		return errors.New("signed attributes without contentType")
	case !readOID(&v, &found) || !v.Empty():
		return errors.New("signed attributes: malformed contentType")
	case !found.Equal(contentType):
		return fmt.Errorf("signed attributes: want content type %s, found %s", contentType, found)
	}
	if v, err = a.value(oidMessageDigest); err != nil {
		return err
	}
	var sum cryptobyte.String
	switch {
	case v == nil:
		return errors.New("signed attributes without messageDigest")
	case !v.ReadASN1(&sum, tag.OCTET_STRING) || !v.Empty():
		return errors.New("signed attributes: malformed messageDigest")
	case !bytes.Equal(sum, digest):
		return fmt.Errorf("signed attributes: the content has digest %x, messageDigest is %.128x", digest, []byte(sum))
	}
	return a.checkProtection(s)
}

// checkProtection holds the algorithms to a CMSAlgorithmProtection attribute
// (RFC 6211 §2), if there is one:
//
//	CMSAlgorithmProtection ::= SEQUENCE {
//	  digestAlgorithm DigestAlgorithmIdentifier,
//	  signatureAlgorithm [1] SignatureAlgorithmIdentifier OPTIONAL,
//	  macAlgorithm [2] MessageAuthenticationCodeAlgorithm OPTIONAL }
func (a *attributes) checkProtection(s *signerInfo) error {
	v, err := a.value(oidAlgorithmProtection)
	if v == nil || err != nil {
		return err
	}
	var body cryptobyte.String
	var digest, signature algorithm
	if !v.ReadASN1(&body, tag.SEQUENCE) || !v.Empty() || !digest.read(&body) ||
		!signature.readTagged(&body, context1.Constructed()) || !body.Empty() {
		return errors.New("signed attributes: malformed CMSAlgorithmProtection")
	}
	if !digest.equal(&s.digest) || !signature.equal(&s.algorithm) {
		return errors.New("signed attributes: CMSAlgorithmProtection names other algorithms than the SignerInfo")
	}
	return nil
}

// signingTime gives what the signer claims (RFC 5652 §11.3), zero if nothing.
func (a *attributes) signingTime() (time.Time, error) {
	var t time.Time
	v, err := a.value(oidSigningTime)
	if v == nil || err != nil {
		return t, err
	}
	read, n := v.ReadASN1UTCTime, len("YYMMDDhhmmssZ")
	if v.PeekASN1Tag(tag.GeneralizedTime) {
		read, n = v.ReadASN1GeneralizedTime, len("YYYYMMDDhhmmssZ")
	}
	// In DER the zone is Z and the seconds are there (X.690 §11.7, §11.8).
	if len(v) != 2+n || v[len(v)-1] != 'Z' || !read(&t) || !v.Empty() {
		return t, errors.New("signed attributes: malformed signingTime")
	}
	return t.UTC(), nil
}

// looksSigned tells whether content is itself the DER of a SET OF Attribute. As
// the content of a message without signed attributes that would be another
// message's attributes with their signature.
func looksSigned(content []byte) bool {
	in := cryptobyte.String(content)
	var set cryptobyte.String
	if !in.ReadASN1(&set, tag.SET) || !in.Empty() || set.Empty() {
		return false
	}
	for !set.Empty() {
		var body, values cryptobyte.String
		var t x509.OID
		if !set.ReadASN1(&body, tag.SEQUENCE) || !readOID(&body, &t) || !body.ReadASN1(&values, tag.SET) || !body.Empty() {
			return false
		}
	}
	return true
}
