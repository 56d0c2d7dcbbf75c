package vcs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/transport"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

// MaxRefsBytes bounds a list of refs: servers that speak only the older
// protocols send all of them, pull requests too.
const MaxRefsBytes = 64 << 20

// git asks repositories for refs over git's own protocol, which no rate limit
// of an API counts.
type git struct {
	fetch *fetcher
	form  form
	token string
}

// errNotGit says that git's protocol can't be had there; something else may.
var errNotGit = errors.New("no answer of git's protocol")

const advertised, result = "application/x-git-upload-pack-advertisement", "application/x-git-upload-pack-result"

// gitAttempts are few: the API can say the same.
const gitAttempts = 3

// resolve gives what a ref holds that checkRef accepts. The answer that there
// is no such ref is final.
func (g *git) resolve(ctx context.Context, what string, r tree.Repository, ref string) (trace.Ref, error) {
	data, auth, err := g.advertisement(ctx, what, r)
	if err != nil {
		return trace.Ref{}, err
	}
	malformed := func(err error) error {
		return &graph.UnavailableError{What: what, Reason: graph.Malformed, Detail: redact(g.url(r)) + ": " + err.Error()}
	}
	a, err := parseAdvertisement(data, ref)
	if err != nil {
		return trace.Ref{}, malformed(err)
	}
	found := a.named
	if a.version2 {
		if !a.lsRefs {
			return trace.Ref{}, errNotGit
		}
		if data, err = g.lsRefs(ctx, what, r, ref, a.objectFormat, auth); err != nil {
			return trace.Ref{}, err
		}
		if found, err = parseLsRefs(data, ref); err != nil {
			return trace.Ref{}, malformed(err)
		}
	}
	commit, ok := found.commit()
	if !ok {
		return trace.Ref{}, &graph.UnavailableError{
			What: what, Reason: graph.NotFound, Detail: redact(g.url(r)) + " has no such ref",
			Hint: "the branch or tag was deleted, or was never there",
		}
	}
	return trace.Ref{Object: found.tip, Commit: commit}, nil
}

// advertisement gives what the server begins with, and whether it wanted the
// token for it.
func (g *git) advertisement(ctx context.Context, what string, r tree.Repository) (data string, auth bool, err error) {
	request := transport.Request{
		What: what, URL: g.url(r) + "/info/refs?service=git-upload-pack",
		Header: http.Header{"Git-Protocol": {"version=2"}, "Accept": {advertised}},
	}
	doc, err := g.ask(ctx, request, false)
	if err == nil && g.token != "" && (doc.Status == http.StatusUnauthorized || doc.Status == http.StatusNotFound) {
		auth = true
		doc, err = g.ask(ctx, request, true)
	}
	if err == nil {
		data, err = content(doc, advertised)
	}
	return data, auth, err
}

func (g *git) lsRefs(ctx context.Context, what string, r tree.Repository, ref, objectFormat string, auth bool) (string, error) {
	var b strings.Builder
	b.WriteString(line("command=ls-refs"))
	if objectFormat != "" {
		b.WriteString(line("object-format=" + objectFormat))
	}
	b.WriteString(delim + line("peel") + line("symrefs") + line("ref-prefix "+ref) + flush)
	doc, err := g.ask(ctx, transport.Request{
		What: what, Method: http.MethodPost, URL: g.url(r) + "/git-upload-pack", Body: []byte(b.String()),
		Header: http.Header{
			"Git-Protocol": {"version=2"}, "Accept": {result}, "Content-Type": {"application/x-git-upload-pack-request"},
		},
	}, auth)
	if err != nil {
		return "", err
	}
	return content(doc, result)
}

func (g *git) ask(ctx context.Context, r transport.Request, auth bool) (*transport.Document, error) {
	r.Attempts = gitAttempts
	if auth {
		r.Header = r.Header.Clone()
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("x-access-token:"+g.token)))
	}
	key := fmt.Sprintf("%s %s %v %s", r.Method, r.URL, auth, r.Body)
	doc, err := g.fetch.memo.do(ctx, key, func() (*transport.Document, error) {
		return g.fetch.transport.Read(ctx, r, MaxRefsBytes)
	})
	var u *graph.UnavailableError
	if errors.As(err, &u) && u.Reason == graph.TooLarge {
		return nil, errNotGit
	}
	return doc, err
}

// content gives what git said. Anything else, such as the page that a proxy puts
// in its place, is not git's.
func content(doc *transport.Document, want string) (string, error) {
	kind, _, _ := mime.ParseMediaType(doc.Header.Get("Content-Type"))
	if doc.Status != http.StatusOK || kind != want {
		return "", errNotGit
	}
	return string(doc.Body), nil
}

func (g *git) url(r tree.Repository) string {
	return strings.TrimSuffix(g.form.fill(tree.Tree{Repository: r}, ""), "/")
}
