package download

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Bounds of a path. Segments are what Linux, macOS and Windows can all hold.
const (
	maxPath    = 4096 // bytes
	maxSegment = 255  // bytes
	maxDepth   = 128  // segments
)

// checkPath refuses what is not, on every platform, the name of one file below
// the directory that it is relative to.
func checkPath(p string) error {
	if p == "" {
		return &NameError{p, "it is empty"}
	}
	if len(p) > maxPath {
		return &NameError{p, fmt.Sprintf("it is longer than %d bytes", maxPath)}
	}
	if p[0] == '/' {
		return &NameError{p, "it is absolute"}
	}
	depth := 0
	for segment := range strings.SplitSeq(p, "/") {
		if depth++; depth > maxDepth {
			return &NameError{p, fmt.Sprintf("it is deeper than %d directories", maxDepth)}
		}
		if reason := checkSegment(segment); reason != "" {
			return &NameError{p, reason}
		}
	}
	return nil
}

// checkDir is checkPath for a directory, which may be "." as well.
func checkDir(p string) error {
	if p == "." {
		return nil
	}
	return checkPath(p)
}

func checkSegment(s string) (reason string) {
	switch {
	case s == "":
		return "it has an empty segment"
	case s == "." || s == "..":
		return fmt.Sprintf("it has a %q segment", s)
	case len(s) > maxSegment:
		return fmt.Sprintf("a segment is longer than %d bytes", maxSegment)
	case !utf8.ValidString(s):
		return "it is not valid UTF-8"
	case s[len(s)-1] == '.' || s[len(s)-1] == ' ':
		return "a segment ends with a dot or a space, which Windows drops"
	case strings.HasPrefix(strings.ToLower(s), tempPrefix):
		return fmt.Sprintf("a segment begins with %q, as unfinished downloads do", tempPrefix)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return "it has a control character"
		}
		if strings.ContainsRune(`\:<>"|?*`, r) {
			return fmt.Sprintf("it has %q, which Windows reads as something else or can't hold", r)
		}
	}
	if isDevice(s) {
		return "Windows reads a segment as a device"
	}
	if isShortName(s) {
		return "Windows may read a segment as the short form of another name"
	}
	return ""
}

// isDevice tells whether Windows takes the name, with whatever extension, for a
// device ("Naming Files, Paths, and Namespaces").
func isDevice(s string) bool {
	base, _, _ := strings.Cut(s, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if n, ok := strings.CutPrefix(base, port); ok {
			switch n {
			case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
				return true
			}
		}
	}
	return false
}

// isShortName tells whether s has the form of a generated 8.3 name, "LONGNA~1.TXT".
func isShortName(s string) bool {
	base, ext, _ := strings.Cut(s, ".")
	name, number, ok := strings.Cut(base, "~")
	if !ok || name == "" || number == "" || len(base) > 8 || len(ext) > 3 || strings.Contains(ext, ".") {
		return false
	}
	return strings.Trim(number, "0123456789") == ""
}

// fold gives two paths the same key if some common filesystem takes them for
// one: case, Unicode normal form and ignorable characters don't count.
func fold(p string) string {
	ascii := true
	for i := range len(p) {
		if p[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(p)
	}
	p = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, p)
	return norm.NFC.String(cases.Fold().String(norm.NFD.String(p)))
}

// clean gives the path that an archive's name for a member means: "./" and
// doubled or trailing slashes are dropped, as every unpacker does. The empty
// string is the archive's root.
func clean(name string) string {
	if !strings.Contains(name, "//") && !strings.Contains(name, "./") && !strings.HasSuffix(name, "/") && !strings.HasSuffix(name, "/.") && name != "." {
		return name
	}
	abs := strings.HasPrefix(name, "/")
	var kept []string
	for segment := range strings.SplitSeq(name, "/") {
		if segment != "" && segment != "." {
			kept = append(kept, segment)
		}
	}
	p := strings.Join(kept, "/")
	if abs {
		return "/" + p
	}
	return p
}

// split gives a path's directory, "." for none, and its last segment.
func split(p string) (dir, base string) {
	i := strings.LastIndexByte(p, '/')
	if i < 0 {
		return ".", p
	}
	return p[:i], p[i+1:]
}

func join(dir, name string) string {
	if dir == "." || dir == "" {
		return name
	}
	return dir + "/" + name
}
