package download

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// refusedMembers are archives that must leave nothing, by attack.
func refusedMembers() map[string][]member {
	cases := map[string][]member{
		"a link out":                              {symlink("l", "../x")},
		"an absolute link":                        {symlink("l", "/etc/passwd")},
		"an empty link":                           {symlink("l", "")},
		"a link out from below":                   {dir("d"), symlink("d/l", "../../x")},
		"a link out by the back":                  {dir("d"), symlink("d/l", "../d/../../x")},
		"a link out by another link":              {dir("a/b"), symlink("up", "a/b"), symlink("l", "up/../../../x")},
		"a link out by a link that goes up":       {dir("a/b"), symlink("a/b/top", "../.."), symlink("l", "a/b/top/../x")},
		"a link up from nothing":                  {symlink("l", "nothing/../x")},
		"a link up from a file":                   {file("f", ""), symlink("l", "f/../x")},
		"a circle of links":                       {symlink("a", "b"), symlink("b", "a")},
		"a link to itself":                        {symlink("a", "a")},
		"a link with a backslash":                 {symlink("l", "..\\x")},
		"a link to a drive":                       {symlink("l", "C:/x")},
		"a link to a device":                      {symlink("l", "d/CON")},
		"a file below a link in the archive":      {dir("d"), symlink("l", "d"), file("l/f", "x")},
		"a file in place of a link":               {symlink("l", "x"), file("l", "x")},
		"a link in place of a file":               {file("l", "x"), symlink("l", "x")},
		"a link in place of a directory":          {dir("d"), symlink("d", "x")},
		"a file in place of a directory":          {file("d/f", "x"), file("d", "x")},
		"a directory in place of a file":          {file("d", "x"), dir("d")},
		"a file below a file":                     {file("f", "x"), file("f/g", "x")},
		"a file twice":                            {file("f", "x"), file("f", "y")},
		"a file twice, spelled otherwise":         {file("f", "x"), file("./f", "y")},
		"a link twice":                            {symlink("l", "f"), symlink("l", "f")},
		"a pipe":                                  {member{name: "p", kind: tar.TypeFifo}},
		"good members before and after a bad one": {file("f", "x"), file("../g", "y"), file("h", "z")},
	}
	for _, p := range unsafePaths {
		if len(p) < 2000 && !strings.Contains(p, "\x00") {
			cases[fmt.Sprintf("a file named %.40q", p)] = []member{file(p, "x")}
		}
	}
	return cases
}

func TestRefusedMembersLeaveNothing(t *testing.T) {
	for name, members := range refusedMembers() {
		for format, make := range map[string]func(testing.TB, ...member) []byte{"tar": tarOf, "zip": zipOf} {
			t.Run(name+" in "+format, func(t *testing.T) {
				body := make(t, members...)
				for _, into := range []string{".", "x/out", "there"} {
					f := newFixture(t, Options{})
					if err := os.Mkdir(f.path("there"), 0o755); err != nil {
						t.Fatal(err)
					}
					as[*MemberError](t, f.refuse(literal(t, format, into, body)))
					f.has(map[string]string{"there/": ""})
					if _, err := os.Lstat(f.path("../x")); err == nil {
						t.Fatal("something was written outside")
					}
				}
			})
		}
	}
}

func TestRefusedTarMembersLeaveNothing(t *testing.T) {
	for name, members := range map[string][]member{
		"a hard link out":                {hardlink("h", "../x")},
		"an absolute hard link":          {hardlink("h", "/etc/passwd")},
		"a hard link to nothing":         {hardlink("h", "f")},
		"a hard link to a later file":    {hardlink("h", "f"), file("f", "x")},
		"a hard link to a link":          {file("f", "x"), symlink("l", "f"), hardlink("h", "l")},
		"a hard link below a link":       {dir("d"), file("d/f", "x"), symlink("l", "d"), hardlink("h", "l/f")},
		"a hard link to a directory":     {dir("d"), hardlink("h", "d")},
		"a hard link in place of a file": {file("f", "x"), file("h", "y"), hardlink("h", "f")},
		"a device":                       {{name: "dev", kind: tar.TypeChar}},
		"a block device":                 {{name: "dev", kind: tar.TypeBlock}},
		"a member of an unheard-of kind": {{name: "f", kind: 'Z'}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			as[*MemberError](t, f.refuse(literal(t, "tar", "out", tarOf(t, members...))))
			f.has(nil)
		})
	}
}

func TestAcceptedMembers(t *testing.T) {
	for name, tc := range map[string]struct {
		members []member
		want    map[string]string
	}{
		"links inside": {
			[]member{dir("d"), file("d/f", "x"), symlink("l", "d/f"), symlink("d/up", "../l"), symlink("dd", "d"), symlink("deep", "dd/up"), symlink("self", "."), symlink("d/top", "..")},
			map[string]string{"d/": "", "d/f": "x", "l": "-> d/f", "d/up": "-> ../l", "dd": "-> d", "deep": "-> dd/up", "self": "-> .", "d/top": "-> .."},
		},
		"a link before its target": {
			[]member{symlink("l", "d/f"), file("d/f", "x")}, map[string]string{"d/": "", "d/f": "x", "l": "-> d/f"},
		},
		"a dangling link inside": {[]member{symlink("l", "d/f")}, map[string]string{"l": "-> d/f"}},
		"up and down again":      {[]member{file("a/f", "x"), file("b/g", "y"), symlink("a/l", "../b/g")}, map[string]string{"a/": "", "a/f": "x", "b/": "", "b/g": "y", "a/l": "-> ../b/g"}},
		"directories twice":      {[]member{dir("d"), file("d/f", "x"), dir("d"), dir("./d/")}, map[string]string{"d/": "", "d/f": "x"}},
		"a directory after its file": {
			[]member{file("d/f", "x"), {name: "d", kind: tar.TypeDir, mode: 0o700}}, map[string]string{"d/": "", "d/f": "x"},
		},
		"nothing but the root": {[]member{dir("./")}, nil},
		"odd but safe names":   {[]member{file("./a b+c~", "x"), file("..a", "y"), file("d//e", "z")}, map[string]string{"a b+c~": "x", "..a": "y", "d/": "", "d/e": "z"}},
	} {
		for format, make := range map[string]func(testing.TB, ...member) []byte{"tar": tarOf, "zip": zipOf} {
			t.Run(name+" in "+format, func(t *testing.T) {
				f := newFixture(t, Options{})
				f.fetch(literal(t, format, "out", make(t, tc.members...)))
				want := map[string]string{"out/": ""}
				for p, content := range tc.want {
					want["out/"+p] = content
				}
				f.has(want)
			})
		}
	}
}

