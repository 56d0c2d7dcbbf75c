// Package queue reads a Taskcluster deployment: tasks, runs, artifacts and the
// index, over the official client. Nothing it reads is trusted; it decodes
// strictly, bounds everything and says why something can't be had.
package queue

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/internal/transport"
)

// Credentials sign API calls. The zero value signs nothing.
type Credentials struct {
	ClientID    string
	AccessToken string
	Certificate string // of temporary credentials; else empty
}

// String hides what it holds.
func (Credentials) String() string { return "credentials" }

// Config says which deployment is read, and as whom.
type Config struct {
	RootURL string // https, or http on loopback
	// ProxyURL is where API calls go instead, unsigned: TASKCLUSTER_PROXY_URL.
	// Stored content never goes through it.
	ProxyURL    string
	Credentials Credentials
	Jobs        int // API calls in flight; 0 means 8
	// DocumentTime bounds the reading of one document that is opened as a
	// stream, however steadily it drips; 0 means an hour.
	DocumentTime time.Duration
	Transport    *transport.Client
}

// Client reads one deployment. It is trace's Tasks, Artifacts and Index, and
// safe for concurrent use.
type Client struct {
	rootURL     string
	proxyURL    string
	credentials Credentials
	transport   *transport.Client
	slots       chan struct{} // API calls in flight
	readTime    time.Duration
	// plain remembers that the deployment has no artifact-content endpoint.
	plain atomic.Bool
}

// New checks the configuration; an error is the caller's (usage).
func New(cfg Config) (*Client, error) {
	if cfg.Transport == nil {
		return nil, errors.New("no transport")
	}
	root, err := CheckRootURL(cfg.RootURL)
	if err != nil {
		return nil, err
	}
	c := &Client{rootURL: root, credentials: cfg.Credentials, transport: cfg.Transport}
	if cfg.ProxyURL != "" {
		if c.proxyURL, err = checkURL("proxy URL", cfg.ProxyURL); err != nil {
			return nil, err
		}
	}
	if err := cfg.Credentials.check(); err != nil {
		return nil, err
	}
	if cfg.Jobs < 0 {
		return nil, fmt.Errorf("jobs: want 1 or more, found %d", cfg.Jobs)
	}
	if cfg.Jobs == 0 {
		cfg.Jobs = 8
	}
	if c.readTime = cfg.DocumentTime; c.readTime <= 0 {
		c.readTime = time.Hour
	}
	c.slots = make(chan struct{}, cfg.Jobs)
	return c, nil
}

// RootURL is the deployment's root URL, without a trailing slash.
func (c *Client) RootURL() string { return c.rootURL }

// CheckRootURL gives a root URL without its trailing slash. It must be https,
// or http on loopback, and have no user information, query or fragment.
func CheckRootURL(s string) (string, error) {
	root, err := checkURL("root URL", s)
	if err != nil {
		return "", err
	}
	if u, _ := url.Parse(root); u.Scheme == "http" && !transport.OnLoopback(u) {
		return "", fmt.Errorf("root URL %s: plain http is for loopback only; use https", root)
	}
	return root, nil
}

func checkURL(what, s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("%s: want https://HOST, found something else", what)
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#") {
		return "", fmt.Errorf("%s %s: user information, query and fragment are not allowed", what, transport.Redact(u))
	}
	return strings.TrimRight(s, "/"), nil
}

func (c Credentials) check() error {
	if (c.ClientID == "") != (c.AccessToken == "") {
		return errors.New("credentials: TASKCLUSTER_CLIENT_ID and TASKCLUSTER_ACCESS_TOKEN go together; only one is set")
	}
	if c.Certificate != "" {
		if c.ClientID == "" {
			return errors.New("credentials: TASKCLUSTER_CERTIFICATE is set without TASKCLUSTER_CLIENT_ID")
		}
		if _, err := strictjson.ParseObject([]byte(c.Certificate), maxAnswer); err != nil {
			return errors.New("credentials: TASKCLUSTER_CERTIFICATE is not a JSON object")
		}
	}
	return nil
}
