package trace

import (
	"context"
	"io"

	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/tree"
)

// Tasks answers what the queue knows of a task. Errors that say why something
// can't be had are *graph.UnavailableError.
type Tasks interface {
	Task(ctx context.Context, id graph.TaskID) (*graph.Task, error)
}

// Artifacts reads what a given run stored.
type Artifacts interface {
	// Artifacts lists a run's artifacts, every page of them, by name.
	Artifacts(ctx context.Context, run graph.RunRef) (map[string]graph.Artifact, error)
	// Open streams an artifact's decoded content; reading past limit bytes is
	// an error of reason TooLarge, never a silent end.
	Open(ctx context.Context, run graph.RunRef, name string, limit int64) (io.ReadCloser, error)
}

// Index finds the task that holds an index path ("namespace").
type Index interface {
	FindTask(ctx context.Context, namespace string) (graph.TaskID, error)
}

// Push is an entry of a Mercurial repository's pushlog (json-pushes version 2).
type Push struct {
	ID         string // the pushlog id
	User       string
	Date       int64 // seconds since 1970
	Changesets []Changeset
}

// Changeset is one commit of a push, oldest first.
type Changeset struct {
	Node    tree.Revision
	Parents []string
	Desc    string
}

// VCS reads trees. It asks only hosts that policy names.
type VCS interface {
	// Pushes gives the pushes that contain the revision.
	Pushes(ctx context.Context, t tree.Tree) ([]Push, error)
	// File gives a file's content at a revision; path is relative to the root.
	File(ctx context.Context, t tree.Tree, path string, limit int64) ([]byte, error)
	// Projects gives the deployment's project list that policy names.
	Projects(ctx context.Context) ([]byte, error)
}

// Sources is all that verification reads.
type Sources struct {
	Tasks     Tasks
	Artifacts Artifacts
	Index     Index
	VCS       VCS
	// Revocation fetches CRLs and OCSP answers that policy lets be fetched; nil:
	// none are.
	Revocation revocation.Sources
}
