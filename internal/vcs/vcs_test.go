package vcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/transport"
	"github.com/mozilla-releng/cot/trace/tree"
)

const revision = "0123456789abcdef0123456789abcdef01234567"

func newTransport(t *testing.T) *transport.Client {
	t.Helper()
	c := transport.New(transport.Config{
		Attempts: 3, MinWait: time.Millisecond, MaxWait: time.Millisecond, TotalTime: 20 * time.Second, AllowLoopback: true,
	})
	t.Cleanup(c.CloseIdle)
	return c
}

func at(t *testing.T, repository string) tree.Tree {
	t.Helper()
	repo, err := tree.ParseRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	rev, err := tree.ParseRevision(revision)
	if err != nil {
		t.Fatal(err)
	}
	return tree.Tree{Repository: repo, Revision: rev}
}

// mercurialAt gives a client whose hg.mozilla.org is the handler.
func mercurialAt(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(Config{
		Hosts: map[string]HostConfig{"hg.mozilla.org": {
			Type:    "hg",
			Pushlog: s.URL + "/{path}/json-pushes?changeset={revision}&version=2&full=1",
			RawFile: s.URL + "/{path}/raw-file/{revision}/{file}",
		}},
		Projects: s.URL + "/projects.yml", Transport: newTransport(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func wantReason(t *testing.T, err error, want graph.Reason, texts ...string) {
	t.Helper()
	var u *graph.UnavailableError
	if !errors.As(err, &u) {
		t.Fatalf("error is %v, want an UnavailableError: %s", err, want)
	}
	if u.Reason != want {
		t.Fatalf("reason is %q, want %q: %v", u.Reason, want, err)
	}
	for _, s := range texts {
		if !strings.Contains(err.Error()+u.Hint, s) {
			t.Errorf("error %q (%s) lacks %q", err, u.Hint, s)
		}
	}
}

func TestPushes(t *testing.T) {
	const body = `{"lastpushid":100,"pushes":{
		"100":{"user":"b@example.org","date":1700000001,"changesets":[]},
		"9":{"user":"a@example.org","date":1700000000,"changesets":[
			{"node":"1123456789abcdef0123456789abcdef01234567","desc":"first","author":"A","parents":["0000000000000000000000000000000000000000"]},
			{"node":"` + revision + `","desc":"second"}]}}}`
	c := mercurialAt(t, func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.String(), "/releases/mozilla-release/json-pushes?changeset="+revision+"&version=2&full=1"; got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		say(200, body)(w, r)
	})
	got, err := c.Pushes(t.Context(), at(t, "https://hg.mozilla.org/releases/mozilla-release"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].ID != "9" || got[1].ID != "100" {
		t.Fatalf("got %+v, want pushes 9 and 100 in that order", got)
	}
	p := got[0]
	if p.User != "a@example.org" || p.Date != 1700000000 || len(p.Changesets) != 2 || len(p.Changesets[0].Parents) != 1 ||
		p.Changesets[1].Node.String() != revision || p.Changesets[1].Desc != "second" {
		t.Errorf("got %+v", p)
	}
}

func TestPushlogThatCannotBeTrusted(t *testing.T) {
	push := func(s string) http.HandlerFunc { return say(200, `{"pushes":{"1":`+s+`}}`) }
	changeset := func(s string) http.HandlerFunc { return push(`{"user":"a","date":1,"changesets":[` + s + `]}`) }
	tests := map[string]struct {
		h      http.HandlerFunc
		reason graph.Reason
		text   string
	}{
		"no such revision":        {say(404, `{"error":"unknown revision"}`), graph.NotFound, "no such revision"},
		"private":                 {say(403, ""), graph.Forbidden, ""},
		"moved":                   {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 301) }, graph.BadRedirect, "policy"},
		"lasting 500s":            {say(500, ""), graph.ServerError, "3 times"},
		"HTML":                    {say(200, "<html>"), graph.Malformed, ""},
		"version 1":               {say(200, `{"1":{"changesets":[]}}`), graph.Malformed, "/pushes"},
		"a push twice":            {say(200, `{"pushes":{"1":{},"1":{}}}`), graph.Malformed, "duplicate"},
		"a push without number":   {say(200, `{"pushes":{"x":{}}}`), graph.Malformed, "push number"},
		"a number with a zero":    {say(200, `{"pushes":{"01":{}}}`), graph.Malformed, "push number"},
		"no user":                 {push(`{"date":1,"changesets":[]}`), graph.Malformed, "user"},
		"a date with a fraction":  {push(`{"user":"a","date":1.5,"changesets":[]}`), graph.Malformed, "date"},
		"no changesets":           {push(`{"user":"a","date":1}`), graph.Malformed, "changesets"},
		"an abbreviated node":     {changeset(`{"node":"0123","desc":""}`), graph.Malformed, "node"},
		"a node alone":            {changeset(`"` + revision + `"`), graph.Malformed, "object"},
		"no message":              {changeset(`{"node":"` + revision + `"}`), graph.Malformed, "desc"},
		"parents that are none":   {changeset(`{"node":"` + revision + `","desc":"","parents":[1]}`), graph.Malformed, "parents"},
		"parents that are a text": {changeset(`{"node":"` + revision + `","desc":"","parents":"x"}`), graph.Malformed, "parents"},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, graph.TooLarge, "limit of 67108864"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := mercurialAt(t, tt.h)
			_, err := c.Pushes(t.Context(), at(t, "https://hg.mozilla.org/mozilla-central"))
			wantReason(t, err, tt.reason, tt.text, "pushlog of https://hg.mozilla.org/mozilla-central@"+revision)
		})
	}
	c := mercurialAt(t, say(200, `{"lastpushid":1,"pushes":{}}`))
	if got, err := c.Pushes(t.Context(), at(t, "https://hg.mozilla.org/mozilla-central")); err != nil || len(got) != 0 {
		t.Errorf("no push at all: %v, %v", got, err)
	}
}

