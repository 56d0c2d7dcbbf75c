// Package vcs reads trees from the version control hosts that policy names. No
// other host is ever asked.
package vcs

import (
	"context"
	"errors"

	"github.com/mozilla-releng/cot/internal/transport"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

// HostConfig says what a host runs and where its answers are. The forms may
// hold {repo} (the repository's https URL), {host}, {path}, {revision}, {file}.
type HostConfig struct {
	Type    string // hg
	Pushlog string // hg; default {repo}/json-pushes?changeset={revision}&version=2&full=1
	RawFile string // hg; default {repo}/raw-file/{revision}/{file}
}

// Client is trace's VCS. Each URL is asked once.
type Client struct{}

// New checks the hosts' forms; an error is policy's. projects is the URL of the
// deployment's project list, or "" where there is none; readFile, which may be
// nil, reads one that is a file's path.
func New(hosts map[string]HostConfig, projects string, readFile func(path string) ([]byte, error), t *transport.Client) (*Client, error) {
	return nil, errors.ErrUnsupported
}

// Pushes gives the pushes that contain the revision.
func (c *Client) Pushes(ctx context.Context, t tree.Tree) ([]trace.Push, error) {
	return nil, errors.ErrUnsupported
}

// File gives a file's content at a revision.
func (c *Client) File(ctx context.Context, t tree.Tree, path string, limit int64) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// Projects gives the deployment's project list.
func (c *Client) Projects(ctx context.Context) ([]byte, error) {
	return nil, errors.ErrUnsupported
}
