package download

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/graph"
)

func TestFetchPutsVerifiedBytesInPlace(t *testing.T) {
	big := pattern(5 << 20)
	for _, size := range []int{0, 1, 65536, bufferSize, bufferSize + 1, len(big)} {
		for _, encoding := range []string{"", "gzip"} {
			t.Run(fmt.Sprint(size, encoding), func(t *testing.T) {
				f := newFixture(t, Options{})
				body := big[:size]
				o := f.store.put("a", body)
				if encoding == "gzip" {
					o.body, o.encoding = gzipped(t, body), encoding
				}
				res := f.fetch(f.store.pinned("a", body, "sub/dir/a"))[0]
				f.has(map[string]string{"sub/": "", "sub/dir/": "", "sub/dir/a": string(body)})
				sum := sha256.Sum256(body)
				if res.Bytes != int64(size) || res.SHA256 != hex.EncodeToString(sum[:]) || res.Kept || res.Note != "" {
					t.Errorf("result %+v", res)
				}
				if diff := cmp.Diff([]string{"sub/dir/a"}, res.Written); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestFetchSetsModes(t *testing.T) {
	f := newFixture(t, Options{})
	f.store.put("a", []byte("x"))
	plain, tool := f.store.pinned("a", []byte("x"), "plain"), f.store.pinned("a", []byte("x"), "tool")
	tool.Executable = true
	f.fetch(plain, tool)
	for name, want := range map[string]os.FileMode{"plain": 0o644, "tool": 0o755} {
		info, err := os.Stat(f.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}

func TestFetchManyInOrder(t *testing.T) {
	f := newFixture(t, Options{Jobs: 5})
	var items []Item
	want := map[string]string{"d/": ""}
	for i := range 100 {
		name := fmt.Sprintf("f%d", i)
		f.store.put(name, []byte(name))
		items = append(items, f.store.pinned(name, []byte(name), "d/"+name))
		want["d/"+name] = name
	}
	for i, res := range f.fetch(items...) {
		if res.Written[0] != items[i].Path {
			t.Errorf("result %d is for %q", i, res.Written[0])
		}
	}
	f.has(want)
}

func TestLiteralContent(t *testing.T) {
	f := newFixture(t, Options{})
	f.fetch(Item{Literal: &Literal{[]byte("hello")}, Path: "a/b"}, Item{Literal: &Literal{}, Path: "empty"})
	f.has(map[string]string{"a/": "", "a/b": "hello", "empty": ""})
}

func TestItemNeedsOneSource(t *testing.T) {
	f := newFixture(t, Options{})
	f.refuse(Item{Path: "a"})
	f.refuse(Item{Path: "a", Literal: &Literal{}, Pinned: &Pinned{}})
	f.has(nil)
}

func TestPinnedWithoutURLsIsRefused(t *testing.T) {
	f := newFixture(t, Options{})
	f.opts.URLs = nil
	f.refuse(f.store.pinned("a", nil, "a"))
	f.has(nil)
}

func TestMissingArtifactLeavesNothing(t *testing.T) {
	f := newFixture(t, Options{})
	f.store.put("b", []byte("b"))
	err := f.refuse(f.store.pinned("a", nil, "x/y/a"), f.store.pinned("b", []byte("b"), "b"))
	if u := as[*graph.UnavailableError](t, err); u.Reason != graph.NotFound {
		t.Errorf("reason %q", u.Reason)
	}
	f.has(map[string]string{"b": "b"})
}

// digests of a job that has others than a pinned URL's.
type testDigest struct {
	algorithm string
	sum       []byte
}

func (d testDigest) New() hash.Hash          { return sha256.New() }
func (d testDigest) Matches(sum []byte) bool { return len(d.sum) > 0 && string(sum) == string(d.sum) }
func (d testDigest) Algorithm() string       { return d.algorithm }
func (d testDigest) Hex() string             { return hex.EncodeToString(d.sum) }

func (f *fixture) withDigests(item Item, digests ...digest) (Result, error) {
	f.t.Helper()
	j, err := f.newJob(0, item)
	if err != nil {
		f.t.Fatal(err)
	}
	j.digests = digests
	results := []Result{{Item: item}}
	err = f.execute(context.Background(), []*job{j}, results, (*worker).fetch)
	return results[0], err
}

func TestEveryDigestMustMatch(t *testing.T) {
	body := pattern(1000)
	s256, s512 := sha256.Sum256(body), sha512.Sum512(body)
	good256, good512 := testDigest{"sha256", s256[:]}, testDigest{"sha512", s512[:]}
	bad256, bad512 := testDigest{"sha256", make([]byte, 32)}, testDigest{"sha512", make([]byte, 64)}
	for name, tc := range map[string]struct {
		digests []digest
		bad     string
	}{
		"both right":         {[]digest{good256, good512}, ""},
		"sha512 alone":       {[]digest{good512}, ""},
		"sha512 wrong":       {[]digest{good256, bad512}, "sha512"},
		"sha256 wrong":       {[]digest{bad256, good512}, "sha256"},
		"the empty digest":   {[]digest{testDigest{"sha256", nil}}, "sha256"},
		"sha512 alone wrong": {[]digest{bad512}, "sha512"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			f.store.put("a", body)
			res, err := f.withDigests(f.store.pinned("a", body, "a"), tc.digests...)
			if tc.bad == "" {
				if err != nil {
					t.Fatal(err)
				}
				f.has(map[string]string{"a": string(body)})
				if len(tc.digests) == 2 && res.SHA512 != good512.Hex() {
					t.Errorf("sha512 %q", res.SHA512)
				}
				return
			}
			if m := as[*MismatchError](t, err); m.Algorithm != tc.bad || m.Fault != Storage {
				t.Errorf("%+v", m)
			}
			f.has(nil)
		})
	}
}

func TestUnknownDigestAlgorithmIsRefused(t *testing.T) {
	f := newFixture(t, Options{})
	j := &job{item: f.store.pinned("a", nil, "a"), index: 0}
	if err := f.source(j); err != nil {
		t.Fatal(err)
	}
	s := newSums([]digest{testDigest{"md5", make([]byte, 16)}}, nil)
	if s.wrong([]digest{testDigest{"md5", make([]byte, 16)}}) == nil {
		t.Error("md5 matched")
	}
}

func TestMismatchIsFetchedPastTheCDN(t *testing.T) {
	good := pattern(3 << 20)
	bad := append([]byte("X"), good[1:]...)
	worse := append([]byte("Y"), good[1:]...)
	serve := func(bodies ...[]byte) func(o *object) {
		return func(o *object) {
			o.fault = func(n int, w http.ResponseWriter, r *http.Request) bool {
				w.Write(bodies[min(n, len(bodies)-1)])
				return true
			}
		}
	}
	hexOf := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	for name, tc := range map[string]struct {
		arrange func(o *object)
		want    *MismatchError
	}{
		"the CDN was wrong":    {serve(bad, good), nil},
		"storage is wrong":     {serve(bad), &MismatchError{First: hexOf(bad), Second: hexOf(bad), Fault: Storage}},
		"transport garbles":    {serve(bad, worse), &MismatchError{First: hexOf(bad), Second: hexOf(worse), Fault: Transport}},
		"storage is cut short": {serve(good[:1<<20]), &MismatchError{First: hexOf(good[:1<<20]), Second: hexOf(good[:1<<20]), Fault: Storage}},
		"storage has more":     {serve(append(good[:len(good):len(good)], 'x')), &MismatchError{First: hexOf(append(good[:len(good):len(good)], 'x')), Second: hexOf(append(good[:len(good):len(good)], 'x')), Fault: Storage}},
		"the second fetch fails": {func(o *object) {
			o.fault = func(n int, w http.ResponseWriter, r *http.Request) bool {
				if n > 0 {
					http.NotFound(w, r)
					return true
				}
				w.Write(bad)
				return true
			}
		}, &MismatchError{First: hexOf(bad), Fault: Untold}},
		"storage promises another": {func(o *object) { o.promised = map[string]string{"sha256": hexOf(bad)} }, &MismatchError{First: hexOf(bad), Fault: Storage}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			f.write("a", "what was there")
			o := f.store.put("a", good)
			tc.arrange(o)
			item := f.store.pinned("a", good, "a")
			if tc.want == nil {
				if res := f.fetch(item)[0]; !strings.Contains(res.Note, "transport") {
					t.Errorf("note %q", res.Note)
				}
				f.has(map[string]string{"a": string(good)})
				return
			}
			got := *as[*MismatchError](t, f.refuse(item))
			want := *tc.want
			want.What, want.Algorithm, want.Want = f.store.URL+"/a", "sha256", hexOf(good)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			f.has(map[string]string{"a": "what was there"})
			if asked := f.store.asked(); want.Second != "" && (len(asked) != 2 || asked[1] != "a past CDN") {
				t.Errorf("requests %q", asked)
			}
		})
	}
}

func TestPromisedDigestThatHoldsIsAccepted(t *testing.T) {
	f := newFixture(t, Options{})
	body := []byte("body")
	s256, s512 := sha256.Sum256(body), sha512.Sum512(body)
	f.store.put("a", body).promised = map[string]string{"sha256": hex.EncodeToString(s256[:]), "sha512": hex.EncodeToString(s512[:])}
	f.fetch(f.store.pinned("a", body, "a"))
	f.has(map[string]string{"a": "body"})
}

func TestPromisedSHA512ThatFails(t *testing.T) {
	f := newFixture(t, Options{})
	f.store.put("a", []byte("body")).promised = map[string]string{"sha512": strings.Repeat("0", 128)}
	as[*MismatchError](t, f.refuse(f.store.pinned("a", []byte("body"), "a")))
	f.has(nil)
}

func TestBrokenGzipIsWrongBytes(t *testing.T) {
	body := pattern(2 << 20)
	packed := gzipped(t, body)
	for name, wire := range map[string][]byte{
		"cut short":       packed[:len(packed)/2],
		"not gzip":        []byte("<html>an error page</html>"),
		"empty":           {},
		"trailing bytes":  append(packed[:len(packed):len(packed)], "more"...),
		"flipped in part": flip(packed, len(packed)/2),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			o := f.store.put("a", body)
			o.encoding, o.body = "gzip", wire
			as[*MismatchError](t, f.refuse(f.store.pinned("a", body, "a")))
			f.has(nil)
		})
	}
}

func flip(b []byte, at int) []byte {
	c := append([]byte(nil), b...)
	c[at] ^= 0xff
	return c
}

func TestFileNamedGzIsNotDecoded(t *testing.T) {
	f := newFixture(t, Options{})
	packed := gzipped(t, []byte("x"))
	f.store.put("a.gz", packed)
	f.fetch(f.store.pinned("a.gz", packed, "a.gz"))
	f.has(map[string]string{"a.gz": string(packed)})
}

func TestUnknownContentEncoding(t *testing.T) {
	f := newFixture(t, Options{})
	f.store.put("a", []byte("x")).encoding = "br"
	if u := as[*graph.UnavailableError](t, f.refuse(f.store.pinned("a", []byte("x"), "a"))); u.Reason != graph.Malformed {
		t.Errorf("reason %q", u.Reason)
	}
	f.has(nil)
}

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

func TestEventsOfOneItem(t *testing.T) {
	var kinds []EventKind
	f := newFixture(t, Options{Jobs: 1, Events: func(e Event) { kinds = append(kinds, e.Kind) }})
	body := pattern(1<<20 + 5)
	f.store.put("a", body)
	f.fetch(f.store.pinned("a", body, "a"))
	f.fetch(f.store.pinned("a", body, "a"))
	f.refuse(f.store.pinned("b", body, "b"))
	want := []EventKind{Started, Progress, Progress, Done, Started, Kept, Started, Failed}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
}
