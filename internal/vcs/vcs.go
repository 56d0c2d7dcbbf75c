// Package vcs reads trees from the version control hosts that policy names. No
// other host is ever asked: a repository elsewhere is refused, and so is a
// redirect.
package vcs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/transport"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

// Bounds of what is read.
const (
	MaxPushlogBytes  = 64 << 20
	MaxProjectsBytes = 16 << 20
)

// Config says where trees are.
type Config struct {
	Hosts map[string]HostConfig // by name, as a repository's URL has it
	// Projects is where the deployment's project list is: a URL, a path that
	// ReadFile reads, or "".
	Projects  string
	ReadFile  func(path string) ([]byte, error)
	Transport *transport.Client
	// Answers keeps what GitHub's API said in earlier runs; nil: nothing is kept.
	Answers Answers
}

// HostConfig says what a host runs and where its answers are. A form may hold
// {repo} (the repository's https URL), {host}, {path} (without the leading
// slash), {revision} and {file}.
type HostConfig struct {
	Type    string // hg or github
	Pushlog string // hg; default {repo}/json-pushes?changeset={revision}&version=2&full=1
	// RawFile is, for hg, by default {repo}/raw-file/{revision}/{file}; for
	// github.com {repo} on raw.githubusercontent.com, for other GitHub hosts
	// nothing: the API is asked.
	RawFile string
	API     string // github; base URL, default https://api.github.com or https://HOST/api/v3
	Git     string // github; form of a repository's URL for git, default {repo}.git
	// Token, if any, goes to API, and to Git where that refuses without; nowhere
	// else, and into no error.
	Token string
}

// host is one kind of version control server.
type host interface {
	pushes(ctx context.Context, t tree.Tree) ([]trace.Push, error)
	file(ctx context.Context, t tree.Tree, path string, limit int64) ([]byte, error)
}

// Client is trace's VCS and GitHub. Each URL is asked once; an answer that may
// heal is asked again.
type Client struct {
	hosts    map[string]host
	projects func(ctx context.Context) ([]byte, error)
}

var (
	_ trace.VCS    = (*Client)(nil)
	_ trace.GitHub = (*Client)(nil)
)

// New checks hosts and forms; an error is policy's or the token's.
func New(cfg Config) (*Client, error) {
	f := &fetcher{transport: cfg.Transport}
	c := &Client{hosts: map[string]host{}}
	for name, h := range cfg.Hosts {
		var err error
		switch h.Type {
		case "hg":
			c.hosts[name], err = newMercurial(f, h)
		case "github":
			c.hosts[name], err = newGitHub(f, name, h, cfg.Answers)
		default:
			err = fmt.Errorf("type %q: want hg or github", h.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("version control host %s: %w", name, err)
		}
	}
	var err error
	c.projects, err = projectSource(f, cfg.Projects, cfg.ReadFile)
	return c, err
}

// Pushes gives the pushes that contain the revision, by number.
func (c *Client) Pushes(ctx context.Context, t tree.Tree) ([]trace.Push, error) {
	h, err := c.host(t)
	if err != nil {
		return nil, err
	}
	return h.pushes(ctx, t)
}

// File gives a file's content at a revision.
func (c *Client) File(ctx context.Context, t tree.Tree, path string, limit int64) ([]byte, error) {
	h, err := c.host(t)
	if err != nil {
		return nil, err
	}
	return h.file(ctx, t, path, limit)
}

// Projects gives the deployment's project list.
func (c *Client) Projects(ctx context.Context) ([]byte, error) { return c.projects(ctx) }

func (c *Client) host(t tree.Tree) (host, error) {
	if t.Repository.IsZero() || t.Revision.IsZero() {
		return nil, refused("tree "+t.String(), "it has no repository or no revision", "")
	}
	return c.named("tree "+t.String(), t.Repository)
}

func (c *Client) named(what string, r tree.Repository) (host, error) {
	h, ok := c.hosts[r.Host()]
	if !ok {
		return nil, refused(what, "policy does not name the host "+r.Host(),
			"policy's vcsHosts lists the hosts that are asked")
	}
	return h, nil
}

func refused(what, detail, hint string) error {
	return &graph.UnavailableError{What: what, Reason: graph.Refused, Detail: detail, Hint: hint}
}

func projectSource(f *fetcher, at string, readFile func(string) ([]byte, error)) (func(context.Context) ([]byte, error), error) {
	what := "project list"
	if at == "" {
		return func(context.Context) ([]byte, error) {
			return nil, refused(what, "policy names none", "policy's projects says where it is")
		}, nil
	}
	if strings.Contains(at, "://") {
		if err := checkURL(at); err != nil {
			return nil, fmt.Errorf("projects: %w", err)
		}
		return func(ctx context.Context) ([]byte, error) {
			return f.get(ctx, what, at, MaxProjectsBytes, "")
		}, nil
	}
	if readFile == nil {
		return nil, fmt.Errorf("projects: %q is not a URL", at)
	}
	return func(context.Context) ([]byte, error) { return readFile(at) }, nil
}

// checkURL wants https, or http on loopback.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "":
		return fmt.Errorf("%q is not a URL", s)
	case u.User != nil:
		return fmt.Errorf("%s: user information is not allowed", transport.Redact(u))
	case u.Scheme == "https" || u.Scheme == "http" && transport.OnLoopback(u):
		return nil
	}
	return fmt.Errorf("%s: want https (http on loopback only)", transport.Redact(u))
}

// fetcher makes requests, each once.
type fetcher struct {
	transport *transport.Client
	memo      memo[*transport.Document]
}

// get reads a document; missing is what a 404 means.
func (f *fetcher) get(ctx context.Context, what, at string, limit int64, missing string) ([]byte, error) {
	doc, err := f.memo.do(ctx, fmt.Sprintf("GET %s %d", at, limit), func() (*transport.Document, error) {
		doc, err := f.transport.Read(ctx, transport.Request{What: what, URL: at}, limit)
		if err != nil || doc.Status == http.StatusOK {
			return doc, err
		}
		return nil, badStatus(what, at, doc.Status, missing)
	})
	if err != nil {
		return nil, err
	}
	return doc.Body, nil
}

func badStatus(what, at string, status int, missing string) *graph.UnavailableError {
	u := &graph.UnavailableError{What: what, Reason: transport.ReasonOf(status), Detail: fmt.Sprintf("status %d from %s", status, redact(at))}
	switch u.Reason {
	case graph.NotFound:
		u.Hint = missing
	case graph.BadRedirect:
		u.Hint = "redirects are not followed here: policy has to name the place itself"
	}
	return u
}

func redact(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "a URL"
	}
	return transport.Redact(u)
}
