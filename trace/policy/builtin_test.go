package policy

import (
	"slices"
	"testing"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
)

func TestBuiltinIsChosenByRootURL(t *testing.T) {
	for url, want := range map[string]bool{
		"https://firefox-ci-tc.services.mozilla.com":   true,
		"https://firefox-ci-tc.services.mozilla.com/":  true,
		"https://firefox-ci-tc.services.mozilla.com/x": false,
		"http://firefox-ci-tc.services.mozilla.com":    false,
		"https://stage.taskcluster.nonprod.cloudops":   false,
		"": false,
	} {
		p, ok := Builtin(url)
		if ok != want || ok && p.Name != "firefox-ci" {
			t.Errorf("%q: %v", url, ok)
		}
	}
	for _, name := range Builtins() {
		text, ok := BuiltinText(name)
		if !ok {
			t.Fatalf("%s has no text", name)
		}
		if _, err := Parse(name+".yaml", text, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, ok := BuiltinText("../builtin/firefox-ci"); ok {
		t.Error("a path is no name")
	}
}

func TestBuiltinRelaxesNothing(t *testing.T) {
	p := firefoxCI(t)
	if len(p.Relaxed) > 0 || p.QueueTimeTrusted || p.Limits != DefaultLimits() {
		t.Errorf("relaxed %q, limits %+v", p.Relaxed, p.Limits)
	}
}

// The published facts, counted by hand: products with the number of their
// events, repository patterns, decision pools, image pools, trees, restricted
// scopes, and which prebuilt images they allow.
func TestBuiltinHoldsThePublishedFacts(t *testing.T) {
	type counts struct {
		name, vcs, prefix, owner, images                            string
		events, repositories, decision, docker, trees, restrictions int
	}
	want := []counts{
		{"adhoc", "github", "ADHOC", "mozilla-releng", "any", 3, 1, 4, 4, 1, 1},
		{"app-services", "github", "APPSERVICES", "mozilla", "any", 5, 1, 4, 4, 1, 3},
		{"enterprise", "github", "GECKO", "mozilla", "decision, action, docker-image", 6, 1, 3, 3, 1, 4},
		{"firefox", "hg", "GECKO", "", "decision, action, docker-image", 3, 4, 6, 6, 14, 31},
		{"glean", "github", "GLEAN", "mozilla", "any", 5, 1, 4, 4, 1, 1},
		{"mobile", "github", "MOBILE", "mozilla-mobile", "any", 6, 1, 4, 4, 2, 3},
		{"mozillavpn", "github", "MOZILLAVPN", "mozilla-mobile", "any", 5, 1, 4, 4, 1, 4},
		{"scriptworker", "github", "SCRIPTWORKER", "mozilla-releng", "decision, action, docker-image", 5, 1, 4, 4, 2, 2},
		{"thunderbird", "hg", "COMM", "", "decision, action, docker-image", 3, 2, 6, 6, 7, 19},
		{"translations", "github", "TRANSLATIONS", "mozilla", "any", 5, 1, 2, 2, 1, 1},
		{"xpi", "github", "XPI", "mozilla-extensions", "any", 5, 1, 4, 4, 1, 5},
	}
	var got []counts
	for _, p := range firefoxCI(t).Products {
		got = append(got, counts{
			p.Name, p.VCS, p.EnvPrefix, p.Owner, p.PrebuiltImages.String(),
			len(p.TasksFor), len(p.Repositories), len(p.DecisionPools), len(p.DockerImagePools), len(p.Trees), len(p.RestrictedScopes),
		})
	}
	for i := range max(len(want), len(got)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("product %d: want %+v, found %+v", i, want[min(i, len(want)-1)], got[min(i, len(got)-1)])
		}
	}
}

func TestBuiltinTrustsThePublishedRepositories(t *testing.T) {
	p := firefoxCI(t)
	tests := map[string]string{
		"https://hg.mozilla.org/mozilla-central":                      "firefox",
		"https://hg.mozilla.org/mozilla-unified":                      "firefox",
		"https://hg.mozilla.org/integration/autoland":                 "firefox",
		"https://hg.mozilla.org/releases/mozilla-esr140":              "firefox",
		"https://hg.mozilla.org/projects/maple":                       "firefox",
		"https://hg.mozilla.org/comm-central":                         "thunderbird",
		"https://hg.mozilla.org/releases/comm-esr153":                 "thunderbird",
		"ssh://git@github.com/mozilla/enterprise-firefox.git":         "enterprise",
		"https://github.com/mozilla-releng/scriptworker":              "scriptworker",
		"https://github.com/mozilla-releng/scriptworker-scripts":      "scriptworker",
		"https://github.com/mozilla-releng/adhoc-manifest":            "adhoc",
		"https://github.com/mozilla/application-services":             "app-services",
		"https://github.com/mozilla/glean":                            "glean",
		"https://github.com/mozilla-mobile/reference-browser":         "mobile",
		"https://github.com/mozilla-mobile/mozilla-vpn-client":        "mozillavpn",
		"https://github.com/mozilla/translations":                     "translations",
		"https://github.com/mozilla-extensions/xpi-manifest":          "xpi",
		"https://hg.mozilla.org/try":                                  "",
		"https://hg.mozilla.org/try-comm-central":                     "",
		"https://hg.mozilla.org/releases/mozilla-esr":                 "",
		"https://hg.mozilla.org/releases/mozilla-esr140/x":            "",
		"https://hg.mozilla.org/projects/ash":                         "",
		"https://github.com/mozilla/glean-evil":                       "",
		"https://github.com/evil/glean":                               "",
		"https://github.com/mozilla-releng/scriptworker-scripts-evil": "",
		"https://example.org/mozilla-central":                         "",
	}
	for url, want := range tests {
		got := names(p.TrustedRepository(repo(t, url)))
		if want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("%s is trusted by %v, want %q", url, got, want)
		}
	}
}

