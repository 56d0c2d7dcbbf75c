package pkix

import (
	"crypto/x509"
	"fmt"
)

// PathError says why no path holds. Of several candidates it is about the one
// that got furthest.
type PathError struct {
	Certificate *x509.Certificate // where it failed
	Section     string            // the rule, as "RFC 5280 §4.2.1.9"
	Want, Found string
	Limit       bool // a bound of the search ended it: there may be paths beyond
}

func (e *PathError) Error() string {
	return fmt.Sprintf("certificate %s: want %s, found %s (%s)", Describe(e.Certificate), e.Want, e.Found, e.Section)
}

// Describe names a certificate for people: its subject and serial number.
func Describe(c *x509.Certificate) string {
	subject := c.Subject.String()
	if subject == "" && len(c.URIs) > 0 {
		subject = c.URIs[0].String()
	}
	if subject == "" {
		subject = "without a subject"
	}
	return fmt.Sprintf("%s (serial %x)", quote(subject), c.SerialNumber)
}

// quote shows foreign text on one line, in bounded length.
func quote(s string) string { return fmt.Sprintf("%.200q", s) }

// fault is one broken rule. A nil fault is none.
type fault struct {
	section, want, found string
	limit                bool
}

func broken(section, want, format string, args ...any) *fault {
	return &fault{section: "RFC 5280 §" + section, want: want, found: fmt.Sprintf(format, args...)}
}

func (f *fault) at(c *x509.Certificate) *PathError {
	return &PathError{Certificate: c, Section: f.section, Want: f.want, Found: f.found, Limit: f.limit}
}
