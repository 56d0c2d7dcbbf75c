package download

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIdenticalFileIsKeptWithoutARequest(t *testing.T) {
	f := newFixture(t, Options{})
	body := pattern(3 << 20)
	f.write("d/a", string(body))
	before, _ := os.Stat(f.path("d/a"))
	res := f.fetch(f.store.pinned("a", body, "d/a"))[0]
	if !res.Kept || res.Bytes != int64(len(body)) || len(f.store.asked()) != 0 {
		t.Errorf("kept %v, %d bytes, requests %q", res.Kept, res.Bytes, f.store.asked())
	}
	after, _ := os.Stat(f.path("d/a"))
	if !os.SameFile(before, after) {
		t.Error("the file was replaced")
	}
}

func TestDifferentFileIsReplacedByVerifiedBytesOnly(t *testing.T) {
	f := newFixture(t, Options{})
	f.write("a", "old")
	f.store.put("a", []byte("new"))
	f.refuse(f.store.pinned("a", []byte("other"), "a"))
	f.has(map[string]string{"a": "old"})
	f.fetch(f.store.pinned("a", []byte("new"), "a"))
	f.has(map[string]string{"a": "new"})
}

func TestOccupiedTargets(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(outside+"/file", []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		arrange func(f *fixture) error
		path    string
	}{
		"a directory":                {func(f *fixture) error { return os.Mkdir(f.path("a"), 0o755) }, "a"},
		"a link to the right bytes":  {func(f *fixture) error { f.write("b", "x"); return os.Symlink("b", f.path("a")) }, "a"},
		"a link out":                 {func(f *fixture) error { return os.Symlink(outside+"/file", f.path("a")) }, "a"},
		"a dangling link out":        {func(f *fixture) error { return os.Symlink(outside+"/new", f.path("a")) }, "a"},
		"below a link out":           {func(f *fixture) error { return os.Symlink(outside, f.path("a")) }, "a/file"},
		"below a link that stays in": {func(f *fixture) error { os.Mkdir(f.path("b"), 0o755); return os.Symlink("b", f.path("a")) }, "a/file"},
		"below a file":               {func(f *fixture) error { f.write("a", "x"); return nil }, "a/file"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			if err := tc.arrange(f); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, f.dir)
			f.store.put("a", []byte("x"))
			as[*OccupiedError](t, f.refuse(f.store.pinned("a", []byte("x"), tc.path)))
			if diff := cmp.Diff(before, snapshot(t, f.dir)); diff != "" {
				t.Error(diff)
			}
			if got := f.store.asked(); len(got) != 0 {
				t.Errorf("requests %q", got)
			}
			if diff := cmp.Diff([]string{"file precious"}, snapshot(t, outside)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// snapshot lists a directory's direct entries, with the content of files.
func snapshot(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		line := e.Name()
		if e.Type().IsRegular() {
			b, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			line += " " + string(b)
		}
		out = append(out, line)
	}
	return out
}

func TestUnsafePathsAreRefusedBeforeAnythingIsFetched(t *testing.T) {
	f := newFixture(t, Options{})
	f.store.put("a", []byte("x"))
	for _, p := range unsafePaths {
		results, err := f.Fetch(context.Background(), []Item{f.store.pinned("a", []byte("x"), "fine"), f.store.pinned("a", []byte("x"), p)})
		if err == nil {
			t.Errorf("%q was accepted", p)
			continue
		}
		as[*NameError](t, err)
		if results[0].Err == nil {
			t.Errorf("the other item has no error beside %q", p)
		}
	}
	f.has(nil)
	if got := f.store.asked(); len(got) != 0 {
		t.Errorf("requests %q", got)
	}
}

func TestCollidingInputsAreRefusedBeforeAnythingIsFetched(t *testing.T) {
	for _, tc := range []struct {
		a, b    string
		collide bool
	}{
		{"a", "a", true},
		{"a", "A", true},
		{"dir/file", "DIR/File", true},
		{"caf\u00e9", "cafe\u0301", true},
		{"stra\u00dfe", "STRASSE", true},
		{"k", "\u212a", true}, // Kelvin sign
		{"a\u200db", "ab", true},
		{"a", "a/b", true},
		{"A/b", "a", true},
		{"x/y/z", "x/Y", true},
		{"a", "b", false},
		{"dir/a", "dir/b", false},
		{"dir/a", "DIR/b", false},
		{"a/b", "ab", false},
	} {
		t.Run(fmt.Sprintf("%q %q", tc.a, tc.b), func(t *testing.T) {
			f := newFixture(t, Options{})
			f.store.put("a", []byte("x"))
			items := []Item{f.store.pinned("a", []byte("x"), tc.a), f.store.pinned("a", []byte("x"), tc.b)}
			if !tc.collide {
				f.fetch(items...)
				return
			}
			as[*CollisionError](t, f.refuse(items...))
			f.has(nil)
			if got := f.store.asked(); len(got) != 0 {
				t.Errorf("requests %q", got)
			}
		})
	}
}

func TestLeftoversOfAKilledRunAreRemoved(t *testing.T) {
	f := newFixture(t, Options{})
	f.store.put("a", []byte("x"))
	mine, other := "d/"+tempName("a"), "d/"+tempName("b")
	f.write(mine, "half")
	f.write(other, "half")
	f.write("d/"+tempName("a")+"/new/file", "half")
	f.write("d/.cot-partial-x", "not ours")
	busy := "d/" + tempName("a")
	f.write(busy, "another process writes this")
	held, err := os.Open(f.path(busy))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if runtime.GOOS != "windows" && !lock(held) {
		t.Fatal("can't lock")
	}
	f.fetch(f.store.pinned("a", []byte("x"), "d/a"))
	f.has(map[string]string{
		"d/": "", "d/a": "x", other: "half", "d/.cot-partial-x": "not ours", busy: "another process writes this",
	})
}

func TestCheckComparesWhatIsThere(t *testing.T) {
	f := newFixture(t, Options{})
	f.write("good", "x")
	f.write("bad", "y")
	f.write("real", "x")
	if err := os.Symlink("real", f.path("link")); err != nil {
		t.Fatal(err)
	}
	packed := f.store.pinned("a", []byte("x"), "gone")
	packed.Extract, packed.ExtractTo = ByContent(), "."
	kept := f.store.pinned("a", []byte("x"), "real")
	kept.Extract, kept.ExtractTo = ByContent(), "."
	items := []Item{
		f.store.pinned("a", []byte("x"), "good"), kept,
		f.store.pinned("a", []byte("x"), "bad"), f.store.pinned("a", []byte("x"), "missing"),
		f.store.pinned("a", []byte("x"), "no/dir"), f.store.pinned("a", []byte("x"), "link"), packed,
	}
	results, err := f.Check(context.Background(), items)
	if err == nil {
		t.Fatal("the check succeeded")
	}
	for i, r := range results {
		if ok := r.Err == nil; ok != (i < 2) || r.Kept != ok {
			t.Errorf("%s: kept %v, error %v", r.Item.Path, r.Kept, r.Err)
		}
	}
	if m := as[*MismatchError](t, results[2].Err); m.Fault != Disk || !strings.Contains(m.Error(), "on disk") {
		t.Errorf("%v", m)
	}
	if got := f.store.asked(); len(got) != 0 {
		t.Errorf("requests %q", got)
	}
	if _, err := os.Lstat(f.path("no")); err == nil {
		t.Error("the check made a directory")
	}
}
