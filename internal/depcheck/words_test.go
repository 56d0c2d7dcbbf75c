package depcheck

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// forbidden is what belongs to one machine or one day, not into the project.
var forbidden = []struct {
	name string
	re   *regexp.Regexp
}{
	{"a path of one machine", regexp.MustCompile(`(^|[^A-Za-z0-9_.$-])/(work|root|home/[a-z]+)/`)},
	{"a package registry's host", regexp.MustCompile(`(?i)\b((proxy|sum)\.golang\.org|pypi\.org|pythonhosted\.org|registry\.npmjs|crates\.io|deb\.debian\.org|repo1?\.maven|goproxy\.)`)},
	{"work left undone", regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)},
	{"words of a passing state", regexp.MustCompile(`(?i)\b(for ` + `now|not yet ` + `implemented|unimple` + `mented)\b`)},
	{"a reference to how development is organised", regexp.MustCompile(`(?i)\b(issue #?[0-9]+ (of|in) this|the next ` + `issue|my ` + `brief)\b`)},
}

// recorded data keeps the words of those who wrote it.
func recorded(rel string) bool {
	return rel == "LICENSE" || rel == "go.sum" ||
		strings.Contains(rel, "/testdata/") || strings.HasPrefix(rel, "fixtures/recorded/")
}

func TestFilesHoldNothingOfOneMachineOrOneDay(t *testing.T) {
	files(t, func(rel string) {
		if recorded(rel) || rel == "internal/depcheck/words_test.go" {
			return
		}
		text := read(t, rel)
		if !utf8.ValidString(text) {
			return
		}
		for i, line := range strings.Split(text, "\n") {
			for _, f := range forbidden {
				if m := f.re.FindString(line); m != "" {
					t.Errorf("%s:%d: %q is %s", rel, i+1, m, f.name)
				}
			}
		}
	})
}

func TestForbiddenWordsAreFound(t *testing.T) {
	for _, line := range []string{
		"see /work/main/x", `"/root/go"`, "cd /home/ann/cot", "from proxy." + "golang.org", "// TO" + "DO: later", "good enough for " + "now",
	} {
		found := false
		for _, f := range forbidden {
			found = found || f.re.MatchString(line)
		}
		if !found {
			t.Errorf("%q passes", line)
		}
	}
	for _, line := range []string{
		"/builds/worker/fetches/", "https://example.org/work/x", "$HOME/work/", "HACKER", "before now",
	} {
		for _, f := range forbidden {
			if f.re.MatchString(line) {
				t.Errorf("%q is refused as %s", line, f.name)
			}
		}
	}
}
