package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// lookupTries bounds the tries for a host name that doesn't exist: more often
// a mistake than an outage.
const lookupTries = 3

// checkRetry decides whether another try is due, and in x.wait after how long.
// It is retryablehttp's CheckRetry.
func (x *exchange) checkRetry(_ context.Context, resp *http.Response, err error) (bool, error) {
	var why error
	switch {
	case x.ctx.Err() != nil:
		return false, err
	case err != nil:
		why = x.explain(err)
		var unavailable *graph.UnavailableError
		if !errors.As(why, &unavailable) || !unavailable.Reason.Heals() {
			return false, err
		}
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound && x.tries >= lookupTries {
			return false, err
		}
	case x.retriable(resp):
		why = x.badStatus(resp)
	default:
		return false, nil
	}
	x.last = why
	x.wait = x.client.cfg.backoff(x.tries, resp)
	if time.Now().Add(x.wait).After(x.deadline) {
		return false, err
	}
	if x.client.cfg.Waiting != nil && x.tries < x.attempts() {
		x.client.cfg.Waiting(why, x.wait)
	}
	return true, nil
}

func (x *exchange) retriable(resp *http.Response) bool {
	return retriable(resp.StatusCode) && (x.req.Final == nil || !x.req.Final(resp.StatusCode, resp.Header))
}

// attempts is how often the request is tried.
func (x *exchange) attempts() int {
	if x.req.Attempts > 0 {
		return min(x.req.Attempts, x.client.cfg.Attempts)
	}
	return x.client.cfg.Attempts
}

func retriable(status int) bool {
	return status == http.StatusTooManyRequests || status >= 500
}

// backoff is the wait after that many tries: what the server asks for, within
// bounds, else exponential with jitter.
func (cfg *Config) backoff(tries int, resp *http.Response) time.Duration {
	if resp != nil && retriable(resp.StatusCode) {
		if d, ok := retryAfter(resp.Header.Get("Retry-After"), time.Now()); ok {
			// Everybody was told the same: come back a little apart.
			return min(d, cfg.MaxRetryAfter) + jitter(cfg.MinWait)
		}
	}
	d := cfg.MaxWait
	if shift := tries - 1; shift < 20 && cfg.MinWait<<shift < cfg.MaxWait {
		d = cfg.MinWait << shift
	}
	return d/2 + jitter(d/2)
}

func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// retryAfter reads the header (RFC 9110 §10.2.3): seconds or a date.
func retryAfter(s string, now time.Time) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return time.Duration(n) * time.Second, true
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(now)), true
	}
	return 0, false
}

func (x *exchange) badStatus(resp *http.Response) error {
	reason := graph.ServerError
	if resp.StatusCode == http.StatusTooManyRequests {
		reason = graph.RateLimited
	}
	return x.unavailable(reason, fmt.Sprintf("%s answered with status %d", Redact(resp.Request.URL), resp.StatusCode), "")
}

// explain turns an error of a try into the caller's, without the URL that
// net/http puts into it.
func (x *exchange) explain(err error) error {
	if x.parent.Err() != nil {
		return fmt.Errorf("%s: %w", x.req.What, x.parent.Err())
	}
	var (
		unavailable *graph.UnavailableError
		refused     *refusal
		inURL       *url.Error
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		dns         *net.DNSError
	)
	at := x.url
	if errors.As(err, &inURL) {
		if u, perr := url.Parse(inURL.URL); perr == nil {
			at = u
		}
		err = inURL.Err
	}
	where := "GET "
	if x.req.Method != "" {
		where = x.req.Method + " "
	}
	where += Redact(at) + ": "
	switch {
	case errors.As(err, &unavailable):
		return err
	case errors.As(err, &refused):
		return x.unavailable(refused.reason, refused.detail, "")
	case errors.As(err, &certificate):
		return x.unavailable(graph.Refused, where+certificate.Err.Error(),
			"the server's certificate is not trusted here; SSL_CERT_FILE names other roots")
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		return x.unavailable(graph.Malformed, where+"the server doesn't speak TLS", "is the URL's scheme right?")
	case errors.As(err, &dns) && dns.IsNotFound:
		return x.unavailable(graph.Unreachable, where+"no such host", "is the host name right, and is there a network?")
	case strings.Contains(err.Error(), "response headers exceeded"):
		return x.unavailable(graph.TooLarge, fmt.Sprintf("%sresponse header of more than %d bytes", where, maxHeaderBytes), "")
	}
	return x.unavailable(graph.Unreachable, where+clip(err.Error()), "")
}
