package download

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/graph"
)

func TestBrokenBodyIsResumed(t *testing.T) {
	body := pattern(4 << 20)
	other := append([]byte("Z"), body[1:]...)
	for _, encoding := range []string{"", "gzip"} {
		wire := body
		if encoding == "gzip" {
			wire = gzipped(t, body)
		}
		half := len(wire) / 2
		at := func(n int) string { return "a@" + strconv.Itoa(n) }
		for name, tc := range map[string]struct {
			fault func(o *object) func(n int, w http.ResponseWriter, r *http.Request) bool
			asked []string
			fails graph.Reason
		}{
			"goes on where it broke": {
				func(o *object) func(int, http.ResponseWriter, *http.Request) bool {
					return func(n int, w http.ResponseWriter, _ *http.Request) bool {
						if n == 0 {
							cut(o, half)(w)
						}
						return false
					}
				}, []string{"a", at(half)}, "",
			},
			"breaks before the first byte": {
				func(o *object) func(int, http.ResponseWriter, *http.Request) bool {
					return func(n int, w http.ResponseWriter, _ *http.Request) bool {
						if n == 0 {
							cut(o, 0)(w)
						}
						return false
					}
				}, []string{"a", "a"}, "",
			},
			"a changed ETag starts over": {
				func(o *object) func(int, http.ResponseWriter, *http.Request) bool {
					return func(n int, w http.ResponseWriter, r *http.Request) bool {
						if n == 0 {
							old := &object{body: append([]byte(nil), wire...), encoding: o.encoding, etag: `"old"`}
							cut(old, half)(w)
						}
						return false
					}
				}, []string{"a", at(half)}, "",
			},
			"200 for a range starts over": {
				func(o *object) func(int, http.ResponseWriter, *http.Request) bool {
					return func(n int, w http.ResponseWriter, r *http.Request) bool {
						if n == 0 {
							cut(o, half)(w)
						}
						r.Header.Del("Range")
						return false
					}
				}, []string{"a", at(half)}, "",
			},
			"a wrong Content-Range starts over": {
				func(o *object) func(int, http.ResponseWriter, *http.Request) bool {
					return func(n int, w http.ResponseWriter, r *http.Request) bool {
						switch n {
						case 0:
							cut(o, half)(w)
						case 1:
							r.Header.Set("Range", fmt.Sprintf("bytes=%d-", half-1))
						}
						return false
					}
				}, []string{"a", at(half), "a"}, "",
			},
			"another size starts over": {
				func(o *object) func(int, http.ResponseWriter, *http.Request) bool {
					return func(n int, w http.ResponseWriter, r *http.Request) bool {
						switch n {
						case 0:
							cut(o, half)(w)
						case 1:
							w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", half, len(wire), len(wire)+1))
							w.WriteHeader(http.StatusPartialContent)
							w.Write(other[:10])
							return true
						}
						return false
					}
				}, []string{"a", at(half), "a"}, "",
			},
			"a weak ETag starts over": {
				func(o *object) func(int, http.ResponseWriter, *http.Request) bool {
					return func(n int, w http.ResponseWriter, _ *http.Request) bool {
						if n == 0 {
							weak := *o
							weak.etag = `W/"1"`
							cut(&weak, half)(w)
						}
						return false
					}
				}, []string{"a", "a"}, "",
			},
			"breaks again and again": {
				func(o *object) func(int, http.ResponseWriter, *http.Request) bool {
					return func(n int, w http.ResponseWriter, r *http.Request) bool {
						cut(o, half)(w)
						return true
					}
				}, []string{"a", at(half), at(half)}, graph.Unreachable,
			},
			"gone when resumed": {
				func(o *object) func(int, http.ResponseWriter, *http.Request) bool {
					return func(n int, w http.ResponseWriter, r *http.Request) bool {
						if n == 0 {
							cut(o, half)(w)
						}
						http.NotFound(w, r)
						return true
					}
				}, []string{"a", at(half)}, graph.NotFound,
			},
		} {
			t.Run(name+" "+encoding, func(t *testing.T) {
				f := newFixture(t, Options{Attempts: 3})
				o := f.store.put("a", wire)
				o.encoding = encoding
				o.fault = tc.fault(o)
				item := f.store.pinned("a", body, "a")
				if tc.fails == "" {
					if res := f.fetch(item)[0]; res.Note != "" {
						t.Errorf("note %q: the digest had not matched", res.Note)
					}
					f.has(map[string]string{"a": string(body)})
				} else {
					if u := as[*graph.UnavailableError](t, f.refuse(item)); u.Reason != tc.fails {
						t.Errorf("reason %q, want %q", u.Reason, tc.fails)
					}
					f.has(nil)
				}
				if diff := cmp.Diff(tc.asked, f.store.asked()); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestResumedBytesOfAnotherFileDontPass(t *testing.T) {
	f := newFixture(t, Options{})
	body := pattern(2 << 20)
	o := f.store.put("a", body)
	half := len(body) / 2
	forged := append(append([]byte(nil), body[:half]...), make([]byte, len(body)-half)...)
	o.fault = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == "" {
			cut(o, half)(w)
		}
		(&object{body: forged, etag: o.etag}).send(w, r)
		return true
	}
	m := as[*MismatchError](t, f.refuse(f.store.pinned("a", body, "a")))
	if want := fmt.Sprintf("%x", sha256.Sum256(forged)); m.First != want || m.Fault != Storage {
		t.Errorf("%+v, want first %s", m, want)
	}
	f.has(nil)
}
