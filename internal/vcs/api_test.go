package vcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/cachedir"
	"github.com/mozilla-releng/cot/internal/transport"
)

const theRepository, repositoryAnswer = "/repos/o/r", `{"full_name":"o/r"}`

// with answers with headers, given as pairs.
func with(h http.HandlerFunc, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		h(w, r)
	}
}

func TestRateLimits(t *testing.T) {
	used := []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Limit", "60", "X-RateLimit-Reset", "1767225600"}
	secondary := `{"message":"You have exceeded a secondary rate limit."}`
	tests := map[string]struct {
		h      http.HandlerFunc
		reason graph.Reason
		text   string
		asked  int // each time
	}{
		"used up, 403":                   {with(say(403, `{"message":"API rate limit exceeded"}`), used...), graph.RateLimited, "all 60 requests per hour", 1},
		"used up, 429":                   {with(say(429, ""), used...), graph.RateLimited, "they come back at 2026-01-01T00:00:00Z", 1},
		"used up, 429, an hour":          {with(say(429, ""), append([]string{"Retry-After", "3600"}, used...)...), graph.RateLimited, "2026-01-01T00:00:00Z", 1},
		"used up, nonsense":              {with(say(403, ""), "X-RateLimit-Remaining", "0", "X-RateLimit-Limit", "<b>60</b>", "X-RateLimit-Reset", "soon"), graph.RateLimited, "all requests", 1},
		"secondary, 403 and a wait":      {with(say(403, secondary), "Retry-After", "60"), graph.RateLimited, "left alone for 1m0s", 1},
		"secondary, 403 and words":       {say(403, secondary), graph.RateLimited, "too much at once", 1},
		"secondary, 429, a long wait":    {with(say(429, secondary), "Retry-After", "3600"), graph.RateLimited, "left alone for 1h0m0s", 1},
		"429 of a passing moment":        {say(429, ""), graph.RateLimited, "3 times", 3},
		"403 with requests left":         {with(say(403, `{"message":"no"}`), "X-RateLimit-Remaining", "1"), graph.Forbidden, `"no"`, 1},
		"404 with the last request used": {with(say(404, ""), used...), graph.NotFound, "404", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, change := range []func(*HostConfig, *Config){nil, withToken} {
				h := newHub(t)
				h.api.on(theRepository, tt.h)
				c := h.client(change)
				ask := func() error {
					_, err := c.Repository(t.Context(), project(t).Repository)
					return err
				}
				err := ask()
				wantReason(t, err, tt.reason, tt.text)
				var u *graph.UnavailableError
				if errors.As(err, &u) && tt.reason == graph.RateLimited && strings.Contains(u.Hint, "GITHUB_TOKEN") != (change == nil) {
					t.Errorf("hint %q", u.Hint)
				}
				want := tt.asked
				_ = ask()
				if tt.reason == graph.RateLimited { // which heals
					want *= 2
				}
				if len(h.api.asked) != want {
					t.Errorf("asked %d times, want %d", len(h.api.asked), want)
				}
			}
		})
	}
}

// With a client's own patience, no answer makes it sleep: this test would.
func TestRateLimitIsNotSleptThrough(t *testing.T) {
	h := newHub(t)
	h.api.on(theRepository, with(say(429, ""), "Retry-After", "3600", "X-RateLimit-Remaining", "0"))
	c := h.client(func(_ *HostConfig, cfg *Config) {
		cfg.Transport = transport.New(transport.Config{AllowLoopback: true, Waiting: func(error, time.Duration) { t.Error("it waits") }})
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := c.Repository(ctx, project(t).Repository)
	wantReason(t, err, graph.RateLimited)
}

func TestToken(t *testing.T) {
	h := newHub(t)
	h.api.on(theRepository, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			say(404, "")(w, r)
			return
		}
		say(200, repositoryAnswer)(w, r)
	})
	if _, err := h.client(withToken).Repository(t.Context(), project(t).Repository); err != nil {
		t.Errorf("with the token: %v", err)
	}
	_, err := h.client(nil).Repository(t.Context(), project(t).Repository)
	wantReason(t, err, graph.NotFound, "if the repository is private, set GITHUB_TOKEN")

	for status, text := range map[int]string{401: "GITHUB_TOKEN is not accepted", 403: "GITHUB_TOKEN that may read", 404: "is the name right?", 500: "500"} {
		h.api.on(theRepository, say(status, ""))
		_, err := h.client(withToken).Repository(t.Context(), project(t).Repository)
		var u *graph.UnavailableError
		if !errors.As(err, &u) || !strings.Contains(err.Error()+u.Hint, text) || strings.Contains(err.Error()+u.Hint, "secret") {
			t.Errorf("%d: %v", status, err)
		}
	}

	elsewhere := newOrigin(t)
	for _, status := range []int{301, 302, 307, 308} {
		h.api.on(theRepository, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/x?token=secret", status)
		})
		_, err := h.client(withToken).Repository(t.Context(), project(t).Repository)
		wantReason(t, err, graph.BadRedirect, "moved to "+elsewhere.URL+"/x")
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%v gives a secret away", err)
		}
	}
	elsewhere.wantAsked(t)
}

