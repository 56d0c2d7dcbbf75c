package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// crowded is a server that takes the same time for every request, and refuses
// what is more than it carries at a time.
type crowded struct {
	carries    int // 0: any number
	retryAfter string

	mu                         sync.Mutex
	busy, most, total, refused int
}

const answerTime = 20 * time.Millisecond

func (s *crowded) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	s.total++
	if s.carries > 0 && s.busy >= s.carries {
		s.refused++
		s.mu.Unlock()
		if s.retryAfter != "" {
			w.Header().Set("Retry-After", s.retryAfter)
		}
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	s.busy++
	s.most = max(s.most, s.busy)
	s.mu.Unlock()
	time.Sleep(answerTime)
	s.mu.Lock()
	s.busy--
	s.mu.Unlock()
	_, _ = w.Write([]byte("ok"))
}

// pipes is a listener within the process.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p.conns <- far
	return near, nil
}

// ask makes many requests, as many at once as there are workers, and gives how
// long that took, on the bubble's clock.
func (s *crowded) ask(t *testing.T, workers, requests int) time.Duration {
	t.Helper()
	p := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: s}
	go func() { _ = server.Serve(p) }()
	c := New(Config{Connections: 2 * workers})
	c.named.DialContext, c.named.Proxy = p.dial, nil
	began := time.Now()
	var left atomic.Int64
	left.Store(int64(requests))
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for n := left.Add(-1); n >= 0; n = left.Add(-1) {
				doc, err := c.Read(t.Context(), Request{What: "thing", URL: "http://crowded.example/" + strconv.FormatInt(n, 10)}, 100)
				if err != nil || string(doc.Body) != "ok" {
					t.Errorf("got %v, %v", doc, err)
				}
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	c.CloseIdle()
	close(p.done)
	_ = server.Close()
	return took
}

// A server that carries few requests at a time is soon asked for no more, and the
// same server without that bound is asked for all at once.
func TestThrottle(t *testing.T) {
	const workers, requests = 64, 4000
	for name, s := range map[string]*crowded{
		"which says when to come back":    {carries: 4, retryAfter: "1"},
		"which does not":                  {carries: 4},
		"that carries one at a time":      {carries: 1, retryAfter: "1"},
		"that carries nearly all":         {carries: 60, retryAfter: "1"},
		"without a bound":                 {},
		"that carries just as many":       {carries: workers},
		"which says to come back at once": {carries: 4, retryAfter: "0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took := s.ask(t, workers, requests)
				if got := s.total - s.refused; got != requests {
					t.Errorf("%d answers, want %d", got, requests)
				}
				if s.carries == 0 || s.carries >= workers {
					if s.refused > 0 || s.most != workers {
						t.Errorf("%d refused, at most %d under way", s.refused, s.most)
					}
					if want := requests / workers * answerTime; took > want+answerTime {
						t.Errorf("took %v, want %v", took, want)
					}
					return
				}
				// The first of them all at once, then one each time that the bound is raised.
				if most := workers + 20; s.refused > most {
					t.Errorf("%d of %d requests refused, want at most %d", s.refused, s.total, most)
				}
				if most := requests/time.Duration(s.carries)*answerTime + 30*time.Second; took > most {
					t.Errorf("took %v, want at most %v", took, most)
				}
			})
		})
	}
}

// Whoever reads a stream can ask the same host for more, even where it carries
// but one request at a time.
func TestStreamHoldsNobodyUp(t *testing.T) {
	var n atomic.Int64
	large := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }
	s := serve(t, flaky(&n, status(429), large, text("ok")))
	c := client(t, quick())
	resp, err := c.Do(t.Context(), Request{What: "thing", URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if bound := c.throttle(s.URL).bound; bound != 1 {
		t.Errorf("at most %d requests under way, want 1", bound)
	}
	if doc, err := read(t, c, s.URL); err != nil || string(doc.Body) != "ok" {
		t.Errorf("got %v, %v", doc, err)
	}
}

// What waits for a host ends with its context, and is in no other's way.
func TestThrottleEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		one := c.throttle("http://one")
		if err := one.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		one.refused(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := one.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("let in: %v", err)
		}
		if err := c.throttle("http://two").enter(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
