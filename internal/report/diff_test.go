package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	list := func(s ...any) any { return s }
	for name, tt := range map[string]struct {
		want, got any
		lines     []string
	}{
		"scalars":        {true, "x", []string{"- expected true", `+ found    "x"`}},
		"nothing wanted": {nil, list("a", "b"), []string{"- expected nothing", `+ found    ["a","b"]`}},
		"one element of a list": {list("a", "b", "c", "d"), list("a", "b", "c", "x", "d"), []string{
			"- expected, + found:", `    "b",`, `    "c",`, `+   "x",`, `    "d"`, "  ]",
		}},
		"lines of a text": {"one\ntwo\nthree", "one\n2\x1b[2J\nthree", []string{
			"- expected, + found:", "  one", "- two", `+ 2\x1b[2J`, "  three",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.lines, diff(tt.want, tt.got)); d != "" {
				t.Error(d)
			}
		})
	}
}

// Of long texts the part is shown in which they differ, also on one line.
func TestLongTextsAreShownWhereTheyPart(t *testing.T) {
	long := strings.Repeat("--with-a-flag ", 40)
	want, got := shownPair(long+"--safe", long+"--evil")
	if !strings.HasPrefix(want, "...") || !strings.Contains(want, `--safe"`) || !strings.Contains(got, `--evil"`) || len(got) > maxShown+30 {
		t.Errorf("%s\n%s", want, got)
	}
	if want, got := shownPair("safe", "evil"); want != `"safe"` || got != `"evil"` {
		t.Errorf("%s\n%s", want, got)
	}
}

func TestDiffIsBounded(t *testing.T) {
	var a, b []any
	for range 5000 {
		a, b = append(a, strings.Repeat("é", 500)), append(b, strings.Repeat("ü", 500))
	}
	lines := diff(a, b)
	if len(lines) > 2*maxDiffLines+2*diffContext+3 {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		if len(l) > maxShown+40 || strings.ContainsRune(l, '\ufffd') {
			t.Errorf("%d bytes: %q", len(l), l)
		}
	}
	for at := range 1200 {
		s := around(strings.Repeat("é", 600), at)
		if len(s) > maxShown+30 || strings.ContainsRune(s, '\ufffd') {
			t.Fatalf("around %d: %q", at, s)
		}
	}
}
