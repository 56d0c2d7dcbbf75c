package policy

import (
	"strings"
	"testing"
)

// refusals change one thing of testdata/full.yaml, which is accepted as it is.
var refusals = []struct {
	name, old, new string
	line           int
	err            string
}{
	{"unknown key", "signers:\n", "signer:\n", 4, `signer: unknown key; did you mean "signers"?`},
	{"unknown key far from any other", "limits:", "zzzzzz:", 54, "zzzzzz: unknown key; known keys: apiVersion"},
	{"unknown key in a product", "    vcs: hg\n", "    vsc: hg\n", 28, `products.app.vsc: unknown key; did you mean "vcs"?`},
	{"unknown key in a key", "      notAfter:", "      notafter:", 11, `signers.keys[0].notafter: unknown key; did you mean "notAfter"?`},
	{"unknown key in a repository", "level: 3,", "levle: 3,", 32, `levle: unknown key; did you mean "level"?`},
	{"duplicate key", "name: example\n", "name: example\nname: other\n", 3, "name: duplicate key; it stands on line 2 already"},
	{"duplicate product", "  tools:\n", "  app:\n", 47, "products.app: duplicate key; it stands on line 27 already"},
	{"duplicate key in quotes", "name: example\n", "name: example\n\"name\": other\n", 3, "name: duplicate key"},
	{"a number as key", "apiVersion: cot/v1\n", "apiVersion: cot/v1\n5: x\n", 2, "expected a text as key, found the number 5; quote it"},
	{"a list as key", "apiVersion: cot/v1\n", "apiVersion: cot/v1\n? [a]\n: x\n", 2, "expected a text as key, found a list"},
	{"another version", "cot/v1", "cot/v2", 1, `apiVersion: expected cot/v1, found "cot/v2"; did you mean "cot/v1"?`},
	{"no version", "apiVersion: cot/v1\n", "", 1, "apiVersion: is missing"},
	{"no name", "name: example\n", "", 1, "name: is missing"},
	{"a name in capitals", "name: example", "name: Example", 2, `name: expected a name of lower-case letters`},
	{"a number as name", "name: example", "name: 5", 2, "name: expected a text, found the number 5; quote it"},
	{"nothing as name", "name: example", "name:", 2, "name: expected a text, found nothing"},
	{"the name of a built-in", "name: example", "name: firefox-ci", 2, `name: "firefox-ci" is the name of a built-in policy; choose another`},
	{"plain http", "https://tc.example.org", "http://tc.example.org", 3, `rootUrl: expected an https URL, found "http://tc.example.org"; plain http is for loopback only`},
	{"a root URL with a path", "https://tc.example.org", "https://tc.example.org/x", 3, "rootUrl: expected a root URL without path and query"},
	{"a root URL with userinfo", "https://tc.example.org", "https://u@tc.example.org", 3, "without user and password"},
	{"a root URL with a fragment", "https://tc.example.org", "'https://tc.example.org#x'", 3, "expected an https URL"},
	{"loopback lookalike", "https://tc.example.org", "http://127.0.0.1.example.org", 3, "expected an https URL"},
	{"no signers", "signers:\n  queueTime: narrows\n", "signer:\n  queueTime: narrows\n", 1, "signers: is missing"},
	{"bad queueTime", "narrows", "narrow", 5, `signers.queueTime: expected narrows or trusted, found "narrow"; did you mean "narrows"?`},
	{"no such implementation", "workerImplementation: generic-worker", "workerImplementation: generic_worker", 7, `did you mean "generic-worker"?`},
	{"built-in workers sign nothing", "workerImplementation: generic-worker", "workerImplementation: built-in", 7, "expected docker-worker or generic-worker or scriptworker"},
	{"a key without pools", "      workerPools: [\"app-3/*\", \"app-3-mac/*\"]\n", "", 7, "signers.keys[0].workerPools: is missing"},
	{"a key with an empty list of pools", `["app-3/*", "app-3-mac/*"]`, "[]", 8, "signers.keys[0].workerPools: expected at least one element, found an empty list"},
	{"a pool without a slash", `"app-3-mac/*"]`, `"app-3-mac"]`, 8, `signers.keys[0].workerPools[1]: expected a worker pool`},
	{"a pool twice", `"app-3-mac/*"]`, `"app-3/*"]`, 8, `"app-3/*" stands twice`},
	{"a pool as text", `["app-3/*", "app-3-mac/*"]`, "app-3/*", 8, `expected a list, found the text "app-3/*"; write ["app-3/*"]`},
	{"a key that is too short", "Kz/aZIVeR6NP8gQU1U+2CCIZqvbd+4QCP6J63lflwik=", "Kz/aZIVeR6NP8gQU1U+2CCIZqvbd+4QCP6J63lflwg==", 9, "has 32 bytes, found 31"},
	{"a key that is all zero", "Kz/aZIVeR6NP8gQU1U+2CCIZqvbd+4QCP6J63lflwik=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 9, "small order"},
	{"a key twice", "    - workerImplementation: scriptworker\n", "    - {workerImplementation: generic-worker, workerPools: [x/y], ed25519: Kz/aZIVeR6NP8gQU1U+2CCIZqvbd+4QCP6J63lflwik=}\n    - workerImplementation: scriptworker\n", 12, "this key of generic-worker stands twice"},
	{"no key", "      ed25519: KO3FX9JnNga/XViTRBiUMHYnji9Fu3s332sU2lXjSwE=\n", "", 12, "signers.keys[1].ed25519: is missing"},
	{"a window that ends before it begins", "2027-01-01T02:00:00+02:00", "2023-11-30T00:00:00Z", 11, "is not after notBefore"},
	{"a date without time", "2027-01-01T02:00:00+02:00", "2027-01-01", 11, `expected a time like 2024-01-31T00:00:00Z, found the time "2027-01-01"`},
	{"a scriptworker pool where no scriptworker runs", "script-k8s/app-3-*", "app-3/scripts", 13, "no scriptworker runs in app-3/scripts; add its provisioner to scriptworkerProvisioners"},
	{"require certificate", "methods: [key]", "methods: [certificate]", 17, "no certificate is trusted: nothing could ever be verified there"},
	{"require cms besides key", "methods: [key]", "methods: [key, cms]", 17, "no certificate is trusted"},
	{"require pgp", "methods: [key]", "methods: [pgp]", 17, "no OpenPGP key is trusted: nothing could ever be verified there; add signers.pgp"},
	{"require nothing", "methods: [key]", "methods: []", 17, "expected at least one element"},
	{"require what there is not", "methods: [key]", "methods: [keys]", 17, `did you mean "key"?`},
	{"certificates without a root", "  unkeyedPools:", "  certificates: {crls: [gecko.crl]}\n  unkeyedPools:", 18, "signers.certificates.roots: is missing"},
	{"certificates configured as nothing", "  unkeyedPools:", "  certificates:\n  unkeyedPools:", 18, "signers.certificates: expected a map, found nothing"},
	{"a root that is not there", "  unkeyedPools:", "  certificates: {roots: [absent.pem]}\n  unkeyedPools:", 18, "signers.certificates.roots[0]: can't read \"absent.pem\""},
	{"a keyring that is not there", "  unkeyedPools:", "  pgp: {keyring: absent/}\n  unkeyedPools:", 18, "signers.pgp.keyring: can't read \"absent/\""},
	{"a keyring that is no directory", "  unkeyedPools:", "  pgp: {keyring: projects.yml/}\n  unkeyedPools:", 18, "signers.pgp.keyring: can't read \"projects.yml/\": not a directory"},
	{"a keyring above", "  unkeyedPools:", "  pgp: {keyring: ../keys}\n  unkeyedPools:", 18, "signers.pgp.keyring: expected a file or directory name"},
	{"pgp without a keyring", "  unkeyedPools:", "  pgp: {}\n  unkeyedPools:", 18, "signers.pgp.keyring: is missing"},
	{"a pool both keyed and unkeyed", "unkeyedPools: [app-1/*]", "unkeyedPools: [app-3/*]", 18, "app-3/* has a key"},
	{"a provisioner with a slash", "scriptworkerProvisioners: [script-k8s]", "scriptworkerProvisioners: [script-k8s, a/b]", 19, "expected a provisioner id"},
	{"an implementation that is none", "  generic-worker: [app-3/b-win*]", "  generic: [app-3/b-win*]", 21, "implementations.generic: unknown key"},
	{"a pool of two implementations", "  generic-worker: [app-3/b-win*]", "  generic-worker: [app-3/b-win*]\n  docker-worker: [app-3/b-win*]", 22, "app-3/b-win* is generic-worker's already"},
	{"a host with a port", "  github.com: {type: github}", "  github.com:443: {type: github}", 24, "expected a host name in lower case, without port"},
	{"a host of no known type", "  github.com: {type: github}", "  github.com: {type: git}", 24, `expected hg or github, found "git"`},
	{"a host without type", "  github.com: {type: github}", "  github.com: {}", 24, "vcsHosts.github.com.type: is missing"},
	{"a pushlog of a GitHub host", "  github.com: {type: github}", `  github.com: {type: github, pushlog: "{repo}/{revision}"}`, 24, "a host of type github has no pushlog"},
	{"an API of a Mercurial host", "{type: hg,", "{type: hg, api: https://hg.example.org,", 23, "a host of type hg has no api"},
	{"git of a Mercurial host", "{type: hg,", `{type: hg, git: "{repo}",`, 23, "a host of type hg has no git"},
	{"an API over plain http", "  github.com: {type: github}", `  github.com: {type: github, api: http://github.example.org}`, 24, "expected an https URL"},
	{"an API with a query", "  github.com: {type: github}", `  github.com: {type: github, api: https://github.example.org/?x}`, 24, "expected a URL without query and placeholders"},
	{"an API with a placeholder", "  github.com: {type: github}", `  github.com: {type: github, api: "https://github.example.org/{path}"}`, 24, "expected a URL without query and placeholders"},
	{"an API with a password", "  github.com: {type: github}", `  github.com: {type: github, api: https://me:secret@github.example.org}`, 24, "expected an https URL without user and password"},
	{"a git form over plain http", "  github.com: {type: github}", `  github.com: {type: github, git: "http://github.example.org/{path}"}`, 24, "expected an https URL"},
	{"a git form with a query", "  github.com: {type: github}", `  github.com: {type: github, git: "{repo}?x"}`, 24, "expected a URL form like {repo}.git"},
	{"a git form with a revision", "  github.com: {type: github}", `  github.com: {type: github, git: "{repo}/{revision}"}`, 24, "expected a URL form like {repo}.git"},
	{"a git form of no repository", "  github.com: {type: github}", `  github.com: {type: github, git: https://github.example.org/x.git}`, 24, "expected a URL form like {repo}.git"},
	{"a git path that chooses the host", "  github.com: {type: github}", `  github.com: {type: github, git: "https://{path}"}`, 24, "expected a URL form like {repo}.git"},
	{"a raw file form without a file", "  github.com: {type: github}", `  github.com: {type: github, rawFile: "{repo}/raw/{revision}"}`, 24, "expected a URL form with {file}"},
	{"a raw file path that chooses the host", "  github.com: {type: github}", `  github.com: {type: github, rawFile: "https://{path}/{revision}/{file}"}`, 24, "expected a URL form that begins with"},
	{"a form without revision", "changeset={revision}", "changeset=tip", 23, "expected a URL form with {revision}"},
	{"a form with an unknown placeholder", "changeset={revision}", "changeset={rev}", 23, "expected a URL form that begins with"},
	{"a pushlog form with a file", "changeset={revision}", "changeset={revision}&f={file}", 23, "expected a URL form without {file}"},
	{"a form over plain http", "https://hg-edge", "http://hg-edge", 23, "expected an https URL"},
	{"a path that chooses the host", "https://hg-edge.example.org/{path}", "https://{path}", 23, "expected a URL form that begins with"},
	{"a project list over plain http", "projects: projects.yml", "projects: http://example.org/projects.yml", 25, "expected an https URL"},
	{"a project list above", "projects: projects.yml", "projects: ../projects.yml", 25, "in or below its directory"},
	{"an absolute project list", "projects: projects.yml", "projects: /etc/projects.yml", 25, "in or below its directory"},
	{"a project list that is not there", "projects: projects.yml", "projects: elsewhere.yml", 25, `can't read "elsewhere.yml": file does not exist`},
	{"a product's name", "  tools:\n", "  tools/x:\n", 47, "expected a name of lower-case letters"},
	{"no vcs", "    vcs: hg\n", "", 28, "products.app.vcs: is missing"},
	{"bad envPrefix", "envPrefix: APP", "envPrefix: app", 29, "products.app.envPrefix: expected a prefix of environment variables"},
	{"no tasksFor", "    tasksFor: [hg-push, cron, action]\n", "", 28, "products.app.tasksFor: is missing"},
	{"no such event", "[hg-push, cron, action]", "[hg-push, cron, act]", 30, "products.app.tasksFor[2]: expected"},
	{"an event of another vcs", "[hg-push, cron, action]", "[hg-push, github-push]", 30, `"github-push" is no event of a product with vcs hg`},
	{"an hg event on GitHub", "[github-push]", "[hg-push]", 51, `"hg-push" is no event of a product with vcs github`},
	{"an event twice", "[hg-push, cron, action]", "[cron, cron]", 30, `"cron" stands twice`},
	{"no owner for GitHub", "    owner: example\n", "", 48, "products.tools.owner: is missing"},
	{"no repository", "[{host: github.com, path: /example/tools}]", "[]", 52, "expected at least one element"},
	{"a repository on an unknown host", "{host: github.com, path: /example/tools}", "{host: gitlab.com, path: /example/tools}", 52, `"gitlab.com" is not in vcsHosts`},
	{"a repository on a host of another type", "{host: github.com, path: /example/tools}", "{host: hg.example.org, path: /example/tools}", 52, `"hg.example.org" is of type hg, the product of github`},
	{"a path that is no regular expression", "path: /try", "path: '/(try'", 33, "not a regular expression (RE2)"},
	{"a path that closes our group", "path: /try", "path: '/try)|(?:.*'", 33, "not a regular expression (RE2)"},
	{"a path without slash", "path: /try", "path: try", 33, "beginning with /"},
	{"a level in words", "level: 3,", "level: three,", 32, `level: expected a number from 1 to 9, found the text "three"`},
	{"a level in octal", "level: 3,", "level: 03,", 32, "found the number 03"},
	{"a level as fraction", "level: 3,", "level: 3.0,", 32, "found the number 3.0"},
	{"a branch with a space", "branches: [default]", "branches: [de fault]", 32, "expected a branch"},
	{"no branches", "branches: [default]", "branches: []", 32, "expected at least one element"},
	{"no decision pool", "    decisionPools: [app-1/decision, app-3/decision]\n", "", 28, "products.app.decisionPools: is missing"},
	{"an image rule that is none", "indexedImages: any", "indexedImages: all", 37, `expected any or never, found "all"`},
	{"an empty image rule", "prebuiltImages: [decision, docker-image]", "prebuiltImages: []", 36, "expected at least one element"},
	{"any in a list", "prebuiltImages: [decision, docker-image]", "prebuiltImages: [any]", 36, "any or never in a list"},
	{"a tree's path", "[/app-beta1, /app-beta2]", "[app-beta1, /app-beta2]", 39, "products.app.trees.release[0]: expected a repository's path"},
	{"a scope of an unknown tree", "project:app:ship: release", "project:app:ship: relase", 42, `expected the name of a tree of this product, found "relase"; did you mean "release"?`},
	{"a scope of several trees", "project:app:ship: release", "project:app:ship: [release, all]", 42, "expected a text, found a list"},
	{"inputs from an unknown product", "inputsFrom: [tools]", "inputsFrom: [tool]", 44, `expected a product of this policy, found "tool"; did you mean "tools"?`},
	{"inputs from itself", "inputsFrom: [tools]", "inputsFrom: [app]", 44, "names the product itself"},
	{"yes is not a truth", "requirePinned: true", "requirePinned: yes", 45, `expected true or false, found the text "yes"`},
	{"bad unsignedTasks", "unsignedTasks: refuse", "unsignedTasks: deny", 46, "expected allow or refuse"},
	{"a chain of none", "maxChainLength: 30", "maxChainLength: 0", 54, "expected a number from 1 to 1000, found the number 0"},
	{"a chain without end", "maxChainLength: 30", "maxChainLength: 100000", 54, "expected a number from 1 to 1000"},
	{"a size in another unit", "2GiB", "2GB", 54, "expected a size from"},
	{"a size beyond reason", "2GiB", "9999999GiB", 54, "expected a size from"},
	{"a negative size", "maxCotBytes: 1048576", "maxCotBytes: -1", 54, "expected a size from"},
	{"an anchor", "name: example", "name: &n example", 2, "anchors and aliases are not allowed here: write the value out"},
	{"a merge key", "    vcs: hg\n", "    <<: {vcs: hg}\n", 28, "merge key <<; write the values out"},
	{"a tag", "name: example", "name: !!str example", 2, "tag !!str; tags are not allowed"},
	{"a tag of our own", "signers:\n", "signers: !x\n", 4, "tags are not allowed"},
	{"remove without extends", "name: example\n", "name: example\nremove: [products.x]\n", 3, "remove: there is nothing to remove from; it needs extends"},
	{"two documents", "signers:\n", "---\nsigners:\n", 0, "more than one document"},
	{"malformed", "limits: {", "limits: {{", 55, "malformed YAML"},
}

func TestRefusals(t *testing.T) {
	good := sample(t)
	mustParse(t, good)
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			list := parseErrors(t, edit(t, good, tt.old, tt.new))
			if len(list) == 0 {
				t.Fatal("accepted")
			}
			for _, e := range list {
				if strings.Contains(e.Error(), tt.err) && (tt.line == 0 || e.Line == tt.line) {
					return
				}
			}
			t.Fatalf("want %q on line %d, found:\n%v", tt.err, tt.line, list)
		})
	}
}

