package download

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mholt/archives"
)

// member is one entry of a test archive.
type member struct {
	name string
	kind byte // tar.TypeReg by default
	body string
	link string
	mode int64
}

var stamp = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)

func file(name, body string) member { return member{name: name, body: body} }
func dir(name string) member        { return member{name: name, kind: tar.TypeDir, mode: 0o755} }
func symlink(name, target string) member {
	return member{name: name, kind: tar.TypeSymlink, link: target}
}

func hardlink(name, target string) member {
	return member{name: name, kind: tar.TypeLink, link: target}
}

func tarOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Typeflag: m.kind, Linkname: m.link, Mode: m.mode, Size: int64(len(m.body)), ModTime: stamp}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: stamp}
		mode := fs.FileMode(m.mode)
		if mode == 0 {
			mode = 0o644
		}
		body := m.body
		switch m.kind {
		case tar.TypeDir:
			mode |= fs.ModeDir
			h.Name = strings.TrimSuffix(h.Name, "/") + "/"
			h.Method = zip.Store
		case tar.TypeSymlink:
			mode |= fs.ModeSymlink
			body = m.link
		case tar.TypeFifo:
			mode |= fs.ModeNamedPipe
		}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func packed(t testing.TB, codec string, b []byte) []byte {
	t.Helper()
	if codec == "" {
		return b
	}
	var out bytes.Buffer
	w, err := decoder(codec).(archives.Compressor).OpenWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// archive is an item that unpacks bytes into a directory.
func (f *fixture) archive(name, format, into string, body []byte) Item {
	f.t.Helper()
	how, err := Archive(format)
	if err != nil {
		f.t.Fatal(err)
	}
	f.store.put(name, body)
	item := f.store.pinned(name, body, "")
	item.Extract, item.ExtractTo = how, into
	return item
}

// literal is an item that unpacks bytes without a server.
func literal(t testing.TB, format, into string, body []byte) Item {
	t.Helper()
	how, err := Archive(format)
	if err != nil {
		t.Fatal(err)
	}
	return Item{Literal: &Literal{body}, Extract: how, ExtractTo: into}
}

// byContent is an item as a fetch that extracts.
func (f *fixture) byContent(path string, body []byte) Item {
	f.store.put(path, body)
	item := f.store.pinned(path, body, path)
	item.Extract = ByContent()
	item.ExtractTo, _ = split(path)
	return item
}

func TestEveryFormat(t *testing.T) {
	big := string(pattern(3 * bufferSize / 2))
	plain := tarOf(t, dir("./"), dir("./d"), file("./d/a", big), file("./b", "b"), symlink("./l", "d/a"))
	want := map[string]string{"out/": "", "out/d/": "", "out/d/a": big, "out/b": "b", "out/l": "-> d/a"}
	for _, codec := range append([]string{""}, codecs...) {
		format := strings.TrimSuffix("tar."+codec, ".")
		t.Run(format, func(t *testing.T) {
			f := newFixture(t, Options{})
			res := f.fetch(f.archive("a", format, "out", packed(t, codec, plain)))[0]
			f.has(want)
			if diff := cmp.Diff([]string{"out/b", "out/d/a", "out/l"}, res.Written); diff != "" {
				t.Error(diff)
			}
		})
		if codec == "" {
			continue
		}
		t.Run(codec, func(t *testing.T) {
			f := newFixture(t, Options{})
			how, err := Decompress(codec)
			if err != nil {
				t.Fatal(err)
			}
			body := packed(t, codec, []byte(big))
			f.store.put("a", body)
			item := f.store.pinned("a", body, "d/file")
			item.Extract, item.Executable = how, true
			f.fetch(item)
			f.has(map[string]string{"d/": "", "d/file": big})
			if info, _ := os.Stat(f.path("d/file")); info.Mode() != 0o755 {
				t.Errorf("mode %v", info.Mode())
			}
		})
	}
	t.Run("zip", func(t *testing.T) {
		f := newFixture(t, Options{})
		f.fetch(f.archive("a", "zip", "out", zipOf(t, dir("d"), file("d/a", big), file("b", "b"), symlink("l", "d/a"))))
		f.has(want)
	})
}

func TestFormatsThatAreRefused(t *testing.T) {
	for _, format := range []string{"7z", "rar", "tar.lz", "", "gz", "tar.", "tar.zip", "tgz", "zip.gz"} {
		if _, err := Archive(format); err == nil {
			t.Errorf("archive format %q was accepted", format)
		}
	}
	for _, format := range []string{"lz", "", "tar", "zip", "7z", "tar.gz"} {
		if _, err := Decompress(format); err == nil {
			t.Errorf("compression %q was accepted", format)
		}
	}
}

// TestJoinedStreamsAreReadToTheEnd holds decoders to the rule that what follows
// the first of several joined streams is either read or refused.
func TestJoinedStreamsAreReadToTheEnd(t *testing.T) {
	for _, codec := range codecs {
		t.Run(codec, func(t *testing.T) {
			f := newFixture(t, Options{})
			how, err := Decompress(codec)
			if err != nil {
				t.Fatal(err)
			}
			body := append(packed(t, codec, []byte("first ")), packed(t, codec, []byte("second"))...)
			f.store.put("a", body)
			item := f.store.pinned("a", body, "a")
			item.Extract = how
			if _, err := f.Fetch(t.Context(), []Item{item}); err != nil {
				t.Logf("refused: %v", err)
				f.has(nil)
				return
			}
			f.has(map[string]string{"a": "first second"})
		})
	}
}

func TestDamagedArchivesLeaveNothing(t *testing.T) {
	plain := tarOf(t, file("a", string(pattern(1<<20))), file("b", "b"))
	zipped := zipOf(t, file("a", string(pattern(1<<20))), file("b", "b"))
	for name, tc := range map[string]struct {
		format string
		body   []byte
	}{
		"tar cut short":     {"tar", plain[:1<<20]},
		"tar.gz cut short":  {"tar.gz", packed(t, "gz", plain)[:5000]},
		"tar.gz flipped":    {"tar.gz", flip(packed(t, "gz", plain), 5000)},
		"tar.xz cut short":  {"tar.xz", packed(t, "xz", plain)[:2000]},
		"tar.zst cut short": {"tar.zst", packed(t, "zst", plain)[:2000]},
		"tar.bz2 flipped":   {"tar.bz2", flip(packed(t, "bz2", plain), 3000)},
		"zip cut short":     {"zip", zipped[:len(zipped)-10]},
		"zip flipped":       {"zip", flip(zipped, 5000)},
		"zip, but a tar":    {"zip", plain},
		"tar, but a zip":    {"tar", zipped},
		"tar.gz, but xz":    {"tar.gz", packed(t, "xz", plain)},
		"tar.xz of nothing": {"tar.xz", nil},
		"zip of nothing":    {"zip", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, into := range []string{"x/out", "."} {
				f := newFixture(t, Options{})
				f.refuse(f.archive("a", tc.format, into, tc.body))
				f.has(nil)
			}
		})
	}
}

