package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// quick has waits of milliseconds and a stall timeout that a loaded machine
// does not trip over.
func quick() Config {
	return Config{
		Attempts: 4, MinWait: time.Millisecond, MaxWait: 4 * time.Millisecond, MaxRetryAfter: 5 * time.Millisecond,
		TotalTime: 20 * time.Second, StallTimeout: 5 * time.Second, AllowLoopback: true,
	}
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func client(t *testing.T, cfg Config) *Client {
	t.Helper()
	c := New(cfg)
	t.Cleanup(c.CloseIdle)
	return c
}

func read(t *testing.T, c *Client, at string) (*Document, error) {
	t.Helper()
	return c.Read(t.Context(), Request{What: "thing", URL: at, Follow: true}, 1<<20)
}

// wantReason fails unless err is unavailable for that reason, with every text
// in it and none of the secrets.
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
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q lacks %q", err, s)
		}
	}
	if strings.Contains(err.Error()+u.Hint, "secret") {
		t.Errorf("error %q gives a secret away", err)
	}
}

// flaky answers with each handler in turn, the last for ever.
func flaky(n *atomic.Int64, handlers ...http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := min(int(n.Add(1)), len(handlers)) - 1
		handlers[i](w, r)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
}

func reset(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }

// truncated promises more than it sends.
func truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "short")
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, _ = zw.Write(data)
	_ = zw.Close()
	return b.Bytes()
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// settled fails unless the goroutines that a test started end.
func settled(t *testing.T, before int) {
	t.Helper()
	deadline, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-deadline.Done():
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		case <-tick.C:
		}
	}
}