func TestFile(t *testing.T) {
	c := mercurialAt(t, func(w http.ResponseWriter, r *http.Request) {
		say(200, r.URL.EscapedPath())(w, r)
	})
	central := at(t, "https://hg.mozilla.org/mozilla-central")
	for file, want := range map[string]string{
		".taskcluster.yml": "/mozilla-central/raw-file/" + revision + "/.taskcluster.yml",
		"a b/c%2F?#.yml":   "/mozilla-central/raw-file/" + revision + "/a%20b/c%252F%3F%23.yml",
	} {
		got, err := c.File(t.Context(), central, file, 1000)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", file, got, err, want)
		}
	}
	for _, file := range []string{"", "/etc/passwd", "../x", "a/../b", "a//b", "a/./b", "a/", `a\b`, "a\nb", strings.Repeat("a", 1025)} {
		_, err := c.File(t.Context(), central, file, 1000)
		wantReason(t, err, graph.Refused, "not a path")
	}
	_, err := c.File(t.Context(), central, ".taskcluster.yml", 10)
	wantReason(t, err, graph.TooLarge, "limit of 10")
	c = mercurialAt(t, say(404, ""))
	_, err = c.File(t.Context(), central, ".cron.yml", 10)
	wantReason(t, err, graph.NotFound, `file ".cron.yml" of https://hg.mozilla.org/mozilla-central`, "no such file")
}

func TestHostThatPolicyDoesNotNameIsNeverAsked(t *testing.T) {
	c := mercurialAt(t, func(http.ResponseWriter, *http.Request) { t.Error("was asked") })
	for _, repo := range []string{"https://hg.example.org/mozilla-central", "https://github.com/mozilla/x", "https://hg.mozilla.org.example.org/x"} {
		_, err := c.Pushes(t.Context(), at(t, repo))
		wantReason(t, err, graph.Refused, "policy does not name the host")
		_, err = c.File(t.Context(), at(t, repo), "f", 10)
		wantReason(t, err, graph.Refused)
	}
	_, err := c.Pushes(t.Context(), tree.Tree{})
	wantReason(t, err, graph.Refused)
}

func TestEachURLIsAskedOnce(t *testing.T) {
	var n atomic.Int64
	release := make(chan struct{})
	c := mercurialAt(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		<-release
		say(200, "content")(w, r)
	})
	central := at(t, "https://hg.mozilla.org/mozilla-central")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if got, err := c.File(t.Context(), central, "f", 100); err != nil || string(got) != "content" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	close(release)
	wg.Wait()
	if _, err := c.File(t.Context(), central, "f", 100); err != nil || n.Load() != 1 {
		t.Errorf("%v, %d requests, want one", err, n.Load())
	}
}

func TestOnlyLastingErrorsAreRemembered(t *testing.T) {
	for status, again := range map[int]bool{404: false, 500: true, 429: true} {
		var n atomic.Int64
		c := mercurialAt(t, func(w http.ResponseWriter, r *http.Request) {
			n.Add(1)
			say(status, "")(w, r)
		})
		central := at(t, "https://hg.mozilla.org/mozilla-central")
		_, err := c.File(t.Context(), central, "f", 100)
		first := n.Load()
		_, err2 := c.File(t.Context(), central, "f", 100)
		if err == nil || err2 == nil || (n.Load() > first) != again {
			t.Errorf("status %d: asked again: %v, want %v", status, n.Load() > first, again)
		}
	}
}

