package vcs

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/tree"
)

// asks are the questions whose answer is an object, with an answer that holds.
var asks = map[string]struct {
	uri, answer string
	ask         func(context.Context, *Client, tree.Tree) (map[string]any, error)
	wrong       map[string]string // answers that are about something else
}{
	"repository": {
		"/repos/o/r", `{"full_name":"o/r","id":7}`,
		func(ctx context.Context, c *Client, t tree.Tree) (map[string]any, error) {
			return c.Repository(ctx, t.Repository)
		},
		map[string]string{"another": `{"full_name":"o/s"}`, "none": `{}`, "not a text": `{"full_name":1}`},
	},
	"commit": {
		"/repos/o/r/commits/" + revision, `{"sha":"` + revision + `"}`,
		func(ctx context.Context, c *Client, t tree.Tree) (map[string]any, error) { return c.Commit(ctx, t) },
		map[string]string{"another": `{"sha":"` + id(1) + `"}`, "in capitals": `{"sha":"` + strings.ToUpper(revision) + `"}`, "none": `{}`},
	},
	"pull request": {
		"/repos/o/r/pulls/12", `{"number":12}`,
		func(ctx context.Context, c *Client, t tree.Tree) (map[string]any, error) {
			return c.PullRequest(ctx, t.Repository, 12)
		},
		map[string]string{"another": `{"number":13}`, "a text": `{"number":"12"}`, "none": `{}`},
	},
	"release": {
		"/repos/o/r/releases/tags/v1/%C3%A4+b%25", `{"tag_name":"v1/ä+b%"}`,
		func(ctx context.Context, c *Client, t tree.Tree) (map[string]any, error) {
			return c.Release(ctx, t.Repository, "v1/ä+b%")
		},
		map[string]string{"another": `{"tag_name":"v1"}`, "none": `{}`},
	},
}

func TestObjects(t *testing.T) {
	for name, a := range asks {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.api.on(a.uri, say(200, a.answer))
			c := h.client(nil)
			for range 2 {
				if o, err := a.ask(t.Context(), c, project(t)); err != nil || len(o) == 0 {
					t.Fatalf("%v, %v", o, err)
				}
			}
			h.api.wantAsked(t, "GET "+a.uri)
			if got := h.api.headers[0]; got.Get("X-GitHub-Api-Version") != "2022-11-28" || got.Get("Accept") != "application/vnd.github+json" || got.Get("Authorization") != "" {
				t.Errorf("headers %v", got)
			}
			for name, answer := range a.wrong {
				h.api.on(a.uri, say(200, answer))
				_, err := a.ask(t.Context(), h.client(nil), project(t))
				wantReason(t, err, graph.Malformed, "the answer is about")
				if t.Failed() {
					t.Fatal(name)
				}
			}
		})
	}
}

