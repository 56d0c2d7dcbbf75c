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

// FromBundle records what the report's evidence is from. want is the digest that
// the caller vouches for, in lower-case hex; empty: none. Whatever a bundle says
// that nobody vouches for is not established. Call Conclude afterwards.
func (r *Report) FromBundle(b Bundle, want string) {
	r.Evidence, r.Bundle = EvidenceRecorded, &b
	b.RecordedAt = b.RecordedAt.UTC()
	switch want {
	case b.SHA256:
		b.VouchedBy = FlagEvidenceSHA256
	case "":
		r.AddFinding(Finding{
			Rule: RuleEvidenceUnvouched, Got: "sha256 " + b.SHA256,
			Message: "nobody vouches for this bundle: what the queue and version control are said to have answered is unsigned, and whoever writes a bundle can make it up",
			Hint:    fmt.Sprintf("if you know from elsewhere that the bundle has the digest %s, say %s %s", b.SHA256, FlagEvidenceSHA256, b.SHA256),
		})
	default:
		r.AddFinding(Finding{
			Rule: RuleEvidenceUnvouched, Want: "sha256 " + want, Got: "sha256 " + b.SHA256,
			Message: "the bundle is not the one that " + FlagEvidenceSHA256 + " vouches for",
			Hint:    "find the bundle with that digest; this one is another, or was changed",
		})
	}
}

// FlagEvidenceSHA256 is the flag by which a caller vouches for a bundle.
const FlagEvidenceSHA256 = "--evidence-sha256"

// Unvouched tells whether the report rests on evidence that nobody vouches for.
func (r *Report) Unvouched() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Rule == RuleEvidenceUnvouched })
}
