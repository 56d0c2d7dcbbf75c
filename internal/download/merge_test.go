package download

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestArchiveMergesIntoWhatIsThere(t *testing.T) {
	f := newFixture(t, Options{})
	f.write("out/d/kept", "old")
	f.write("out/d/replaced", "old")
	if err := os.Symlink("d/kept", f.path("out/l")); err != nil {
		t.Fatal(err)
	}
	body := tarOf(t, file("d/replaced", "new"), file("d/added", "new"), file("e/f", "new"), symlink("l", "e/f"))
	for range 2 { // the second time replaces everything by itself
		res := f.fetch(literal(t, "tar", "out", body))[0]
		f.has(map[string]string{
			"out/": "", "out/d/": "", "out/d/kept": "old", "out/d/replaced": "new", "out/d/added": "new", "out/e/": "", "out/e/f": "new", "out/l": "-> e/f",
		})
		if diff := cmp.Diff([]string{"out/d/added", "out/d/replaced", "out/e/f", "out/l"}, res.Written); diff != "" {
			t.Error(diff)
		}
	}
}

// The member that can't be placed comes last, so that all others were placed
// and must be taken back.
func TestFailedMergeTakesEverythingBack(t *testing.T) {
	outside := t.TempDir()
	for name, occupy := range map[string]func(f *fixture) error{
		"by a directory":         func(f *fixture) error { return os.MkdirAll(f.path("out/z"), 0o755) },
		"by a link":              func(f *fixture) error { return os.Symlink("a", f.path("out/z")) },
		"by a link out":          func(f *fixture) error { return os.Symlink(outside+"/new", f.path("out/z")) },
		"its directory, by link": func(f *fixture) error { return os.Symlink(outside, f.path("out/y")) },
		"its directory, by file": func(f *fixture) error { f.write("out/y", "in the way"); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			for _, into := range []string{"out", "."} {
				f := newFixture(t, Options{})
				f.write("out/a", "old a")
				f.write("out/d/b", "old b")
				if err := os.Symlink("a", f.path("out/l")); err != nil {
					t.Fatal(err)
				}
				if err := occupy(f); err != nil {
					t.Fatal(err)
				}
				prefix := ""
				if into == "." {
					prefix = "out/"
				}
				before := listing(t, f.dir)
				body := tarOf(t, file(prefix+"a", "new"), file(prefix+"d/b", "new"), file(prefix+"d/c", "new"),
					symlink(prefix+"l", "d"), file(prefix+"new/e", "new"), file(prefix+"y/f", "new"), file(prefix+"z", "new"))
				as[*OccupiedError](t, f.refuse(literal(t, "tar", into, body)))
				f.has(before)
				if diff := cmp.Diff([]string(nil), snapshot(t, outside)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestLinkThroughALinkOfTheDestination(t *testing.T) {
	f := newFixture(t, Options{})
	outside := t.TempDir()
	f.write("out/real/file", "x")
	if err := errors.Join(os.Symlink(outside, f.path("out/evil")), os.Symlink("real", f.path("out/fine"))); err != nil {
		t.Fatal(err)
	}
	before := listing(t, f.dir)
	for _, target := range []string{"evil/file", "evil"} {
		as[*MemberError](t, f.refuse(literal(t, "tar", "out", tarOf(t, symlink("d/l", "../"+target), file("d/g", "")))))
		f.has(before)
	}
	f.fetch(literal(t, "tar", "out", tarOf(t, symlink("d/l", "../fine/file"), symlink("d/m", "../fine/none"), file("d/g", ""))))
	if b, err := os.ReadFile(f.path("out/d/l")); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestExtractIntoWhatIsNoDirectory(t *testing.T) {
	f := newFixture(t, Options{})
	f.write("file", "x")
	f.write("real/a", "y")
	if err := os.Symlink("real", f.path("link")); err != nil {
		t.Fatal(err)
	}
	before := listing(t, f.dir)
	for _, into := range []string{"file", "link", "file/sub", "link/sub"} {
		as[*OccupiedError](t, f.refuse(literal(t, "tar", into, tarOf(t, file("a", "z")))))
		f.has(before)
	}
	for _, into := range unsafePaths {
		as[*NameError](t, f.refuse(literal(t, "tar", into, tarOf(t, file("a", "z")))))
	}
	f.has(before)
}

func TestTwoArchivesThatWouldWriteOnePath(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b    []member
		collide bool
	}{
		"the same file":             {[]member{file("d/f", "a")}, []member{file("d/f", "b")}, true},
		"the same file in capitals": {[]member{file("d/f", "a")}, []member{file("D/F", "b")}, true},
		"the same in Unicode":       {[]member{file("caf\u00e9", "a")}, []member{file("cafe\u0301", "b")}, true},
		"file and directory":        {[]member{file("f", "a")}, []member{file("f/g", "b")}, true},
		"file and empty directory":  {[]member{file("f", "a")}, []member{dir("F")}, true},
		"link and directory":        {[]member{symlink("d", "x")}, []member{file("d/f", "b")}, true},
		"the same link":             {[]member{symlink("l", "x")}, []member{symlink("L", "x")}, true},
		"one directory, two files":  {[]member{dir("d"), file("d/f", "a")}, []member{dir("d"), file("d/g", "b")}, false},
		"nothing shared":            {[]member{file("a", "a")}, []member{file("b", "b")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{Jobs: 1})
			items := []Item{literal(t, "tar", ".", tarOf(t, tc.a...)), literal(t, "zip", ".", zipOf(t, tc.b...))}
			if !tc.collide {
				f.fetch(items...)
				return
			}
			results, err := f.Fetch(context.Background(), items)
			as[*CollisionError](t, err)
			for i, r := range results {
				as[*CollisionError](t, r.Err)
				if len(r.Written) != 0 {
					t.Errorf("item %d: written %q", i, r.Written)
				}
			}
			f.has(nil)
		})
	}
}

func TestArchiveThatWouldWriteAnotherInputsFile(t *testing.T) {
	for _, jobs := range []int{1, 4} {
		f := newFixture(t, Options{Jobs: jobs})
		f.store.put("x", []byte("x"))
		results, err := f.Fetch(context.Background(), []Item{
			literal(t, "tar", ".", tarOf(t, file("BIN/tool", "evil"), file("other", ""))),
			f.store.pinned("x", []byte("x"), "bin/tool"),
		})
		as[*CollisionError](t, err)
		if results[0].Err == nil || results[1].Err != nil {
			t.Errorf("archive %v, file %v", results[0].Err, results[1].Err)
		}
		f.has(map[string]string{"bin/": "", "bin/tool": "x"})
	}
}

// While an archive's members go to their places, and back where the last one
// can't be placed, nobody else begins to write among them.
func TestMergeTakesNobodyElsesFileBack(t *testing.T) {
	members := []member{file("a/member", "")}
	for i := range 15000 {
		members = append(members, file(fmt.Sprintf("b%d", i), ""))
	}
	members = append(members, file("z", ""))
	for _, occupied := range []bool{true, false} {
		f := newFixture(t, Options{Jobs: 2})
		if occupied {
			f.write("z/in the way", "x")
		}
		// The third input begins when the first one is being placed.
		f.store.put("x", []byte("x")).fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			for r.Context().Err() == nil {
				time.Sleep(100 * time.Microsecond)
				if _, err := os.Stat(f.path("a")); err == nil {
					break
				}
			}
			return false
		}
		results, err := f.Fetch(context.Background(), []Item{
			literal(t, "tar", ".", tarOf(t, members...)),
			f.store.pinned("x", []byte("x"), "x"),
			{Literal: &Literal{Bytes: []byte("y")}, Path: "a/y"},
		})
		if (err != nil) != occupied || results[1].Err != nil || results[2].Err != nil {
			t.Fatalf("occupied %v: %v", occupied, err)
		}
		if b, err := os.ReadFile(f.path("a/y")); err != nil || string(b) != "y" {
			t.Errorf("occupied %v: %q, %v", occupied, b, err)
		}
	}
}

func TestDirectoryToUnpackIntoIsClaimed(t *testing.T) {
	f := newFixture(t, Options{})
	as[*CollisionError](t, f.refuse(literal(t, "tar", "a/B", nil), Item{Literal: &Literal{}, Path: "a/b"}))
	f.has(nil)
}

func TestCancelWhileUnpacking(t *testing.T) {
	var members []member
	for _, c := range "abcdefghij" {
		members = append(members, file(string(c), string(pattern(1<<20))))
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := newFixture(t, Options{Events: func(e Event) {
		if e.Kind == Extracting {
			cancel()
		}
	}})
	for _, item := range []Item{literal(t, "tar", "out", tarOf(t, members...)), literal(t, "zip", "out", zipOf(t, members...))} {
		if _, err := f.Fetch(ctx, []Item{item}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		f.has(nil)
	}
}

// lateCancel is a context that is cancelled once it was asked often enough.
type lateCancel struct {
	context.Context
	left *int
}

func (c lateCancel) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A hole of a sparse file has no bytes in the archive whose reading would end.
func TestCancelWithinAHole(t *testing.T) {
	const hole = 64 << 20
	b := tarOf(t, file("f", "x"))
	copy(b[156:], "S\x00")
	copy(b[257:], "ustar  \x00")
	copy(b[345:], make([]byte, 155))
	copy(b[386:], fmt.Sprintf("%011o\x00%011o\x00", hole, 1))
	copy(b[483:], fmt.Sprintf("%011o\x00", hole+1))
	sum := 0
	copy(b[148:], "        ")
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	for calls, cancelled := range map[int]bool{100: true, 1 << 20: false} {
		f := newFixture(t, Options{})
		f.write("in", string(b))
		in, err := os.Open(f.path("in"))
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		dir, err := newFolders(f.dest).get(".")
		if err != nil {
			t.Fatal(err)
		}
		s, err := newStage(dir, "out", newTree(10), 2*hole, errors.New("too much"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.discard()
		if err := untar(lateCancel{context.Background(), &calls}, in, int64(len(b)), "", s); (err != nil) != cancelled {
			t.Errorf("error %v, cancelled %v", err, cancelled)
		}
		if !cancelled {
			if info, err := s.root.Stat("f"); err != nil || info.Size() != hole+1 {
				t.Errorf("%v, %v", info, err)
			}
		}
	}
}

// What is unpacked is what was hashed, whatever lies at the name meanwhile.
func TestSwappedArchiveIsNotUnpacked(t *testing.T) {
	good, evil := tarOf(t, file("f", "good")), tarOf(t, file("f", "evil"))
	var f *fixture
	f = newFixture(t, Options{Jobs: 1, Events: func(e Event) {
		if e.Kind != Extracting {
			return
		}
		entries, _ := os.ReadDir(f.dir)
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), tempPrefix) {
				os.Remove(f.path(entry.Name()))
				os.WriteFile(f.path(entry.Name()), evil, 0o644)
			}
		}
	}})
	f.fetch(literal(t, "tar", "out", good))
	f.has(map[string]string{"out/": "", "out/f": "good"})
}
