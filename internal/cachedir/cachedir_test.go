package cachedir

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestSharedDirectoryIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no mode bits")
	}
	dir := t.TempDir()
	for mode, ok := range map[os.FileMode]bool{0o700: true, 0o755: true, 0o775: false, 0o777: false, 0o702: false} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		d, err := Open(dir)
		if (err == nil) != ok {
			t.Errorf("mode %o: %v", mode, err)
		}
		_ = d.Close()
	}
}

func TestFilesAreReplacedWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a", "b")
	d, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, want := range []string{"first", "the second"} {
		if err := d.Write("f", []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Read("f", 10); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	if _, err := d.Read("f", 9); err == nil {
		t.Error("more than the limit is read")
	}
	if err := d.Write("../f", nil); err == nil {
		t.Error("a file is written outside")
	}
	if entries, err := os.ReadDir(name); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v, want one file", entries, err)
	}
}

func TestNoDirectoryKeepsNothing(t *testing.T) {
	var d *Dir
	if err := d.Write("f", []byte("x")); err != nil {
		t.Error(err)
	}
	if got, err := d.Read("f", 10); err == nil {
		t.Errorf("%q is read", got)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
