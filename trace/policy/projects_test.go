package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mozilla-releng/cot/trace/tree"
)

const someProjects = `---
# Structure of a real list.
mozilla-central:
  repo: https://hg.mozilla.org/mozilla-central
  repo_type: hg
  access: scm_level_3
  branches:
    - name: "*"
    - name: default
  trust_domain: gecko
  features: {hg-push: true, github-pull-request: {policy: public}}
try:
  repo: https://hg.mozilla.org/try
  repo_type: hg
  access: scm_level_1
  is_try: true
nss:
  repo: https://hg.mozilla.org/projects/nss
  repo_type: hg
  access: scm_nss
  branches: [{name: default}]
glean:
  repo: https://github.com/mozilla/glean
  repo_type: git
  default_branch: main
  branches:
    - {name: main, level: 3}
    - {name: release*, level: 3}
    - {name: "*", level: 1}
local:
  repo: file:///repositories/local
  repo_type: git
`

func TestLookup(t *testing.T) {
	p, err := ParseProjects([]byte(someProjects))
	if err != nil {
		t.Fatal(err)
	}
	if p.Len() != 4 {
		t.Errorf("%d repositories", p.Len())
	}
	tests := []struct {
		url  string
		want Project
	}{
		{"ssh://hg.mozilla.org/mozilla-central/", Project{Alias: "mozilla-central", Type: "hg", Level: "3", Branches: []Branch{{"*", ""}, {"default", ""}}}},
		{"https://hg.mozilla.org/try", Project{Alias: "try", Type: "hg", Level: "1"}},
		{"https://hg.mozilla.org/projects/nss", Project{Alias: "nss", Type: "hg", Branches: []Branch{{"default", ""}}}},
		{"git@github.com:mozilla/glean.git", Project{Alias: "glean", Type: "git", Branches: []Branch{{"main", "3"}, {"release*", "3"}, {"*", "1"}}}},
	}
	for _, tt := range tests {
		got, ok := p.Lookup(repo(t, tt.url))
		if !ok || got.Repository != repo(t, tt.url) {
			t.Fatalf("%s: found %+v, %v", tt.url, got, ok)
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreTypes(tree.Repository{})); diff != "" {
			t.Error(diff)
		}
	}
	for _, url := range []string{"https://hg.mozilla.org/mozilla-central2", "https://github.com/mozilla-central", "https://github.com/mozilla/glean-fork"} {
		if got, ok := p.Lookup(repo(t, url)); ok {
			t.Errorf("%s: found %+v", url, got)
		}
	}
}

func TestBranchLevel(t *testing.T) {
	p, err := ParseProjects([]byte(someProjects))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		url, branch, level string
		ok                 bool
	}{
		{"https://github.com/mozilla/glean", "main", "3", true},
		{"https://github.com/mozilla/glean", "release-v61", "3", true},
		{"https://github.com/mozilla/glean", "main2", "1", true},
		{"https://hg.mozilla.org/mozilla-central", "anything", "3", true},
		{"https://hg.mozilla.org/try", "default", "", false},
		{"https://hg.mozilla.org/projects/nss", "default", "", false},
	}
	for _, tt := range tests {
		project, _ := p.Lookup(repo(t, tt.url))
		if level, ok := project.BranchLevel(tt.branch); level != tt.level || ok != tt.ok {
			t.Errorf("%s, branch %s: level %q, %v", tt.url, tt.branch, level, ok)
		}
	}
}

func TestTwoAliasesThatDisagree(t *testing.T) {
	const first = "a: {repo: 'https://github.com/o/r', repo_type: git, branches: [{name: main, level: 3}]}\n"
	tests := []struct {
		name, second string
		ok           bool
	}{
		{"the same under another name", "b: {repo: 'https://github.com/o/r.git', repo_type: git, branches: [{name: main, level: 3}]}\n", true},
		{"another level", "b: {repo: 'https://github.com/o/r', repo_type: git, branches: [{name: main, level: 1}]}\n", false},
		{"another branch", "b: {repo: 'ssh://git@github.com/o/r', repo_type: git, branches: [{name: next, level: 3}]}\n", false},
		{"another type", "b: {repo: 'https://github.com/o/r/', repo_type: hg, access: scm_level_3}\n", false},
	}
	for _, tt := range tests {
		p, err := ParseProjects([]byte(first + tt.second + "c: {repo: 'https://github.com/o/c', repo_type: git}\n"))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := p.Lookup(repo(t, "https://github.com/o/r"))
		if ok != tt.ok || (p.Conflict(repo(t, "https://github.com/o/r")) == nil) != tt.ok {
			t.Errorf("%s: found %+v, %v", tt.name, got, ok)
		}
		if _, ok := p.Lookup(repo(t, "https://github.com/o/c")); !ok {
			t.Errorf("%s: the others are lost", tt.name)
		}
		if p.Conflict(repo(t, "https://github.com/o/none")) != nil {
			t.Errorf("%s: a conflict of nothing", tt.name)
		}
	}
}

func TestProjectsRefusals(t *testing.T) {
	if _, err := ParseProjects([]byte("x: &x {repo: 'https://h/x', repo_type: hg}\n'y': *x\n")); err != nil {
		t.Fatalf("an anchor: %v", err)
	}
	laughs := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'j'; c++ {
		laughs += strings.NewReplacer("Q", string(c), "P", string(c-1)).Replace("Q: &Q [*P,*P,*P,*P,*P,*P,*P,*P,*P,*P]\n")
	}
	tests := []struct{ name, text, err string }{
		{"empty", "", "the file is empty"},
		{"empty map", "{}", "no project in it"},
		{"a list", "- x\n", "expected a map, found a list"},
		{"no repo", "x: {repo_type: hg}\n", "x.repo: is missing"},
		{"no type", "x: {repo: 'https://h/x'}\n", "x.repo_type: is missing"},
		{"another type", "x: {repo: 'https://h/x', repo_type: svn}\n", "expected hg or git"},
		{"a level of text", "x: {repo: 'https://h/x', repo_type: git, branches: [{name: m, level: high}]}\n", "expected a number from 1 to 9"},
		{"a level of nothing", "x: {repo: 'https://h/x', repo_type: git, branches: [{name: m, level: }]}\n", "expected a number from 1 to 9"},
		{"a branch without name", "x: {repo: 'https://h/x', repo_type: git, branches: [{level: 3}]}\n", "branches[0].name: is missing"},
		{"branches as a map", "x: {repo: 'https://h/x', repo_type: git, branches: {main: 3}}\n", "x.branches: expected a list"},
		{"access to two levels", "x: {repo: 'https://h/x', repo_type: hg, access: scm_level_33}\n", "scm_level_33"},
		{"a key twice", "x: {repo: 'https://h/x', repo: 'https://h/y', repo_type: hg}\n", "x.repo: duplicate key"},
		{"a merge key", "x: &x {repo: 'https://h/x', repo_type: hg}\ny: {<<: *x}\n", "merge key"},
		{"an alias of itself", "x: &x [*x]\n", "names itself"},
		{"a billion laughs", laughs, "more than 200000 values"},
		{"too long", "#" + strings.Repeat(" ", MaxProjectsBytes), "more than the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseProjects([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("want %q, found %v", tt.err, err)
			}
		})
	}
}
