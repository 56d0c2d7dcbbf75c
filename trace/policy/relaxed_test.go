package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

func TestRelaxedAgainstTheDefaults(t *testing.T) {
	text := edit(t, sample(t), "limits: {maxChainLength: 30, maxCotBytes: 1048576, maxTaskGraphBytes: 2GiB}\n", "")
	if p := mustParse(t, text); len(p.Relaxed) > 0 {
		t.Fatalf("the sample without raised limits: %q", p.Relaxed)
	}
	tests := []struct{ name, old, new, want string }{
		{"queue time", "narrows", "trusted", "signers.queueTime: keys are judged"},
		{"a key for all", `"app-3-mac/*"]`, `"*/*"]`, "signers.keys[0].workerPools: key 4d"},
		{"a key for all, with stars", `"app-3-mac/*"]`, `"**/*"]`, "signs for every pool"},
		{"all unkeyed", "unkeyedPools: [app-1/*]", `unkeyedPools: ["*/*"]`, "signers.unkeyedPools: every pool without a key is unkeyed"},
		{"any repository", "path: /try", "path: '/.*'", "products.app.repositories[1].path: trusts every repository on hg.example.org"},
		{"any repository of a depth", "path: /try", "path: '/[^/]+'", "products.app.repositories[1].path: trusts every repository"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := mustParse(t, edit(t, text, tt.old, tt.new))
			if len(p.Relaxed) != 1 || !strings.Contains(strings.ReplaceAll(p.Relaxed[0], string(p.Keys[0].ID()), "4d"), tt.want) {
				t.Errorf("want %q, found %q", tt.want, p.Relaxed)
			}
		})
	}
}

