// Package queue reads a Taskcluster deployment: tasks, runs, artifacts and the
// index, over the official client. Nothing it reads is trusted; it decodes
// strictly, bounds everything and says why something can't be had.
package queue

import (
	"context"
	"errors"
	"io"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/transport"
)

// Credentials sign API calls. The zero value signs nothing.
type Credentials struct {
	ClientID    string
	AccessToken string
	Certificate string // of temporary credentials; else empty
}

// Config says which deployment is read, and as whom.
type Config struct {
	RootURL string // https, or http on loopback
	// ProxyURL is where API calls go instead, unsigned: TASKCLUSTER_PROXY_URL.
	// Stored content never goes through it.
	ProxyURL    string
	Credentials Credentials
	Jobs        int // API calls in flight; 0 means 8
	Transport   *transport.Client
}

// Client reads one deployment. It is trace's Tasks, Artifacts and Index.
type Client struct{ cfg Config }

// New checks the configuration; an error is the caller's (usage).
func New(cfg Config) (*Client, error) { return &Client{cfg}, nil }

// RootURL is the deployment's root URL, without a trailing slash.
func (c *Client) RootURL() string { return c.cfg.RootURL }

// Task gives a task's definition and status.
func (c *Client) Task(ctx context.Context, id graph.TaskID) (*graph.Task, error) {
	return nil, errors.ErrUnsupported
}

// Artifacts lists a run's artifacts, every page of them, by name.
func (c *Client) Artifacts(ctx context.Context, run graph.RunRef) (map[string]graph.Artifact, error) {
	return nil, errors.ErrUnsupported
}

// Open streams an artifact's decoded content; reading past limit bytes is an
// error of reason TooLarge.
func (c *Client) Open(ctx context.Context, run graph.RunRef, name string, limit int64) (io.ReadCloser, error) {
	return nil, errors.ErrUnsupported
}

// FindTask finds the task that holds an index path.
func (c *Client) FindTask(ctx context.Context, namespace string) (graph.TaskID, error) {
	return graph.TaskID{}, errors.ErrUnsupported
}
