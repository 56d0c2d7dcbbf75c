package depcheck

import (
	"bufio"
	"slices"
	"strings"
	"testing"
)

// dependency is a module that the project requires directly.
type dependency struct {
	module string
	in     []string // directories that may import it; tests may anywhere if tests is set
	tests  bool
	why    string
}

var dependencies = []dependency{
	{"github.com/taskcluster/taskcluster/v44", []string{"internal/queue"}, true, "the platform's own client: URLs, types and request signing"},
	{"github.com/taskcluster/httpbackoff/v3", []string{"internal/queue"}, false, "turns off that client's own retries"},
	{"github.com/cenkalti/backoff/v3", []string{"internal/queue"}, false, "likewise"},
	{"github.com/hashicorp/go-retryablehttp", []string{"internal/transport"}, false, "one retry policy for every request"},
	{"golang.org/x/sync", []string{"internal", "trace"}, false, "bounded concurrency that stops at the first error"},
	{"github.com/google/go-cmp", []string{"trace"}, true, "readable differences of task definitions, and tests"},
	{"github.com/json-e/json-e/v4", []string{"internal/render"}, false, "the template language of .taskcluster.yml"},
	{"github.com/go-json-experiment/json", []string{"internal", "trace", "graph", "fixtures"}, true, "exact names, no duplicates, streams"},
	{"go.yaml.in/yaml/v4", []string{"internal", "trace/policy", "fixtures"}, true, "YAML 1.2 with line numbers, as Taskcluster reads it"},
	{"github.com/santhosh-tekuri/jsonschema/v6", []string{"internal", "trace"}, true, "JSON Schemas of actions, policy and report"},
	{"github.com/mholt/archives", []string{"internal/download"}, true, "the archive kinds that generic-worker unpacks"},
	{"github.com/klauspost/compress", []string{"internal/download", "internal/evidence", "internal/transport", "fixtures"}, true, "fast gzip and zstd"},
	{"github.com/mikelolasagasti/xz", []string{"internal/download"}, false, "the errors of the xz reader that archives uses: bounds on memory"},
	{"github.com/spiffe/go-spiffe/v2", []string{"certs"}, true, "SPIFFE IDs, as the standard writes them"},
	{"github.com/ProtonMail/go-crypto", []string{"certs/pgp"}, false, "OpenPGP keys and signatures, as archives of 2016 to 2019 have them"},
	{"go.step.sm/crypto", []string{"internal/keystore", "cmd/cot-certs"}, false, "private keys: encrypted PEM, and by URI in clouds and tokens; cot-certs alone links those"},
	{"golang.org/x/term", []string{"internal/cli"}, false, "passphrases are typed without an echo; what a terminal is"},
	{"github.com/spf13/pflag", []string{"internal/cli"}, false, "cobra's flags, by their type"},
	{"github.com/spf13/cobra", []string{"internal/cli"}, false, "what the taskcluster command uses: flags, help, completion"},
	{"github.com/vbauerster/mpb/v8", []string{"internal/cli"}, false, "live progress bars"},
	{"github.com/in-toto/attestation", []string{"internal/report"}, false, "in-toto's own types of statements, VSA and SVR"},
	{"google.golang.org/protobuf", []string{"internal/report"}, false, "what those types are made of"},
	{"github.com/emicklei/dot", []string{"internal/report"}, false, "Graphviz' language: quoting, clusters, a fixed order; no modules behind it"},
	{"github.com/rogpeppe/go-internal", nil, true, "command stories as txtar scripts"},
	{"golang.org/x/sys", []string{"internal"}, false, "file system facts that the standard library lacks"},
	{"golang.org/x/text", []string{"internal/download", "certs/pkix"}, false, "names that are the same though spelt differently: case folding and normal forms"},
	{"golang.org/x/crypto", []string{"certs"}, true, "cryptobyte: reads and writes DER without reflection"},
}

// required reads the modules of go.mod; indirect ones have the comment.
func required(t *testing.T) (direct []string) {
	t.Helper()
	inBlock := false
	lines := bufio.NewScanner(strings.NewReader(read(t, "go.mod")))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "require (":
			inBlock = true
			continue
		case line == ")":
			inBlock = false
			continue
		case strings.HasPrefix(line, "require "):
			line = strings.TrimPrefix(line, "require ")
		case strings.HasPrefix(line, "replace"), strings.HasPrefix(line, "exclude"):
			t.Errorf("go.mod: %q: who imports the library would not get it", line)
			continue
		case !inBlock:
			continue
		}
		name, rest, ok := strings.Cut(line, " ")
		if ok && !strings.Contains(rest, "// indirect") {
			direct = append(direct, name)
		}
	}
	slices.Sort(direct)
	return direct
}

func TestDirectDependenciesAreTheListedOnes(t *testing.T) {
	var listed []string
	for _, d := range dependencies {
		if d.why == "" {
			t.Errorf("%s has no reason", d.module)
		}
		listed = append(listed, d.module)
	}
	slices.Sort(listed)
	direct := required(t)
	for _, m := range direct {
		if !slices.Contains(listed, m) {
			t.Errorf("go.mod requires %s, which is not listed here with a reason", m)
		}
	}
	for _, m := range listed {
		if !slices.Contains(direct, m) {
			t.Errorf("%s is listed here, but go.mod does not require it directly: drop it", m)
		}
	}
}

func TestEachDependencyStaysInItsPlace(t *testing.T) {
	for _, s := range sources(t) {
		for p := range s.imports {
			host, _, _ := strings.Cut(p, "/")
			if !strings.Contains(host, ".") || within(p, module) {
				continue
			}
			d := slices.IndexFunc(dependencies, func(d dependency) bool { return within(p, d.module) })
			switch {
			case within(s.pkg, ".ci"):
				// A module of its own, for checks alone.
			case d < 0:
				t.Errorf("%s imports %s, which is no listed dependency", s.path, p)
			case s.test && dependencies[d].tests, withinAny(s.pkg, dependencies[d].in):
			default:
				t.Errorf("%s imports %s: only %v may (%s)", s.path, p, dependencies[d].in, dependencies[d].why)
			}
		}
	}
}