func TestModesAreKeptWithoutSpecialBits(t *testing.T) {
	members := []member{
		{name: "d", kind: tar.TypeDir, mode: 0o555},
		{name: "d/ro", mode: 0o444, body: "r"},
		{name: "tool", mode: 0o755, body: "t"},
		{name: "suid", mode: 0o4755, body: "s"},
		{name: "sgid", mode: 0o2755, body: "s"},
		{name: "own", mode: 0o600, body: "o"},
		{name: "shared", kind: tar.TypeDir, mode: 0o1755},
	}
	want := map[string]fs.FileMode{
		"d": fs.ModeDir | 0o755, "d/ro": 0o444, "tool": 0o755, "suid": 0o755, "sgid": 0o755, "own": 0o600, "shared": fs.ModeDir | 0o755,
	}
	for format, body := range map[string][]byte{"tar": tarOf(t, members...), "zip": zipOf(t, members...)} {
		t.Run(format, func(t *testing.T) {
			f := newFixture(t, Options{})
			f.fetch(f.archive("a", format, "out", body))
			for name, mode := range want {
				info, err := os.Stat(f.path("out/" + name))
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode() != mode {
					t.Errorf("%s has mode %v, want %v", name, info.Mode(), mode)
				}
				if info.Mode().IsRegular() && !info.ModTime().Equal(stamp) {
					t.Errorf("%s has time %v, want %v", name, info.ModTime(), stamp)
				}
			}
		})
	}
}

func TestZipWithoutModes(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f1, err := w.Create("made/elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f1, "x")
	w.Close()
	f := newFixture(t, Options{})
	f.fetch(f.archive("a", "zip", "out", out.Bytes()))
	if info, _ := os.Stat(f.path("out/made/elsewhere")); info.Mode() != 0o644 {
		t.Errorf("mode %v, want 0644", info.Mode())
	}
}

func TestByContent(t *testing.T) {
	members := []member{file("d/a", "a")}
	plain := tarOf(t, members...)
	old := append([]byte(nil), plain...)
	clear(old[257:265]) // a tar from before ustar
	copy(old[148:156], fmt.Sprintf("%06o\x00 ", checksum(old[:512])))
	for name, body := range map[string][]byte{
		"tar": plain, "old tar": old, "tar.gz": packed(t, "gz", plain), "tar.bz2": packed(t, "bz2", plain),
		"tar.xz": packed(t, "xz", plain), "tar.zst": packed(t, "zst", plain), "zip": zipOf(t, members...),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			f.fetch(f.byContent("x/whatever.bin", body))
			f.has(map[string]string{"x/": "", "x/d/": "", "x/d/a": "a"})
			// Once more: the same members replace the same members.
			f.fetch(f.byContent("x/whatever.bin", body))
			f.has(map[string]string{"x/": "", "x/d/": "", "x/d/a": "a"})
		})
	}
	for name, body := range map[string][]byte{
		"text.tar.gz": []byte("not an archive"), "empty.zip": nil, "one.gz": packed(t, "gz", pattern(5000)), "short.zst": packed(t, "zst", []byte("x")),
		"broken.gz": packed(t, "gz", pattern(5000))[:12], "zeros.tar": make([]byte, 10240), "lz4.tar.lz4": packed(t, "lz4", plain),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			f.fetch(f.byContent("x/"+name, body))
			f.has(map[string]string{"x/": "", "x/" + name: string(body)})
			if res := f.fetch(f.byContent("x/"+name, body))[0]; !res.Kept {
				t.Error("not kept the second time")
			}
		})
	}
}

func checksum(header []byte) int {
	sum := 0
	for i, c := range header {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	return sum
}
