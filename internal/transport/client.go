// Package transport speaks HTTP to servers that nobody vouches for: one policy
// for retries, redirects and limits, shared by queue, vcs and downloads.
//
// It trusts nothing it reads. What fails is a *graph.UnavailableError with the
// reason; its text never has a query, user information or header in it. What
// the caller cancelled is the context's own error.
package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"sync"
	"time"
)

// Config are the settings of a Client; zero values mean the defaults.
type Config struct {
	Attempts      int           // tries of one request (12)
	MinWait       time.Duration // before the second try; doubles from there (100ms)
	MaxWait       time.Duration // between two tries (30s)
	MaxRetryAfter time.Duration // what a server's Retry-After may ask for (2m)
	TotalTime     time.Duration // until a response begins, or a document is read, all tries together (5m)

	ConnectTimeout time.Duration // TCP, then TLS (30s each)
	HeaderTimeout  time.Duration // from request to response header (60s)
	StallTimeout   time.Duration // within which a body must give MinProgress bytes (60s)

	Connections   int  // idle connections kept per host (16)
	AllowLoopback bool // servers may name loopback addresses: the root URL itself is on loopback
	UserAgent     string
	RootCAs       *x509.CertPool // nil: the system's, or SSL_CERT_FILE's

	// Waiting is told why a request is tried again, and after how long; it is
	// called from several goroutines. nil: nobody is.
	Waiting func(why error, wait time.Duration)
}

// MinProgress is how many bytes of a body must arrive within a stall timeout.
const MinProgress = 1024

// maxHeaderBytes bounds a response header.
const maxHeaderBytes = 256 << 10

// Client makes requests. It is safe for concurrent use.
type Client struct {
	cfg Config
	// named carries requests to hosts that the caller configured; guarded those
	// to hosts that a server named, and dials no local address. They share no
	// connection.
	named, guarded *http.Transport
	throttles      sync.Map // by scheme and host: *throttle
}

// New makes a client.
func New(cfg Config) *Client {
	setDefault(&cfg.Attempts, 12)
	setDefault(&cfg.MinWait, 100*time.Millisecond)
	setDefault(&cfg.MaxWait, 30*time.Second)
	setDefault(&cfg.MaxRetryAfter, 2*time.Minute)
	setDefault(&cfg.TotalTime, 5*time.Minute)
	setDefault(&cfg.ConnectTimeout, 30*time.Second)
	setDefault(&cfg.HeaderTimeout, time.Minute)
	setDefault(&cfg.StallTimeout, time.Minute)
	setDefault(&cfg.Connections, 16)
	setDefault(&cfg.UserAgent, "cot")
	d := newDialer(cfg)
	return &Client{
		cfg:     cfg,
		named:   newTransport(cfg, d.proxy, d.dial),
		guarded: newTransport(cfg, d.proxy, d.dialGuarded),
	}
}

func setDefault[T int | time.Duration | string](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func newTransport(cfg Config, proxy proxyFunc, dial dialFunc) *http.Transport {
	t := &http.Transport{
		Proxy:                  proxy,
		DialContext:            dial,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // what arrives is seen as sent; Decode undoes it
		MaxIdleConns:           4 * cfg.Connections,
		MaxIdleConnsPerHost:    cfg.Connections,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    cfg.ConnectTimeout,
		ResponseHeaderTimeout:  cfg.HeaderTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         8 << 10, // large reads go past it
	}
	if cfg.RootCAs != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12}
	}
	return t
}

// CloseIdle closes connections that carry no request.
func (c *Client) CloseIdle() {
	c.named.CloseIdleConnections()
	c.guarded.CloseIdleConnections()
}

// Do makes the request until an answer below 500 other than 429 begins, and
// gives it as a stream. Time bounds end where the response begins; from there
// on, only a stalling body is an error.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	x, err := c.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	resp, err := x.run(nil)
	if err != nil {
		x.stop()
		return nil, err
	}
	if !x.timer.Stop() {
		_ = resp.Body.Close()
		return nil, x.outOfTime()
	}
	answer, err := x.response(resp)
	if err != nil {
		_ = resp.Body.Close()
		x.stop()
		return nil, err
	}
	answer.Body = lastBody{resp.Body, x}
	return answer, nil
}

// Read makes the request until its whole answer is read and decoded. A body
// of more than limit bytes is an error of reason TooLarge. Of an answer of
// status 300 or more, the body is there if it is at most MaxErrorBody bytes
// and could be read.
func (c *Client) Read(ctx context.Context, r Request, limit int64) (*Document, error) {
	x, err := c.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	defer x.stop()
	x.whole = true
	d := &Document{}
	if r.Borrow {
		d.room, _ = rooms.Get().(*bytes.Buffer)
	}
	resp, err := x.run(func(resp *http.Response) error {
		var err error
		d.Body, err = x.readAll(resp, limit, d.room)
		return err
	})
	if err != nil {
		d.Free()
		return nil, err
	}
	_ = resp.Body.Close()
	d.Status, d.Header = resp.StatusCode, resp.Header
	return d, nil
}
