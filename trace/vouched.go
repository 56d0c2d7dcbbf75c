package trace

import (
	"encoding/hex"
	"iter"

	"github.com/mozilla-releng/cot/graph"
)

// Vouched gives what the targets' verified documents name with a digest that
// counts, whatever the report's verdict is: run by run as the report has them,
// then by name. It is what a statement on the report is about; what may be
// fetched and used, Verified alone tells.
func (r *Report) Vouched() iter.Seq[Artifact] {
	return func(yield func(Artifact) bool) {
		for t, run := range r.vouchedRuns() {
			for _, name := range r.Names(run) {
				digests, f := r.documents[run].link.digests(name)
				if f != nil {
					continue
				}
				a := Artifact{TaskID: t.TaskID, RunID: *t.RunID, Name: name, Verdict: t.Verdict}
				for _, d := range digests {
					if d.sha512 {
						a.SHA512 = hex.EncodeToString(d.sum)
					} else {
						a.SHA256 = hex.EncodeToString(d.sum)
					}
				}
				if !yield(a) {
					return
				}
			}
		}
	}
}

// vouchedRuns gives the targets' runs that have a verified document, as the
// report has them.
func (r *Report) vouchedRuns() iter.Seq2[*Task, graph.RunRef] {
	return func(yield func(*Task, graph.RunRef) bool) {
		for i := range r.Tasks {
			t := &r.Tasks[i]
			id, err := graph.ParseTaskID(t.TaskID)
			if err != nil || t.RunID == nil {
				continue
			}
			run := graph.RunRef{Task: id, Run: graph.RunID(*t.RunID)}
			if r.documents[run] != nil && !yield(t, run) {
				return
			}
		}
	}
}
