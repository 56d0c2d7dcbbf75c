package trace

import (
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
			for _, a := range r.documents[run].artifacts() {
				if !yield(Artifact{TaskID: t.TaskID, RunID: *t.RunID, Name: a.Name, SHA256: a.SHA256, SHA512: a.SHA512, Verdict: t.Verdict}) {
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

// artifacts gives those with a digest that counts, by name.
func (d *vouched) artifacts() []SharedArtifact {
	if d.link == nil {
		return d.given
	}
	out := make([]SharedArtifact, 0, len(d.names))
	for _, name := range d.names {
		digests, f := d.link.digests(name)
		if f != nil {
			continue
		}
		a := artifactOf(d.link.ref(), name, digests)
		out = append(out, SharedArtifact{Name: name, SHA256: a.SHA256, SHA512: a.SHA512})
	}
	return out
}
