package transport

import (
	"bytes"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestContentEncoding(t *testing.T) {
	content := bytes.Repeat([]byte("content "), 1000)
	send := func(encoding string, body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != "gzip" {
				t.Errorf("Accept-Encoding is %q", got)
			}
			if encoding != "" {
				w.Header().Set("Content-Encoding", encoding)
			}
			_, _ = w.Write(body)
		}
	}
	tests := []struct {
		name   string
		h      http.HandlerFunc
		want   []byte
		reason graph.Reason
	}{
		{"none", send("", content), content, ""},
		{"identity", send("identity", content), content, ""},
		{"gzip", send("gzip", gzipped(content)), content, ""},
		{"GZIP", send("GZIP", gzipped(content)), content, ""},
		{"two gzip members", send("gzip", append(gzipped([]byte("a")), gzipped([]byte("b"))...)), []byte("ab"), ""},
		{"a .gz file that is not encoded", send("", gzipped(content)), gzipped(content), ""},
		{"brotli", send("br", content), nil, graph.Malformed},
		{"twice", send("gzip, gzip", gzipped(gzipped(content))), nil, graph.Malformed},
		{"gzip that isn't", send("gzip", content), nil, graph.Malformed},
		{"gzip cut off in storage", send("gzip", gzipped(content)[:20]), nil, graph.Malformed},
		{"gzip with a wrong checksum", send("gzip", flip(gzipped(content), -6)), nil, graph.Malformed},
		{"gzip with bytes after it", send("gzip", append(gzipped(content), "more"...)), nil, graph.Malformed},
		{"empty as gzip", send("gzip", nil), nil, graph.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.h)
			doc, err := read(t, client(t, quick()), s.URL+"/x.gz")
			if tt.reason != "" {
				wantReason(t, err, tt.reason)
				return
			}
			if err != nil || !bytes.Equal(doc.Body, tt.want) {
				t.Errorf("got %d bytes, %v; want %d bytes", len(doc.Body), err, len(tt.want))
			}
		})
	}
}

func flip(b []byte, at int) []byte {
	b[len(b)+at] ^= 1
	return b
}

func TestLimitIsAnErrorNotAnEnd(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}
	bomb := gzipped(make([]byte, 50<<20))
	endlessEmptyMembers := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		for member := bytes.Repeat(gzipped(nil), 1000); ; {
			if _, err := w.Write(member); err != nil {
				return
			}
		}
	}
	tests := []struct {
		name string
		h    http.HandlerFunc
		size int // at most this much is allowed; 0 is too large
	}{
		{"exactly the limit", text("1234567890"), 10},
		{"one more", text("12345678901"), 0},
		{"endless", endless, 0},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		}, 0},
		{"endless gzip of nothing", endlessEmptyMembers, 0},
		{"a length that says so", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(1<<40))
			_, _ = w.Write([]byte("x"))
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.h)
			c := client(t, quick())
			doc, err := c.Read(t.Context(), Request{What: "thing", URL: s.URL}, 10)
			if tt.size == 0 {
				wantReason(t, err, graph.TooLarge, "limit of 10")
			} else if err != nil || len(doc.Body) != tt.size {
				t.Errorf("got %v, %v", doc, err)
			}
			resp, err := c.Do(t.Context(), Request{What: "thing", URL: s.URL})
			if err != nil {
				t.Fatal(err)
			}
			b := resp.Decoded(10)
			defer b.Close()
			data, err := io.ReadAll(b)
			if len(data) > 10 {
				t.Errorf("%d bytes came through", len(data))
			}
			if tt.size == 0 && tt.name != "a length that says so" {
				wantReason(t, err, graph.TooLarge)
			}
		})
	}
}

func TestStalledBodyIsAnErrorNotAHang(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request) { // a byte now and then
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
	}
	stop := func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 10))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, h := range map[string]http.HandlerFunc{"stops": stop, "drips": drip} {
		t.Run(name, func(t *testing.T) {
			cfg := quick()
			cfg.StallTimeout = 60 * time.Millisecond
			s := serve(t, h)
			resp, err := client(t, cfg).Do(t.Context(), Request{What: "thing", URL: s.URL + "/?sig=secret"})
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			wantReason(t, err, graph.Unreachable, "stalled")
		})
	}
}

func TestSlowReaderIsNoStall(t *testing.T) {
	cfg := quick()
	cfg.StallTimeout = 200 * time.Millisecond
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 8<<20)) })
	resp, err := client(t, cfg).Do(t.Context(), Request{What: "thing", URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * cfg.StallTimeout) // the reader has other things to do
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != 8<<20-100 {
		t.Errorf("read %d, %v", n, err)
	}
}

func TestStreamThatEndsEarly(t *testing.T) {
	raw := func(answer string) string { // a server that says what it likes
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, answer)
				_ = conn.Close()
			}
		}()
		return "http://" + l.Addr().String()
	}
	tests := map[string]struct {
		answer string
		ok     bool
	}{
		"truncated":         {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", false},
		"truncated chunks":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", false},
		"whole":             {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345", true},
		"whole chunks":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n", true},
		"longer than it is": {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n12345678", true}, // its hash will tell
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			c := New(quick())
			resp, err := c.Do(t.Context(), Request{What: "thing", URL: raw(tt.answer)})
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(resp.Body)
			if string(data) != "12345" {
				t.Errorf("read %q", data)
			}
			if !tt.ok {
				wantReason(t, err, graph.Unreachable, "ended early after 5")
			} else if err != nil {
				t.Error(err)
			}
			_ = resp.Body.Close()
			c.CloseIdle()
			settled(t, before+1) // the listener
		})
	}
}

func TestHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
		w.(http.Flusher).Flush()
		switch r.URL.Path {
		case "/breaks":
			panic(http.ErrAbortHandler)
		case "/stalls":
			<-r.Context().Done()
		}
	}))
	s.Config.ErrorLog = quiet()
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	cfg := quick()
	cfg.StallTimeout = 300 * time.Millisecond
	cfg.RootCAs = x509.NewCertPool()
	cfg.RootCAs.AddCert(s.Certificate())
	c := client(t, cfg)
	for path, want := range map[string]string{"/": "", "/breaks": "broke", "/stalls": "stalled"} {
		resp, err := c.Do(t.Context(), Request{What: "thing", URL: s.URL + path})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(data) != "HTTP/2.0" {
			t.Errorf("%s: read %q", path, data)
		}
		if want != "" {
			wantReason(t, err, graph.Unreachable, want)
		} else if err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestHugeHeaderIsTooLarge(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Filler", string(bytes.Repeat([]byte("x"), maxHeaderBytes+4096)))
	})
	_, err := read(t, client(t, quick()), s.URL)
	wantReason(t, err, graph.TooLarge, "header")
}

func TestErrorBodyIsWholeOrAbsent(t *testing.T) {
	for size, want := range map[int]int{MaxErrorBody: MaxErrorBody, MaxErrorBody + 1: 0} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			_, _ = w.Write(make([]byte, size))
		})
		doc, err := read(t, client(t, quick()), s.URL)
		if err != nil || doc.Status != 404 || len(doc.Body) != want {
			t.Errorf("body of %d: %v, %v", size, doc, err)
		}
	}
}
