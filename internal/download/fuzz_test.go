package download

import (
	"archive/tar"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzMembers unpacks archives of three members with hostile names and link
// targets and holds the result to the one promise: nothing outside of the
// destination is written, or can be reached through what was written.
func FuzzMembers(f *testing.F) {
	for _, p := range unsafePaths {
		f.Add(p, "l", p, byte(tar.TypeReg), false)
		f.Add("d/f", p, "d", byte(tar.TypeSymlink), true)
		f.Add("d/f", "d/l", p, byte(tar.TypeSymlink), false)
	}
	f.Add("d/f", "l", "d/f", byte(tar.TypeSymlink), true)
	f.Add("d/f", "h", "d/f", byte(tar.TypeLink), false)
	f.Add("a/b/c", "a/l", "../a/b/../../x", byte(tar.TypeSymlink), false)
	f.Fuzz(func(t *testing.T, name, second, target string, kind byte, zipped bool) {
		for _, s := range []string{name, second, target} {
			if len(s) > 500 || strings.Contains(s, "\x00") {
				t.Skip()
			}
		}
		members := []member{dir("d"), {name: name, kind: tar.TypeReg, body: "x"}, {name: second, link: target, kind: kind}, {name: second + "/" + name, kind: tar.TypeReg, body: "y"}}
		body, ok := tryPack(members, zipped)
		if !ok {
			t.Skip()
		}
		top := t.TempDir()
		dest := filepath.Join(top, "dest")
		if err := os.MkdirAll(filepath.Join(dest, "d"), 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dest)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		d, err := New(root, noContent{}, Options{MaxExpandedSize: 1 << 20, MaxMembers: 100})
		if err != nil {
			t.Fatal(err)
		}
		format := "tar"
		if zipped {
			format = "zip"
		}
		_, ferr := d.Fetch(context.Background(), []Item{literal(t, format, ".", body)})
		if got := snapshot(t, top); len(got) != 1 {
			t.Fatalf("outside: %q", got)
		}
		if ferr != nil {
			if got := listing(t, dest); len(got) != 1 {
				t.Fatalf("left after %v: %q", ferr, got)
			}
			return
		}
		inside(t, dest)
	})
}

func tryPack(members []member, zipped bool) (body []byte, ok bool) {
	defer func() { ok = recover() == nil }()
	if zipped {
		return zipOf(panicking{}, members...), true
	}
	return tarOf(panicking{}, members...), true
}

// panicking stands for a test where an archive may not be possible to make.
type panicking struct{ testing.TB }

func (panicking) Helper()        {}
func (panicking) Fatal(a ...any) { panic(a) }

// inside fails if a name below dir is none of ours, or a link leads out.
func inside(t *testing.T, dir string) {
	t.Helper()
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for p := range listing(t, dir) {
		if err := checkPath(strings.TrimSuffix(p, "/")); err != nil {
			t.Errorf("written: %v", err)
		}
		to, err := filepath.EvalSymlinks(filepath.Join(dir, p))
		if err != nil {
			continue // dangling
		}
		if to != real && !strings.HasPrefix(to, real+string(filepath.Separator)) {
			t.Errorf("%q leads to %q", p, to)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, p := range append(safePaths, unsafePaths...) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if checkPath(p) != nil {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(p)) || strings.ContainsAny(p, "\\:\x00") || clean(p) != p {
			t.Errorf("%q was accepted", p)
		}
		if checkPath(fold(p)) == nil && fold(fold(p)) != fold(p) {
			t.Errorf("the key of %q is not stable: %q, %q", p, fold(p), fold(fold(p)))
		}
	})
}
