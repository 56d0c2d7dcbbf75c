package authority

import (
	"fmt"
	"strings"
)

// Reason is why a certificate is revoked (RFC 5280 §5.3.1, CRLReason).
type Reason int

// Reasons. removeFromCRL is none of them: it is for delta CRLs alone.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

var reasons = []struct {
	reason Reason
	name   string
}{
	{Unspecified, "unspecified"},
	{KeyCompromise, "keyCompromise"},
	{CACompromise, "cACompromise"},
	{AffiliationChanged, "affiliationChanged"},
	{Superseded, "superseded"},
	{CessationOfOperation, "cessationOfOperation"},
	{CertificateHold, "certificateHold"},
	{PrivilegeWithdrawn, "privilegeWithdrawn"},
	{AACompromise, "aACompromise"},
}

// ReasonNames are all that ParseReason knows, as RFC 5280 writes them.
func ReasonNames() []string {
	var names []string
	for _, r := range reasons {
		names = append(names, r.name)
	}
	return names
}

// ParseReason reads a reason by its name.
func ParseReason(s string) (Reason, error) {
	for _, r := range reasons {
		if r.name == s {
			return r.reason, nil
		}
	}
	return 0, fmt.Errorf("%.60q is no reason to revoke: want one of %s", s, strings.Join(ReasonNames(), ", "))
}

func (r Reason) String() string {
	for _, known := range reasons {
		if known.reason == r {
			return known.name
		}
	}
	return fmt.Sprintf("reason %d", int(r))
}
