package vcs

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mozilla-releng/cot/trace/tree"
)

// hub is a GitHub host: three origins, each with its own answers.
type hub struct {
	t             *testing.T
	api, raw, git *origin
}

// origin answers by method and URI, 404 where nothing is set, and remembers.
type origin struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]http.HandlerFunc
	asked   []string      // "GET /x"
	headers []http.Header // of each
}

func newHub(t *testing.T) *hub {
	return &hub{t, newOrigin(t), newOrigin(t), newOrigin(t)}
}

func newOrigin(t *testing.T) *origin {
	o := &origin{answers: map[string]http.HandlerFunc{}}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + r.RequestURI
	o.mu.Lock()
	o.asked = append(o.asked, key)
	o.headers = append(o.headers, r.Header.Clone())
	h := o.answers[key]
	o.mu.Unlock()
	if h == nil {
		h = say(404, `{"message":"Not Found"}`)
	}
	h(w, r)
}

func (o *origin) on(uri string, h http.HandlerFunc) { o.answers["GET "+uri] = h }

// authorizations lists what was sent to say who asks.
func (o *origin) authorizations() []string {
	var out []string
	for _, h := range o.headers {
		out = append(out, h.Get("Authorization"))
	}
	return out
}

// client gives a client of github.com, which is the hub.
func (h *hub) client(change func(*HostConfig, *Config)) *Client {
	h.t.Helper()
	host := HostConfig{
		Type: "github", API: h.api.URL, RawFile: h.raw.URL + "/{path}/{revision}/{file}", Git: h.git.URL + "/{path}.git",
	}
	cfg := Config{Transport: newTransport(h.t)}
	if change != nil {
		change(&host, &cfg)
	}
	cfg.Hosts = map[string]HostConfig{"github.com": host, "hg.mozilla.org": {Type: "hg"}}
	c, err := New(cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func withToken(h *HostConfig, _ *Config) { h.Token = token }

const token = "ghs_secret"

// wantAsked compares the requests that an origin got.
func (o *origin) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.asked, want) {
		t.Errorf("asked\n  %s\nwant\n  %s", strings.Join(o.asked, "\n  "), strings.Join(want, "\n  "))
	}
}

func project(t *testing.T) tree.Tree { return at(t, "https://github.com/o/r") }

// gitSays answers as a git server that speaks protocol 2, with these refs.
func (h *hub) gitSays(refs ...string) {
	h.git.on("/o/r.git/info/refs?service=git-upload-pack", gitAnswer(advertised,
		line("# service=git-upload-pack")+flush+line("version 2")+line("agent=git/github")+line("ls-refs=unborn")+line("fetch=shallow")+line("object-format=sha1")+flush))
	body := ""
	for _, r := range refs {
		body += line(r)
	}
	h.git.answers["POST /o/r.git/git-upload-pack"] = gitAnswer(result, body+flush)
}

func gitAnswer(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		say(200, body)(w, r)
	}
}
