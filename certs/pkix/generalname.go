package pkix

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/netip"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// form is the kind of a GeneralName (RFC 5280 §4.2.1.6), by its tag's number.
type form uint8

const (
	formOther         form = 0
	formEmail         form = 1
	formDNS           form = 2
	formX400          form = 3
	formDirectory     form = 4
	formEDIParty      form = 5
	formURI           form = 6
	formIP            form = 7
	formRegisteredID  form = 8
	formSMTPUTF8Other form = 9 // otherName of type SmtpUTF8Mailbox (RFC 9598)
)

func (f form) String() string {
	switch f {
	case formEmail:
		return "e-mail address"
	case formDNS:
		return "DNS name"
	case formX400:
		return "X.400 address"
	case formDirectory:
		return "directory name"
	case formEDIParty:
		return "EDI party name"
	case formURI:
		return "URI"
	case formIP:
		return "IP address"
	case formRegisteredID:
		return "registered ID"
	case formSMTPUTF8Other:
		return "SmtpUTF8Mailbox"
	}
	return "other name"
}

// generalName is a GeneralName, read as far as it is compared.
type generalName struct {
	form      form
	text      string // formEmail, formDNS, formURI: as it stands; formDirectory: its DER
	host      string // formEmail, formDNS, formURI: in lower case; empty where it can't be told
	local     string // formEmail: the part before the @; a constraint may have none
	wildcard  bool   // formDNS, a name: the first label stands for any
	below     bool   // formEmail, formURI, a constraint: hosts under host, not itself
	directory name   // formDirectory
	ip        []byte // formIP: 4 or 16 bytes, twice that in constraints
}

// smtpUTF8Mailbox is 1.3.6.1.5.5.7.8.9.
const smtpUTF8Mailbox = "\x2b\x06\x01\x05\x05\x07\x08\x09"

// readGeneralName reads one GeneralName off s. constraint tells that it is the
// base of a subtree.
func readGeneralName(s *cryptobyte.String, constraint bool) (generalName, bool) {
	var value cryptobyte.String
	var tag der.Tag
	if !s.ReadAnyASN1(&value, &tag) {
		return generalName{}, false
	}
	implicit := func(f form) der.Tag { return der.Tag(f).ContextSpecific() }
	switch tag {
	case implicit(formOther).Constructed():
		var oid, inner cryptobyte.String
		if !value.ReadASN1(&oid, der.OBJECT_IDENTIFIER) || !value.ReadASN1(&inner, implicit(0).Constructed()) || !value.Empty() {
			return generalName{}, false
		}
		if string(oid) == smtpUTF8Mailbox {
			return generalName{form: formSMTPUTF8Other}, true
		}
		return generalName{form: formOther}, true
	case implicit(formEmail), implicit(formDNS), implicit(formURI):
		for _, c := range value {
			if c <= ' ' || c > '~' {
				return generalName{}, false
			}
		}
		n := generalName{form: form(tag &^ implicit(0)), text: string(value)}
		if constraint {
			return n, n.readConstraint()
		}
		return n, n.readText()
	case implicit(formDirectory).Constructed():
		// A CHOICE is tagged explicitly.
		n, ok := parseName(value)
		return generalName{form: formDirectory, directory: n, text: string(value)}, ok
	case implicit(formIP):
		want := []int{4, 16}
		if constraint {
			want = []int{8, 32}
		}
		ok := len(value) == want[0] || len(value) == want[1]
		return generalName{form: formIP, ip: value}, ok && (!constraint || validMask(value[len(value)/2:]))
	case implicit(formRegisteredID):
		return generalName{form: formRegisteredID}, len(value) > 0
	case implicit(formX400).Constructed():
		return generalName{form: formX400}, true
	case implicit(formEDIParty).Constructed():
		return generalName{form: formEDIParty}, true
	}
	return generalName{}, false
}

// readText takes a name's text apart. It is false for what RFC 5280 §4.2.1.6
// does not allow.
func (n *generalName) readText() (ok bool) {
	switch n.form {
	case formEmail:
		n.local, n.host, ok = splitMailbox(n.text)
	case formURI:
		n.host, ok = uriHost(n.text)
	default:
		n.host, n.wildcard = strings.CutPrefix(strings.ToLower(n.text), "*.")
		ok = validHost(n.host, false)
	}
	return ok
}

// readConstraint does so for the base of a subtree (RFC 5280 §4.2.1.10).
func (n *generalName) readConstraint() (ok bool) {
	if n.form == formDNS {
		n.host = strings.ToLower(n.text)
		return n.host == "" || validHost(n.host, true)
	}
	if n.form == formEmail && strings.Contains(n.text, "@") {
		n.local, n.host, ok = splitMailbox(n.text)
		return ok
	}
	n.host, n.below = strings.CutPrefix(strings.ToLower(n.text), ".")
	return validHost(n.host, true)
}

// validMask tells whether a mask is ones, then zeros (RFC 4632).
func validMask(mask []byte) bool {
	end := false
	for i := range len(mask) * 8 {
		one := mask[i/8]&(0x80>>(i%8)) != 0
		if one && end {
			return false
		}
		end = !one
	}
	return true
}

// covers tells whether the subtree with base n has the other name, which has the
// same form.
func (n generalName) covers(other generalName) bool {
	switch n.form {
	case formDirectory:
		return other.directory.within(n.directory)
	case formDNS:
		// Zero or more labels to the left.
		return n.host == "" || other.host == n.host || below(other.host, n.host)
	case formEmail, formURI:
		switch {
		case n.local != "":
			return other.local == n.local && other.host == n.host
		case n.below:
			return below(other.host, n.host)
		}
		return other.host == n.host
	case formIP:
		if len(n.ip) != 2*len(other.ip) {
			return false
		}
		for i, b := range other.ip {
			if (b^n.ip[i])&n.ip[len(other.ip)+i] != 0 {
				return false
			}
		}
		return true
	}
	return false
}

// overlaps tells whether the subtree with base n has the other name or, for a
// wildcard, one that it stands for.
func (n generalName) overlaps(other generalName) bool {
	if other.wildcard && below(n.host, other.host) && !strings.Contains(strings.TrimSuffix(n.host, "."+other.host), ".") {
		return true
	}
	return n.covers(other)
}

// String shows the name in errors.
func (n generalName) String() string {
	switch n.form {
	case formEmail, formDNS, formURI:
		return n.form.String() + " " + quote(n.text)
	case formIP:
		if a, ok := netip.AddrFromSlice(n.ip); ok {
			return n.form.String() + " " + a.String()
		}
	case formDirectory:
		var rdns pkix.RDNSequence
		if _, err := asn1.Unmarshal([]byte(n.text), &rdns); err == nil {
			return n.form.String() + " " + quote(rdns.String())
		}
	}
	return "a name of the form " + n.form.String()
}
