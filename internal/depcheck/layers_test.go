package depcheck

import (
	"strings"
	"testing"
)

// layer says what a part of the repository must not know.
type layer struct {
	dir    string
	forbid []string // own packages, with all below them; "." is every own package
	except []string // own packages allowed all the same
	why    string
}

var layers = []layer{
	{
		"graph",
		[]string{"."},
		[]string{"graph", "internal/strictjson"},
		"what tasks are is known without any notion of trust",
	},
	{
		"certs",
		[]string{"."},
		[]string{"certs", "graph", "internal/strictjson"},
		"who signed is decided without knowing what is traced",
	},
	{
		"trace",
		[]string{"."},
		[]string{"trace", "certs", "graph", "internal/strictjson", "internal/render"},
		"verdicts come from values; where they were read is not its business",
	},
	{
		"internal/strictjson",
		[]string{"."},
		[]string{"internal/strictjson"},
		"a leaf",
	},
	{
		"internal/render",
		[]string{"."},
		[]string{"internal/render", "internal/strictjson", "graph"},
		"rendering knows no verdicts",
	},
	{
		"internal/transport",
		[]string{"."},
		[]string{"internal/transport", "graph"},
		"one HTTP client for all; it knows limits and reasons, nothing of what it carries",
	},
	{
		"internal/queue",
		[]string{"internal/cli", "internal/report", "internal/download", "internal/vcs", "certs", "fixtures"},
		nil,
		"evidence is read by those who don't judge it",
	},
	{
		"internal/cachedir",
		[]string{"."},
		[]string{"internal/cachedir"},
		"a leaf: files are kept without knowing what is in them",
	},
	{
		"internal/crlcache",
		[]string{"."},
		[]string{"internal/crlcache", "internal/cachedir", "internal/transport", "certs/revocation", "graph"},
		"lists are fetched and kept by those who don't judge them",
	},
	{
		"internal/vcs",
		[]string{"internal/cli", "internal/report", "internal/download", "internal/queue", "certs", "fixtures"},
		nil,
		"evidence is read by those who don't judge it",
	},
	{
		"internal/evidence",
		[]string{"."},
		[]string{"internal/evidence", "internal/strictjson", "trace", "certs/revocation", "graph"},
		"what was answered is kept and given again without a network, and without judging it",
	},
	{
		"internal/download",
		[]string{"internal/cli", "internal/report", "internal/vcs", "trace/policy", "certs", "fixtures"},
		nil,
		"bytes are fetched only by digests that a report vouches for",
	},
	{
		"internal/report",
		[]string{"internal/cli", "internal/queue", "internal/vcs", "internal/download", "internal/transport", "fixtures"},
		nil,
		"renderers see the report and nothing else",
	},
	{
		"internal/keystore",
		[]string{"."},
		[]string{"internal/keystore", "internal/durable"},
		"keys are kept without knowing what they sign",
	},
	{
		"internal/castore",
		[]string{"."},
		[]string{"internal/castore", "internal/durable"},
		"what was issued is kept without knowing how",
	},
	{
		"fixtures",
		[]string{"."},
		[]string{"fixtures"},
		"a world made with the verifier's own code would share its mistakes",
	},
	{
		"docs/workers",
		[]string{"."},
		[]string{"certs/signing"},
		"a worker needs nothing else of this module",
	},
	{
		"cmd",
		[]string{"."},
		[]string{"internal/cli"},
		"main only maps arguments and streams to an exit code",
	},
}

func TestLayers(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for p := range s.imports {
			own, ok := strings.CutPrefix(p, module+"/")
			if !ok {
				continue
			}
			for _, l := range layers {
				if within(s.pkg, l.dir) && (withinAny(own, l.forbid) || l.forbid[0] == ".") && !withinAny(own, l.except) {
					t.Errorf("%s imports %s: %s may not, %s", s.path, own, l.dir, l.why)
				}
			}
		}
	}
}

// vague names say nothing about what a package holds.
var vague = map[string]bool{
	"util": true, "utils": true, "common": true, "manager": true, "misc": true, "base": true,
	"helpers": true, "lib": true, "shared": true, "types": true,
}

func TestPackagesAreNamedForWhatTheyHold(t *testing.T) {
	for _, s := range sources(t) {
		for _, part := range strings.Split(s.pkg, "/") {
			if vague[part] {
				t.Errorf("%s: %q says nothing about what is in it", s.path, part)
			}
		}
	}
}