func TestCancelledAskerDoesNotFailTheOthers(t *testing.T) {
	var m memo[[]byte]
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := m.do(ctx, "k", func() ([]byte, error) {
			close(asked)
			<-ctx.Done()
			return nil, fmt.Errorf("thing: %w", ctx.Err())
		})
		done <- err
	}()
	<-asked
	other := make(chan error)
	go func() {
		got, err := m.do(t.Context(), "k", func() ([]byte, error) { return []byte("x"), nil })
		if string(got) != "x" {
			err = fmt.Errorf("got %q, %w", got, err)
		}
		other <- err
	}()
	impatient, stop := context.WithCancel(t.Context())
	stop()
	if _, err := m.do(impatient, "k", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("who stops waiting: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who was cancelled: %v", err)
	}
	if err := <-other; err != nil {
		t.Errorf("the other: %v", err)
	}
}

func TestProjects(t *testing.T) {
	c := mercurialAt(t, say(200, "projects"))
	if got, err := c.Projects(t.Context()); err != nil || string(got) != "projects" {
		t.Errorf("from a URL: %q, %v", got, err)
	}
	tr := newTransport(t)
	c, err := New(Config{Projects: "projects.yml", ReadFile: func(p string) ([]byte, error) { return []byte("file " + p), nil }, Transport: tr})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Projects(t.Context()); err != nil || string(got) != "file projects.yml" {
		t.Errorf("from a file: %q, %v", got, err)
	}
	if c, err = New(Config{Transport: tr}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Projects(t.Context())
	wantReason(t, err, graph.Refused, "policy names none")
	for _, bad := range []string{"http://example.org/projects.yml", "ftp://example.org/", "https://u:p@example.org/", "projects.yml"} {
		if _, err := New(Config{Projects: bad, Transport: tr}); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// wantConfigs wants a host to be taken or refused. No refusal tells the token.
func wantConfigs(t *testing.T, host string, good, bad map[string]HostConfig) {
	t.Helper()
	with := func(cfg HostConfig) error {
		_, err := New(Config{Hosts: map[string]HostConfig{host: cfg}, Transport: newTransport(t)})
		return err
	}
	for name, cfg := range good {
		if err := with(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, cfg := range bad {
		if err := with(cfg); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForms(t *testing.T) {
	wantConfigs(t, "hg.mozilla.org", map[string]HostConfig{
		"defaults":             {Type: "hg"},
		"URL forms":            {Type: "hg", Pushlog: "https://{host}/{path}/json-pushes?changeset={revision}", RawFile: "{repo}/raw-file/{revision}/{file}"},
		"plain http, loopback": {Type: "hg", RawFile: "http://localhost:80/raw?path={path}&rev={revision}&file={file}"},
	}, map[string]HostConfig{
		"type":             {Type: "svn"},
		"an API":           {Type: "hg", API: "https://api.example.org"},
		"git":              {Type: "hg", Git: "{repo}.git"},
		"no type":          {},
		"placeholder":      {Type: "hg", Pushlog: "{repo}/{branch}/{revision}"},
		"no revision":      {Type: "hg", Pushlog: "{repo}/json-pushes"},
		"no file":          {Type: "hg", RawFile: "{repo}/{revision}"},
		"no repository":    {Type: "hg", Pushlog: "https://hg.example.org/{revision}"},
		"plain http":       {Type: "hg", Pushlog: "http://{host}/{path}/{revision}"},
		"no URL":           {Type: "hg", Pushlog: "{path}/{revision}"},
		"user information": {Type: "hg", Pushlog: "https://me@{host}/{path}/{revision}"},
	})
	f, err := newForm("form", defaultPushlog, "{revision}")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.fill(at(t, "https://hg.mozilla.org/a/b"), ""), "https://hg.mozilla.org/a/b/json-pushes?changeset="+revision+"&version=2&full=1"; got != want {
		t.Errorf("default pushlog %s, want %s", got, want)
	}
	if f, err = newForm("form", "https://{host}/raw?p={path}&r={revision}&f={file}"); err != nil {
		t.Fatal(err)
	}
	if got, want := f.fill(at(t, "https://hg.mozilla.org/a+b"), "c&d=e"), "https://hg.mozilla.org/raw?p=a%2Bb&r="+revision+"&f=c%26d%3De"; got != want {
		t.Errorf("in a query: %s, want %s", got, want)
	}
}
