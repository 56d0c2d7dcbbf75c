package policy

import (
	"errors"
	"testing"
)

// FuzzParse holds that Parse never panics, that its errors are told by file,
// and that what it accepts has all that verification relies on.
func FuzzParse(f *testing.F) {
	good := sample(f)
	text, _ := BuiltinText("firefox-ci")
	for _, seed := range []string{good, string(text), overlay, overlay + "remove: [products.xpi]\n", "{\"apiVersion\": \"cot/v1\"}", "a: &a [*a]", "a: {b: {c: [1, 2.5, ~, yes]}}"} {
		f.Add([]byte(seed))
	}
	for _, tt := range refusals {
		f.Add([]byte(edit(f, good, tt.old, tt.new)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("p.yaml", data, sampleFiles)
		if err != nil {
			var list Errors
			if p != nil || !errors.As(err, &list) || len(list) == 0 || list[0].File == "" {
				t.Fatalf("policy %v, error %v", p, err)
			}
			return
		}
		if p.Name == "" || p.RootURL == "" || len(p.SHA256) != 64 || len(p.Products) == 0 ||
			len(p.Keys)+len(p.UnkeyedPools) == 0 && p.Certificates == nil && p.PGP == nil {
			t.Fatalf("incomplete: %+v", p)
		}
		for _, k := range p.Keys {
			if k.Implementation == "" || len(k.Pools) == 0 || len(k.Public) != 32 {
				t.Fatalf("incomplete key: %+v", k)
			}
		}
		for _, pr := range p.Products {
			if pr.Name == "" || pr.VCS == "" || len(pr.DecisionPools) == 0 || len(pr.TasksFor) == 0 || len(pr.Repositories) == 0 {
				t.Fatalf("incomplete product: %+v", pr)
			}
			for _, r := range pr.Repositories {
				if r.re == nil || p.VCSHosts[r.Host].Type != pr.VCS {
					t.Fatalf("incomplete repository: %+v", r)
				}
			}
			for _, rs := range pr.RestrictedScopes {
				if len(pr.Trees[rs.Tree]) == 0 {
					t.Fatalf("scope without tree: %+v", rs)
				}
			}
		}
		again, err := Parse("p.yaml", data, sampleFiles)
		if err != nil || again.SHA256 != p.SHA256 {
			t.Fatalf("not the same twice: %v", err)
		}
	})
}

// FuzzParseProjects holds that a project list from the network can't do harm.
func FuzzParseProjects(f *testing.F) {
	f.Add([]byte(someProjects))
	f.Add([]byte("x: &x {repo: 'https://h/x', repo_type: hg}\n'y': *x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProjects(data)
		if (p == nil) == (err == nil) {
			t.Fatalf("list %v, error %v", p, err)
		}
	})
}
