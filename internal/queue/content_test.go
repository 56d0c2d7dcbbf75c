package queue

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/transport"
)

var content = bytes.Repeat([]byte("0123456789abcdef"), 4096)

func TestOpenS3(t *testing.T) {
	d := newDeployment(t)
	d.s3("public%2Fa%20b%2Bc", "/store/a")
	d.on("GET store/a", stored(`"e"`, "gzip", gzipped(content)))
	got, err := readArtifactContent(t, d.client(func(cfg *Config) {
		cfg.Credentials = Credentials{ClientID: "me", AccessToken: "secret"}
	}), "public/a b+c", int64(len(content)))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if r := d.last(); r.Header.Get("Authorization") != "" {
		t.Error("credentials went to storage")
	}
}

func TestOpenKeepsItsLimit(t *testing.T) {
	d := newDeployment(t)
	d.s3("a", "/store/a")
	d.on("GET store/a", stored("", "gzip", gzipped(make([]byte, 10<<20))))
	_, err := readArtifactContent(t, d.client(), "a", 1<<20)
	wantReason(t, err, graph.TooLarge, "limit of 1048576", "artifact a of "+taskID+"/0")
}

func (d *deployment) object(method, at string, expires time.Time, hashes string) {
	d.on(artifact+"a", answer(200, `{"storageType":"object","name":"t/AA/0/a","credentials":{"clientId":"dl","accessToken":"secret","certificate":"{}"}}`))
	d.on("PUT object/v1/start-download/t%2FAA%2F0%2Fa", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"getUrl":true`) || !strings.Contains(string(body), `"simple":true`) {
			d.t.Errorf("start-download was asked %s", body)
		}
		if !strings.HasPrefix(r.Header.Get("Authorization"), `Hawk id="dl"`) {
			d.t.Errorf("start-download is signed %q", r.Header.Get("Authorization"))
		}
		answer(200, fmt.Sprintf(`{"method":%q,"url":"%s%s?sig=secret","expires":%q,"hashes":%s}`,
			method, d.URL, at, expires.Format(time.RFC3339), hashes))(w, r)
	})
}

func hashes(data []byte) string {
	a, b := sha256.Sum256(data), sha512.Sum512(data)
	return fmt.Sprintf(`{"sha256":%q,"sha512":%q,"blake3":"later"}`, hex.EncodeToString(a[:]), hex.EncodeToString(b[:]))
}

func TestOpenObject(t *testing.T) {
	later := time.Now().Add(time.Hour)
	serveA := stored(`"e"`, "gzip", gzipped(content))
	tests := map[string]struct {
		method, hashes string
		h              http.HandlerFunc
		reason         graph.Reason
		text           string
	}{
		"getUrl":                     {"getUrl", hashes(content), serveA, "", ""},
		"simple":                     {"simple", "null", serveA, "", ""},
		"getUrl, other bytes":        {"getUrl", hashes([]byte("x")), serveA, graph.StorageCorrupted, "promised sha256"},
		"getUrl without hashes":      {"getUrl", "{}", serveA, graph.Malformed, "neither sha256 nor sha512"},
		"getUrl with null hashes":    {"getUrl", "null", serveA, graph.Malformed, "/hashes"},
		"getUrl with a cut hash":     {"getUrl", `{"sha256":"00"}`, serveA, graph.Malformed, "sha256"},
		"getUrl that redirects":      {"getUrl", hashes(content), func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/store/b", 302) }, graph.BadRedirect, "302"},
		"a method nobody asked for":  {"bittorrent", hashes(content), serveA, graph.Malformed, "bittorrent"},
		"storage does not have it":   {"getUrl", hashes(content), answer(404, ""), graph.NotFound, "storage answered"},
		"storage refuses any URL":    {"getUrl", hashes(content), answer(403, ""), graph.Forbidden, "storage answered"},
		"storage errors that last":   {"getUrl", hashes(content), answer(500, ""), graph.ServerError, "tried 3 times"},
		"storage errors that heal":   {"getUrl", hashes(content), inTurn(answer(500, ""), serveA), "", ""},
		"a URL that expires":         {"getUrl", hashes(content), inTurn(answer(403, ""), serveA), "", ""},
		"another content encoding":   {"getUrl", hashes(content), stored("", "br", content), graph.Malformed, "br"},
		"storage answers with no OK": {"getUrl", hashes(content), answer(204, ""), graph.Malformed, "204"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDeployment(t)
			d.object(tt.method, "/store/a", later, tt.hashes)
			d.on("GET store/a", tt.h)
			got, err := readArtifactContent(t, d.client(), "a", 1<<20)
			if tt.reason != "" {
				wantReason(t, err, tt.reason, tt.text)
			} else if err != nil || !bytes.Equal(got, content) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestWhatIsNeverFetched(t *testing.T) {
	tests := map[string]struct {
		body   string
		reason graph.Reason
		texts  []string
	}{
		"reference": {`{"storageType":"reference","url":"https://example.org/secret"}`, graph.Refused, []string{"reference"}},
		"link":      {`{"storageType":"link","artifact":"b"}`, graph.Refused, []string{"link"}},
		"error": {
			`{"storageType":"error","reason":"file-missing-on-worker","message":"File not found\non worker"}`, graph.WorkerFailed,
			[]string{"file-missing-on-worker: File not found on worker", "log of the task"},
		},
		"unknown":              {`{"storageType":"azure","url":"https://example.org/secret"}`, graph.Refused, []string{"azure"}},
		"none":                 {`{"url":"https://example.org/secret"}`, graph.Refused, nil},
		"s3 without URL":       {`{"storageType":"s3"}`, graph.Malformed, nil},
		"s3 in a file":         {`{"storageType":"s3","url":"file:///etc/passwd"}`, graph.BadRedirect, nil},
		"s3 in a place inside": {`{"storageType":"s3","url":"http://169.254.169.254/secret"}`, graph.BadRedirect, nil},
		"object without name":  {`{"storageType":"object","credentials":{}}`, graph.Malformed, nil},
		"not JSON":             {`<html>secret`, graph.Malformed, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDeployment(t)
			d.on(artifact+"a", answer(200, tt.body))
			_, err := readArtifactContent(t, d.client(), "a", 100)
			wantReason(t, err, tt.reason, tt.texts...)
		})
	}
	for _, name := range []string{"", ".", "..", "a\nb", strings.Repeat("a", 1025)} {
		d := newDeployment(t)
		if _, err := readArtifactContent(t, d.client(), name, 100); err == nil || len(d.requests) > 0 {
			t.Errorf("name %q: %v, %d requests", name, err, len(d.requests))
		}
	}
}

func TestQueueRefusesArtifact(t *testing.T) {
	for status, reason := range map[int]graph.Reason{403: graph.Forbidden, 404: graph.NotFound, 410: graph.Expired} {
		d := newDeployment(t)
		d.on(artifact+"private%2Fa", answer(status, `{"code":"ResourceNotFound","message":"words of the queue"}`))
		_, err := readArtifactContent(t, d.client(), "private/a", 100)
		texts := []string{"words of the queue"}
		if status == 403 {
			texts = append(texts, "queue:get-artifact:private/a")
		}
		wantReason(t, err, reason, texts...)
		if d.count("/artifacts/private%2Fa") != 0 {
			t.Error("the older endpoint was asked as well")
		}
	}
}

func redirectTo(storage, at string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if storage != "" {
			w.Header().Set("X-Taskcluster-Artifact-Storage-Type", storage)
		}
		w.Header().Set("Location", at)
		w.WriteHeader(303)
	}
}

func TestOlderDeployment(t *testing.T) {
	for name, missing := range map[string]http.HandlerFunc{
		"404": answer(404, `{"error":"Not found"}`), "404 in HTML": answer(404, "<html>"), "405": answer(405, ""),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeployment(t)
			d.on(artifact+"a", missing)
			d.on(plainArtifact+"a", redirectTo("s3", "/store/a?sig=secret"))
			d.on("GET store/a", stored("", "gzip", gzipped(content)))
			c := d.client()
			for range 3 {
				got, err := readArtifactContent(t, c, "a", 1<<20)
				if err != nil || !bytes.Equal(got, content) {
					t.Fatalf("got %d bytes, %v", len(got), err)
				}
			}
			if n := d.count("/artifact-content/a"); n != 1 {
				t.Errorf("the missing endpoint was asked %d times, want once", n)
			}
		})
	}
	refusals := map[string]struct {
		h      http.HandlerFunc
		reason graph.Reason
		text   string
	}{
		"reference": {redirectTo("reference", "https://example.org/secret"), graph.Refused, "reference"},
		"link":      {redirectTo("link", "https://example.org/secret"), graph.Refused, "link"},
		"error":     {answer(424, `{"reason":"too-large-file-on-worker","message":"too big"}`), graph.WorkerFailed, "too-large-file-on-worker: too big"},
		"absent":    {answer(404, `{"code":"ResourceNotFound"}`), graph.NotFound, ""},
		"content":   {answer(200, `content`), graph.Malformed, "redirect"},
		"nowhere":   {redirectTo("s3", ""), graph.Malformed, "location"},
	}
	for name, tt := range refusals {
		t.Run(name, func(t *testing.T) {
			d := newDeployment(t)
			d.on(artifact+"a", answer(404, ""))
			d.on(plainArtifact+"a", tt.h)
			c := d.client()
			_, err := readArtifactContent(t, c, "a", 100)
			wantReason(t, err, tt.reason, tt.text)
			if c.plain.Load() {
				t.Error("a deployment is taken for an old one without proof")
			}
		})
	}
}

func TestPastCDN(t *testing.T) {
	d := newDeployment(t)
	d.s3("a", "/cdn/a")
	d.on("GET cdn/a", stored("", "", []byte("wrong")))
	d.on("GET store/a", stored("", "", []byte("right")))
	d.on(plainArtifact+"a", func(w http.ResponseWriter, r *http.Request) {
		at := "/cdn/a"
		if r.Header.Get("X-Taskcluster-Skip-Cdn") == "true" {
			at = "/store/a"
		}
		redirectTo("s3", at)(w, r)
	})
	c := d.client()
	k := c.Content(run(t, 0), "a")
	for want, k := range map[string]*Content{"wrong": k, "right": k.PastCDN()} {
		s, err := k.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(s.Body)
		_ = s.Body.Close()
		if string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if d.last().Header.Get("X-Taskcluster-Skip-Cdn") != "" {
		t.Error("the header went to storage")
	}
	if c.plain.Load() {
		t.Error("skipping the CDN made the deployment an old one")
	}
}

func TestBrokenDocumentIsTakenUpAgain(t *testing.T) {
	body := gzipped(bytes.Join([][]byte{content, content}, []byte("middle")))
	want := append(append(append([]byte{}, content...), "middle"...), content...)
	whole := stored(`"e"`, "gzip", body)
	changed := stored(`"f"`, "gzip", gzipped([]byte("other")))
	noRanges := func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Range")
		whole(w, r)
	}
	lying := func(w http.ResponseWriter, r *http.Request) { // another range than asked for
		if r.Header.Get("Range") != "" {
			r = r.Clone(r.Context())
			r.Header.Set("Range", "bytes=1-")
		}
		whole(w, r)
	}
	half := len(body) / 2
	tests := map[string]struct {
		h      http.HandlerFunc
		reason graph.Reason
	}{
		"once":                       {inTurn(cut(half, whole), whole), ""},
		"before the first byte":      {inTurn(cut(0, whole), whole), ""},
		"twice":                      {inTurn(cut(half, whole), cut(10, whole), whole), ""},
		"for ever":                   {cut(1, whole), graph.Unreachable},
		"without ranges":             {inTurn(cut(half, noRanges), noRanges), ""},
		"another range than asked":   {inTurn(cut(half, lying), lying), ""},
		"URL expired meanwhile":      {inTurn(cut(half, whole), answer(403, ""), whole), ""},
		"changed meanwhile":          {inTurn(cut(half, whole), changed), graph.Unreachable},
		"deleted meanwhile":          {inTurn(cut(half, whole), answer(404, "")), graph.NotFound},
		"without an ETag":            {inTurn(cut(half, stored("", "gzip", body)), stored("", "gzip", body)), graph.Unreachable},
		"with a weak ETag":           {inTurn(cut(half, stored(`W/"e"`, "gzip", body)), stored(`W/"e"`, "gzip", body)), graph.Unreachable},
		"encoding changed meanwhile": {inTurn(cut(half, whole), stored(`"e"`, "", want)), graph.Unreachable},
		"recovering 500 in between":  {inTurn(cut(half, whole), answer(500, ""), whole), ""},
		"no range can be satisfied":  {inTurn(cut(half, whole), answer(416, ""), whole), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			d := newDeployment(t)
			d.Config.ErrorLog = nil
			d.s3("a", "/store/a")
			d.on("GET store/a", tt.h)
			c := d.client()
			got, err := readArtifactContent(t, c, "a", 1<<20)
			if tt.reason != "" {
				wantReason(t, err, tt.reason)
			} else if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %d bytes of %d, %v", len(got), len(want), err)
			}
			c.transport.CloseIdle()
			d.Close()
			settled(t, before)
		})
	}
}

func settled(t *testing.T, before int) {
	t.Helper()
	limit := time.After(5 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-limit:
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		case <-tick.C:
		}
	}
}

func TestResume(t *testing.T) {
	d := newDeployment(t)
	d.s3("a", "/store/a")
	whole := stored(`"e"`, "", content)
	d.on("GET store/a", inTurn(cut(1000, whole), whole, stored(`"f"`, "", content)))
	k := d.client().Content(run(t, 0), "a")
	first, err := k.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	head, err := io.ReadAll(first.Body)
	_ = first.Body.Close()
	wantReason(t, err, graph.Unreachable, "after 1000 of 65536")
	if first.Length != int64(len(content)) || first.Offset != 0 || first.ETag != `"e"` {
		t.Errorf("first: %+v", first)
	}
	next, err := k.Resume(t.Context(), first, int64(len(head)))
	if err != nil {
		t.Fatal(err)
	}
	tail, err := io.ReadAll(next.Body)
	_ = next.Body.Close()
	if err != nil || next.Offset != 1000 || next.Length != int64(len(content)) || !bytes.Equal(append(head, tail...), content) {
		t.Errorf("next: %+v, %v", next, err)
	}
	if r := d.last(); r.Header.Get("Range") != "bytes=1000-" || r.Header.Get("If-Range") != `"e"` {
		t.Errorf("headers: %v", r.Header)
	}
	if n := d.count("/artifact-content/a"); n != 1 {
		t.Errorf("located %d times, want once", n)
	}
	anew, err := k.Resume(t.Context(), first, 1000)
	if err != nil || anew.Offset != 0 || anew.ETag != `"f"` {
		t.Fatalf("after a change: %+v, %v", anew, err)
	}
	_ = anew.Body.Close()
}

func TestExpiredLocationIsAskedForAgain(t *testing.T) {
	d := newDeployment(t)
	d.object("getUrl", "/store/a", time.Now().Add(-time.Minute), hashes(content))
	d.on("GET store/a", stored(`"e"`, "", content))
	k := d.client().Content(run(t, 0), "a")
	s, err := k.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Body.Close()
	if s, err = k.Resume(t.Context(), s, 10); err != nil || s.Offset != 10 {
		t.Fatalf("%+v, %v", s, err)
	}
	_ = s.Body.Close()
	if n := d.count("/artifact-content/a"); n != 2 {
		t.Errorf("located %d times, want twice", n)
	}
}

func TestContentRange(t *testing.T) {
	for s, ok := range map[string]bool{
		"bytes 0-9/10": true, "bytes 5-9/10": true, "bytes 0-9/*": false, "bytes */10": false, "items 0-9/10": false,
		"": false, "bytes 0-9": false, "bytes -1-9/10": false, "bytes 0-99999999999999999999/10": false,
	} {
		if _, _, _, got := contentRange(s); got != ok {
			t.Errorf("%q: %v, want %v", s, got, ok)
		}
	}
}

// A storage URL that names this machine is an attack unless the deployment is
// there itself.
func TestStorageOnLoopbackOfAnotherDeployment(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was asked") }))
	defer inside.Close()
	d := newDeployment(t)
	d.on(artifact+"a", answer(200, `{"storageType":"s3","url":"`+strings.Replace(inside.URL, "http:", "https:", 1)+`"}`))
	c := d.client(func(cfg *Config) { cfg.Transport = guarded(t) })
	_, err := readArtifactContent(t, c, "a", 100)
	wantReason(t, err, graph.BadRedirect, "loopback")
}

// A body that drips just fast enough to be no stall still has an end.
func TestDrippingDocumentIsUnreachableInTime(t *testing.T) {
	d := newDeployment(t)
	d.s3("public%2Fa", "/store/a")
	d.on("GET store/a", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 2*transport.MinProgress))
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	})
	c := d.client(func(cfg *Config) { cfg.DocumentTime = 200 * time.Millisecond })
	_, err := readArtifactContent(t, c, "public/a", 1<<40)
	wantReason(t, err, graph.Unreachable, "not complete after 200ms")

	data := bytes.Repeat([]byte("x"), 1<<20)
	d.on("GET store/a", stored(`"1"`, "", data))
	if got, err := readArtifactContent(t, c, "public/a", 1<<40); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
