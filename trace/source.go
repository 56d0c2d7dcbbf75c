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

// ArtifactsOf is what Artifacts may be able to besides: to list a run's artifacts
// for one who needs only some. The others are counted.
type ArtifactsOf interface {
	ArtifactsOf(ctx context.Context, run graph.RunRef, keep func(name []byte) bool) (*graph.Artifacts, error)
}

// Groups lists task groups.
type Groups interface {
	Group(ctx context.Context, id graph.TaskID) (*graph.Group, error)
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

// Ref is what a ref of git names. Commit is another than Object for an annotated
// tag, whose object it stands for.
type Ref struct{ Object, Commit tree.Revision }

// GitHub reads what a GitHub host says of a repository. Objects are those of
// its REST API (version 2022-11-28), decoded by strictjson. What does not exist
// is a *graph.UnavailableError of reason NotFound.
type GitHub interface {
	// Repository is the object of GET /repos/OWNER/NAME.
	Repository(ctx context.Context, r tree.Repository) (map[string]any, error)
	// Commit is the object of GET /repos/OWNER/NAME/commits/SHA: any commit of
	// the repository's fork network, not one of its branches alone.
	Commit(ctx context.Context, t tree.Tree) (map[string]any, error)
	// PullRequest is the object of GET /repos/OWNER/NAME/pulls/NUMBER.
	PullRequest(ctx context.Context, r tree.Repository, number int64) (map[string]any, error)
	// PullRequestCommits are the commits that the pull request adds.
	PullRequestCommits(ctx context.Context, r tree.Repository, number int64) ([]tree.Revision, error)
	// Release is the object of GET /repos/OWNER/NAME/releases/tags/TAG.
	Release(ctx context.Context, r tree.Repository, tag string) (map[string]any, error)
	// Resolve gives what a whole ref ("refs/heads/main") of that very repository
	// names.
	Resolve(ctx context.Context, r tree.Repository, ref string) (Ref, error)
	// Branches lists the branches whose names begin with a prefix.
	Branches(ctx context.Context, r tree.Repository, prefix string) ([]string, error)
	// Contains tells whether the revision is the commit that the ref names, or
	// an ancestor of it.
	Contains(ctx context.Context, t tree.Tree, ref string) (bool, error)
}

// Cache keeps what earlier runs read: artifacts by digest, and documents with
// their signatures by run. What it gives is verified as what is fetched is, and
// dropped and fetched anew where that fails.
type Cache interface {
	// Open gives what is kept under a name; nil: nothing is.
	Open(name string) io.ReadCloser
	// Create begins to keep something under a name; nil: it can't be kept.
	Create(name string) Keeping
	Drop(name string)
}

// Keeping is something on its way into a cache: there once it is finished, or
// nothing of it. Writing to it never fails.
type Keeping interface {
	io.Writer
	Finish(keep bool)
}

// Sources is all that verification reads.
type Sources struct {
	Tasks     Tasks
	Artifacts Artifacts
	Index     Index
	Groups    Groups // nil: no whole graph can be verified
	VCS       VCS
	GitHub    GitHub // nil: no repository on GitHub can be traced
	// Revocation fetches CRLs and OCSP answers that policy lets be fetched; nil:
	// none are.
	Revocation revocation.Sources
	Cache      Cache // nil: none
}
