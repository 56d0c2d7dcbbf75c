package inputs

import (
	"fmt"

	"github.com/mozilla-releng/cot/graph"
)

// Fetches reads taskgraph's MOZ_FETCHES: a JSON list of objects with task,
// artifact, extract (true if absent), dest and verify-hash. The last has no
// effect: every digest is verified. name stands in messages.
func (r Reader) Fetches(name string, data []byte) ([]Input, error) {
	items, err := list(name, data)
	if err != nil {
		return nil, err
	}
	out := make([]Input, 0, len(items))
	for i, item := range items {
		in := Input{Source: fmt.Sprintf("%s/%d", name, i)}
		if err := r.fetch(&in, object(item)); err != nil {
			return nil, in.wrap(err)
		}
		out = append(out, in)
	}
	return out, nil
}

func (r Reader) fetch(in *Input, m *members) error {
	id, name := m.text("task"), m.text("artifact")
	dest := m.optional("dest")
	m.flag("verify-hash", true)
	in.Place = Place{Path: ".", Naming: BaseName, Unpack: Keep}
	if m.flag("extract", true) {
		in.Place.Unpack = Auto
	}
	m.only()
	if m.err != nil {
		return m.err
	}
	var err error
	if in.Task, err = graph.ParseTaskID(id); err != nil {
		return err
	}
	if err := graph.CheckArtifactName(name); err != nil {
		return err
	}
	in.Names = Name(name)
	if dest != "" {
		if in.Place.Path, err = r.place(dest); err != nil {
			return err
		}
	}
	return in.check()
}