func TestDocumentRefusals(t *testing.T) {
	tests := []struct{ name, text, err string }{
		{"empty", "", "p.yaml: the file is empty"},
		{"only a comment", "# nothing\n", "p.yaml: the file is empty"},
		{"a text", "policy\n", `p.yaml:1: expected a map, found the text "policy"`},
		{"a list", "- apiVersion: cot/v1\n", "p.yaml:1: expected a map, found a list"},
		{"UTF-16", "\xff\xfea\x00", "not valid UTF-8"},
		{"invalid UTF-8 in a text", "name: \xc3\x28\n", "not valid UTF-8"},
		{"too long", "# " + strings.Repeat("x", MaxFileBytes), "bytes are more than the limit of 1048576"},
		{"too deep", "name: " + strings.Repeat("[", 60) + strings.Repeat("]", 60), "nested deeper than 50"},
		{"too many values", "name: [" + strings.Repeat("1,", maxNodes) + "1]", "more than 200000 values"},
		{"a billion laughs", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "anchors and aliases are not allowed"},
		{"control characters", "name: \x01\n", "control characters are not allowed"},
		{"no product", "apiVersion: cot/v1\nproducts: {}\n", "p.yaml:2: products: no product: nothing could ever be verified"},
		{"products as a list", "apiVersion: cot/v1\nproducts: []\n", "p.yaml:2: products: expected a map, found a list"},
		{"nobody signs", "apiVersion: cot/v1\nsigners: {queueTime: trusted}\n", "no key and no unkeyed pool"},
		{"no project list and no level", "apiVersion: cot/v1\nvcsHosts: {a.b: {type: hg}}\nproducts:\n  x:\n    repositories: [{host: a.b, path: /x}]\n", "without a project list (projects) each repository needs its level"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list := parseErrors(t, tt.text)
			if !strings.Contains(list.Error(), tt.err) {
				t.Fatalf("want %q, found %v", tt.err, list)
			}
		})
	}
}

