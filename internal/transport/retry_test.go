package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

func TestRetry(t *testing.T) {
	limited := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	tests := []struct {
		name     string
		handlers []http.HandlerFunc
		tries    int64
		reason   graph.Reason // "" is success
		text     string
	}{
		{"recovering 500s", []http.HandlerFunc{status(500), status(503), text("ok")}, 3, "", ""},
		{"lasting 500s", []http.HandlerFunc{status(500)}, 4, graph.ServerError, "status 500; tried 4 times"},
		{"429 with a Retry-After of an hour, capped", []http.HandlerFunc{limited, text("ok")}, 2, "", ""},
		{"lasting 429", []http.HandlerFunc{status(429)}, 4, graph.RateLimited, "status 429"},
		{"recovering reset", []http.HandlerFunc{reset, text("ok")}, 2, "", ""},
		{"lasting reset", []http.HandlerFunc{reset}, 4, graph.Unreachable, "tried 4 times"},
		{"recovering truncated body", []http.HandlerFunc{truncated, text("ok")}, 2, "", ""},
		{"lasting truncated body", []http.HandlerFunc{truncated}, 4, graph.Unreachable, "after 5 of 1000 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var n atomic.Int64
			s := serve(t, flaky(&n, tt.handlers...))
			doc, err := read(t, client(t, quick()), s.URL+"/x?sig=secret")
			if n.Load() != tt.tries {
				t.Errorf("%d tries, want %d", n.Load(), tt.tries)
			}
			if tt.reason != "" {
				wantReason(t, err, tt.reason, tt.text)
				return
			}
			if err != nil || string(doc.Body) != "ok" {
				t.Fatalf("got %v, %v", doc, err)
			}
		})
	}
}

func TestStatusBelow500IsTheAnswer(t *testing.T) {
	for _, code := range []int{200, 304, 400, 401, 403, 404, 410, 424} {
		var n atomic.Int64
		s := serve(t, flaky(&n, status(code)))
		doc, err := read(t, client(t, quick()), s.URL)
		if err != nil || doc.Status != code || n.Load() != 1 {
			t.Errorf("status %d: got %v, %v after %d tries", code, doc, err, n.Load())
		}
	}
}

func TestFinalAnswerIsNotTriedAgain(t *testing.T) {
	for _, final := range []bool{true, false} {
		var n atomic.Int64
		s := serve(t, flaky(&n, status(429), text("ok")))
		doc, err := client(t, quick()).Read(t.Context(), Request{
			What: "thing", URL: s.URL, Final: func(status int, _ http.Header) bool { return final && status == 429 },
		}, 100)
		want, tries := 200, int64(2)
		if final {
			want, tries = 429, 1
		}
		if err != nil || doc.Status != want || n.Load() != tries {
			t.Errorf("final %v: got %v, %v after %d tries, want status %d after %d", final, doc, err, n.Load(), want, tries)
		}
	}
}

func TestTotalTimeBoundsAllTries(t *testing.T) {
	cfg := quick()
	cfg.Attempts, cfg.MinWait, cfg.MaxWait, cfg.TotalTime = 1000, time.Hour, time.Hour, time.Minute
	var n atomic.Int64
	s := serve(t, flaky(&n, status(500)))
	_, err := read(t, client(t, cfg), s.URL)
	wantReason(t, err, graph.ServerError, "status 500")
	if n.Load() != 1 {
		t.Errorf("%d tries, want 1: the next would come too late", n.Load())
	}
}

func TestSilentServerEndsWithTotalTime(t *testing.T) {
	cfg := quick()
	cfg.TotalTime = 50 * time.Millisecond
	release := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	defer close(release)
	_, err := read(t, client(t, cfg), s.URL+"/x?sig=secret")
	wantReason(t, err, graph.Unreachable, "no answer", "within 50ms")
	resp, err := client(t, cfg).Do(t.Context(), Request{What: "thing", URL: s.URL})
	if err == nil {
		t.Fatalf("got %v", resp)
	}
	wantReason(t, err, graph.Unreachable, "within 50ms")
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		header string
		want   time.Duration
		ok     bool
	}{
		{"", 0, false},
		{"0", 0, true},
		{"120", 2 * time.Minute, true},
		{"Fri, 02 Jan 2026 03:05:05 GMT", time.Minute, true},
		{"Fri, 02 Jan 2026 03:00:00 GMT", 0, true},
		{"-1", 0, false},
		{"99999999999999999999", 0, false},
		{"soon", 0, false},
	}
	for _, tt := range tests {
		if got, ok := retryAfter(tt.header, now); got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %v, %v, want %v, %v", tt.header, got, ok, tt.want, tt.ok)
		}
	}
}