func TestConcurrentAskersShareAnAnswer(t *testing.T) {
	h := newHub(t)
	started, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.api.on(theRepository, func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(started) })
		<-release
		say(200, repositoryAnswer)(w, r)
	})
	c := h.client(nil)
	var wg sync.WaitGroup
	ask := func() {
		if _, err := c.Repository(t.Context(), project(t).Repository); err != nil {
			t.Error(err)
		}
	}
	wg.Go(ask)
	<-started
	for range 10 {
		wg.Go(ask)
	}
	impatient, stop := context.WithCancel(t.Context())
	stop()
	if _, err := c.Repository(impatient, project(t).Repository); !errors.Is(err, context.Canceled) {
		t.Errorf("who stops waiting: %v", err)
	}
	close(release)
	wg.Wait()
	h.api.wantAsked(t, "GET "+theRepository)
}

func TestCancelledAskerOfTheAPI(t *testing.T) {
	h := newHub(t)
	ctx, cancel := context.WithCancel(t.Context())
	h.api.on(theRepository, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	c := h.client(nil)
	if _, err := c.Repository(ctx, project(t).Repository); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	h.api.mu.Lock()
	h.api.on(theRepository, say(200, repositoryAnswer))
	h.api.mu.Unlock()
	if _, err := c.Repository(t.Context(), project(t).Repository); err != nil {
		t.Errorf("after that: %v", err)
	}
}

// cached gives the hub's client in a new run over a directory.
func (h *hub) cached(dir, token string) *Client {
	d, err := cachedir.Open(dir)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = d.Close() })
	return h.client(func(host *HostConfig, cfg *Config) { host.Token, cfg.Answers = token, KeptAnswers(d) })
}

func TestAnswersAreKeptWithTheirTags(t *testing.T) {
	h, dir := newHub(t), filepath.Join(t.TempDir(), "cache")
	answer, tag, sent := `{"full_name":"o/r","id":1}`, `W/"one"`, 0
	h.api.on(theRepository, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(304)
			return
		}
		sent++
		say(200, answer)(w, r)
	})
	run := func(token, want string, sends int) {
		t.Helper()
		before, asked := sent, len(h.api.asked)
		o, err := h.cached(dir, token).Repository(t.Context(), project(t).Repository)
		if err != nil || fmt.Sprint(o["id"]) != want {
			t.Errorf("%v, %v, want %s", o, err, want)
		}
		if sent-before != sends || len(h.api.asked) != asked+1 {
			t.Errorf("asked %d times, sent %d times, want one and %d", len(h.api.asked)-asked, sent-before, sends)
		}
	}
	run("", "1", 1)
	run("", "1", 0)
	run(token, "1", 1) // another caller, who may be told something else
	run(token, "1", 0)
	run(token+"2", "1", 1)
	answer, tag = `{"full_name":"o/r","id":2}`, `"two"`
	run("", "2", 1)
	run("", "2", 0)
	tag = `"` + strings.Repeat("x", 300) + `"` // not kept, so the old one stays and does not match
	run("", "2", 1)
	run("", "2", 1)

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v, want three files", files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || strings.Contains(f+string(data), "secret") {
			t.Errorf("%s: %v, %q", f, err, data)
		}
	}
}

func TestSpoiltAnswersAreAskedForAfresh(t *testing.T) {
	for name, spoil := range map[string]func(string) string{
		"untouched":  func(s string) string { return s },
		"the body":   func(s string) string { return strings.Replace(s, "o/r", "o/s", 1) },
		"the tag":    func(s string) string { return strings.Replace(s, `"tag"`, `"gat"`, 1) },
		"the digest": func(s string) string { return "0" + s },
		"cut short":  func(s string) string { return s[:len(s)-1] },
		"one line":   func(s string) string { return strings.ReplaceAll(s, "\n", "") },
		"empty":      func(string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			h, dir := newHub(t), filepath.Join(t.TempDir(), "cache")
			var tags []string
			h.api.on(theRepository, func(w http.ResponseWriter, r *http.Request) {
				tags = append(tags, r.Header.Get("If-None-Match"))
				if tags[len(tags)-1] != "" {
					w.WriteHeader(304)
					return
				}
				with(say(200, repositoryAnswer), "ETag", `"tag"`)(w, r)
			})
			want := []string{"", ""}
			if name == "untouched" {
				want[1] = `"tag"`
			}
			for range 2 {
				if _, err := h.cached(dir, "").Repository(t.Context(), project(t).Repository); err != nil {
					t.Error(err)
				}
				files, err := filepath.Glob(filepath.Join(dir, "*"))
				if err != nil || len(files) != 1 {
					t.Fatalf("%v, %v", files, err)
				}
				data, err := os.ReadFile(files[0])
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(files[0], []byte(spoil(string(data))), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if fmt.Sprint(tags) != fmt.Sprint(want) {
				t.Errorf("tags %q, want %q", tags, want)
			}
		})
	}
}

// A kept answer is used only where the server says so.
func TestKeptAnswerDoesNotHideAFailure(t *testing.T) {
	h, dir := newHub(t), filepath.Join(t.TempDir(), "cache")
	h.api.on(theRepository, with(say(200, repositoryAnswer), "ETag", `"tag"`))
	if _, err := h.cached(dir, "").Repository(t.Context(), project(t).Repository); err != nil {
		t.Fatal(err)
	}
	for status, reason := range map[int]graph.Reason{404: graph.NotFound, 403: graph.Forbidden, 500: graph.ServerError} {
		h.api.on(theRepository, say(status, ""))
		_, err := h.cached(dir, "").Repository(t.Context(), project(t).Repository)
		wantReason(t, err, reason)
	}
}
