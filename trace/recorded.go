package trace

import (
	"fmt"
	"slices"
	"time"
)

// Bundle is the evidence bundle that a report was made from.
type Bundle struct {
	SHA256       string    `json:"sha256"`                 // of the file
	RecordedAt   time.Time `json:"recordedAt,omitzero"`    // as the bundle says
	PolicySHA256 string    `json:"policySha256,omitempty"` // of the policy that it was made under, as it says
	VouchedBy    string    `json:"vouchedBy,omitempty"`    // what its digest is vouched for by; empty: by nothing
}

// FromBundle records what the report's evidence is from. Whatever a bundle says
// that nobody vouches for is not established: without b.VouchedBy, or with doubts
// about it, the verdict is untrusted. Call Conclude afterwards.
func (r *Report) FromBundle(b Bundle, doubts ...Finding) {
	b.RecordedAt = b.RecordedAt.UTC()
	if len(doubts) > 0 {
		b.VouchedBy = ""
	}
	r.Evidence, r.Bundle = EvidenceRecorded, &b
	if b.VouchedBy == "" && len(doubts) == 0 {
		doubts = []Finding{{
			Got:     "sha256 " + b.SHA256,
			Message: "nobody vouches for this bundle: what the queue and version control are said to have answered is unsigned, and whoever writes a bundle can make it up",
			Hint:    fmt.Sprintf("if you know from elsewhere that the bundle has this digest, say --evidence-sha256 %s; if somebody signed it, say who must have by --evidence-identity", b.SHA256),
		}}
	}
	for _, f := range doubts {
		f.Rule, f.Severity, f.Heals = RuleEvidenceUnvouched, SeverityError, false
		r.AddFinding(f)
	}
}

// Unvouched tells whether the report rests on evidence that nobody vouches for.
func (r *Report) Unvouched() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Rule == RuleEvidenceUnvouched })
}
