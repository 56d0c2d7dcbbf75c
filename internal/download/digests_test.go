package download

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
