package trace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/trace"
)

// A report on a bundle is as good as who vouches for it.
func TestReportOnABundle(t *testing.T) {
	w := serve(t)
	w.options.Archive = true
	for _, tt := range []struct {
		name    string
		by      string
		doubts  []trace.Finding
		verdict trace.Verdict
	}{
		{"vouched for", "somebody", nil, trace.Verified},
		{"by nobody", "", nil, trace.Untrusted},
		{"with doubts", "somebody", []trace.Finding{{Message: "who is that?", Heals: true}}, trace.Untrusted},
	} {
		r := w.verify(w.Signing.ID)
		wantVerdict(t, r, trace.Verified)
		if r.Evidence != trace.EvidenceRecorded {
			t.Errorf("evidence %q of an archive", r.Evidence)
		}
		r.FromBundle(trace.Bundle{SHA256: strings.Repeat("0", 64), RecordedAt: time.Now(), VouchedBy: tt.by}, tt.doubts...)
		r.Conclude()
		vouched := tt.verdict.OK()
		if r.Verdict != tt.verdict || r.Unvouched() == vouched || (r.Bundle.VouchedBy != "") != vouched {
			t.Errorf("%s: %s, vouched for by %q", tt.name, r.Verdict, r.Bundle.VouchedBy)
		}
		for _, task := range r.Tasks {
			if task.Verdict != tt.verdict {
				t.Errorf("%s: task %s is %s", tt.name, task.TaskID, task.Verdict)
			}
		}
		if !vouched && (len(r.Findings) != 1 || r.Findings[0].Rule != trace.RuleEvidenceUnvouched || r.Findings[0].Severity != trace.SeverityError || r.Summary.Verified != 0) {
			t.Errorf("%s: %+v, %+v", tt.name, r.Findings, r.Summary)
		}
	}
}
