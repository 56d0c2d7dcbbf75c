package download

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"testing"

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
