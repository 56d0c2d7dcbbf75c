package transport

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/mozilla-releng/cot/graph"
)

// MaxRedirects bounds how often one request is sent elsewhere.
const MaxRedirects = 10

// refusal is an error of our own rules, which no retry heals.
type refusal struct {
	reason graph.Reason
	detail string
}

func (e *refusal) Error() string { return e.detail }

func badRedirect(format string, args ...any) error {
	return &refusal{graph.BadRedirect, fmt.Sprintf(format, args...)}
}

// checkStep judges going from one URL to another that the first one's server
// named.
func (c *Client) checkStep(from, to *url.URL) error {
	switch {
	case to.Scheme != "https" && to.Scheme != "http" || to.Hostname() == "":
		return badRedirect("%s led to a URL that is neither http nor https", Redact(from))
	case to.User != nil:
		return badRedirect("%s led to a URL with user information, %s", Redact(from), Redact(to))
	case from.Scheme == "https" && to.Scheme == "http" && !(OnLoopback(to) && c.cfg.AllowLoopback):
		return badRedirect("from https to plain http: %s led to %s", Redact(from), Redact(to))
	}
	if why := localHost(to.Hostname(), c.cfg.AllowLoopback); why != "" {
		return badRedirect("%s led to %s", Redact(from), why)
	}
	return nil
}

// redirectPolicy is http.Client's CheckRedirect: at most MaxRedirects, none
// twice, and nothing that names the caller leaves the first origin.
func (x *exchange) redirectPolicy(req *http.Request, via []*http.Request) error {
	if !x.req.Follow {
		return http.ErrUseLastResponse
	}
	last := via[len(via)-1]
	if req.Method != http.MethodGet || last.Method != http.MethodGet {
		return badRedirect("%s answered %s with a redirect", Redact(last.URL), last.Method)
	}
	if len(via) > MaxRedirects {
		return badRedirect("more than %d redirects, the last from %s", MaxRedirects, Redact(last.URL))
	}
	if err := x.client.checkStep(last.URL, req.URL); err != nil {
		return err
	}
	foreign := !sameOrigin(via[0].URL, req.URL)
	for _, v := range via {
		if v.URL.String() == req.URL.String() {
			return badRedirect("in a circle, back to %s", Redact(req.URL))
		}
		foreign = foreign || !sameOrigin(via[0].URL, v.URL)
	}
	req.Header.Del("Referer") // it would tell the next host a signed URL
	if foreign {
		for name := range req.Header {
			if !travels[name] {
				req.Header.Del(name)
			}
		}
	}
	return nil
}

// travels are the headers that another origin may see.
var travels = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "User-Agent": true, "Range": true, "If-Range": true,
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && hostPort(a) == hostPort(b)
}

// Redact writes a URL without query, fragment and user information: those of
// signed URLs are secrets.
func Redact(u *url.URL) string {
	if u == nil {
		return ""
	}
	r := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return clip(r.String())
}
