package policy

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mozilla-releng/cot/docs"
)

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(docs.PolicySchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// value is a node as JSON has it.
func value(n *node) any {
	switch n.kind {
	case list:
		out := []any{}
		for _, item := range n.items {
			out = append(out, value(item))
		}
		return out
	case mapping:
		out := map[string]any{}
		for _, p := range n.pairs {
			out[p.key.value] = value(p.value)
		}
		return out
	}
	switch n.tag {
	case "!!int":
		if plainInteger.MatchString(strings.TrimPrefix(n.value, "-")) {
			i, _ := strconv.ParseInt(n.value, 10, 64)
			return i
		}
	case "!!float":
		f, _ := strconv.ParseFloat(n.value, 64)
		return f
	case "!!bool":
		return n.value == "true"
	case "!!null":
		return nil
	}
	return n.value
}

func validate(t testing.TB, s *jsonschema.Schema, text string) error {
	t.Helper()
	r := &reader{file: "p.yaml"}
	n := r.read([]byte(text), MaxFileBytes)
	if n == nil {
		t.Fatal(r.err())
	}
	return s.Validate(value(n))
}

// beyondSchema are the refusals that no schema can make: what depends on
// another part of the file, on keys and regular expressions, on files, or on
// the writing rather than the value.
var beyondSchema = map[string]bool{
	"the name of a built-in": true, "a key that is all zero": true, "a key twice": true,
	"a window that ends before it begins": true, "a scriptworker pool where no scriptworker runs": true,
	"a pool both keyed and unkeyed": true, "a pool of two implementations": true,
	"a form without revision": true, "a pushlog form with a file": true, "a form over plain http": true,
	"a git form over plain http": true, "a raw file form without a file": true,
	"a project list that is not there": true, "a repository on an unknown host": true, "a repository on a host of another type": true,
	"a path that is no regular expression": true, "a path that closes our group": true, "a level as fraction": true,
	"a scope of an unknown tree": true, "inputs from an unknown product": true, "inputs from itself": true,
	"a size beyond reason": true,
	"require certificate":  true, "require cms besides key": true, "a root that is not there": true,
	"require pgp": true, "a keyring that is not there": true, "a keyring that is no directory": true,
}

// unreadable are the refusals that leave nothing to validate.
var unreadable = regexp.MustCompile(`^(duplicate|an anchor|a merge key|a tag|two documents|malformed|a (number|list) as key)`)

func TestSchemaAgreesWithParse(t *testing.T) {
	s, good := schema(t), sample(t)
	if err := validate(t, s, good); err != nil {
		t.Fatalf("the sample: %v", err)
	}
	checked := map[string]bool{}
	for _, tt := range refusals {
		if unreadable.MatchString(tt.name) {
			continue
		}
		checked[tt.name] = true
		err := validate(t, s, edit(t, good, tt.old, tt.new))
		if beyondSchema[tt.name] && err != nil {
			t.Errorf("%s: the schema can refuse it after all: %v", tt.name, err)
		} else if !beyondSchema[tt.name] && err == nil {
			t.Errorf("%s: the schema accepts it", tt.name)
		}
	}
	for name := range beyondSchema {
		if !checked[name] {
			t.Errorf("no refusal is called %q", name)
		}
	}
}

func TestSchemaAcceptsWhatParseAccepts(t *testing.T) {
	s, good := schema(t), sample(t)
	text, _ := BuiltinText("firefox-ci")
	accepted := map[string]string{
		"firefox-ci":              string(text),
		"extends alone":           overlay,
		"a product in part":       overlay + "products: {firefox: {requirePinned: true}}\nremove: [products.xpi]\n",
		"a host in part":          overlay + "vcsHosts: {hg.mozilla.org: {pushlog: '{repo}/p?{revision}'}}\n",
		"loopback":                edit(t, good, "https://tc.example.org", "http://127.0.0.1:8080/"),
		"loopback over IPv6":      edit(t, good, "https://tc.example.org", "'http://[::1]:8080'"),
		"a port":                  edit(t, good, "https://tc.example.org", "https://tc.example.org:8443"),
		"a list from a URL":       edit(t, good, "projects: projects.yml", "projects: https://example.org/a/projects.yml?raw=1"),
		"a form on loopback":      edit(t, good, "https://hg-edge.example.org/", "http://127.0.0.1:8080/hg/"),
		"GitHub elsewhere":        edit(t, good, "{type: github}", `{type: github, api: "https://github.example.org/api/v3/", git: "https://git.example.org/{path}.git", rawFile: "https://{host}/raw/{path}/{revision}/{file}"}`),
		"GitHub on loopback":      edit(t, good, "{type: github}", `{type: github, api: "http://127.0.0.1:8080", git: "http://localhost:8080/git/{path}", rawFile: "http://[::1]:8080/{path}/{revision}/{file}"}`),
		"git without a suffix":    edit(t, good, "{type: github}", `{type: github, git: "{repo}"}`),
		"a form with {host}":      edit(t, good, "https://hg-edge.example.org/", "https://{host}/"),
		"fractions of seconds":    edit(t, good, "2023-12-01T00:00:00Z", "2023-12-01T00:00:00.5Z"),
		"a time in quotes":        edit(t, good, "2023-12-01T00:00:00Z", "'2023-12-01T00:00:00Z'"),
		"an owner without GitHub": edit(t, good, "    envPrefix: APP\n", "    envPrefix: APP\n    owner: me\n"),
		"an image rule":           edit(t, good, "indexedImages: any", "indexedImages: never"),
		"scopes with everything":  edit(t, good, "project:app:ship:", "'assume:repo:github.com/a/b:branch:*':"),
		"no key but unkeyed":      good[:strings.Index(good, "  keys:")] + good[strings.Index(good, "  unkeyedPools:"):],
	}
	for name, text := range accepted {
		if _, err := Parse("p.yaml", []byte(text), sampleFiles); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the schema accepts of certificates and OpenPGP keys, Parse does.
func TestSchemaOfCertificates(t *testing.T) {
	s, good := schema(t), sample(t)
	indented := strings.ReplaceAll(strings.TrimSpace(someCertificates), "\n", "\n    ")
	text := edit(t, good, "  unkeyedPools:", "  certificates:\n    "+indented+"\n  pgp: {keyring: old-keys/}\n  unkeyedPools:")
	text = edit(t, text, "methods: [key]", "methods: [key, pgp]")
	if err := validate(t, s, text); err != nil {
		t.Error(err)
	}
	for _, e := range parseErrors(t, text) {
		t.Error(e)
	}
	for _, bad := range []string{"ocsp: yes", "crlGrace: 24", "crlGrace: ''", "revocation: never", "roots: []", "crls: [http://example.org/x]", "timestamps: {crls: [x]}"} {
		key, _, _ := strings.Cut(bad, ":")
		lines := "roots: [roots.pem]"
		if key == "roots" {
			lines = bad
		} else {
			lines += "\n" + bad
		}
		text := edit(t, good, "  unkeyedPools:", "  certificates:\n    "+strings.ReplaceAll(lines, "\n", "\n    ")+"\n  unkeyedPools:")
		if validate(t, s, text) == nil {
			t.Errorf("%s: the schema accepts it", bad)
		}
		if len(parseErrors(t, text)) == 0 {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// Examples of docs/policy.md are policies, and say what they relax.
func TestDocumentedExamples(t *testing.T) {
	s := schema(t)
	page, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) != 3 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, e := range examples {
		if err := validate(t, s, e[1]); err != nil {
			t.Error(err)
		}
	}
	for _, e := range examples[:2] {
		p := mustParse(t, e[1])
		if notes := p.Notes(notedAt); len(p.Relaxed) > 0 || len(notes) > 0 || strings.Count(e[1], "\n") > 24 {
			t.Errorf("relaxed %q, notes %q, %d lines", p.Relaxed, notes, strings.Count(e[1], "\n"))
		}
	}
	want := strings.Join(mustParse(t, examples[2][1]).Relaxed, "\n")
	if !strings.Contains(string(page), "```\n"+want+"\n```") {
		t.Errorf("the page doesn't say that the example relaxes:\n%s", want)
	}
}

// The walk-through says what a deployment on GitHub trusts.
func TestDocumentedDeploymentOnGitHub(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "## A deployment of your own\n")
	_, after, _ = strings.Cut(after, "```yaml\n")
	text, _, _ := strings.Cut(after, "```")
	p := mustParse(t, text)
	pr, ok := p.Product("acme")
	if !ok {
		t.Fatal("no product acme")
	}
	app, lib := repo(t, "https://github.com/acme/app"), repo(t, "https://github.com/acme/lib")
	pattern, trusted := pr.Repository(app)
	if _, fork := pr.Repository(repo(t, "https://github.com/somebody/app")); !trusted || fork {
		t.Errorf("the repository is trusted: %v; a fork: %v", trusted, fork)
	}
	for branch, want := range map[string]bool{"main": true, "stable": true, "feature": false} {
		if got := pattern.TrustsBranch(branch); got != want {
			t.Errorf("branch %s is trusted: %v", branch, got)
		}
	}
	if scopes := pr.Restricted("project:acme:publish"); len(scopes) != 1 || !pr.TreeAllows("app", app) || pr.TreeAllows("app", lib) {
		t.Errorf("restricted: %v", scopes)
	}
	if !p.Unkeyed(pool(t, "acme-1/decision")) || p.Unkeyed(pool(t, "acme-3/decision")) {
		t.Error("the unkeyed pools are others")
	}
}

// Every key is in the schema and on the page.
func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	full := &reader{file: "full.yaml"}
	for _, key := range keysWithin(full.read([]byte(sample(t)), MaxFileBytes)) {
		if !bytes.Contains(page, []byte("`"+key+"`")) {
			t.Errorf("docs/policy.md lacks `%s`", key)
		}
	}
}

// keysWithin gives the keys of the format, not those that a policy makes up.
func keysWithin(n *node) []string {
	var out []string
	for _, p := range n.pairs {
		if !regexp.MustCompile(`^[a-z]+[A-Za-z0-9]*$`).MatchString(p.key.value) {
			out = append(out, keysWithin(p.value)...)
			continue
		}
		switch p.key.value {
		case "app", "tools": // products
		case "trees", "restrictedScopes", "implementations":
			out = append(out, p.key.value)
			continue
		default:
			out = append(out, p.key.value)
		}
		out = append(out, keysWithin(p.value)...)
	}
	for _, item := range n.items {
		out = append(out, keysWithin(item)...)
	}
	return out
}