func TestErrorsAreToldAtOnceByLine(t *testing.T) {
	text := edit(t, sample(t), "maxChainLength: 30", "maxChainLength: many")
	text = edit(t, text, "name: example", "name: 5")
	text = edit(t, text, "queueTime: narrows", "queuetime: narrows")
	list := parseErrors(t, text)
	if len(list) != 3 {
		t.Fatalf("want 3 errors, found:\n%v", list)
	}
	want := `p.yaml:2: name: expected a text, found the number 5; quote it
p.yaml:5: signers.queuetime: unknown key; did you mean "queueTime"?
p.yaml:54: limits.maxChainLength: expected a number from 1 to 1000, found the text "many"`
	if list.Error() != want {
		t.Errorf("found:\n%v\nwant:\n%s", list, want)
	}
	if len(list.Unwrap()) != 3 {
		t.Error("Unwrap loses errors")
	}
}

func TestErrorsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 500 {
		b.WriteString(strings.Repeat("k", i+30) + ": 1\n")
	}
	list := parseErrors(t, b.String())
	if len(list) != maxErrors+1 || list[maxErrors].Error() != "p.yaml: and more errors" {
		t.Errorf("found %d errors, the last %v", len(list), list[len(list)-1])
	}
}

func TestPolicyWithoutFilesReadsNone(t *testing.T) {
	_, err := Parse("p.yaml", []byte(sample(t)), nil)
	if err == nil || !strings.Contains(err.Error(), "p.yaml:25: projects: this policy can't read files") {
		t.Errorf("found %v", err)
	}
}

func TestNamedFileIsChecked(t *testing.T) {
	for name, content := range map[string]string{
		`"projects.yml" is empty`:           "",
		"more than the limit of 1048576":    strings.Repeat("#", MaxFileBytes+1),
		`"projects.yml": project list:1: `:  "- a\n",
		"no project in it":                  "{}",
		"a.repo: is missing":                "a: {repo_type: hg}",
		"b: duplicate key; it stands on":    "b: {repo: https://h/x, repo_type: hg}\nb: {repo: https://h/y, repo_type: hg}",
		"expected scm_level_1 to scm_level": "b: {repo: https://h/x, repo_type: hg, access: scm_level_x}",
	} {
		_, err := Parse("p.yaml", []byte(sample(t)), files{"projects.yml": content})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "p.yaml:25: projects: ") {
			t.Errorf("want %q, found %v", name, err)
		}
	}
}
