package queue

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

const (
	definition = `{"provisionerId":"gecko-3","workerType":"b-linux","created":"2026-01-01T00:00:00Z","payload":{},"extra":{"Ünknown":1}}`
	status     = `{"status":{"taskId":"` + taskID + `","state":"completed","runs":[{"runId":0,"state":"completed",` +
		`"started":"2026-01-01T00:00:00Z","resolved":"2026-01-01T00:01:00Z"}]}}`
	taskRoute   = "GET queue/v1/task/" + taskID
	statusRoute = taskRoute + "/status"
)

func TestTask(t *testing.T) {
	d := newDeployment(t)
	d.on(taskRoute, answer(200, definition))
	d.on(statusRoute, inTurn(answer(500, "oops"), answer(200, status)))
	got, err := d.client().Task(t.Context(), id(t))
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != id(t) || got.State != graph.Completed || len(got.Runs) != 1 || got.Definition.Pool.String() != "gecko-3/b-linux" {
		t.Errorf("got %+v", got)
	}
	if _, ok := got.Definition.Extra["Ünknown"]; !ok {
		t.Error("the definition lost what the client's types don't know")
	}
}

func TestTaskThatCannotBeHad(t *testing.T) {
	missingScopes := `{"code":"InsufficientScopes","message":"Client ID static/x does not have sufficient scopes and is missing the following scopes:\n\n` +
		"```\\nqueue:get-task:X\\n```" + `\n\n---\n\n* method: task\n* payload: secret","requestInfo":{"payload":"secret"}}`
	tests := []struct {
		name   string
		h      http.HandlerFunc
		reason graph.Reason
		texts  []string
	}{
		{"404", answer(404, `{"code":"ResourceNotFound","message":"Task not found"}`), graph.NotFound, []string{"Task not found", "never existed", "http://127.0.0.1"}},
		{"403", answer(403, missingScopes), graph.Forbidden, []string{"missing the following scopes", "queue:get-task:X", "TASKCLUSTER_CLIENT_ID"}},
		{"401", answer(401, `{"code":"AuthenticationFailed","message":"ext.certificate.expiry < now"}`), graph.Forbidden, []string{"AuthenticationFailed"}},
		{"410", answer(410, `{"code":"ResourceExpired"}`), graph.Expired, []string{"ResourceExpired"}},
		{"400", answer(400, `{"code":"InputError","message":"bad"}`), graph.BadRequest, []string{"InputError: bad"}},
		{"404 of something else", answer(404, `<html>secret`), graph.NotFound, []string{"status 404"}},
		{"500 that lasts", answer(500, `{"code":"secret"}`), graph.ServerError, []string{"tried 3 times"}},
		{"429 that lasts", answer(429, ``), graph.RateLimited, nil},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/secret", 303) }, graph.BadRedirect, []string{"never sent elsewhere"}},
		{"no JSON", answer(200, `<html>`), graph.Malformed, nil},
		{"duplicate names", answer(200, `{"payload":{},"payload":{}}`), graph.Malformed, []string{"duplicate"}},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 65536)); err != nil {
					return
				}
			}
		}, graph.TooLarge, []string{"limit of 4194304"}},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(gzipped(make([]byte, 64<<20)))
		}, graph.TooLarge, nil},
		{"truncated", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}, graph.Unreachable, []string{"ended early"}},
		{"hostile text", answer(400, `{"code":"x","message":"a\u001b[31mb\u202ec"}`), graph.BadRequest, []string{"a?[31mb?c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TASKCLUSTER_DEBUG", "1")
			d := newDeployment(t)
			d.on(taskRoute, tt.h)
			d.on(statusRoute, answer(200, status))
			_, err := d.client().Task(t.Context(), id(t))
			wantReason(t, err, tt.reason, append(tt.texts, "task "+taskID)...)
		})
	}
}

func TestStatusOfAnotherTaskIsRefused(t *testing.T) {
	d := newDeployment(t)
	d.on(taskRoute, answer(200, definition))
	d.on(statusRoute, answer(200, strings.ReplaceAll(status, taskID, "BBBBBBBBBBBBBBBBBBBBBB")))
	_, err := d.client().Task(t.Context(), id(t))
	wantReason(t, err, graph.Malformed, "the answer is for")
}

