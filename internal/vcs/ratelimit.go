package vcs

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/transport"
)

// longWait is more than one waits within a request.
const longWait = 2 * time.Minute

var digits = regexp.MustCompile(`^[0-9]{1,10}$`)

// lastsLong tells of a 429 that is not worth waiting for: the hour's requests
// are used up, or the server asks for a long wait.
func lastsLong(status int, h http.Header) bool {
	if status != http.StatusTooManyRequests {
		return false
	}
	return usedUp(h) || seconds(h.Get("Retry-After")) > longWait
}

func usedUp(h http.Header) bool { return h.Get("X-Ratelimit-Remaining") == "0" }

// limited gives the error of an answer that a rate limit is the reason for, nil
// of any other. GitHub says 403 as well as 429, and has secondary limits that
// only the message tells of.
func (a *api) limited(what string, doc *transport.Document) error {
	if doc.Status != http.StatusForbidden && doc.Status != http.StatusTooManyRequests {
		return nil
	}
	said := strings.ToLower(message(doc))
	u := &graph.UnavailableError{What: what, Reason: graph.RateLimited, Hint: a.limitHint()}
	switch after := doc.Header.Get("Retry-After"); {
	case usedUp(doc.Header):
		u.Detail = "all requests that " + redact(a.base) + " allows are used up"
		if n := doc.Header.Get("X-Ratelimit-Limit"); digits.MatchString(n) {
			u.Detail = fmt.Sprintf("all %s requests per hour that %s allows are used up", n, redact(a.base))
		}
		if at := doc.Header.Get("X-Ratelimit-Reset"); digits.MatchString(at) {
			n, _ := strconv.ParseInt(at, 10, 64)
			u.Detail += "; they come back at " + time.Unix(n, 0).UTC().Format(time.RFC3339)
		}
	case after != "" || doc.Status == http.StatusTooManyRequests,
		strings.Contains(said, "rate limit"), strings.Contains(said, "abuse detection"):
		u.Detail = redact(a.base) + " was asked too much at once"
		if d := seconds(after); d > 0 {
			u.Detail += " and wants to be left alone for " + d.String()
		}
	default:
		return nil
	}
	return u
}

// seconds reads Retry-After; GitHub gives no dates.
func seconds(s string) time.Duration {
	if !digits.MatchString(s) {
		return 0
	}
	n, _ := strconv.ParseInt(s, 10, 64)
	return time.Duration(n) * time.Second
}