func TestBackoffGrowsWithinBounds(t *testing.T) {
	cfg := Config{MinWait: time.Second, MaxWait: 10 * time.Second, MaxRetryAfter: time.Minute}
	for tries, most := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 5: 10 * time.Second, 5000: 10 * time.Second,
	} {
		if d := cfg.backoff(tries, nil); d < most/2 || d > most {
			t.Errorf("after %d tries: %v, want between %v and %v", tries, d, most/2, most)
		}
	}
	asked := &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"86400"}}}
	if d := cfg.backoff(1, asked); d < time.Minute || d > time.Minute+time.Second {
		t.Errorf("Retry-After of a day: %v, want about a minute", d)
	}
}

func TestCancelStopsAtOnce(t *testing.T) {
	tests := map[string]http.HandlerFunc{
		"while it waits for the next try": status(500),
		"while the server is silent":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"in the middle of a body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("part"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	}
	for name, h := range tests {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			asked := make(chan struct{}, 100)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				h(w, r)
			}))
			cfg := quick()
			cfg.MinWait, cfg.MaxWait, cfg.TotalTime = time.Hour, time.Hour, 24*time.Hour
			c := New(cfg)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-asked
				cancel()
			}()
			_, err := c.Read(ctx, Request{What: "thing", URL: s.URL}, 1<<20)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v, want that of the context", err)
			}
			c.CloseIdle()
			s.Close()
			settled(t, before)
		})
	}
}

func TestUntrustedCertificateIsRefusedAtOnce(t *testing.T) {
	var n atomic.Int64
	s := httptest.NewUnstartedServer(flaky(&n, text("ok")))
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	defer s.Close()
	_, err := read(t, client(t, quick()), s.URL)
	wantReason(t, err, graph.Refused, "certificate")

	cfg := quick()
	cfg.RootCAs = x509.NewCertPool()
	cfg.RootCAs.AddCert(s.Certificate())
	if doc, err := read(t, client(t, cfg), s.URL); err != nil || string(doc.Body) != "ok" {
		t.Errorf("with its root: %v, %v", doc, err)
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, err = read(t, client(t, quick()), "http://"+addr+"/x?sig=secret")
	wantReason(t, err, graph.Unreachable, "GET http://"+addr+"/x: ", "refused", "tried 4 times")
}

func TestSignedBeforeEveryTry(t *testing.T) {
	var n atomic.Int64
	seen := make(chan string, 10)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		flaky(&n, status(500), text("ok"))(w, r)
	})
	signed := 0
	_, err := client(t, quick()).Read(t.Context(), Request{What: "thing", URL: s.URL, Sign: func(r *http.Request) error {
		signed++
		r.Header.Set("Authorization", string(rune('0'+signed)))
		return nil
	}}, 100)
	if a, b := <-seen, <-seen; err != nil || a != "1" || b != "2" {
		t.Errorf("signatures %q, %q, error %v", a, b, err)
	}
	_, err = client(t, quick()).Read(t.Context(), Request{What: "thing", URL: s.URL, Sign: func(*http.Request) error {
		return errors.New("secret")
	}}, 100)
	wantReason(t, err, graph.Refused, "signed")
}

func TestPostBodyIsSentOnEveryTry(t *testing.T) {
	var n atomic.Int64
	bodies := make(chan string, 10)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 100)
		k, _ := r.Body.Read(b)
		bodies <- r.Method + " " + string(b[:k])
		flaky(&n, status(502), text("ok"))(w, r)
	})
	_, err := client(t, quick()).Read(t.Context(), Request{What: "thing", Method: "PUT", URL: s.URL, Body: []byte("{}")}, 100)
	if a, b := <-bodies, <-bodies; err != nil || a != "PUT {}" || b != a {
		t.Errorf("bodies %q, %q, error %v", a, b, err)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	var conns atomic.Int64
	s := httptest.NewUnstartedServer(flaky(new(atomic.Int64), text("ok")))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := client(t, quick())
	for range 50 {
		if _, err := read(t, c, s.URL); err != nil {
			t.Fatal(err)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections for 50 requests in a row", conns.Load())
	}
}
