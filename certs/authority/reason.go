package authority

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/certs/revocation"
)

// reasons are why a certificate can be revoked. removeFromCRL is none of them:
// it is for delta CRLs alone.
var reasons = []revocation.Reason{
	revocation.Unspecified, revocation.KeyCompromise, revocation.CACompromise, revocation.AffiliationChanged,
	revocation.Superseded, revocation.CessationOfOperation, revocation.CertificateHold, revocation.PrivilegeWithdrawn,
	revocation.AACompromise,
}

// ReasonNames are all that ParseReason knows, as RFC 5280 §5.3.1 writes them.
func ReasonNames() []string {
	var names []string
	for _, r := range reasons {
		names = append(names, r.String())
	}
	return names
}

// ParseReason reads a reason by its name.
func ParseReason(s string) (revocation.Reason, error) {
	i := slices.Index(ReasonNames(), s)
	if i < 0 {
		return 0, fmt.Errorf("%.60q is no reason to revoke: want one of %s", s, strings.Join(ReasonNames(), ", "))
	}
	return reasons[i], nil
}
