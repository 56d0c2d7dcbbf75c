package transport

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func BenchmarkStream(b *testing.B) {
	const size = 256 << 20
	block := make([]byte, 1<<20)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "268435456")
		for range size / len(block) {
			_, _ = w.Write(block)
		}
	}))
	defer s.Close()
	c := New(quick())
	defer c.CloseIdle()
	buf := make([]byte, 256<<10)
	b.SetBytes(size)
	for b.Loop() {
		resp, err := c.Do(b.Context(), Request{What: "thing", URL: s.URL})
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{resp.Body}, buf)
		if err != nil || n != size {
			b.Fatal(n, err)
		}
		_ = resp.Body.Close()
	}
}

func BenchmarkSmallRequests(b *testing.B) {
	s := httptest.NewServer(text("ok"))
	defer s.Close()
	c := New(quick())
	defer c.CloseIdle()
	for b.Loop() {
		if _, err := c.Read(b.Context(), Request{What: "thing", URL: s.URL}, 100); err != nil {
			b.Fatal(err)
		}
	}
}
