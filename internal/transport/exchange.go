package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/mozilla-releng/cot/graph"
)

// exchange is one request with all its tries.
type exchange struct {
	client *Client
	req    Request
	url    *url.URL
	from   *url.URL // nil if the caller named url

	whole bool // the answer is read before anything else is asked

	parent   context.Context // the caller's
	ctx      context.Context // ends with parent, or when time is up
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	deadline time.Time

	tries int
	wait  time.Duration // until the next try
	last  error         // why the last try was not the answer
}

var errOutOfTime = errors.New("out of time")

func (c *Client) begin(ctx context.Context, r Request) (*exchange, error) {
	x := &exchange{client: c, req: r, parent: ctx}
	if err := x.parseURLs(); err != nil {
		return nil, err
	}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.deadline = time.Now().Add(c.cfg.TotalTime)
	x.timer = time.AfterFunc(c.cfg.TotalTime, func() { x.cancel(errOutOfTime) })
	return x, nil
}

func (x *exchange) parseURLs() error {
	var err error
	if x.url, err = url.Parse(x.req.URL); err != nil {
		return x.unavailable(graph.Malformed, "not a URL", "")
	}
	if x.req.From != "" {
		if x.from, err = url.Parse(x.req.From); err != nil {
			return x.unavailable(graph.Malformed, "not a URL", "")
		}
		if err := x.client.checkStep(x.from, x.url); err != nil {
			return x.explain(err)
		}
	}
	if x.url.Scheme != "https" && x.url.Scheme != "http" || x.url.Host == "" || x.url.User != nil {
		return x.unavailable(graph.Refused, Redact(x.url)+": want an http or https URL without user information", "")
	}
	return nil
}

// stop ends the exchange and whatever of it is still open.
func (x *exchange) stop() {
	x.timer.Stop()
	x.cancel(nil)
}

func (x *exchange) unavailable(reason graph.Reason, detail, hint string) error {
	return &graph.UnavailableError{What: x.req.What, Reason: reason, Detail: detail, Hint: hint}
}

func (x *exchange) outOfTime() error {
	detail := fmt.Sprintf("no answer from %s within %s", Redact(x.url), x.client.cfg.TotalTime)
	var last *graph.UnavailableError
	if errors.As(x.last, &last) {
		return x.unavailable(last.Reason, detail+"; last: "+last.Detail, last.Hint)
	}
	return x.unavailable(graph.Unreachable, detail, "")
}

// run tries until there is an answer. handle, if there is one, reads it; what
// fails there and may heal is tried again.
func (x *exchange) run(handle retryablehttp.ResponseHandlerFunc) (*http.Response, error) {
	method := x.req.Method
	if method == "" {
		method = http.MethodGet
	}
	var body any
	if x.req.Body != nil {
		body = x.req.Body
	}
	req, err := retryablehttp.NewRequestWithContext(x.ctx, method, x.url.String(), body)
	if err != nil {
		return nil, x.unavailable(graph.Malformed, "no request can be made of "+Redact(x.url), "")
	}
	for name, values := range x.req.Header {
		req.Header[name] = append([]string(nil), values...)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", x.client.cfg.UserAgent)
	if err := x.prepare(req.Request); err != nil {
		return nil, x.explain(err)
	}
	if handle != nil {
		req.SetResponseHandler(handle)
	}
	rc := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: roundTripper{x}, CheckRedirect: x.redirectPolicy},
		RetryMax:     x.attempts() - 1,
		CheckRetry:   x.checkRetry,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return x.wait },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		PrepareRetry: x.prepare,
	}
	resp, err := rc.Do(req)
	return x.conclude(resp, err)
}

func (x *exchange) conclude(resp *http.Response, err error) (*http.Response, error) {
	if err == nil && !x.retriable(resp) {
		return resp, nil
	}
	if resp != nil {
		_ = resp.Body.Close()
	}
	switch {
	case x.parent.Err() != nil:
		return nil, x.explain(x.parent.Err())
	case errors.Is(context.Cause(x.ctx), errOutOfTime):
		return nil, x.outOfTime()
	case err == nil:
		err = x.badStatus(resp)
	default:
		err = x.explain(err)
	}
	var u *graph.UnavailableError
	if errors.As(err, &u) && x.tries > 1 {
		more := *u
		more.Detail = fmt.Sprintf("%s; tried %d times", u.Detail, x.tries)
		return nil, &more
	}
	return nil, err
}

// prepare readies the request for its next try.
func (x *exchange) prepare(req *http.Request) error {
	x.tries++
	if x.req.Sign == nil {
		return nil
	}
	if x.req.Sign(req) != nil { // its text may hold credentials
		return &refusal{graph.Refused, "the request can't be signed with these credentials"}
	}
	return nil
}

// roundTripper makes one hop of one try. It has no CloseIdleConnections on
// purpose: a failing request must not close what others use.
type roundTripper struct{ x *exchange }

func (rt roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	x := rt.x
	via := x.client.named
	if x.from != nil || req.Response != nil { // a server named this URL
		via = x.client.guarded
	}
	// The hop's context ends with the exchange's, but no more once the body was
	// read to its end: net/http would drop a connection that can be used again.
	ctx, cancel := context.WithCancel(context.WithoutCancel(req.Context()))
	detach := context.AfterFunc(req.Context(), cancel)
	over := func() { detach(); cancel() }
	host := x.client.throttle(req.URL.Scheme + "://" + req.URL.Host)
	if err := host.enter(ctx); err != nil {
		over()
		if x.last == nil {
			x.last = x.unavailable(graph.RateLimited, Redact(req.URL)+" had no room for this request", "")
		}
		return nil, err
	}
	resp, err := via.RoundTrip(req.WithContext(ctx))
	if err != nil {
		host.leave()
		over()
		return nil, err
	}
	resp.Request = req
	b := newBody(x, resp, cancel, detach)
	if !x.judge(host, resp) {
		b.leave = sync.OnceFunc(host.leave)
	}
	resp.Body = b
	return resp, nil
}
