package vcs

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// MaxRefBytes bounds the name of a ref.
const MaxRefBytes = 255

// checkRef wants the whole name of a ref, "refs/heads/main", by the rules of
// git check-ref-format: what passes has nothing in it that a line of git's
// protocol or a URL reads as more than a name.
func checkRef(ref string) error {
	fail := func(why string) error { return errors.New("not the name of a ref: " + why) }
	switch {
	case len(ref) > MaxRefBytes:
		return fail("more than 255 bytes")
	case !utf8.ValidString(ref):
		return fail("not UTF-8")
	case !strings.HasPrefix(ref, "refs/"):
		return fail("want all of it, like refs/heads/main")
	case strings.Count(ref, "/") < 2:
		return fail("want a name below refs/heads/, refs/tags/ or the like")
	case strings.Contains(ref, "..") || strings.Contains(ref, "@{"):
		return fail(".. and @{ are not allowed")
	case strings.HasSuffix(ref, "."):
		return fail("it ends with a dot")
	}
	for i := range len(ref) {
		if ref[i] <= ' ' || ref[i] == 0x7f || strings.IndexByte(`~^:?*[\`, ref[i]) >= 0 {
			return fail(`spaces, control characters and ~^:?*[\ are not allowed`)
		}
	}
	for _, s := range strings.Split(ref, "/") {
		switch {
		case s == "":
			return fail("a segment is empty")
		case s[0] == '.':
			return fail("a segment begins with a dot")
		case strings.HasSuffix(s, ".lock"):
			return fail("a segment ends with .lock")
		}
	}
	return nil
}
