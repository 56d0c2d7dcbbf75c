package pkix

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// EqualNames compares two RDNSequences in DER as RFC 5280 §7.1 does: case,
// insignificant space and the type of string make no difference, nor does the
// order within an RDN. What is no name equals none.
func EqualNames(a, b []byte) bool {
	na, oka := parseName(a)
	nb, okb := parseName(b)
	return oka && okb && slices.Equal(na.rdns, nb.rdns)
}

// name is a distinguished name in a form in which equal names are equal.
type name struct {
	rdns   []string
	emails []string // values of emailAddress (RFC 2985 §5.2.1), which name constraints look at
}

// key is equal for equal names only, empty for the empty name, and short.
func (n name) key() string {
	if len(n.rdns) == 0 {
		return ""
	}
	var b strings.Builder
	for _, r := range n.rdns {
		lengthPrefixed(&b, r)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return string(sum[:])
}

// within tells whether n is dir or below it in the tree of names.
func (n name) within(dir name) bool {
	return len(n.rdns) >= len(dir.rdns) && slices.Equal(n.rdns[:len(dir.rdns)], dir.rdns)
}

// emailAddress is 1.2.840.113549.1.9.1.
const emailAddress = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"

func parseName(der []byte) (name, bool) {
	var n name
	var rdns cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&rdns, asn1.SEQUENCE) || !input.Empty() {
		return name{}, false
	}
	for !rdns.Empty() {
		var set cryptobyte.String
		if !rdns.ReadASN1(&set, asn1.SET) || set.Empty() {
			return name{}, false
		}
		var attributes []string
		for !set.Empty() {
			var pair, oid, value cryptobyte.String
			var tag asn1.Tag
			if !set.ReadASN1(&pair, asn1.SEQUENCE) || !pair.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
				!pair.ReadAnyASN1(&value, &tag) || !pair.Empty() {
				return name{}, false
			}
			if string(oid) == emailAddress {
				s, ok := decodeString(value, tag)
				if !ok {
					return name{}, false
				}
				n.emails = append(n.emails, s)
			}
			attributes = append(attributes, attribute(oid, value, tag))
		}
		slices.Sort(attributes)
		var b strings.Builder
		for _, a := range attributes {
			lengthPrefixed(&b, a)
		}
		n.rdns = append(n.rdns, b.String())
	}
	return n, true
}

// attribute is equal for equal types and values. Strings that RFC 4518 gives no
// meaning to, and values that are no strings, equal only the same bytes.
func attribute(oid, value []byte, tag asn1.Tag) string {
	var b strings.Builder
	lengthPrefixed(&b, string(oid))
	if s, ok := decodeString(value, tag); ok {
		if prepared, ok := prepare(s); ok {
			b.WriteByte(0)
			b.WriteString(prepared)
			return b.String()
		}
	}
	b.WriteByte(byte(tag))
	b.Write(value)
	return b.String()
}

func lengthPrefixed(b *strings.Builder, s string) {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(s))) //nolint:gosec // names are within MaxCertificateBytes
	b.Write(n[:])
	b.WriteString(s)
}

// Tags of strings that package asn1 has no names for.
const (
	tagNumericString   = asn1.Tag(18)
	tagVisibleString   = asn1.Tag(26)
	tagUniversalString = asn1.Tag(28)
	tagBMPString       = asn1.Tag(30)
)

// decodeString reads a string of a DirectoryString's types (RFC 5280 §4.1.2.4)
// or one made of ASCII.
func decodeString(value []byte, tag asn1.Tag) (string, bool) {
	switch tag {
	case asn1.UTF8String:
		return string(value), utf8.Valid(value)
	case asn1.PrintableString, asn1.IA5String, tagNumericString, tagVisibleString:
		for _, c := range value {
			if c >= utf8.RuneSelf {
				return "", false
			}
		}
		return string(value), true
	case asn1.T61String: // by everyone's practice Latin-1
		r := make([]rune, len(value))
		for i, c := range value {
			r[i] = rune(c)
		}
		return string(r), true
	case tagBMPString:
		if len(value)%2 != 0 {
			return "", false
		}
		r := make([]rune, 0, len(value)/2)
		for i := 0; i < len(value); i += 2 {
			c := rune(binary.BigEndian.Uint16(value[i:]))
			if utf16.IsSurrogate(c) {
				return "", false
			}
			r = append(r, c)
		}
		return string(r), true
	case tagUniversalString:
		if len(value)%4 != 0 {
			return "", false
		}
		r := make([]rune, 0, len(value)/4)
		for i := 0; i < len(value); i += 4 {
			c := binary.BigEndian.Uint32(value[i:])
			if c > unicode.MaxRune || utf16.IsSurrogate(rune(c)) {
				return "", false
			}
			r = append(r, rune(c))
		}
		return string(r), true
	}
	return "", false
}

// prepare makes strings equal that caseIgnoreMatch takes for equal (RFC 4518
// §2). It is false for a string with a prohibited character.
func prepare(s string) (string, bool) {
	var b strings.Builder
	ascii := true
	for _, r := range s {
		switch {
		case r >= '\t' && r <= '\r', r == 0x85, unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp):
			b.WriteByte(' ')
		case unicode.In(r, unicode.Cc, unicode.Cf), r == 0x034f, r >= 0x180b && r <= 0x180d, r >= 0xfe00 && r <= 0xfe0f, r == 0xfffc:
			// mapped to nothing
		case r == utf8.RuneError, unicode.Is(unicode.Co, r), unicode.Is(unicode.Noncharacter_Code_Point, r):
			return "", false
		default:
			ascii = ascii && r < utf8.RuneSelf
			b.WriteRune(r)
		}
	}
	out := b.String()
	if ascii {
		out = strings.ToLower(out)
	} else {
		// A normal form may have capitals, and folding may leave what is not normal.
		fold := cases.Fold()
		out = norm.NFKC.String(fold.String(norm.NFKC.String(fold.String(out))))
	}
	return strings.Join(strings.Fields(out), " "), true
}
