package depcheck

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/internal/cli"
)

var (
	flagInHelp = regexp.MustCompile(`(?m)^ +(?:-[a-zA-Z], )?--([a-z][a-z-]*)`)
	flagInText = regexp.MustCompile(`(?:^|[^A-Za-z0-9-])--([a-z][a-z-]*[a-z])`)
)

// help gives the flags that a command's help lists.
func help(t *testing.T, command cli.Command) map[string]bool {
	t.Helper()
	var out bytes.Buffer
	code := command(t.Context(), cli.IO{
		Args: []string{"--help"}, Env: func(string) (string, bool) { return "", false },
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
	})
	if code != 0 {
		t.Fatalf("--help ends with code %d: %s", code, out.String())
	}
	flags := map[string]bool{}
	for _, m := range flagInHelp.FindAllStringSubmatch(out.String(), -1) {
		flags[m[1]] = true
	}
	return flags
}

func TestDocumentsNameFlagsThatExist(t *testing.T) {
	known := help(t, cli.Download)
	for f := range help(t, cli.VerifyGraph) {
		known[f] = true
	}
	files(t, func(rel string) {
		if !strings.HasSuffix(rel, ".md") || strings.HasPrefix(rel, "bench/") || strings.Contains(rel, "/testdata/") {
			return
		}
		for _, m := range flagInText.FindAllStringSubmatch(read(t, rel), -1) {
			if !known[m[1]] {
				t.Errorf("%s names --%s, which no command has", rel, m[1])
			}
		}
	})
	usage := read(t, "docs/usage.md")
	for f := range known {
		if !strings.Contains(usage, "--"+f) {
			t.Errorf("docs/usage.md does not name --%s", f)
		}
	}
}