func TestRelaxedAgainstTheBase(t *testing.T) {
	const key1 = "kni6ts7z/MRkvs7i6+SF/T6UWj0hAJoHEcrgHB8BBR0="
	keys := func(rows string) string { return "remove: [signers.keys]\nsigners:\n  keys:\n" + rows }
	const firefoxRepositories = `{host: hg.mozilla.org, path: '/mozilla-(central|unified)'}`
	tests := []struct {
		name, text string
		want       []string // beginnings
	}{
		{"nothing", "", nil},
		{"queue time", "signers: {queueTime: trusted}\n", []string{"signers.queueTime: "}},
		{"another deployment", "rootUrl: https://tc.example.org\n", []string{"rootUrl: https://tc.example.org, while firefox-ci is for "}},
		{"a provisioner more", "scriptworkerProvisioners: [scriptworker-k8s, scriptworker-prov-v1, more]\n", []string{"scriptworkerProvisioners: scriptworkers also run in more"}},
		{"a host more", "vcsHosts: {hg.example.org: {type: hg}}\n", []string{"vcsHosts.hg.example.org: trees may be read from there"}},
		{"a host read elsewhere", "vcsHosts: {hg.mozilla.org: {pushlog: 'https://x.org/{path}/p?{revision}'}}\n", []string{"vcsHosts.hg.mozilla.org: trees are read in another way"}},
		{"an API elsewhere", "vcsHosts: {github.com: {api: 'https://x.org'}}\n", []string{"vcsHosts.github.com: trees are read in another way"}},
		{"git elsewhere", "vcsHosts: {github.com: {git: 'https://x.org/{path}'}}\n", []string{"vcsHosts.github.com: trees are read in another way"}},
		{"the same host again", "vcsHosts: {github.com: {type: github}}\n", nil},
		{"another project list", "projects: projects.yml\n", []string{"projects: branches and levels come from another list"}},
		{"fewer keys", keys("    - {workerImplementation: docker-worker, workerPools: [gecko-3/*], ed25519: " + key1 + "}\n"), nil},
		{"a narrower window", keys("    - {workerImplementation: docker-worker, workerPools: [gecko-3/b-*], notBefore: 2024-01-01T00:00:00Z, ed25519: " + key1 + "}\n"), nil},
		{"a pool more", keys("    - {workerImplementation: docker-worker, workerPools: [gecko-3/*, gecko-4/*], ed25519: " + key1 + "}\n"), []string{"signers.keys[0].workerPools: key "}},
		{"a wider pool", keys("    - {workerImplementation: docker-worker, workerPools: ['gecko-*/*'], ed25519: " + key1 + "}\n"), []string{"signers.keys[0].workerPools: key "}},
		{"a key of another implementation", keys("    - {workerImplementation: generic-worker, workerPools: [gecko-3/*], ed25519: " + key1 + "}\n"), []string{"signers.keys[0]: accepts key "}},
		{"an unkeyed pool more", "signers: {unkeyedPools: [gecko-1/*, gecko-4/*]}\n", []string{"signers.unkeyedPools: workers need no key in gecko-4/*"}},
		{"certificates", "signers:\n  certificates:\n    roots: [roots.pem]\n    timestamps: {roots: [tsa.pem]}\n    identities: [{spiffeId: spiffe://firefox-ci-tc.services.mozilla.com/level/3, workerPools: [gecko-3/*, comm-3/*]}]\n", []string{
			"signers.certificates.identities[0].workerPools: spiffe://firefox-ci-tc.services.mozilla.com/level/3 signs for comm-3/*",
			"signers.certificates.identities[0].workerPools: spiffe://firefox-ci-tc.services.mozilla.com/level/3 signs for gecko-3/*",
			"signers.certificates.roots[0]: certificates below key ",
			"signers.certificates.timestamps.roots[0]: time stamps below key ",
		}},
		{"fewer unkeyed pools", "signers: {unkeyedPools: [gecko-1/b-*]}\n", nil},
		{"a new product", "products: {new: {vcs: hg, envPrefix: X, tasksFor: [cron], repositories: [{host: hg.mozilla.org, path: /x}], decisionPools: [gecko-3/decision]}}\n", []string{"products.new: is trusted besides those of firefox-ci"}},
		{"another prefix", "products: {firefox: {envPrefix: COMM}}\n", []string{`products.firefox.envPrefix: "COMM" instead of "GECKO"`}},
		{"another owner", "products: {glean: {owner: me}}\n", []string{`products.glean.owner: "me" instead of "mozilla"`}},
		{"an event more", "products: {adhoc: {tasksFor: [action, cron]}}\n", []string{"products.adhoc.tasksFor: also for cron"}},
		{"fewer repositories", "products: {firefox: {repositories: [" + firefoxRepositories + "]}}\n", nil},
		{"a repository more", "products: {firefox: {repositories: [" + firefoxRepositories + ", {host: hg.mozilla.org, path: /try}]}}\n", []string{"products.firefox.repositories: trusts https://hg.mozilla.org with path /try"}},
		{"a level of our own", "products: {firefox: {repositories: [{host: hg.mozilla.org, path: '/mozilla-(central|unified)', level: 3}]}}\n", []string{"products.firefox.repositories: trusts https://hg.mozilla.org with path /mozilla-(central|unified), level 3"}},
		{"branches of our own", "products: {glean: {repositories: [{host: github.com, path: /mozilla/glean, branches: ['*']}]}}\n", []string{"products.glean.repositories: trusts https://github.com with path /mozilla/glean, branches *"}},
		{"a decision pool more", "products: {firefox: {decisionPools: [gecko-3/decision, gecko-3/*]}}\n", []string{"products.firefox.decisionPools: decision tasks also run in gecko-3/*"}},
		{"an image pool more", "products: {firefox: {dockerImagePools: [gecko-4/images]}}\n", []string{"products.firefox.dockerImagePools: docker images are also built in gecko-4/images"}},
		{"fewer pools", "products: {firefox: {decisionPools: [gecko-3/decision], dockerImagePools: []}}\n", nil},
		{"any prebuilt image", "products: {firefox: {prebuiltImages: any}}\n", []string{"products.firefox.prebuiltImages: any instead of decision, action, docker-image"}},
		{"a prebuilt image more", "products: {firefox: {prebuiltImages: [decision, build]}}\n", []string{"products.firefox.prebuiltImages: also allowed for build"}},
		{"no image", "products: {firefox: {prebuiltImages: never, indexedImages: never}}\n", nil},
		{"a scope's tree grows", "products: {firefox: {trees: {release: [/releases/mozilla-release, /mozilla-central]}}}\n", []string{
			"products.firefox.restrictedScopes.project:releng:balrog:server:release: also allowed from /mozilla-central",
			"products.firefox.restrictedScopes.project:releng:flathub:firefox:stable: also",
			"products.firefox.restrictedScopes.project:releng:flathub:firefox:stable:org.mozilla.firefox: also",
			"products.firefox.restrictedScopes.project:releng:lando:repo:release: also",
			"products.firefox.restrictedScopes.project:releng:microsoftstore:release: also",
		}},
		{"a scope of another tree", "products: {firefox: {restrictedScopes: {'project:releng:balrog:server:release': beta-or-release}}}\n", []string{"products.firefox.restrictedScopes.project:releng:balrog:server:release: also allowed from /releases/mozilla-beta"}},
		{"a scope of a smaller tree", "products: {firefox: {restrictedScopes: {'project:releng:signing:cert:fennec-production-signing': beta}}}\n", nil},
		{"a scope less", "remove: ['products.firefox.restrictedScopes.project:releng:ship-it:production']\n", []string{"products.firefox.restrictedScopes.project:releng:ship-it:production: is no longer restricted"}},
		{"inputs", "products: {thunderbird: {inputsFrom: [firefox]}}\n", []string{"products.thunderbird.inputsFrom: takes inputs from firefox"}},
		{"stricter", "products: {firefox: {requirePinned: true, unsignedTasks: refuse}}\n", nil},
		{"raised limits", "limits: {maxCotBytes: 65MiB}\n", []string{"limits.maxCotBytes: 68157440, raised from 67108864"}},
		{"lowered limits", "limits: {maxCotBytes: 1MiB}\n", nil},
		{"a product less", "remove: [products.xpi]\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := mustParse(t, overlay+tt.text).Relaxed
			if len(got) != len(tt.want) {
				t.Fatalf("want %q, found %q", tt.want, got)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("want %q, found %q", tt.want[i], got[i])
				}
			}
		})
	}
}

