package download

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

func TestSizeLimits(t *testing.T) {
	body := pattern(100_000)
	chunked := func(o *object) {
		o.fault = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			if o.encoding != "" {
				w.Header().Set("Content-Encoding", o.encoding)
			}
			w.(http.Flusher).Flush()
			w.Write(o.body)
			return true
		}
	}
	endless := func(o *object) {
		o.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			for r.Context().Err() == nil {
				w.Write(body)
			}
			return true
		}
	}
	for name, tc := range map[string]struct {
		limit   int64
		gzip    bool
		arrange func(*object)
		refused bool
	}{
		"exactly the limit":         {100_000, false, func(*object) {}, false},
		"one more":                  {99_999, false, func(*object) {}, true},
		"exactly, unannounced":      {100_000, false, chunked, false},
		"one more, unannounced":     {99_999, false, chunked, true},
		"exactly, decoded":          {100_000, true, func(*object) {}, false},
		"one more, decoded":         {99_999, true, func(*object) {}, true},
		"one more, decoded unannou": {99_999, true, chunked, true},
		"endless body":              {100_000, false, endless, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{MaxArtifactSize: tc.limit})
			o := f.store.put("a", body)
			if tc.gzip {
				o.body, o.encoding = gzipped(t, body), "gzip"
			}
			tc.arrange(o)
			item := f.store.pinned("a", body, "a")
			if !tc.refused {
				f.fetch(item)
				return
			}
			if e := as[*LimitError](t, f.refuse(item)); e.Limit != tc.limit {
				t.Errorf("%+v", e)
			}
			f.has(nil)
		})
	}
}

func TestSlowBodyIsGivenUp(t *testing.T) {
	for name, step := range map[string]int{"silent": 0, "a trickle": 100} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				root, err := os.OpenRoot(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				defer root.Close()
				slow := slowURLs{step}
				d, err := New(root, noContent{}, Options{URLs: slow, Stall: time.Minute, Attempts: 3})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err = d.Fetch(t.Context(), []Item{{Pinned: &Pinned{URL: "http://slow/"}, Path: "a"}})
				if u := as[*graph.UnavailableError](t, err); u.Reason != graph.Unreachable || !u.Reason.Heals() {
					t.Errorf("reason %q", u.Reason)
				}
				if took := time.Since(start); took < 3*time.Minute || took > 4*time.Minute {
					t.Errorf("given up after %v, want three times a minute", took)
				}
			})
		})
	}
}

func TestSteadyBodyIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		body := make([]byte, 300_000)
		d, err := New(root, noContent{}, Options{URLs: slowURLs{20_000}, Stall: time.Minute, Attempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Fetch(t.Context(), []Item{{Pinned: &Pinned{URL: "http://slow/", SHA256: sha256.Sum256(body)}, Path: "a"}})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestOverallTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		d, err := New(root, noContent{}, Options{URLs: slowURLs{20_000}, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Fetch(t.Context(), []Item{{Pinned: &Pinned{URL: "http://slow/"}, Path: "a"}})
		if u := as[*graph.UnavailableError](t, err); !strings.Contains(u.Detail, "1m0s") {
			t.Errorf("detail %q", u.Detail)
		}
	})
}

// slowURLs gives 300,000 zero bytes, step of them every ten seconds.
type slowURLs struct{ step int }

func (s slowURLs) OpenURL(ctx context.Context, _ string, _ bool) (*Stream, error) {
	return &Stream{Body: &slowBody{ctx: ctx, step: s.step, left: 300_000}, Size: 300_000}, nil
}

type slowBody struct {
	ctx        context.Context
	step, left int
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	select {
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	case <-time.After(10 * time.Second):
	}
	if b.step == 0 {
		<-b.ctx.Done()
		return 0, b.ctx.Err()
	}
	n := min(b.step, b.left, len(p))
	clear(p[:n])
	b.left -= n
	return n, nil
}

func (b *slowBody) Close() error { return nil }

func TestCancelStopsAtOnceAndLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("interrupted")
	events := make(chan Event, 100)
	f := newFixture(t, Options{Events: func(e Event) { events <- e }, Jobs: 2})
	body := pattern(4 << 20)
	for _, name := range []string{"a", "b"} {
		o := f.store.put(name, body)
		o.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			w.Write(body[:3<<20])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		}
	}
	go func() {
		for e := range events {
			if e.Kind == Progress && e.Bytes >= 2<<20 {
				cancel(cause)
				return
			}
		}
	}()
	results, err := f.Fetch(ctx, []Item{
		f.store.pinned("a", body, "x/a"), f.store.pinned("b", body, "y/b"), f.store.pinned("c", body, "c"),
	})
	if !errors.Is(err, cause) {
		t.Fatalf("error %v", err)
	}
	for _, r := range results {
		if r.Err == nil {
			t.Errorf("%s has no error", r.Item.Path)
		}
	}
	f.has(nil)
}
