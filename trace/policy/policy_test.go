package policy

import (
	"slices"
	"testing"
)

func TestRepositoryMatchesTheWholePathOnItsHost(t *testing.T) {
	app, _ := mustParse(t, sample(t)).Product("app")
	tests := map[string]bool{
		"https://hg.example.org/app-central":        true,
		"ssh://hg.example.org/app-central/":         true,
		"https://hg.example.org/app-beta12":         true,
		"https://hg.example.org/app-beta":           false,
		"https://hg.example.org/app-central/x":      false,
		"https://hg.example.org/x/app-central":      false,
		"https://hg.example.org/app-central-2":      false,
		"https://hg.example.org.evil/app-central":   false,
		"https://github.com/app-central":            false,
		"https://hg.example.org/APP-central":        false,
		"https://hg.example.org/app-beta12.evil":    false,
		"https://hg.example.org/projects/try":       false,
		"https://hg.example.org/try":                true,
		"https://hg.example.org/try.git":            true,
		"https://hg.example.org/example/tools":      false,
		"https://hg.example.org/app-beta1/app-beta": false,
	}
	for url, want := range tests {
		if _, got := app.Repository(repo(t, url)); got != want {
			t.Errorf("%s: trusted %v, want %v", url, got, want)
		}
	}
	if r, _ := app.Repository(repo(t, "https://hg.example.org/app-beta1")); r.Level != "3" || r.Project != "app-central" {
		t.Errorf("found %+v", r)
	}
}

func TestTrustedRepositoryNamesTheProducts(t *testing.T) {
	p := mustParse(t, sample(t))
	got := names(p.TrustedRepository(repo(t, "https://github.com/example/tools")))
	if !slices.Equal(got, []string{"tools"}) {
		t.Errorf("found %v", got)
	}
	if got := p.TrustedRepository(repo(t, "https://github.com/example/fork")); got != nil {
		t.Errorf("a fork is trusted by %v", names(got))
	}
	if _, ok := p.Product("ap"); ok {
		t.Error("a product that is not there")
	}
}

func TestPoolsOfAProduct(t *testing.T) {
	p := mustParse(t, sample(t))
	app, _ := p.Product("app")
	tests := []struct {
		pool            string
		decision, image bool
	}{
		{"app-3/decision", true, false},
		{"app-3/images", false, true},
		{"app-3/decision-gcp", false, false},
		{"xapp-3/decision", false, false},
	}
	for _, tt := range tests {
		if d, i := app.IsDecisionPool(pool(t, tt.pool)), app.IsDockerImagePool(pool(t, tt.pool)); d != tt.decision || i != tt.image {
			t.Errorf("%s: decision %v, images %v", tt.pool, d, i)
		}
	}
	if !p.IsScriptworker("script-k8s") || p.IsScriptworker("script-k8s-2") {
		t.Error("IsScriptworker")
	}
}

func TestRestrictedIsEitherWay(t *testing.T) {
	app, _ := mustParse(t, sample(t)).Product("app") // lists project:app:ship and project:app:sign:*
	tests := []struct {
		scope string
		want  []string
	}{
		{"project:app:ship", []string{"project:app:ship"}},
		{"project:app:shi*", []string{"project:app:ship"}},
		{"project:app:ship*", []string{"project:app:ship"}},
		{"project:app:ship:x", nil},
		{"project:app:shi", nil},
		{"project:app:sign:release", []string{"project:app:sign:*"}},
		{"project:app:sign:", []string{"project:app:sign:*"}},
		{"project:app:sign:rel*", []string{"project:app:sign:*"}},
		{"project:app:sign", nil},
		{"project:app:*", []string{"project:app:ship", "project:app:sign:*"}},
		{"*", []string{"project:app:ship", "project:app:sign:*"}},
		{"project:*:ship", nil},
		{"Project:app:ship", nil},
		{"", nil},
	}
	for _, tt := range tests {
		var got []string
		for _, rs := range app.Restricted(tt.scope) {
			got = append(got, rs.Scope)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q is restricted by %v, want %v", tt.scope, got, tt.want)
		}
	}
}

func TestTreeAllowsOnlyTrustedRepositories(t *testing.T) {
	app, _ := mustParse(t, sample(t)).Product("app")
	tests := []struct {
		tree, url string
		want      bool
	}{
		{"release", "https://hg.example.org/app-beta1", true},
		{"release", "https://hg.example.org/app-beta3", false},
		{"release", "https://github.com/app-beta1", false},
		{"all", "https://hg.example.org/app-central", true},
		{"all", "https://hg.example.org/elsewhere", false},
		{"none", "https://hg.example.org/app-central", false},
	}
	for _, tt := range tests {
		if got := app.TreeAllows(tt.tree, repo(t, tt.url)); got != tt.want {
			t.Errorf("%s in tree %s: %v, want %v", tt.url, tt.tree, got, tt.want)
		}
	}
}

func TestImageRule(t *testing.T) {
	app, _ := mustParse(t, sample(t)).Product("app")
	tools, _ := mustParse(t, sample(t)).Product("tools")
	tests := []struct {
		rule ImageRule
		kind string
		want bool
	}{
		{app.PrebuiltImages, "decision", true},
		{app.PrebuiltImages, "docker-image", true},
		{app.PrebuiltImages, "action", false},
		{app.PrebuiltImages, "", false},
		{app.IndexedImages, "build", true},
		{tools.IndexedImages, "build", false},
		{ImageRule{}, "decision", false},
	}
	for _, tt := range tests {
		if got := tt.rule.Allows(tt.kind); got != tt.want {
			t.Errorf("%s allows %q: %v", tt.rule, tt.kind, got)
		}
	}
}

func TestKeyedPoolIsNeverUnkeyed(t *testing.T) {
	p := mustParse(t, edit(t, sample(t), "unkeyedPools: [app-1/*]", "unkeyedPools: [app-1/*, app-*/mac]"))
	for name, want := range map[string]bool{
		"app-1/x": true, "app-2/mac": true, "app-3/mac": false, "app-3/x": false, "other/x": false, "script-k8s/app-3-sign": false,
	} {
		if got := p.Unkeyed(pool(t, name)); got != want {
			t.Errorf("%s is unkeyed: %v", name, got)
		}
	}
}
