package vcs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/internal/transport"
)

// MaxObjectBytes bounds an answer of GitHub's API.
const MaxObjectBytes = 16 << 20

const (
	apiVersion = "2022-11-28"
	mediaJSON  = "application/vnd.github+json"
	mediaRaw   = "application/vnd.github.raw+json"
)

// api is GitHub's REST API. Each question counts against a rate limit, so what
// was answered before is asked with its tag: that the answer is the same costs
// nothing.
type api struct {
	fetch   *fetcher
	base    string // without a slash at its end
	token   string
	answers Answers // nil: none are kept
}

// question is what is asked of the API.
type question struct {
	what    string
	path    string // below the base, escaped, with query
	missing string // a hint: what it means that there is no such thing
	absent  []int  // statuses other than 404 that say so
}

// object gives an answer that is a JSON object.
func (a *api) object(ctx context.Context, q question) (map[string]any, error) {
	v, err := a.value(ctx, q)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, malformed(q.what, "want a JSON object, found "+strictjson.Kind(v))
	}
	return m, nil
}

// value gives an answer's JSON.
func (a *api) value(ctx context.Context, q question) (any, error) {
	at := a.base + q.path
	doc, err := a.fetch.memo.do(ctx, "API "+at, func() (*transport.Document, error) {
		tag, kept, have := a.load(at)
		doc, err := a.ask(ctx, q, mediaJSON, tag, MaxObjectBytes)
		switch {
		case err != nil:
			return nil, err
		case doc.Status == http.StatusNotModified && have:
			return &transport.Document{Status: http.StatusOK, Header: doc.Header, Body: kept}, nil
		case doc.Status != http.StatusOK:
			return nil, a.problem(q, doc)
		}
		a.store(at, doc)
		return doc, nil
	})
	if err != nil {
		return nil, err
	}
	v, err := strictjson.Parse(doc.Body, MaxObjectBytes)
	if err != nil {
		return nil, malformed(q.what, err.Error())
	}
	return v, nil
}

// raw gives an answer that is a file's content.
func (a *api) raw(ctx context.Context, q question, limit int64) ([]byte, error) {
	at := a.base + q.path
	doc, err := a.fetch.memo.do(ctx, fmt.Sprintf("API raw %s %d", at, limit), func() (*transport.Document, error) {
		doc, err := a.ask(ctx, q, mediaRaw, "", limit)
		if err == nil && doc.Status != http.StatusOK {
			err = a.problem(q, doc)
		}
		return doc, err
	})
	if err != nil {
		return nil, err
	}
	// Of a directory the API lists what is in it, in JSON.
	if kind := doc.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/vnd.github.") || !strings.Contains(kind, "raw") {
		return nil, &graph.UnavailableError{What: q.what, Reason: graph.NotFound, Detail: "the API answers with " + quoted(kind) + ", not with a file", Hint: "is it a directory?"}
	}
	return doc.Body, nil
}

// ask makes the request. The token is for the API alone, and no redirect is
// followed.
func (a *api) ask(ctx context.Context, q question, accept, tag string, limit int64) (*transport.Document, error) {
	h := http.Header{"Accept": {accept}, "X-Github-Api-Version": {apiVersion}}
	if a.token != "" {
		h.Set("Authorization", "Bearer "+a.token)
	}
	if tag != "" {
		h.Set("If-None-Match", tag)
	}
	doc, err := a.fetch.transport.Read(ctx, transport.Request{What: q.what, URL: a.base + q.path, Header: h, Final: lastsLong}, limit)
	var u *graph.UnavailableError
	if errors.As(err, &u) && u.Reason == graph.RateLimited && u.Hint == "" {
		u.Hint = a.limitHint()
	}
	return doc, err
}

// problem says what a status other than the one wanted means.
func (a *api) problem(q question, doc *transport.Document) error {
	if u := a.limited(q.what, doc); u != nil {
		return u
	}
	u := badStatus(q.what, a.base+q.path, doc.Status, "")
	if slices.Contains(q.absent, doc.Status) {
		u.Reason = graph.NotFound
	}
	switch {
	case doc.Status == http.StatusNotModified:
		return malformed(q.what, "status 304 from "+redact(a.base+q.path)+", though no answer is known here")
	case doc.Status == http.StatusUnauthorized && a.token != "":
		u.Detail += ": GITHUB_TOKEN is not accepted"
		u.Hint = "give another GITHUB_TOKEN: this one has expired, was revoked, or is of another host"
		return u
	case u.Reason == graph.NotFound:
		u.Hint = q.missing
		if a.token == "" {
			u.Hint += "; if the repository is private, set GITHUB_TOKEN: GitHub answers strangers as if it did not exist"
		}
	case u.Reason == graph.BadRedirect:
		u.Detail += ": " + moved(doc.Header)
		u.Hint = "GitHub sends who asks for a renamed repository elsewhere, which is not followed: the repository's name of today is wanted"
	case u.Reason == graph.Forbidden:
		u.Hint = "give a GITHUB_TOKEN that may read this repository"
		if a.token == "" {
			u.Hint = "set GITHUB_TOKEN: a private repository is read with one alone"
		}
	}
	if m := message(doc); m != "" {
		u.Detail += ", " + quoted(m)
	}
	return u
}

func (a *api) limitHint() string {
	if a.token == "" {
		return "set GITHUB_TOKEN: without a token GitHub allows 60 requests per hour, with one thousands"
	}
	return "try again then"
}

func moved(h http.Header) string {
	if to := h.Get("Location"); to != "" {
		return "moved to " + redact(to)
	}
	return "moved"
}

// message is the API's own explanation.
func message(doc *transport.Document) string {
	m, err := strictjson.ParseObject(doc.Body, transport.MaxErrorBody)
	if err != nil {
		return ""
	}
	s, _ := m["message"].(string)
	return s
}

func (a *api) load(at string) (string, []byte, bool) {
	if a.answers == nil {
		return "", nil, false
	}
	tag, body, ok := a.answers.Load(a.key(at))
	if !ok || !storable(tag) || len(body) > MaxObjectBytes {
		return "", nil, false
	}
	return tag, body, true
}

func (a *api) store(at string, doc *transport.Document) {
	if tag := doc.Header.Get("ETag"); a.answers != nil && storable(tag) {
		a.answers.Store(a.key(at), tag, doc.Body)
	}
}

// key tells answers apart that are of other callers: what one token may read,
// another may not.
func (a *api) key(at string) string {
	if a.token == "" {
		return at
	}
	sum := sha256.Sum256([]byte(a.token))
	return at + " " + hex.EncodeToString(sum[:])
}

func malformed(what, detail string) error {
	return &graph.UnavailableError{What: what, Reason: graph.Malformed, Detail: detail}
}
