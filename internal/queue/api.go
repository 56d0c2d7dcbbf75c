package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/cenkalti/backoff/v3"
	"github.com/taskcluster/httpbackoff/v3"
	tcclient "github.com/taskcluster/taskcluster/v44/clients/client-go"
	"github.com/taskcluster/taskcluster/v44/clients/client-go/tcindex"
	"github.com/taskcluster/taskcluster/v44/clients/client-go/tcobject"
	"github.com/taskcluster/taskcluster/v44/clients/client-go/tcqueue"

	"github.com/mozilla-releng/cot/internal/transport"
)

// maxAnswer bounds answers that are small by nature.
const maxAnswer = 1 << 20

// call is one API call.
type call struct {
	what    string
	service service
	method  string
	route   string // with every part escaped by segment
	query   url.Values
	header  http.Header
	payload []byte
	// as signs in place of the client's own credentials and goes to the root
	// URL, never through the proxy.
	as    *Credentials
	limit int64
	// borrow: whoever asks frees the answer.
	borrow bool
}

// service makes the official client's value for one of its services.
type service func(*tcclient.Credentials, string) *tcclient.Client

func queueService(cr *tcclient.Credentials, root string) *tcclient.Client {
	return (*tcclient.Client)(tcqueue.New(cr, root))
}

func indexService(cr *tcclient.Credentials, root string) *tcclient.Client {
	return (*tcclient.Client)(tcindex.New(cr, root))
}

func objectService(cr *tcclient.Credentials, root string) *tcclient.Client {
	return (*tcclient.Client)(tcobject.New(cr, root))
}

// do makes the call through the official client and gives the raw answer,
// whatever its status below 500 other than 429.
//
// Request is used and not the typed methods: those decode without regard to
// case, drop what they don't know, and escape a space in a path as "+". Its
// errors are thrown away: they hold headers and bodies. What went wrong is
// kept by the doer.
func (c *Client) do(ctx context.Context, k call) (*transport.Document, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", k.what, ctx.Err())
	}
	defer func() { <-c.slots }()

	root, credentials := c.rootURL, c.credentials
	switch {
	case k.as != nil:
		credentials = *k.as
	case c.proxyURL != "":
		root, credentials = c.proxyURL, Credentials{}
	}
	var signer *tcclient.Credentials
	if credentials.ClientID != "" {
		signer = &tcclient.Credentials{
			ClientID: credentials.ClientID, AccessToken: credentials.AccessToken, Certificate: credentials.Certificate,
		}
	}
	d := &doer{ctx: ctx, transport: c.transport, call: k, signer: signer}
	client := k.service(signer, root)
	client.Context = ctx
	client.HTTPClient = d
	client.HTTPBackoffClient = once()
	_, err := client.Request(k.payload, k.method, k.route, k.query)
	switch {
	case d.err != nil:
		return nil, d.err
	case d.answer != nil:
		return d.answer, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: %w", k.what, ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("%s: the request can't be made or signed", k.what)
	}
	return nil, errors.New("the Taskcluster client made no request")
}

// once is a back-off that ends after the first try, before it would log: how
// often is the transport's decision. Elapsed time is always more than -1.
func once() *httpbackoff.Client {
	return &httpbackoff.Client{BackOffSettings: &backoff.ExponentialBackOff{
		MaxElapsedTime: -1,
		Clock:          backoff.SystemClock,
	}}
}

// doer is the official client's HTTP client: it gives answers that are already
// read, within the limit, and keeps what happened.
type doer struct {
	ctx       context.Context
	transport *transport.Client
	call      call
	signer    *tcclient.Credentials
	answer    *transport.Document
	err       error
}

func (d *doer) Do(req *http.Request) (*http.Response, error) {
	header := req.Header.Clone()
	for name, values := range d.call.header {
		header[name] = values
	}
	r := transport.Request{
		What: d.call.what, Method: req.Method, URL: req.URL.String(), Header: header, Body: d.call.payload,
		Borrow: d.call.borrow,
	}
	if d.signer != nil { // a signature has a time in it: each try needs its own
		r.Sign = d.signer.SignRequest
	}
	d.answer, d.err = d.transport.Read(d.ctx, r, d.call.limit)
	if d.err != nil {
		return nil, d.err
	}
	return &http.Response{
		StatusCode: d.answer.Status,
		Header:     http.Header{},
		Body:       io.NopCloser(strings.NewReader("")), // read by nobody: answer has it
		Request:    req,
	}, nil
}

// segment escapes a name as one path segment. A plus sign too: some servers
// read it as a space.
func segment(s string) string { return strings.ReplaceAll(url.PathEscape(s), "+", "%2B") }
