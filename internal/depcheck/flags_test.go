package depcheck

import (
	"bytes"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/internal/cli"
)

var (
	flagInHelp = regexp.MustCompile(`(?m)^ +(?:-[a-zA-Z], )?--([a-z][a-z-]*)`)
	flagInText = regexp.MustCompile(`(?:^|[^A-Za-z0-9-])--([a-z][a-z-]*[a-z])`)
)

// certsCommands are those of cot-certs.
var certsCommands = []string{"init", "csr", "issue", "revoke", "crl", "sign", "inspect", "verify"}

// help gives the flags that the help of a command, or of its subcommand, lists.
func help(t *testing.T, command cli.Command, subcommand ...string) map[string]bool {
	t.Helper()
	var out bytes.Buffer
	code := command(t.Context(), cli.IO{
		Args: append(subcommand, "--help"), Env: func(string) (string, bool) { return "", false },
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
	for _, sub := range [][]string{nil, {"merge"}} {
		for f := range help(t, cli.VerifyGraph, sub...) {
			known[f] = true
		}
	}
	usage := map[string]map[string]bool{"docs/usage.md": maps.Clone(known), "docs/certs.md": {}}
	for _, c := range certsCommands {
		for f := range help(t, cli.Certs, c) {
			known[f], usage["docs/certs.md"][f] = true, true
		}
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
	for page, flags := range usage {
		text := read(t, page)
		for f := range flags {
			if f != "help" && !strings.Contains(text, "--"+f) {
				t.Errorf("%s does not name --%s", page, f)
			}
		}
	}
}
