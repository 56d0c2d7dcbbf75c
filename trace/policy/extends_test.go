package policy

import (
	"slices"
	"strings"
	"testing"
)

const overlay = "apiVersion: cot/v1\nname: mine\nextends: firefox-ci\n"

func firefoxCI(t testing.TB) *Policy {
	t.Helper()
	p, ok := Builtin("https://firefox-ci-tc.services.mozilla.com")
	if !ok {
		t.Fatal("no built-in policy")
	}
	return p
}

func TestExtendsAloneIsTheBase(t *testing.T) {
	p, base := mustParse(t, overlay), firefoxCI(t)
	if p.Name != "mine" || p.RootURL != base.RootURL || len(p.Products) != len(base.Products) || len(p.Keys) != len(base.Keys) {
		t.Errorf("found %+v", p)
	}
	if len(p.Relaxed) > 0 {
		t.Errorf("relaxed: %q", p.Relaxed)
	}
	if p.SHA256 == base.SHA256 {
		t.Error("the digest is the base's")
	}
}

func TestMapsMergeAndListsReplace(t *testing.T) {
	p := mustParse(t, overlay+`
products:
  firefox:
    tasksFor: [hg-push]
    restrictedScopes:
      project:mine: beta
    trees:
      beta: [/releases/mozilla-beta]
limits: {maxChainLength: 10}
`)
	firefox, _ := p.Product("firefox")
	was, _ := firefoxCI(t).Product("firefox")
	if !slices.Equal(firefox.TasksFor, []string{"hg-push"}) {
		t.Errorf("tasksFor %v", firefox.TasksFor)
	}
	if len(firefox.RestrictedScopes) != len(was.RestrictedScopes)+1 || len(firefox.Restricted("project:mine")) != 1 {
		t.Errorf("restricted scopes: %d, before %d", len(firefox.RestrictedScopes), len(was.RestrictedScopes))
	}
	if len(firefox.Trees) != len(was.Trees) || len(firefox.DecisionPools) != len(was.DecisionPools) {
		t.Error("what stands only in the base is gone")
	}
	if p.Limits.MaxChainLength != 10 || p.Limits.MaxCotBytes != 64<<20 {
		t.Errorf("limits %+v", p.Limits)
	}
	if len(p.Relaxed) > 0 {
		t.Errorf("stricter is not relaxed: %q", p.Relaxed)
	}
}

func TestRemove(t *testing.T) {
	p := mustParse(t, overlay+`
remove:
  - products.xpi
  - products.firefox.restrictedScopes.project:releng:addons.mozilla.org:server:production
  - signers.keys
  - signers.unkeyedPools
signers:
  unkeyedPools: [gecko-1/*]
`)
	if _, ok := p.Product("xpi"); ok || len(p.Products) != 10 || len(p.Keys) != 0 || len(p.UnkeyedPools) != 1 {
		t.Errorf("%d products, %d keys, %d unkeyed pools", len(p.Products), len(p.Keys), len(p.UnkeyedPools))
	}
	firefox, _ := p.Product("firefox")
	if len(firefox.Restricted("project:releng:addons.mozilla.org:server:production")) > 0 {
		t.Error("the scope is still restricted")
	}
	want := []string{"products.firefox.restrictedScopes.project:releng:addons.mozilla.org:server:production: is no longer restricted"}
	if !slices.Equal(p.Relaxed, want) {
		t.Errorf("relaxed: %q", p.Relaxed)
	}
}

func TestRemoveThenGiveReplacesAMap(t *testing.T) {
	p := mustParse(t, overlay+`
remove: [vcsHosts, products]
vcsHosts: {hg.example.org: {type: hg}}
products:
  x: {vcs: hg, envPrefix: X, tasksFor: [cron], repositories: [{host: hg.example.org, path: /x}], decisionPools: [gecko-3/decision]}
`)
	if len(p.VCSHosts) != 1 || len(p.Products) != 1 {
		t.Errorf("%d hosts, %d products", len(p.VCSHosts), len(p.Products))
	}
}

func TestExtendsRefusals(t *testing.T) {
	tests := []struct{ name, text, err string }{
		{"an unknown base", "apiVersion: cot/v1\nname: x\nextends: firefox-cl\n", `p.yaml:3: extends: expected a built-in policy: firefox-ci, found "firefox-cl"; did you mean "firefox-ci"?`},
		{"a file as base", "apiVersion: cot/v1\nname: x\nextends: ./other.yaml\n", "expected a built-in policy"},
		{"the base's name", "apiVersion: cot/v1\nname: firefox-ci\nextends: firefox-ci\n", "is the name of a built-in policy"},
		{"no name of its own", "apiVersion: cot/v1\nextends: firefox-ci\n", "name: is missing"},
		{"no version of its own", "name: x\nextends: firefox-ci\n", "apiVersion: is missing"},
		{"what is not there to remove", overlay + "remove: [products.xpl]\n", `p.yaml:4: remove[0]: expected the path of a key of what is extended, found "products.xpl"; did you mean "xpi"?`},
		{"removed twice", overlay + "remove: [products.xpi, products.xpi]\n", "remove[1]: expected the path of a key"},
		{"an element of a list to remove", overlay + "remove: ['signers.keys[0]']\n", "expected the path of a key"},
		{"a text as remove", overlay + "remove: products.xpi\n", "remove: expected a list"},
		{"a product that is still named", overlay + "products: {glean: {inputsFrom: [xpi]}}\nremove: [products.xpi]\n", "expected a product of this policy"},
		{"a key that is gone", overlay + "remove: [products.firefox.vcs]\n", "products.firefox.vcs: is missing"},
		{"a tree that is gone", overlay + "remove: [products.glean.trees.glean-repo]\n", "firefox-ci:"},
		{"nothing instead of a map", overlay + "products:\n", "p.yaml:4: products: expected a map, found nothing"},
		{"a list instead of a map", overlay + "products: {firefox: []}\n", "p.yaml:4: products.firefox: expected a map, found a list"},
		{"a new product in part", overlay + "products: {mine: {vcs: hg}}\n", "p.yaml:4: products.mine.envPrefix: is missing"},
		{"an unknown key over the base", overlay + "products: {firefox: {vsc: hg}}\n", `p.yaml:4: products.firefox.vsc: unknown key; did you mean "vcs"?`},
		{"certificates over the base that are not there", overlay + "signers: {certificates: {roots: [r.pem]}}\n", "can't read \"r.pem\""},
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

func TestAmbiguousRemove(t *testing.T) {
	read := func(s string) *node {
		r := &reader{file: "base"}
		return r.read([]byte(s), MaxFileBytes)
	}
	under := read("a: {b.c: 1, b: {c: 2}}\n")
	b := &builder{}
	b.remove(under, read("x"), "remove[0]", "a.b.c")
	if err := b.err(); err == nil || !strings.Contains(err.Error(), "more than one way") {
		t.Errorf("found %v", err)
	}
	b = &builder{}
	b.remove(under, read("x"), "remove[0]", "a.b")
	if err := b.err(); err != nil || under.get("a").get("b") != nil || under.get("a").get("b.c") == nil {
		t.Errorf("found %v", err)
	}
}
