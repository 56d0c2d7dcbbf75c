package trace

import (
	"bytes"
	"context"
	"strings"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
)

// A run of a busy graph has a thousand artifacts, of which its graph takes a few.
// What listings and documents say of the others is checked as they are read, and
// not kept where the caller asks for none of them.

// noteTaken records which artifacts each task's graph takes of it. It comes
// before documents are read.
func (c *chain) noteTaken() {
	for _, n := range c.order {
		for _, e := range n.edges {
			of := c.nodes[e.Task]
			if of == nil {
				continue
			}
			if of.taken == nil {
				of.taken = map[string]bool{}
			}
			of.taken[e.Artifact[strings.LastIndexByte(e.Artifact, '/')+1:]] = true
		}
	}
}

// keep tells which artifacts of a run matter; nil: all. Those with the file name
// of one that is taken do: they are named where that one is missing.
func (c *chain) keep(l *link) func(name []byte) bool {
	if c.whole == nil || !c.v.options.TakenOnly {
		return nil
	}
	forms := certs.Forms()
	return func(name []byte) bool {
		switch string(name) {
		case TaskGraphName, ActionsName, ParametersName, InputsReportName, certs.DocumentName:
			return true
		}
		for _, f := range forms {
			if string(name) == string(f) {
				return true
			}
		}
		return l.node.taken[string(name[bytes.LastIndexByte(name, '/')+1:])]
	}
}

// list lists a run's artifacts, those that matter.
func (c *chain) list(ctx context.Context, l *link) (*graph.Artifacts, error) {
	if some, ok := c.v.sources.Artifacts.(ArtifactsOf); ok {
		return some.ArtifactsOf(ctx, l.ref(), c.keep(l))
	}
	all, err := c.v.sources.Artifacts.Artifacts(ctx, l.ref())
	return &graph.Artifacts{Kept: all, Names: len(all)}, err
}
