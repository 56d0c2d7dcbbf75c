package trace_test

import (
	"testing"

	"github.com/mozilla-releng/cot/trace"
)

// The table of signers has every document that holds once for each signer.
func TestSigners(t *testing.T) {
	w := serve(t)
	r := w.verify(w.Signing.ID)
	wantVerdict(t, r, trace.Verified)
	signed := map[string]int{}
	for _, task := range r.Tasks {
		signed[task.Signer.KeyID]++
	}
	for i, s := range r.Signers {
		if s.Tasks != signed[s.KeyID] || s.Method != "key" || s.Identity == "" || s.NotAfter != nil {
			t.Errorf("%+v, want %d tasks and a key without an end", s, signed[s.KeyID])
		}
		if i > 0 && s.Tasks > r.Signers[i-1].Tasks {
			t.Error("the busiest does not stand first")
		}
	}
	if len(r.Signers) != len(signed) {
		t.Errorf("%d signers, want %d", len(r.Signers), len(signed))
	}
	w.Edit(func() { w.Toolchain.Last().Document.Key = w.Keys.Foreign })
	all := 0
	for _, s := range w.verify(w.Build.ID).Signers {
		all += s.Tasks
	}
	if all != len(r.Tasks)-2 { // neither the toolchain nor the signing task
		t.Errorf("%d documents counted, want %d", all, len(r.Tasks)-2)
	}
}
