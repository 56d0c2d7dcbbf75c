package download

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

// store is a web server of objects with faults, and reads them as URLs.
type store struct {
	*httptest.Server
	t        testing.TB
	once     sync.Once
	mu       sync.Mutex
	objects  map[string]*object
	requests []string // "path", "path@OFFSET", "path past CDN"
}

type object struct {
	body     []byte // as encoded
	encoding string
	etag     string
	promised map[string]string
	// fault, if set, answers instead; n counts requests from 0. It says whether
	// it did.
	fault func(n int, w http.ResponseWriter, r *http.Request) bool
	n     int
}

func newStore(t testing.TB) *store {
	s := &store{t: t, objects: map[string]*object{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	return s
}

func (s *store) start() {
	s.once.Do(func() {
		s.Start()
		s.t.Cleanup(s.Close)
	})
}

func (s *store) put(name string, body []byte) *object {
	o := &object{body: body, etag: fmt.Sprintf(`"%x"`, sha256.Sum256(body))}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[name] = o
	return o
}

func (s *store) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *store) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	line := name
	if rng := r.Header.Get("Range"); rng != "" {
		line += "@" + strings.TrimSuffix(strings.TrimPrefix(rng, "bytes="), "-")
	}
	if r.Header.Get("Past-CDN") != "" {
		line += " past CDN"
	}
	s.mu.Lock()
	s.requests = append(s.requests, line)
	o := s.objects[name]
	n := 0
	if o != nil {
		n = o.n
		o.n++
	}
	s.mu.Unlock()
	if o == nil {
		http.NotFound(w, r)
		return
	}
	if o.fault != nil && o.fault(n, w, r) {
		return
	}
	o.send(w, r)
}

func (o *object) send(w http.ResponseWriter, r *http.Request) {
	if o.encoding != "" {
		w.Header().Set("Content-Encoding", o.encoding)
	}
	w.Header().Set("ETag", o.etag)
	w.Header().Set("Content-Type", "application/octet-stream")
	at := 0
	if rng := r.Header.Get("Range"); rng != "" && r.Header.Get("If-Range") == o.etag {
		at, _ = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(rng, "bytes="), "-"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(o.body)-1, len(o.body)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(o.body)-at))
	if at > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(o.body[at:])
}

// cut sends the first n bytes of an object and breaks the connection.
func cut(o *object, n int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("ETag", o.etag)
		if o.encoding != "" {
			w.Header().Set("Content-Encoding", o.encoding)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(o.body)))
		w.Write(o.body[:n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// OpenURL is URLs over plain HTTP, with ranges.
func (s *store) OpenURL(ctx context.Context, url string, pastCDN bool) (*Stream, error) {
	return s.openAt(ctx, url, pastCDN, 0, "")
}

func (s *store) openAt(ctx context.Context, url string, pastCDN bool, offset int64, etag string) (*Stream, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if pastCDN {
		req.Header.Set("Past-CDN", "1")
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		req.Header.Set("If-Range", etag)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		return nil, err
	}
	out := &Stream{Body: res.Body, Size: res.ContentLength, Encoding: res.Header.Get("Content-Encoding")}
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		var first, last int64
		if _, err := fmt.Sscanf(res.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &out.Size); err != nil {
			return nil, err
		}
		out.Offset = first
	default:
		res.Body.Close()
		return nil, &graph.UnavailableError{What: url, Reason: graph.NotFound, Detail: res.Status}
	}
	s.mu.Lock()
	if o := s.objects[strings.TrimPrefix(req.URL.Path, "/")]; o != nil {
		out.Promised = o.promised
	}
	s.mu.Unlock()
	if tag := res.Header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		out.Resume = func(ctx context.Context, offset int64) (*Stream, error) {
			return s.openAt(ctx, url, pastCDN, offset, tag)
		}
	}
	return out, nil
}

// noContent is Content for tests that fetch URLs alone.
type noContent struct{}

func (noContent) Open(context.Context, graph.RunRef, string, bool) (*Stream, error) {
	return nil, errors.New("no artifacts here")
}

// pinned is an item for an object of the store, by the digest of want; the
// server runs from then on.
func (s *store) pinned(name string, want []byte, path string) Item {
	s.start()
	return Item{Pinned: &Pinned{URL: s.URL + "/" + name, SHA256: sha256.Sum256(want)}, Path: path}
}

// fixture is a destination with a downloader for it.
type fixture struct {
	*Downloader
	t     testing.TB
	dir   string // the destination
	store *store
}

func newFixture(t testing.TB, opts Options) *fixture {
	t.Helper()
	s := newStore(t)
	opts.URLs = s
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	d, err := New(root, noContent{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{d, t, dir, s}
}

// fetch fetches items and gives the results of a call that must succeed.
func (f *fixture) fetch(items ...Item) []Result {
	f.t.Helper()
	results, err := f.Fetch(context.Background(), items)
	if err != nil {
		f.t.Fatalf("fetch: %v", err)
	}
	return results
}

// refuse fetches items and gives the error of a call that must fail.
func (f *fixture) refuse(items ...Item) error {
	f.t.Helper()
	results, err := f.Fetch(context.Background(), items)
	if err == nil {
		f.t.Fatal("fetch succeeded, want an error")
	}
	if len(results) != len(items) {
		f.t.Fatalf("%d results for %d items", len(results), len(items))
	}
	return err
}

// has compares the whole destination with want, as listing gives it.
func (f *fixture) has(want map[string]string) {
	f.t.Helper()
	got := listing(f.t, f.dir)
	for p, content := range want {
		if g, ok := got[p]; !ok {
			f.t.Errorf("%q is missing", p)
		} else if g != content {
			f.t.Errorf("%q holds %.60q, want %.60q", p, g, content)
		}
	}
	for p := range got {
		if _, ok := want[p]; !ok {
			f.t.Errorf("%q is left", p)
		}
	}
}

// listing is all below a directory: content by path, directories as "path/"
// with empty content, links as "-> target".
func listing(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == "." {
			return err
		}
		switch {
		case d.IsDir():
			out[p+"/"] = ""
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(dir + "/" + p)
			out[p] = "-> " + target
			return err
		default:
			b, err := os.ReadFile(dir + "/" + p)
			out[p] = string(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (f *fixture) path(p string) string { return f.dir + "/" + p }

func (f *fixture) write(p, content string) {
	f.t.Helper()
	if err := os.MkdirAll(f.path(p[:max(0, strings.LastIndexByte(p, '/'))]), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(p), []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pattern gives n bytes that differ everywhere and pack well.
func pattern(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "line %d of a file that packs well\n", i)
	}
	return b.Bytes()[:n]
}

func as[E error](t testing.TB, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("error is %T (%v), want %T", err, err, e)
	}
	return e
}

var _ io.Reader = (*body)(nil)
