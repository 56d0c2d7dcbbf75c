package download

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mozilla-releng/cot/fixtures/needed"
)

// output runs a program in a directory and gives what it writes.
func output(t *testing.T, dir string, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(needed.Program(t, name), args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, &said)
	}
	return out.Bytes()
}

// Archives come from these programs, not from the library that reads them here.
func TestArchivesOfRealPrograms(t *testing.T) {
	src := t.TempDir()
	big := string(pattern(5 * bufferSize / 2))
	for _, f := range []struct {
		name, body string
		mode       os.FileMode
	}{
		{"d/a", big, 0o644}, {"d/ü ü.txt", "name", 0o600}, {"tool", "#!/bin/sh\n", 0o755}, {"empty", "", 0o644},
	} {
		path := filepath.Join(src, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.body), f.mode); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"out/": "", "out/d/": "", "out/d/a": big, "out/d/ü ü.txt": "name", "out/tool": "#!/bin/sh\n", "out/empty": ""}
	if err := os.Symlink("d/a", filepath.Join(src, "l")); err == nil {
		want["out/l"] = "-> d/a"
	}
	check := func(t *testing.T, format string, archive []byte) {
		f := newFixture(t, Options{})
		f.fetch(f.archive("a", format, "out", archive))
		f.has(want)
		if info, err := os.Stat(f.path("out/tool")); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("the tool is not executable: %v, %v", info, err)
		}
	}
	packers := map[string][]string{
		"gz": {"gzip", "-c"}, "bz2": {"bzip2", "-c"}, "xz": {"xz", "-c"}, "zst": {"zstd", "-qc"}, "lz4": {"lz4", "-qc"}, "br": {"brotli", "-q", "4", "-c"},
	}
	for _, kind := range []string{"gnu", "pax", "ustar"} {
		t.Run("tar of kind "+kind, func(t *testing.T) {
			check(t, "tar", output(t, src, nil, "tar", "--format="+kind, "-cf", "-", "."))
		})
	}
	for codec, pack := range packers {
		t.Run("tar."+codec, func(t *testing.T) {
			tar := output(t, src, nil, "tar", "-cf", "-", ".")
			check(t, "tar."+codec, output(t, src, tar, pack[0], pack[1:]...))
		})
		t.Run(codec, func(t *testing.T) {
			how, err := Decompress(codec)
			if err != nil {
				t.Fatal(err)
			}
			f := newFixture(t, Options{})
			body := output(t, src, []byte(big), pack[0], pack[1:]...)
			f.store.put("a", body)
			item := f.store.pinned("a", body, "file")
			item.Extract = how
			f.fetch(item)
			f.has(map[string]string{"file": big})
		})
	}
	t.Run("zip", func(t *testing.T) {
		archive := filepath.Join(t.TempDir(), "a.zip")
		output(t, src, nil, "zip", "-qry", archive, ".")
		body, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		check(t, "zip", body)
	})
}
