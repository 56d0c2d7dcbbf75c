package trace

import (
	"slices"
)

// StoredArtifact is an artifact with the digests that count of its run's
// verified document: what is stored can be compared with them. Whether it may
// be used is another question, which Report.Verified answers.
type StoredArtifact struct{ named }

// Stored gives the artifacts that judged tasks took from others, each once, and
// with made also all that the targets made, but for what a report was joined from.
func (r *Report) Stored(made bool) []StoredArtifact {
	out := slices.Clone(r.taken)
	if !made {
		return out
	}
	seen := make(map[fetched]bool, len(out))
	for _, a := range out {
		seen[fetched{a.run, a.name}] = true
	}
	for _, run := range r.vouchedRuns() {
		d := r.documents[run]
		if d.link == nil {
			continue // another run's report says so: its task compares
		}
		for _, name := range d.names {
			if seen[fetched{run, name}] {
				continue
			}
			if digests, f := d.link.digests(name); f == nil {
				out = append(out, StoredArtifact{named{run, name, digests}})
			}
		}
	}
	return out
}

// takenBy gives the artifacts that judged links took from others. What can't be
// compared another rule has said.
func takenBy(links []*link) []StoredArtifact {
	var out []StoredArtifact
	seen := map[fetched]bool{}
	for _, l := range links {
		if l.listed {
			continue
		}
		for _, in := range l.inputs {
			for _, r := range in.runs {
				a := fetched{r.ref(), in.edge.Artifact}
				if a.name == "" || seen[a] {
					continue
				}
				seen[a] = true
				if digests, f := r.digests(a.name); f == nil {
					out = append(out, StoredArtifact{named{a.run, a.name, digests}})
				}
			}
		}
	}
	return out
}

// Comparison is what reading an artifact where it is stored came to. Findings
// say what was wrong.
type Comparison struct {
	Artifact StoredArtifact
	Bytes    int64 // decoded size, if nothing was wrong
	Findings []Finding
}

// AddCompared records comparisons. Call Conclude afterwards.
func (r *Report) AddCompared(list []Comparison) {
	at := make(map[artifactKey]int, len(r.Artifacts))
	for i, a := range r.Artifacts {
		at[a.key()] = i
	}
	for _, c := range list {
		a := artifactOf(c.Artifact.run, c.Artifact.name, c.Artifact.digests)
		a.Hashed, a.Bytes = c.Findings == nil, c.Bytes
		for _, f := range c.Findings {
			a.Findings = append(a.Findings, f.withDefaults())
		}
		if i, named := at[a.key()]; named {
			r.Artifacts[i] = a
			continue
		}
		r.AddArtifact(a)
	}
}

type artifactKey struct {
	task string
	run  int
	name string
}

func (a Artifact) key() artifactKey { return artifactKey{a.TaskID, a.RunID, a.Name} }
