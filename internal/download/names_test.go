package download

import (
	"strings"
	"testing"
)

// unsafePaths are refused on every platform, as paths and as archive members.
var unsafePaths = []string{
	"..", "../a", "a/../../b", "a/..", "a/../b", "/a", "//a", "\\a", "a\\b", "..\\a", "C:a", "C:\\a", "C:/a", "\\\\host\\share", "//?/C:/a",
	"a:stream", "a::$DATA", "CON", "con", "Con.txt", "a/NUL", "nul.tar.gz", "aux.c", "PRN", "COM1", "com0.log", "LPT9", "LPT¹", "CONIN$", "CON .txt",
	"a.", "a ", "a./b", "dir /b", "...", "a\x00b", "a\nb", "a\x7f", "a\u0085b", "a\xffb", "a?", "a*", "a<", "a>", "a|", "a\"",
	"LONGNA~1.TXT", "A~1", strings.Repeat("a", 256), strings.Repeat("a/", 200) + "a", strings.Repeat("abcdefgh/", 500) + "a",
	".cot-partial-x", ".COT-partial-x", "a/.cot-partial-0123456789abcdef-00",
}

// safePaths are accepted.
var safePaths = []string{
	"a", "a/b/c", ".a", "..a", "a..b", "...a", "a b", "a~b", "a~1.tar.gz", "longername~1", "consul", "con-1", "aux_", "nuls.txt", "COM", "COM10", "LPT", "LPT10",
	"café/日本語", "a+b=c,d;e@f#g%20h&i!j$k^l(m)[n]{o}'p`", strings.Repeat("a", 255), ".cot", ".cot-part", "public/build/target.tar.bz2",
}

func TestPaths(t *testing.T) {
	for _, p := range append([]string{"", ".", "./a", "a/", "a//b", "a/./b"}, unsafePaths...) {
		if err := checkPath(p); err == nil {
			t.Errorf("%q was accepted", p)
		}
	}
	for _, p := range safePaths {
		if err := checkPath(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestClean(t *testing.T) {
	for name, want := range map[string]string{
		"": "", ".": "", "./": "", "./a": "a", "a/": "a", "a//b": "a/b", "a/./b/.": "a/b", "/a": "/a", "//a": "/a", "/": "/", "../a": "../a", "a/../b": "a/../b", ".a/b": ".a/b",
	} {
		if got := clean(name); got != want {
			t.Errorf("clean(%q) is %q, want %q", name, got, want)
		}
	}
}