// A base with what the built-in lacks: implementations, windows, demands.
func TestRelaxedAgainstAStricterBase(t *testing.T) {
	base := mustParse(t, sample(t))
	tests := []struct{ name, old, new, want string }{
		{"a demand on an implementation", "implementations:\n  generic-worker: [app-3/b-win*]\n", "", "implementations.generic-worker: no longer demanded in app-3/b-win*"},
		{"a demand on fewer pools", "app-3/b-win*", "app-3/b-win2*", "implementations.generic-worker: no longer demanded in app-3/b-win*"},
		{"an earlier window", "2023-12-01", "2023-11-01", "signers.keys[0].notBefore: key "},
		{"an open beginning", "      notBefore: 2023-12-01T00:00:00Z\n", "", "signers.keys[0].notBefore: key "},
		{"an open end", "      notAfter: 2027-01-01T02:00:00+02:00\n", "", "signers.keys[0].notAfter: key "},
		{"a later end", "2027-01-01T02", "2027-01-01T03", "signers.keys[0].notAfter: key "},
		{"unpinned inputs", "requirePinned: true", "requirePinned: false", "products.app.requirePinned: inputs need not be pinned"},
		{"unsigned tasks", "unsignedTasks: refuse", "unsignedTasks: allow", "products.app.unsignedTasks: unsigned tasks are allowed"},
		{"other branches", "branches: [default]", "branches: [default, more]", "products.app.repositories: trusts "},
		{"no branches", ", branches: [default]", "", "products.app.repositories: trusts "},
		{"a provisioner less", "scriptworkerProvisioners: [script-k8s]", "scriptworkerProvisioners: ['app-3', script-k8s2]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := edit(t, sample(t), tt.old, tt.new)
			if tt.want == "" {
				if len(parseErrors(t, text)) == 0 {
					t.Fatal("accepted")
				}
				return
			}
			got := relaxed(mustParse(t, text), base)
			if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
				t.Errorf("want %q, found %q", tt.want, got)
			}
		})
	}
	if got := relaxed(base, base); len(got) > 0 {
		t.Errorf("a policy is weaker than itself: %q", got)
	}
	later := mustParse(t, edit(t, sample(t), "2023-12-01", "2024-12-01"))
	if got := relaxed(later, base); len(got) > 0 {
		t.Errorf("a narrower window is weaker: %q", got)
	}
}

// A pool that loses its key must not become unkeyed unseen.
func TestRelaxedTellsOfPoolsThatLoseTheirKey(t *testing.T) {
	text := edit(t, sample(t), "unkeyedPools: [app-1/*]", "unkeyedPools: [app-1/*, app-*/mac]")
	base := mustParse(t, text)
	less := mustParse(t, edit(t, text, `["app-3/*", "app-3-mac/*"]`, `["app-3-mac/*"]`))
	got := relaxed(less, base)
	if !slices.Contains(got, "signers.unkeyedPools: workers no longer need a key in app-3/*") {
		t.Errorf("found %q", got)
	}
}

func TestGlobs(t *testing.T) {
	covered := []struct {
		p, by string
		want  bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/*", true},
		{"a/b*", "a/*", true},
		{"a/*", "a/b*", false},
		{"a*/b", "a/b", false},
		{"a-*/x", "a-*/*", true},
		{"a/b-c-d", "a/b*d", true},
		{"a/b-c-d", "a/b*c", false},
		{"a/bb", "a/b*bb", false},
		{"a/b", "*/*", true},
		{"*/*", "*/*", true},
		{"*/*", "a*/*", false},
	}
	for _, tt := range covered {
		if got := coveredBy(pattern(t, tt.p), []graph.PoolPattern{pattern(t, tt.by)}); got != tt.want {
			t.Errorf("%s covered by %s: %v", tt.p, tt.by, got)
		}
	}
	meet := []struct {
		a, b string
		want bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/c", false},
		{"a/*", "*/b", true},
		{"a*/x", "*b/x", true},
		{"a*/x", "b*/x", false},
		{"a*c/x", "a*d/x", false},
		{"a*c/x", "ab*/x", true},
		{"gecko-3/b-*", "*-1/*", false},
		{"gecko-3/b-*", "gecko-*/*-win", true},
	}
	for _, tt := range meet {
		a, b := pattern(t, tt.a), pattern(t, tt.b)
		if overlap(a, b) != tt.want || overlap(b, a) != tt.want {
			t.Errorf("%s and %s: %v %v", tt.a, tt.b, overlap(a, b), overlap(b, a))
		}
	}
}

func pattern(t testing.TB, s string) graph.PoolPattern {
	t.Helper()
	p, err := graph.ParsePoolPattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
