package trace_test

import (
	"slices"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
)

func vouchedNames(r *trace.Report) (names []string) {
	for a := range r.Vouched() {
		names = append(names, a.Name)
	}
	return names
}

func TestVouchedAreTheTargetsArtifacts(t *testing.T) {
	w := serve(t)
	r := w.verify(w.Build.ID)
	wantVerdict(t, r, trace.Verified)
	id, err := graph.ParseTaskID(w.Build.ID)
	if err != nil {
		t.Fatal(err)
	}
	run, ok := r.Run(trace.RunTarget{Task: id})
	if !ok {
		t.Fatal("no run")
	}
	n := 0
	for a := range r.Vouched() {
		n++
		v, f := r.Verified(run, a.Name)
		if f != nil {
			t.Errorf("%s: %s", a.Name, f.Message)
			continue
		}
		if a.TaskID != w.Build.ID || a.RunID != int(run.Run) || a.SHA256 != v.Digests()[0].Hex() || a.Verdict != trace.Verified || a.Hashed {
			t.Errorf("vouched is %+v", a)
		}
	}
	if n == 0 || n != len(r.Names(run)) {
		t.Errorf("%d artifacts, want the document's %d", n, len(r.Names(run)))
	}
	// The document's own digest is in the report.
	document := w.Build.Artifact("public/chain-of-trust.json").SHA256()
	if r.Tasks[0].DocumentSHA256 != document {
		t.Errorf("the document's digest is %s", r.Tasks[0].DocumentSHA256)
	}
}

// A chain that does not hold may not be used, but is still about something.
func TestVouchedOfAChainThatDoesNotHold(t *testing.T) {
	w := serve(t)
	want := vouchedNames(w.verify(w.Build.ID))
	w.Edit(func() { object(w.Decision.Definition, "metadata")["owner"] = "mallory@example.org" })
	r := w.verify(w.Build.ID)
	wantVerdict(t, r, trace.Untrusted)
	if got := vouchedNames(r); len(got) == 0 || !slices.Equal(got, want) {
		t.Errorf("vouched are %v, want %v", got, want)
	}
	// But nothing that no signature vouches for.
	w = serve(t)
	w.Edit(func() { w.Build.Artifact(fixtures.SignatureName).FlipStored(5) })
	r = w.verify(w.Build.ID)
	wantVerdict(t, r, trace.Untrusted)
	if got := vouchedNames(r); len(got) != 0 || r.Tasks[0].DocumentSHA256 != "" {
		t.Errorf("vouched are %v by a document that nobody signed", got)
	}
}

// A name in the document that the queue does not list may be the task's own.
func TestVouchedLeavesOutWhatIsNotListed(t *testing.T) {
	const name = "public/build/target.txt"
	for _, unlisted := range []bool{false, true} {
		w := serve(t)
		w.Edit(func() { w.StorageTask.Artifact(name).Unlisted = unlisted })
		if got := slices.Contains(vouchedNames(w.verify(w.StorageTask.ID)), name); got == unlisted {
			t.Errorf("unlisted %v: vouched %v", unlisted, got)
		}
	}
}
