package queue

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/transport"
)

// deployment is a Taskcluster of canned answers: API routes without /api/, and
// stored bytes under /store/. It counts requests and keeps their headers.
type deployment struct {
	*httptest.Server
	t  *testing.T
	mu sync.Mutex

	routes   map[string]http.HandlerFunc // "GET queue/v1/task/X"
	requests []*http.Request
}

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{t: t, routes: map[string]http.HandlerFunc{}}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *deployment) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), "/api/"), "/")
	d.mu.Lock()
	d.requests = append(d.requests, r.Clone(r.Context()))
	h, ok := d.routes[r.Method+" "+path]
	d.mu.Unlock()
	if !ok {
		answer(404, `{"code":"ResourceNotFound","message":"no such thing\n---\n* requestInfo: secret"}`)(w, r)
		return
	}
	h(w, r)
}

// on sets a route's answer.
func (d *deployment) on(route string, h http.HandlerFunc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.routes[route] = h
}

func (d *deployment) count(route string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, r := range d.requests {
		if strings.HasSuffix(r.Method+" "+r.URL.EscapedPath(), route) {
			n++
		}
	}
	return n
}

func (d *deployment) last() *http.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests[len(d.requests)-1]
}

func (d *deployment) client(change ...func(*Config)) *Client {
	d.t.Helper()
	tr := transport.New(transport.Config{
		Attempts: 3, MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond, MaxRetryAfter: time.Millisecond,
		TotalTime: 20 * time.Second, AllowLoopback: true,
	})
	d.t.Cleanup(tr.CloseIdle)
	cfg := Config{RootURL: d.URL, Transport: tr}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// inTurn answers with each handler once, then with the last.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := handlers[min(n, len(handlers)-1)]
		n++
		mu.Unlock()
		h(w, r)
	}
}

const taskID = "AAAAAAAAAAAAAAAAAAAAAA"

func id(t *testing.T) graph.TaskID {
	t.Helper()
	i, err := graph.ParseTaskID(taskID)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func run(t *testing.T, n int) graph.RunRef {
	return graph.RunRef{Task: id(t), Run: graph.RunID(n)}
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
	all := err.Error() + "; " + u.Hint
	for _, s := range texts {
		if !strings.Contains(all, s) {
			t.Errorf("error %q lacks %q", all, s)
		}
	}
	if strings.Contains(all, "secret") {
		t.Errorf("error %q gives a secret away", all)
	}
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, _ = zw.Write(data)
	_ = zw.Close()
	return b.Bytes()
}

// stored serves bytes as S3 does: ETag, ranges on the encoded bytes.
func stored(etag, encoding string, data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if etag != "" {
			w.Header().Set("ETag", etag)
		}
		if encoding != "" {
			w.Header().Set("Content-Encoding", encoding)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

// cut sends the first n bytes of what h would send, then breaks the connection.
func cut(n int, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h(&cutter{w, n}, r)
	}
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) < c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	c.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

const (
	artifact      = "GET queue/v1/task/" + taskID + "/runs/0/artifact-content/"
	plainArtifact = "GET queue/v1/task/" + taskID + "/runs/0/artifacts/"
)

func (d *deployment) s3(name, at string) {
	d.on(artifact+name, answer(200, fmt.Sprintf(`{"storageType":"s3","url":"%s%s?X-Amz-Signature=secret"}`, d.URL, at)))
}

func readArtifactContent(t *testing.T, c *Client, name string, limit int64) ([]byte, error) {
	t.Helper()
	r, err := c.Open(t.Context(), run(t, 0), name, limit)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// guarded is a transport for a deployment that is not on loopback.
func guarded(t *testing.T) *transport.Client {
	tr := transport.New(transport.Config{Attempts: 1})
	t.Cleanup(tr.CloseIdle)
	return tr
}
