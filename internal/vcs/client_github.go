package vcs

import (
	"context"

	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

// Repository gives GitHub's object of a repository, which has that very name.
func (c *Client) Repository(ctx context.Context, r tree.Repository) (map[string]any, error) {
	g, err := c.gitHub(r)
	if err != nil {
		return nil, err
	}
	return g.repository(ctx, r)
}

// Commit gives GitHub's object of a commit, which may be a fork's.
func (c *Client) Commit(ctx context.Context, t tree.Tree) (map[string]any, error) {
	g, err := c.gitHubTree(t)
	if err != nil {
		return nil, err
	}
	return g.commit(ctx, t)
}

// PullRequest gives GitHub's object of a pull request.
func (c *Client) PullRequest(ctx context.Context, r tree.Repository, number int64) (map[string]any, error) {
	g, err := c.gitHub(r)
	if err != nil {
		return nil, err
	}
	return g.pullRequest(ctx, r, number)
}

// PullRequestCommits gives the commits that a pull request adds: the first 250,
// and its head.
func (c *Client) PullRequestCommits(ctx context.Context, r tree.Repository, number int64) ([]tree.Revision, error) {
	g, err := c.gitHub(r)
	if err != nil {
		return nil, err
	}
	return g.pullRequestCommits(ctx, r, number)
}

// Release gives GitHub's object of the release of a tag.
func (c *Client) Release(ctx context.Context, r tree.Repository, tag string) (map[string]any, error) {
	g, err := c.gitHub(r)
	if err != nil {
		return nil, err
	}
	return g.release(ctx, r, tag)
}

// Resolve gives the commit that a whole ref names, "refs/pull/N/head" too. It
// costs no request of the API where git's own protocol can be had.
func (c *Client) Resolve(ctx context.Context, r tree.Repository, ref string) (trace.Ref, error) {
	g, err := c.gitHub(r)
	if err != nil {
		return trace.Ref{}, err
	}
	return g.resolve(ctx, r, ref)
}

// Branches lists the branches whose names begin with a prefix.
func (c *Client) Branches(ctx context.Context, r tree.Repository, prefix string) ([]string, error) {
	g, err := c.gitHub(r)
	if err != nil {
		return nil, err
	}
	return g.branches(ctx, r, prefix)
}

// Contains tells whether the revision is what the ref names, or an ancestor.
func (c *Client) Contains(ctx context.Context, t tree.Tree, ref string) (bool, error) {
	g, err := c.gitHubTree(t)
	if err != nil {
		return false, err
	}
	return g.contains(ctx, t, ref)
}

func (c *Client) gitHub(r tree.Repository) (*gitHub, error) {
	what := "repository " + r.String()
	if r.IsZero() {
		return nil, refused("repository", "none is named", "")
	}
	h, err := c.named(what, r)
	if err != nil {
		return nil, err
	}
	g, ok := h.(*gitHub)
	if !ok {
		return nil, refused(what, r.Host()+" is not of type github in policy's vcsHosts", "")
	}
	return g, nil
}

func (c *Client) gitHubTree(t tree.Tree) (*gitHub, error) {
	if t.Revision.IsZero() {
		return nil, refused("tree "+t.String(), "it has no revision", "")
	}
	return c.gitHub(t.Repository)
}