// The project list has the branches of this product at level 1, which trusts
// nobody elsewhere.
func TestBuiltinTrustsTheBranchesOfTranslations(t *testing.T) {
	pattern, ok := named(t, "translations").Repository(repo(t, "https://github.com/mozilla/translations"))
	for branch, want := range map[string]bool{"main": true, "release-1": true, "dev2": true, "feature": false} {
		if !ok || pattern.TrustsBranch(branch) != want {
			t.Errorf("%s is trusted: %v, want %v", branch, !want, want)
		}
	}
}

func named(t *testing.T, name string) *Product {
	t.Helper()
	p, ok := firefoxCI(t).Product(name)
	if !ok {
		t.Fatalf("no product %s", name)
	}
	return p
}

// Three published paths are of no trusted repository; they stay as they were
// published and allow nothing.
func TestBuiltinTreePathsOfNoTrustedRepository(t *testing.T) {
	var got []string
	for _, pr := range firefoxCI(t).Products {
		host := pr.Repositories[0].Host
		for name, paths := range pr.Trees {
			for _, path := range paths {
				r := repo(t, "https://"+host+path)
				if _, ok := pr.Repository(r); !ok {
					got = append(got, path)
				}
				if _, ok := pr.Repository(r); ok != pr.TreeAllows(name, r) {
					t.Errorf("%s: tree %s and the patterns disagree about %s", pr.Name, name, path)
				}
			}
		}
	}
	slices.Sort(got)
	want := []string{"/mozilla-mobile/firefox-ios", "/projects/birch", "/releases/mozilla-unified"}
	if !slices.Equal(slices.Compact(got), want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestBuiltinKeys(t *testing.T) {
	p := firefoxCI(t)
	if len(p.Keys) != 5 {
		t.Fatalf("%d keys", len(p.Keys))
	}
	// How many keys of each implementation sign for a pool, and whether it is unkeyed.
	tests := []struct {
		pool                          string
		docker, generic, scriptworker int
		unkeyed                       bool
	}{
		{"gecko-3/decision", 2, 1, 0, false},
		{"gecko-3/b-linux-docker-large-amd", 2, 1, 0, false},
		{"comm-3/b-win2022", 2, 1, 0, false},
		{"xpi-3/b-linux", 2, 1, 0, false},
		{"releng-hardware/gecko-3-b-osx-arm64", 0, 1, 0, false},
		{"releng-hardware/mozillavpn-b-3-osx", 0, 1, 0, false},
		{"scriptworker-k8s/gecko-3-signing", 0, 0, 2, false},
		{"scriptworker-k8s/xpi-3-balrog", 0, 0, 2, false},
		{"scriptworker-prov-v1/gecko-signing-mac14m2", 0, 0, 2, false},
		{"scriptworker-prov-v1/signing-mac-v1", 0, 0, 2, false},
		{"gecko-1/decision", 0, 0, 0, true},
		{"gecko-2/b-linux", 0, 0, 0, true},
		{"gecko-t/t-linux-docker", 0, 0, 0, true},
		{"translations-1/decision", 0, 0, 0, true},
		{"releng-hardware/gecko-1-b-osx-arm64", 0, 0, 0, true},
		{"releng-hardware/gecko-t-osx-1500-m4", 0, 0, 0, true},
		{"scriptworker-k8s/gecko-t-signing", 0, 0, 0, true},
		{"scriptworker-k8s/gecko-1-balrog", 0, 0, 0, true},
		{"scriptworker-prov-v1/dep-gecko-signing-mac14m2", 0, 0, 0, true},
		{"scriptworker-prov-v1/depsigning-mac-v1", 0, 0, 0, true},
		{"gecko-33/x", 0, 0, 0, false},
		{"proj-fuzzing/ci", 0, 0, 0, false},
		{"scriptworker-k8s/evil", 0, 0, 0, false},
	}
	for _, tt := range tests {
		n := map[graph.Implementation]int{}
		for _, k := range p.Keys {
			if graph.AnyPool(k.Pools, pool(t, tt.pool)) {
				n[k.Implementation]++
			}
		}
		if n[graph.DockerWorker] != tt.docker || n[graph.GenericWorker] != tt.generic || n[graph.Scriptworker] != tt.scriptworker || p.Unkeyed(pool(t, tt.pool)) != tt.unkeyed {
			t.Errorf("%s: %v, unkeyed %v", tt.pool, n, p.Unkeyed(pool(t, tt.pool)))
		}
	}
}

// Every pool that may run a decision or build an image is either signed for or
// known to be unkeyed, never both.
func TestBuiltinPoolsAreKeyedOrUnkeyed(t *testing.T) {
	p := firefoxCI(t)
	for _, pr := range p.Products {
		for _, pattern := range slices.Concat(pr.DecisionPools, pr.DockerImagePools) {
			if p.Unkeyed(pool(t, pattern.String())) {
				continue
			}
			for _, impl := range []graph.Implementation{graph.DockerWorker, graph.GenericWorker} {
				if !slices.ContainsFunc(p.Keys, func(k certs.Key) bool {
					return k.Implementation == impl && graph.AnyPool(k.Pools, pool(t, pattern.String()))
				}) {
					t.Errorf("%s: no key of %s signs for %s", pr.Name, impl, pattern)
				}
			}
		}
	}
	for _, k := range p.Keys {
		for _, keyed := range k.Pools {
			for _, unkeyed := range p.UnkeyedPools {
				if overlap(keyed, unkeyed) {
					t.Errorf("%s is keyed, %s is not, and they overlap", keyed, unkeyed)
				}
			}
		}
	}
}

func TestBuiltinRestrictedScopes(t *testing.T) {
	p := firefoxCI(t)
	tests := []struct {
		product, scope string
		trees          []string
	}{
		{"firefox", "project:releng:balrog:server:esr", []string{"esr"}},
		{"firefox", "project:releng:signing:cert:release-signing", []string{"all-release-branches"}},
		{"firefox", "project:releng:signing:cert:dep-signing", nil},
		{"thunderbird", "project:comm:thunderbird:releng:flathub:stable:org.mozilla.thunderbird_esr", []string{"esr"}},
		{"xpi", "project:xpi:releng:github:project:mozilla-extensions/some-xpi", []string{"xpi-manifest-repo"}},
		{"xpi", "project:xpi:releng:github:project:other/some-xpi", nil},
	}
	for _, tt := range tests {
		pr, _ := p.Product(tt.product)
		var got []string
		for _, rs := range pr.Restricted(tt.scope) {
			got = append(got, rs.Tree)
		}
		if !slices.Equal(got, tt.trees) {
			t.Errorf("%s: %s needs %v, want %v", tt.product, tt.scope, got, tt.trees)
		}
	}
}

func TestSuggestBuiltin(t *testing.T) {
	for name, want := range map[string]bool{"firefox": true, "Firefox-CI": true, "firefox-cj": true, "fi": false, "policy.yml": false, "firefox.yml": false, "": false} {
		if got := SuggestBuiltin(name); (got == `did you mean "firefox-ci"?`) != want || got == "" == want {
			t.Errorf("%q: %q", name, got)
		}
	}
}
