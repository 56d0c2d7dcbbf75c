package depcheck

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading      = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notInAnchor  = regexp.MustCompile("[^a-z0-9 _-]")
)

func TestDocumentsLinkToWhatExists(t *testing.T) {
	files(t, func(rel string) {
		if !strings.HasSuffix(rel, ".md") || strings.Contains(rel, "/testdata/") {
			return
		}
		for _, m := range markdownLink.FindAllStringSubmatch(read(t, rel), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, fragment, _ := strings.Cut(m[1], "#")
			target := rel
			if file != "" {
				target = path.Join(path.Dir(rel), file)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s, which does not exist", rel, m[1])
				continue
			}
			if fragment != "" && !anchors(read(t, target))[fragment] {
				t.Errorf("%s links to %s, which has no such heading", rel, m[1])
			}
		}
	})
}

// anchors are the headings of a document as links name them.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		s := notInAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
		out[strings.ReplaceAll(s, " ", "-")] = true
	}
	return out
}
