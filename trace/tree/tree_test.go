package tree_test

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/trace/tree"
)

// Forms of one repository are one value.
func TestCanonicalForms(t *testing.T) {
	for _, s := range []string{
		"https://github.com/mozilla/xpi", "https://github.com/mozilla/xpi.git", "https://github.com/mozilla/xpi/",
		"https://GitHub.com/mozilla/xpi", "ssh://github.com/mozilla/xpi", "ssh://git@github.com/mozilla/xpi.git",
		"git@github.com:mozilla/xpi.git", "git@github.com:mozilla/xpi",
	} {
		r, err := tree.ParseRepository(s)
		if err != nil || r.String() != "https://github.com/mozilla/xpi" {
			t.Errorf("%s: %s, %v", s, r, err)
		}
	}
}

func TestHostileForms(t *testing.T) {
	for _, s := range []string{
		"", "github.com/mozilla/xpi", "http://github.com/mozilla/xpi", "git://github.com/mozilla/xpi", "file:///etc",
		"https://user@github.com/mozilla/xpi", "https://git:x@github.com/mozilla/xpi", "ssh://root@github.com/mozilla/xpi",
		"https://github.com:443/mozilla/xpi", "https://github.com:/mozilla/xpi", "https://github.com/mozilla/xpi?x", "https://github.com/mozilla/xpi#x",
		"https://github.com/mozilla%2fxpi", "https://github.com//mozilla/xpi", "https://github.com/mozilla/../xpi", "https://github.com/./mozilla",
		"https://github.com/mozilla/xpi//", "https://github.com/mozilla/xpi.git/", "https://github.com", "https://github.com/",
		"https://github.com\\@evil.org/x", "https://github.com/mozilla/x pi", "https:///mozilla", "https://gith\u00fcb.com/x", "git@github.com:../x",
		"https://hg.mozilla.org/mozilla-central/.git",
	} {
		if r, err := tree.ParseRepository(s); err == nil {
			t.Errorf("%q is read as %s", s, r)
		}
	}
}

func TestRevision(t *testing.T) {
	full := strings.Repeat("0123456789", 4)
	for s, ok := range map[string]bool{
		full: true, full + strings.Repeat("a", 24): true, full[1:]: false, strings.ToUpper("a" + full[1:]): false, "default": false, "": false, full + "\n": false,
	} {
		if _, err := tree.ParseRevision(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzParseRepository(f *testing.F) {
	f.Add("https://github.com/mozilla/xpi.git")
	f.Add("git@github.com:mozilla/xpi")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := tree.ParseRepository(s)
		if err != nil {
			return
		}
		again, err := tree.ParseRepository(r.String())
		if err != nil || again != r {
			t.Errorf("%q is read as %q, which is read as %q, %v", s, r, again, err)
		}
	})
}
