package revocation

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Context-specific tags, primitive and constructed.
func primitive(n uint8) asn1.Tag   { return asn1.Tag(n).ContextSpecific() }
func constructed(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// Bounds on the extensions of a list or an answer, and of one entry.
const (
	maxExtensions      = 64
	maxEntryExtensions = 16
)

// extension is one Extension (RFC 5280 §4.1): its OBJECT IDENTIFIER's content
// octets, and the content of its OCTET STRING.
type extension struct {
	id       cryptobyte.String
	critical bool
	value    cryptobyte.String
}

// readExtensions reads the content of an Extensions SEQUENCE: at least one, none
// twice (RFC 5280 §4.2), at most what out has room for.
func readExtensions(in cryptobyte.String, out []extension) ([]extension, error) {
	if in.Empty() {
		return nil, errors.New("a list of extensions is empty")
	}
	for !in.Empty() {
		e, err := readExtension(&in)
		if err != nil {
			return nil, err
		}
		for _, other := range out {
			if bytes.Equal(other.id, e.id) {
				return nil, fmt.Errorf("extension %s stands twice", dotted(e.id))
			}
		}
		if len(out) == cap(out) {
			return nil, fmt.Errorf("more than %d extensions", cap(out))
		}
		out = append(out, e)
	}
	return out, nil
}

func readExtension(in *cryptobyte.String) (extension, error) {
	var e extension
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1(&e.id, asn1.OBJECT_IDENTIFIER) || e.id.Empty() {
		return e, errors.New("an extension is malformed")
	}
	// DER leaves out a value that is the default, so critical is never FALSE.
	if seq.PeekASN1Tag(asn1.BOOLEAN) && (!seq.ReadASN1Boolean(&e.critical) || !e.critical) {
		return e, fmt.Errorf("extension %s: critical is not the DER of TRUE", dotted(e.id))
	}
	if !seq.ReadASN1(&e.value, asn1.OCTET_STRING) || !seq.Empty() {
		return e, fmt.Errorf("extension %s is malformed", dotted(e.id))
	}
	return e, nil
}

// dotted writes the content octets of an OBJECT IDENTIFIER as people do.
func dotted(id []byte) string {
	var out []byte
	var n uint64
	for i := 0; i < len(id); i++ {
		if n >= 1<<56 || (n == 0 && id[i] == 0x80) {
			return fmt.Sprintf("%x", id)
		}
		n = n<<7 | uint64(id[i]&0x7f)
		if id[i]&0x80 != 0 {
			continue
		}
		if out == nil {
			first := min(n/40, 2)
			out = fmt.Appendf(out, "%d.%d", first, n-40*first)
		} else {
			out = fmt.Appendf(out, ".%d", n)
		}
		n = 0
	}
	if len(out) > 100 {
		return fmt.Sprintf("%.100x", id)
	}
	return string(out)
}

// readInteger reads an INTEGER's content octets. cryptobyte takes only minimal
// ones, so that equal numbers have equal octets.
func readInteger(in *cryptobyte.String, content *cryptobyte.String) bool {
	return in.ReadASN1(content, asn1.INTEGER) && minimalInteger(*content)
}

func minimalInteger(b []byte) bool {
	switch {
	case len(b) == 0:
		return false
	case len(b) == 1:
		return true
	}
	return (b[0] != 0 || b[1]&0x80 != 0) && (b[0] != 0xff || b[1]&0x80 == 0)
}

// readTime reads a Time as RFC 5280 §4.1.2.5 has it: UTCTime or
// GeneralizedTime, to the second, in Z.
func readTime(in *cryptobyte.String) (time.Time, bool) {
	var content cryptobyte.String
	var tag asn1.Tag
	if !in.ReadAnyASN1(&content, &tag) {
		return time.Time{}, false
	}
	return parseTime(content, tag)
}

func readGeneralizedTime(in *cryptobyte.String) (time.Time, bool) {
	var content cryptobyte.String
	if !in.ReadASN1(&content, asn1.GeneralizedTime) {
		return time.Time{}, false
	}
	return parseTime(content, asn1.GeneralizedTime)
}

// parseTime allocates nothing: a list has a time in every entry.
func parseTime(b []byte, tag asn1.Tag) (time.Time, bool) {
	var year int
	switch {
	case tag == asn1.UTCTime && len(b) == 13:
		if year = pair(b); year >= 50 {
			year += 1900
		} else {
			year += 2000
		}
		if pair(b) < 0 {
			return time.Time{}, false
		}
		b = b[2:]
	case tag == asn1.GeneralizedTime && len(b) == 15:
		if pair(b) < 0 || pair(b[2:]) < 0 {
			return time.Time{}, false
		}
		year, b = pair(b)*100+pair(b[2:]), b[4:]
	default:
		return time.Time{}, false
	}
	month, day, hour, minute, second := pair(b), pair(b[2:]), pair(b[4:]), pair(b[6:]), pair(b[8:])
	if b[10] != 'Z' || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return t, t.Day() == day
}

// pair reads two decimal digits; negative if they are none.
func pair(b []byte) int {
	tens, ones := b[0]-'0', b[1]-'0'
	if tens > 9 || ones > 9 {
		return -1000
	}
	return int(tens)*10 + int(ones)
}

// readTrue reads an implicitly tagged BOOLEAN DEFAULT FALSE, which DER has only
// if it is TRUE.
func readTrue(in *cryptobyte.String, n uint8) (present, ok bool) {
	var content cryptobyte.String
	if !in.ReadOptionalASN1(&content, &present, primitive(n)) {
		return false, false
	}
	return present, !present || (len(content) == 1 && content[0] == 0xff)
}
