package revocation

import (
	"fmt"
	"time"
)

// Reason is a CRLReason (RFC 5280 §5.3.1). A list or an answer without one says
// Unspecified; numbers that the RFC does not have are kept.
type Reason uint8

// Reasons.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	RemoveFromCRL        Reason = 8
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

var reasonNames = map[Reason]string{
	Unspecified: "unspecified", KeyCompromise: "keyCompromise", CACompromise: "cACompromise",
	AffiliationChanged: "affiliationChanged", Superseded: "superseded", CessationOfOperation: "cessationOfOperation",
	CertificateHold: "certificateHold", RemoveFromCRL: "removeFromCRL", PrivilegeWithdrawn: "privilegeWithdrawn",
	AACompromise: "aACompromise",
}

func (r Reason) String() string {
	if s, ok := reasonNames[r]; ok {
		return s
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// reasons is a set of ReasonFlags (RFC 5280 §4.2.1.13), bit n as the RFC counts.
type reasons uint16

// allReasons is every flag but bit 0, unused.
const allReasons reasons = 0x1fe

// Status says what is known of a certificate. The zero value is Unknown.
type Status int

// Statuses.
const (
	Unknown Status = iota
	Good
	Revoked
)

func (s Status) String() string {
	switch s {
	case Good:
		return "good"
	case Revoked:
		return "revoked"
	}
	return "unknown"
}

// Revocation is one source that says revoked. Whether it counts for a signature
// of a given time is for the caller to judge.
type Revocation struct {
	Reason         Reason
	RevokedAt      time.Time
	InvalidityDate *time.Time // when the key is said to have been lost; nil if absent
	Source         string     // which list or responder says so
}

// Answer is what all sources together say of one certificate. The zero value
// is Unknown.
type Answer struct {
	Status      Status
	Revocations []Revocation // every source that says revoked; none unless Status is Revoked
	// Why tells which sources were looked at and why none counts: for Unknown,
	// and for Revoked where those that say so don't count themselves. Then there
	// may be other revocations than these.
	Why   string
	Heals bool // with Why: a source that can't be reached may answer later
}

// addRevocation keeps one revocation for each reason and source, the one that
// counts earliest: a list may have a serial number any number of times.
func addRevocation(all []Revocation, r Revocation) []Revocation {
	for i, have := range all {
		if have.Reason != r.Reason || have.Source != r.Source {
			continue
		}
		if r.RevokedAt.Before(have.RevokedAt) {
			all[i].RevokedAt = r.RevokedAt
		}
		if have.InvalidityDate != nil && (r.InvalidityDate == nil || r.InvalidityDate.Before(*have.InvalidityDate)) {
			all[i].InvalidityDate = r.InvalidityDate
		}
		return all
	}
	return append(all, r)
}