func TestCancelledTask(t *testing.T) {
	d := newDeployment(t)
	ctx, cancel := context.WithCancel(t.Context())
	d.on(taskRoute, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	d.on(statusRoute, answer(200, status))
	if _, err := d.client().Task(ctx, id(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestJobsBoundCallsInFlight(t *testing.T) {
	d := newDeployment(t)
	var now, most atomic.Int64
	h := func(w http.ResponseWriter, r *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		answer(200, definition)(w, r)
	}
	d.on(taskRoute, h)
	d.on(statusRoute, func(w http.ResponseWriter, r *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		answer(200, status)(w, r)
	})
	c := d.client(func(cfg *Config) { cfg.Jobs = 2 })
	errs := make(chan error)
	for range 20 {
		go func() {
			_, err := c.Task(t.Context(), id(t))
			errs <- err
		}()
	}
	for range 20 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if most.Load() > 2 {
		t.Errorf("%d calls at once, want at most 2", most.Load())
	}
}

func TestFindTask(t *testing.T) {
	const ns = "gecko.v2.mozilla-central.latest"
	d := newDeployment(t)
	d.on("GET index/v1/task/"+ns, answer(200, `{"namespace":"`+ns+`","taskId":"`+taskID+`","rank":1}`))
	d.on("GET index/v1/task/other", answer(200, `{"namespace":"`+ns+`","taskId":"`+taskID+`"}`))
	d.on("GET index/v1/task/bad", answer(200, `{"namespace":"bad","taskId":"x"}`))
	c := d.client()
	if got, err := c.FindTask(t.Context(), ns); err != nil || got != id(t) {
		t.Errorf("got %v, %v", got, err)
	}
	for ns, reason := range map[string]graph.Reason{
		"absent": graph.NotFound, "other": graph.Malformed, "bad": graph.Malformed,
		"": graph.Malformed, "a b": graph.Malformed, "..": graph.Malformed,
	} {
		_, err := c.FindTask(t.Context(), ns)
		wantReason(t, err, reason)
	}
}

func TestCallsAreSignedWithCredentials(t *testing.T) {
	d := newDeployment(t)
	d.on(taskRoute, inTurn(answer(503, ""), answer(200, definition)))
	d.on(statusRoute, answer(200, status))
	c := d.client(func(cfg *Config) {
		cfg.Credentials = Credentials{ClientID: "me", AccessToken: "secret", Certificate: `{"version":1}`}
	})
	if _, err := c.Task(t.Context(), id(t)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range d.requests {
		a := r.Header.Get("Authorization")
		if !strings.HasPrefix(a, `Hawk id="me"`) || !strings.Contains(a, "ext=") {
			t.Errorf("%s: Authorization is %q", r.URL, a)
		}
		if strings.Contains(a, "secret") || seen[a] {
			t.Errorf("%s: the token is sent, or a signature used twice: %q", r.URL, a)
		}
		seen[a] = true
	}
}

func TestProxyTakesAPICallsUnsigned(t *testing.T) {
	d := newDeployment(t)
	d.s3("private%2Fa", "/store/a")
	d.on("GET store/a", stored("", "", []byte("content")))
	var proxied atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxied.Add(1)
		if r.Header.Get("Authorization") != "" {
			t.Error("a call to the proxy is signed")
		}
		if strings.HasPrefix(r.URL.Path, "/store") {
			t.Error("stored content is fetched through the proxy")
		}
		d.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	c := d.client(func(cfg *Config) {
		cfg.ProxyURL = proxy.URL + "/"
		cfg.Credentials = Credentials{ClientID: "me", AccessToken: "secret"}
	})
	got, err := readArtifactContent(t, c, "private/a", 100)
	if err != nil || string(got) != "content" || proxied.Load() != 1 {
		t.Errorf("got %q, %v, %d calls through the proxy", got, err, proxied.Load())
	}
}

func TestConfig(t *testing.T) {
	tr := newDeployment(t).client().transport
	for _, root := range []string{"https://tc.example.org", "https://tc.example.org/", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:80"} {
		c, err := New(Config{RootURL: root, Transport: tr})
		if err != nil || c.RootURL() != strings.TrimSuffix(root, "/") {
			t.Errorf("%s: %v", root, err)
		}
	}
	for _, root := range []string{
		"", "tc.example.org", "http://tc.example.org", "ftp://tc.example.org", "https://", "https://u:secret@tc.example.org",
		"https://tc.example.org?x=secret", "https://tc.example.org#", "https://tc.example.org/#secret", "http://localhost.example.org",
	} {
		if _, err := New(Config{RootURL: root, Transport: tr}); err == nil {
			t.Errorf("%q is accepted", root)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", root, err)
		}
	}
	for _, cr := range []Credentials{
		{ClientID: "x"},
		{AccessToken: "secret"},
		{Certificate: `{"secret":1}`},
		{ClientID: "x", AccessToken: "secret", Certificate: "secret"},
	} {
		_, err := New(Config{RootURL: "https://tc.example.org", Credentials: cr, Transport: tr})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("credentials: %v", err)
		}
		if strings.Contains(fmt.Sprint(cr), "secret") {
			t.Error("credentials print themselves")
		}
	}
	if _, err := New(Config{RootURL: "https://tc.example.org"}); err == nil {
		t.Error("no transport is accepted")
	}
}
