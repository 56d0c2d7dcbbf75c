package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCreateNeverOverwrites(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	if err := Create(name, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range []func(string, []byte, fs.FileMode) error{Create, exclusive} {
		if err := f(name, []byte("second"), 0o600); !errors.Is(err, fs.ErrExist) {
			t.Errorf("want %v, found %v", fs.ErrExist, err)
		}
	}
	if got := content(t, name); got != "first" {
		t.Errorf("the file holds %q", got)
	}
	onlyOne(t, name)
}

func TestReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "index")
	for _, text := range []string{"first", "second"} {
		if err := Replace(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := content(t, name); got != text {
			t.Errorf("the file holds %q, want %q", got, text)
		}
	}
	onlyOne(t, name)
}

// A file that can't be written leaves nothing behind.
func TestFailureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(name, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	if Replace(name, nil, 0o600) == nil || Create(name, nil, 0o600) == nil {
		t.Error("a directory was replaced by a file")
	}
	onlyOne(t, name)
}

func onlyOne(t *testing.T, name string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(name) {
		t.Errorf("beside %s: %v, %v", name, entries, err)
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes are not Windows'")
	}
	dir := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"secret": 0o600, "public": 0o644} {
		file := filepath.Join(dir, name)
		if err := Create(file, []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
