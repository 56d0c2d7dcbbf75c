package certs

import (
	"fmt"
	"time"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/revocation"
)

// table judges what is bound to time: windows and revocations. A signing time
// from a time stamp is proven; the queue's may be influenced, so it only
// narrows, unless policy trusts it.
type table struct {
	signed  instant
	now     time.Time
	trusted bool // policy: the queue's time is judged alone
	// strict: the signer vouches for its own signing time, so a compromised key
	// is worth nothing whatever the time (time-stamping authorities).
	strict bool
}

// unknown: a time stamp failed, and its failure stands. What is bound to time is
// not judged, so that the other findings are about what else is wrong.
func (t table) unknown() bool { return t.signed.source == "" }

// alone tells whether the signing time is judged without the present. A queue
// that has no time, or one to come, tells nothing that policy could trust.
func (t table) alone() bool {
	return t.signed.source == TimeFromTimestamp || t.trusted && !t.signed.at.IsZero() && !t.signed.at.After(t.now)
}

// within tells whether the signing time, and where it is not judged alone the
// present, lie within a window, both ends included.
func (t table) within(from, to time.Time) bool {
	return t.since(from) && t.until(to)
}

// withinOpen is within where a zero end is open, as in windows of keys. In a
// certificate the first day of all is a date like any other.
func (t table) withinOpen(from, to time.Time) bool {
	return (from.IsZero() || t.since(from)) && (to.IsZero() || t.until(to))
}

func (t table) since(from time.Time) bool {
	return t.unknown() || !t.signed.earliest().Before(from) && (t.alone() || !t.now.Before(from))
}

func (t table) until(to time.Time) bool {
	return t.unknown() || !t.signed.latest().After(to) && (t.alone() || !t.now.After(to))
}

// validity checks a path's window.
func (t table) validity(p pkix.Path) *Failure {
	from, to := p.Window()
	if t.within(from, to) {
		return nil
	}
	f := &Failure{
		Cause: CertificateExpired, Message: "the path of certificates was not valid when it had to be",
		Want: fmt.Sprintf("from %s to %s", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339)),
		Got:  "signed " + t.signed.String(),
	}
	at := t.signed.at
	if err := p.ValidAt(at); err == nil {
		at = t.now
	}
	if err := p.ValidAt(at); err != nil {
		f.Message += ": " + err.Error()
	}
	if !t.alone() {
		f.Got += ", verified " + t.now.UTC().Format(time.RFC3339)
		f.Hint = "without a time stamp a certificate must be valid now, too; signers.queueTime: trusted judges at the queue's time alone (for audits)"
	}
	return f
}

// counts says why a revocation counts against the signature; empty if it does
// not.
func (t table) counts(r revocation.Revocation) string {
	if t.unknown() {
		return ""
	}
	switch r.Reason {
	case revocation.CertificateHold:
		return "it is on hold"
	case revocation.Superseded, revocation.AffiliationChanged, revocation.CessationOfOperation, revocation.PrivilegeWithdrawn:
		switch {
		case !t.alone():
			return fmt.Sprintf("%s, and no time stamp proves that it signed before", r.Reason)
		case t.signed.latest().Before(r.RevokedAt):
			return ""
		}
		return fmt.Sprintf("%s before it signed", r.Reason)
	}
	// Compromise of a key or a CA, no reason, and any that RFC 5280 does not have
	// or, as removeFromCRL, has for delta lists alone: those that lift a hold are
	// no revocation.
	switch {
	case t.strict:
		return fmt.Sprintf("%s, and it vouches for its own time", r.Reason)
	case t.signed.source != TimeFromTimestamp:
		return fmt.Sprintf("%s, and no time stamp proves that it signed before", r.Reason)
	case r.InvalidityDate == nil:
		return fmt.Sprintf("%s, and nothing says since when its key is out of hand", r.Reason)
	}
	since := *r.InvalidityDate
	if r.RevokedAt.Before(since) {
		since = r.RevokedAt
	}
	if t.signed.latest().Before(since) {
		return ""
	}
	return fmt.Sprintf("%s, its key was out of hand when it signed", r.Reason)
}
