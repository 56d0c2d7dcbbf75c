package queue

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/internal/transport"
)

// serviceError is what a Taskcluster service says when it refuses.
type serviceError struct{ code, message, reason string }

func readServiceError(doc *transport.Document) serviceError {
	m, err := strictjson.ParseObject(doc.Body, transport.MaxErrorBody)
	if err != nil {
		return serviceError{}
	}
	var e serviceError
	e.code, _ = m["code"].(string)
	e.message, _ = m["message"].(string)
	e.reason, _ = m["reason"].(string)
	return e
}

// summary is one line, without what the services append for debugging (the
// request, its parameters, its payload).
func (e serviceError) summary() string {
	message, _, _ := strings.Cut(e.message, "\n---")
	message = tidy(message)
	switch {
	case e.code != "" && message != "":
		return tidy(e.code) + ": " + message
	case e.code != "":
		return tidy(e.code)
	}
	return message
}

// tidy makes foreign text one printable line of bounded length.
func tidy(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:497], "") + "..."
	}
	return s
}

// refused explains an answer that is not a success. scope is the one that the
// call needs, "" if it isn't known.
func (c *Client) refused(what, scope string, doc *transport.Document) error {
	e := readServiceError(doc)
	u := &graph.UnavailableError{What: what, Reason: transport.ReasonOf(doc.Status), Detail: fmt.Sprintf("status %d", doc.Status)}
	if s := e.summary(); s != "" {
		u.Detail += ", " + s
	}
	switch u.Reason {
	case graph.Forbidden:
		u.Hint = c.credentialsHint(scope)
		if doc.Status == http.StatusUnauthorized && c.proxyURL == "" && c.credentials.ClientID != "" {
			u.Hint = "the deployment does not know these credentials: check TASKCLUSTER_CLIENT_ID, TASKCLUSTER_ACCESS_TOKEN and TASKCLUSTER_CERTIFICATE"
		}
	case graph.NotFound:
		u.Hint = fmt.Sprintf("it never existed, or has expired and is deleted, or is of another deployment than %s", c.rootURL)
	case graph.Expired:
		u.Hint = "it was there once; the task has to run again"
	case graph.WorkerFailed:
		u.Detail = workerFailure(e.reason, e.message)
		u.Hint = "look into the log of the task that should have made it"
	case graph.BadRedirect:
		u.Hint = fmt.Sprintf("API calls are never sent elsewhere; is %s the deployment's root URL?", c.rootURL)
	}
	return u
}

func workerFailure(reason, message string) string {
	reason, message = tidy(reason), tidy(message)
	if reason == "" {
		reason = "no reason given"
	}
	if message == "" {
		return reason
	}
	return reason + ": " + message
}

func (c *Client) credentialsHint(scope string) string {
	needs := "the call needs a scope that the caller lacks"
	if scope != "" {
		needs = "needs scope " + scope
	}
	switch {
	case c.proxyURL != "":
		return needs + ", which this task's scopes must have"
	case c.credentials.ClientID != "":
		return needs + ", which TASKCLUSTER_CLIENT_ID's client must have"
	}
	return needs + "; in a task, switch on the taskclusterProxy feature, elsewhere set TASKCLUSTER_CLIENT_ID and TASKCLUSTER_ACCESS_TOKEN"
}

// malformed says that an answer is not what the interface promises.
func malformed(what, format string, args ...any) error {
	return &graph.UnavailableError{What: what, Reason: graph.Malformed, Detail: fmt.Sprintf(format, args...)}
}