func TestSafeNamesAsMembers(t *testing.T) {
	for _, p := range safePaths {
		f := newFixture(t, Options{})
		f.fetch(literal(t, "tar", ".", tarOf(t, file(p, "x"))))
		if b, err := os.ReadFile(f.path(p)); err != nil || string(b) != "x" {
			t.Errorf("%q: %q, %v", p, b, err)
		}
	}
}

func TestHardLinksInsideAreKept(t *testing.T) {
	f := newFixture(t, Options{})
	f.fetch(f.archive("a", "tar", ".", tarOf(t, file("./d/f", "x"), hardlink("./h", "./d/f"), hardlink("e/h", "h"))))
	f.has(map[string]string{"d/": "", "d/f": "x", "h": "x", "e/": "", "e/h": "x"})
	a, _ := os.Stat(f.path("d/f"))
	b, _ := os.Stat(f.path("e/h"))
	if !os.SameFile(a, b) {
		t.Error("the hard link is a copy")
	}
}

// Archives of system headers have names that differ only in case.
func TestCaseVariantsInOneArchive(t *testing.T) {
	f := newFixture(t, Options{})
	item := f.archive("a", "tar", ".", tarOf(t, file("xt_MARK.h", "upper"), file("xt_mark.h", "lower")))
	f.write("probe", "")
	_, err := os.Stat(f.path("PROBE"))
	os.Remove(f.path("probe"))
	if errors.Is(err, os.ErrNotExist) {
		f.fetch(item)
		f.has(map[string]string{"xt_MARK.h": "upper", "xt_mark.h": "lower"})
		return
	}
	as[*MemberError](t, f.refuse(item))
	f.has(nil)
}

func TestArchiveLimits(t *testing.T) {
	many := func(n int) []member {
		var out []member
		for i := range n {
			out = append(out, file(fmt.Sprintf("f%d", i), "x"))
		}
		return out
	}
	mib := string(make([]byte, 1<<20))
	var bomb []member
	for i := range ratioFloor>>20 + 1 {
		bomb = append(bomb, file(fmt.Sprintf("f%d", i), mib))
	}
	for name, tc := range map[string]struct {
		opts    Options
		members []member
		codec   string
		refused bool
	}{
		"as many members as allowed":      {Options{MaxMembers: 10}, many(10), "", false},
		"one member more":                 {Options{MaxMembers: 10}, many(11), "", true},
		"parents count":                   {Options{MaxMembers: 3}, []member{file("a/b/c/d", "x")}, "", true},
		"as large as allowed":             {Options{MaxExpandedSize: 2 << 20}, []member{file("a", mib), file("b", mib)}, "", false},
		"one byte more":                   {Options{MaxExpandedSize: 2<<20 - 1}, []member{file("a", mib), file("b", mib)}, "", true},
		"packed tightly, below the floor": {Options{MaxRatio: 2}, []member{file("a", mib)}, "zst", false},
		"packed too tightly":              {Options{MaxRatio: 2}, bomb, "zst", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, tc.opts)
			format := strings.TrimSuffix("tar."+tc.codec, ".")
			item := f.archive("a", format, "out", packed(t, tc.codec, tarOf(t, tc.members...)))
			if !tc.refused {
				f.fetch(item)
				f.fetch(f.archive("z", "zip", "zip", zipOf(t, tc.members...)))
				return
			}
			as[*LimitError](t, f.refuse(item))
			f.has(nil)
			if tc.codec == "" {
				as[*LimitError](t, f.refuse(f.archive("z", "zip", "zip", zipOf(t, tc.members...))))
				f.has(nil)
			}
		})
	}
	t.Run("one file", func(t *testing.T) {
		f := newFixture(t, Options{MaxExpandedSize: 1<<20 - 1})
		how, _ := Decompress("gz")
		body := packed(t, "gz", []byte(mib))
		f.store.put("a", body)
		item := f.store.pinned("a", body, "d/a")
		item.Extract = how
		as[*LimitError](t, f.refuse(item))
		f.has(nil)
	})
}

func TestAllowance(t *testing.T) {
	o, _ := Options{MaxExpandedSize: 10 << 30, MaxRatio: 100}.withDefaults()
	for size, want := range map[int64]int64{0: ratioFloor, 1 << 20: ratioFloor, 10 << 20: 1000 << 20, 1 << 30: 10 << 30, 1 << 62: 10 << 30} {
		if got := o.allowance(size); got != want {
			t.Errorf("%d may expand to %d, want %d", size, got, want)
		}
	}
}