func TestObjectsThatCannotBeTrusted(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}
	truncated := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"sha":`))
	}
	twice := `{"full_name":"o/s","sha":"` + id(1) + `","number":1,"tag_name":"x",`
	tests := map[string]struct {
		h      func(good string) http.HandlerFunc
		reason graph.Reason
		text   string
	}{
		"missing":        {func(string) http.HandlerFunc { return say(404, `{"message":"Not Found"}`) }, graph.NotFound, "GITHUB_TOKEN"},
		"forbidden":      {func(string) http.HandlerFunc { return say(403, `{"message":"Resource not accessible"}`) }, graph.Forbidden, `"Resource not accessible"`},
		"a list":         {func(good string) http.HandlerFunc { return say(200, "["+good+"]") }, graph.Malformed, "want a JSON object, found an array"},
		"HTML":           {func(string) http.HandlerFunc { return say(200, "<html>") }, graph.Malformed, ""},
		"names twice":    {func(good string) http.HandlerFunc { return say(200, twice+good[1:]) }, graph.Malformed, "duplicate"},
		"cut short":      {func(good string) http.HandlerFunc { return say(200, good[:len(good)-1]) }, graph.Malformed, ""},
		"cut by the net": {func(string) http.HandlerFunc { return truncated }, graph.Unreachable, "ended early"},
		"endless":        {func(string) http.HandlerFunc { return endless }, graph.TooLarge, "limit of 16777216"},
		"lasting 500s":   {func(string) http.HandlerFunc { return say(500, "") }, graph.ServerError, "3 times"},
		"304 unasked":    {func(string) http.HandlerFunc { return say(304, "") }, graph.Malformed, "304"},
	}
	for name, a := range asks {
		for how, tt := range tests {
			t.Run(name+", "+how, func(t *testing.T) {
				h := newHub(t)
				h.api.on(a.uri, tt.h(a.answer))
				_, err := a.ask(t.Context(), h.client(nil), project(t))
				wantReason(t, err, tt.reason, tt.text, "https://github.com/o/r")
			})
		}
	}
}

func TestCommitThatGitHubDoesNotKnow(t *testing.T) {
	for status, reason := range map[int]graph.Reason{422: graph.NotFound, 409: graph.NotFound, 400: graph.BadRequest} {
		h := newHub(t)
		h.api.on("/repos/o/r/commits/"+revision, say(status, `{"message":"No commit found for SHA"}`))
		_, err := h.client(nil).Commit(t.Context(), project(t))
		wantReason(t, err, reason, "No commit found")
	}
}

// Names on GitHub are the same in any case, policy's patterns are not.
func TestRepositoryInAnotherCase(t *testing.T) {
	h := newHub(t)
	h.api.on("/repos/o/r", say(200, `{"full_name":"O/r"}`))
	_, err := h.client(nil).Repository(t.Context(), project(t).Repository)
	wantReason(t, err, graph.Refused, `"O/r"`, "any case")
}

func TestRenamedRepository(t *testing.T) {
	h := newHub(t)
	h.api.on("/repos/o/r", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", h.api.URL+"/repositories/7")
		say(301, `{"message":"Moved Permanently"}`)(w, r)
	})
	h.api.on("/repositories/7", say(200, `{"full_name":"o/r"}`))
	_, err := h.client(nil).Repository(t.Context(), project(t).Repository)
	wantReason(t, err, graph.BadRedirect, "moved to "+h.api.URL+"/repositories/7", "renamed")
	h.api.wantAsked(t, "GET /repos/o/r")
}

func TestFormsOfOneRepositoryAreOne(t *testing.T) {
	h := newHub(t)
	h.api.on("/repos/o/r", say(200, `{"full_name":"o/r"}`))
	h.raw.on("/o/r/"+revision+"/f", say(200, "content"))
	h.gitSays(id(1) + " refs/heads/main")
	c := h.client(nil)
	for _, s := range []string{"git@github.com:o/r.git", "git@github.com:o/r", "ssh://git@github.com/o/r", "https://github.com/o/r.git", "https://github.com/o/r/"} {
		repo := at(t, s)
		if _, err := c.Repository(t.Context(), repo.Repository); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if _, err := c.File(t.Context(), repo, "f", 10); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if _, err := c.Resolve(t.Context(), repo.Repository, "refs/heads/main"); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	h.api.wantAsked(t, "GET /repos/o/r")
	h.raw.wantAsked(t, "GET /o/r/"+revision+"/f")
	h.git.wantAsked(t, "GET /o/r.git/info/refs?service=git-upload-pack", "POST /o/r.git/git-upload-pack")
}

func TestWhatIsNotOnGitHubIsNotAsked(t *testing.T) {
	h := newHub(t)
	c := h.client(nil)
	for repository, text := range map[string]string{
		"https://example.org/o/r":                            "policy does not name the host example.org",
		"https://github.com.example.org/o/r":                 "policy does not name the host",
		"https://hg.mozilla.org/mozilla-central":             "not of type github",
		"https://github.com/o":                               "owner and a repository's name",
		"https://github.com/o/r/x":                           "owner and a repository's name",
		"https://github.com/o/r@1":                           "owner and a repository's name",
		"https://github.com/-o/r":                            "owner and a repository's name",
		"https://github.com/o/" + id(1) + id(1)[:30] + id(1): "owner and a repository's name",
	} {
		where := at(t, repository)
		for name, a := range asks {
			_, err := a.ask(t.Context(), c, where)
			wantReason(t, err, graph.Refused, text)
			if t.Failed() {
				t.Fatal(name, repository)
			}
		}
		_, err := c.PullRequestCommits(t.Context(), where.Repository, 1)
		wantReason(t, err, graph.Refused, text)
		_, err = c.Resolve(t.Context(), where.Repository, "refs/heads/main")
		wantReason(t, err, graph.Refused, text)
		_, err = c.Contains(t.Context(), where, "refs/heads/main")
		wantReason(t, err, graph.Refused, text)
		if strings.Contains(repository, "mozilla") {
			continue
		}
		_, err = c.File(t.Context(), where, "f", 10)
		wantReason(t, err, graph.Refused, text)
	}
	_, err := c.Pushes(t.Context(), project(t))
	wantReason(t, err, graph.Refused, "no pushlog")
	_, err = c.Repository(t.Context(), tree.Repository{})
	wantReason(t, err, graph.Refused)
	_, err = c.Commit(t.Context(), tree.Tree{Repository: project(t).Repository})
	wantReason(t, err, graph.Refused, "no revision")
	for _, n := range []int64{0, -1} {
		_, err = c.PullRequest(t.Context(), project(t).Repository, n)
		wantReason(t, err, graph.Refused, "from 1")
	}
	for _, o := range []*origin{h.api, h.raw, h.git} {
		o.wantAsked(t)
	}
}

func TestFileOnGitHub(t *testing.T) {
	const raw, contents = "/o/r/" + revision + "/a%20b/.x.yml", "/repos/o/r/contents/a%20b/.x.yml?ref=" + revision
	asRaw := gitAnswer("application/vnd.github.raw+json; charset=utf-8", "private")
	tests := map[string]struct {
		change     func(*HostConfig, *Config)
		raw, api   http.HandlerFunc
		want       string
		reason     graph.Reason
		text       string
		rawN, apiN int
	}{
		"public":                   {nil, say(200, "public"), asRaw, "public", "", "", 1, 0},
		"public, with a token":     {withToken, say(200, "public"), asRaw, "public", "", "", 1, 0},
		"private":                  {withToken, nil, asRaw, "private", "", "", 1, 1},
		"private, without a token": {nil, nil, asRaw, "", graph.NotFound, "needs GITHUB_TOKEN", 1, 0},
		"private and missing":      {withToken, nil, nil, "", graph.NotFound, "no such file", 1, 1},
		"raw files forbidden":      {withToken, say(403, ""), asRaw, "", graph.Forbidden, "", 1, 0},
		"a directory":              {withToken, nil, gitAnswer("application/json; charset=utf-8", "[]"), "", graph.NotFound, "is it a directory?", 1, 1},
		"larger than the limit":    {nil, say(200, "0123456789+"), nil, "", graph.TooLarge, "limit of 10", 1, 0},
		"larger, from the API":     {withToken, nil, gitAnswer("application/vnd.github.raw+json", "0123456789+"), "", graph.TooLarge, "limit of 10", 1, 1},
		"moved":                    {withToken, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 302) }, asRaw, "", graph.BadRedirect, "", 1, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			if tt.raw != nil {
				h.raw.on(raw, tt.raw)
			}
			if tt.api != nil {
				h.api.on(contents, tt.api)
			}
			c := h.client(tt.change)
			for range 2 {
				got, err := c.File(t.Context(), project(t), "a b/.x.yml", 10)
				if tt.reason != "" {
					wantReason(t, err, tt.reason, tt.text)
				} else if err != nil || string(got) != tt.want {
					t.Errorf("%q, %v, want %q", got, err, tt.want)
				}
			}
			if len(h.raw.asked) != tt.rawN || len(h.api.asked) != tt.apiN {
				t.Errorf("raw files were asked %d times, the API %d times, want %d and %d", len(h.raw.asked), len(h.api.asked), tt.rawN, tt.apiN)
			}
			for _, a := range h.raw.authorizations() {
				if a != "" {
					t.Error("raw files were asked with the token")
				}
			}
		})
	}
	h := newHub(t)
	_, err := h.client(nil).File(t.Context(), project(t), "../x", 10)
	wantReason(t, err, graph.Refused, "not a path")
	h.raw.wantAsked(t)
}

func TestFileOnAnEnterpriseServer(t *testing.T) {
	const contents = "/repos/o/r/contents/f?ref=" + revision
	h := newHub(t)
	h.api.on(contents, gitAnswer("application/vnd.github.v3.raw; charset=utf-8", "content"))
	c, err := New(Config{Transport: newTransport(t), Hosts: map[string]HostConfig{"github.example.org": {Type: "github", API: h.api.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.File(t.Context(), at(t, "https://github.example.org/o/r"), "f", 10)
	if err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	h.api.wantAsked(t, "GET "+contents)
}

func TestGitHubConfig(t *testing.T) {
	wantConfigs(t, "github.com", map[string]HostConfig{
		"defaults":             {Type: "github"},
		"elsewhere":            {Type: "github", API: "https://api.example.org/v3/", Git: "https://{host}/git/{path}", RawFile: "{repo}/raw/{revision}/{file}"},
		"a token":              {Type: "github", Token: token},
		"plain http, loopback": {Type: "github", API: "http://127.0.0.1:1", Git: "http://127.0.0.1:1/{path}"},
	}, map[string]HostConfig{
		"a pushlog":                {Type: "github", Pushlog: "{repo}/{revision}"},
		"an API over http":         {Type: "github", API: "http://api.example.org"},
		"an API with a query":      {Type: "github", API: "https://api.example.org?x"},
		"an API that is no URL":    {Type: "github", API: "api"},
		"git over http":            {Type: "github", Git: "http://git.example.org/{path}"},
		"git with a query":         {Type: "github", Git: "{repo}?x"},
		"git of no repository":     {Type: "github", Git: "https://git.example.org/x"},
		"raw files without a name": {Type: "github", RawFile: "{repo}/{revision}"},
		"a token of two lines":     {Type: "github", Token: token + "\n"},
	})
	for name, want := range map[string]string{
		"github.com":         "https://api.github.com https://github.com/o/r.git https://raw.githubusercontent.com/o/r/" + revision + "/f",
		"github.example.org": "https://github.example.org/api/v3 https://github.example.org/o/r.git ",
	} {
		g, err := newGitHub(nil, name, HostConfig{Type: "github"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		where := at(t, "https://"+name+"/o/r")
		file := ""
		if g.rawFile != "" {
			file = g.rawFile.fill(where, "f")
		}
		if got := fmt.Sprintf("%s %s %s", g.api.base, g.git.url(where.Repository), file); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
