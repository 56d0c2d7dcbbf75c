package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tasksFor are the events that a decision or action task may be created for.
var tasksFor = []string{
	"hg-push", "cron", "action", "github-push", "github-pull-request",
	"github-pull-request-untrusted", "github-release", "pr-action",
}

// Words of unsignedTasks.
const (
	UnsignedAllow  = "allow"
	UnsignedRefuse = "refuse"
)

func (b *builder) products(f fields) []*Product {
	n := f.need("products")
	if n == nil {
		return nil
	}
	all := fields{f.problems, n, f.at("products")}
	if !all.isMapping() {
		return nil
	}
	if len(n.pairs) == 0 {
		b.say(n, all.path, "no product: nothing could ever be verified", "")
	}
	var out []*Product
	for _, pr := range n.pairs {
		productSyntax.check(f.problems, pr.key, all.at(pr.key.value), pr.key.value)
		if p := b.product(pr.value, all.at(pr.key.value)); p != nil {
			p.Name = pr.key.value
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *Product) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (b *builder) product(n *node, at string) *Product {
	f, ok := b.object(n, at, "vcs", "envPrefix", "tasksFor", "owner", "repositories", "decisionPools",
		"dockerImagePools", "prebuiltImages", "indexedImages", "trees", "restrictedScopes", "inputsFrom",
		"requirePinned", "unsignedTasks")
	if !ok {
		return nil
	}
	p := &Product{
		EnvPrefix:        f.needText("envPrefix", envPrefixSyntax),
		Owner:            f.matching("owner", ownerSyntax),
		Repositories:     b.repositories(f),
		DecisionPools:    f.somePools("decisionPools"),
		DockerImagePools: f.pools("dockerImagePools"),
		PrebuiltImages:   f.imageRule("prebuiltImages"),
		IndexedImages:    f.imageRule("indexedImages"),
		Trees:            b.trees(f),
		InputsFrom:       f.texts("inputsFrom", productSyntax),
		RequirePinned:    f.boolean("requirePinned"),
		UnsignedTasks:    f.oneOf("unsignedTasks", UnsignedAllow, UnsignedAllow, UnsignedRefuse),
	}
	slices.Sort(p.InputsFrom)
	if f.need("vcs") != nil {
		p.VCS = f.oneOf("vcs", "", VCSMercurial, VCSGitHub)
	}
	p.RestrictedScopes = b.restrictedScopes(f, p.Trees)
	b.tasksFor(f, p)
	switch {
	case p.VCS == VCSGitHub && f.n.get("owner") == nil:
		b.say(n, f.at("owner"), "is missing", "a product on GitHub needs its official owner")
	}
	return p
}

func (b *builder) tasksFor(f fields, p *Product) {
	f.notEmpty("tasksFor")
	for i, n := range f.elements("tasksFor") {
		at := fmt.Sprintf("%s[%d]", f.at("tasksFor"), i)
		s, ok := b.asText(n, at)
		switch {
		case !ok:
		case !slices.Contains(tasksFor, s):
			b.add(n, at, strings.Join(tasksFor, ", "), quoted(s), didYouMean(s, tasksFor))
		case slices.Contains(p.TasksFor, s):
			b.say(n, at, quoted(s)+" stands twice", "")
		case s == "hg-push" && p.VCS == VCSGitHub, (strings.HasPrefix(s, "github-") || s == "pr-action") && p.VCS == VCSMercurial:
			b.say(n, at, quoted(s)+" is no event of a product with vcs "+p.VCS, "")
		default:
			p.TasksFor = append(p.TasksFor, s)
		}
	}
}

func (b *builder) repositories(f fields) []RepositoryPattern {
	f.notEmpty("repositories")
	var out []RepositoryPattern
	for i, n := range f.elements("repositories") {
		rf, ok := b.object(n, fmt.Sprintf("%s[%d]", f.at("repositories"), i), "host", "path", "level", "project", "branches")
		if !ok {
			continue
		}
		r := RepositoryPattern{
			Host:    rf.needText("host", hostSyntax),
			Path:    rf.needText("path", pathRegexpSyntax),
			Project: rf.matching("project", projectSyntax),
		}
		if rf.n.get("level") != nil {
			if level := rf.integer("level", 0, 1, 9); level > 0 {
				r.Level = strconv.FormatInt(level, 10)
			}
		}
		if rf.n.get("branches") != nil {
			r.Branches = rf.someTexts("branches", branchSyntax)
		}
		if r.Path != "" {
			re, err := wholePath(r.Path)
			if err != nil {
				b.say(rf.n.get("path"), rf.at("path"), err.Error(), "")
			}
			r.re = re
		}
		out = append(out, r)
	}
	return out
}

// wholePath compiles a pattern that must match a path from end to end.
func wholePath(pattern string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, fmt.Errorf("not a regular expression (RE2): %w", err)
	}
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

func (f fields) imageRule(key string) ImageRule {
	n := f.n.get(key)
	switch {
	case n == nil:
		return ImageRule{}
	case n.kind == list:
		f.notEmpty(key)
		rule := ImageRule{kinds: f.texts(key, taskKindSyntax)}
		if slices.Contains(rule.kinds, "any") || slices.Contains(rule.kinds, "never") {
			f.add(n, f.at(key), taskKindSyntax.want, "any or never in a list", "write it without the list")
		}
		return rule
	}
	return ImageRule{any: f.oneOf(key, "never", "any", "never") == "any"}
}

func (b *builder) trees(f fields) map[string][]string {
	out := map[string][]string{}
	n := f.n.get("trees")
	if n == nil {
		return out
	}
	tf := fields{f.problems, n, f.at("trees")}
	if !tf.isMapping() {
		return out
	}
	for _, pr := range n.pairs {
		treeNameSyntax.check(f.problems, pr.key, tf.at(pr.key.value), pr.key.value)
		out[pr.key.value] = tf.someTexts(pr.key.value, treePathSyntax)
	}
	return out
}

func (b *builder) restrictedScopes(f fields, trees map[string][]string) []RestrictedScope {
	n := f.n.get("restrictedScopes")
	if n == nil {
		return nil
	}
	sf := fields{f.problems, n, f.at("restrictedScopes")}
	if !sf.isMapping() {
		return nil
	}
	var out []RestrictedScope
	for _, pr := range n.pairs {
		at := sf.at(pr.key.value)
		scopeSyntax.check(f.problems, pr.key, at, pr.key.value)
		name, ok := b.asText(pr.value, at)
		if !ok {
			continue
		}
		if _, known := trees[name]; !known {
			names := slices.Sorted(maps.Keys(trees))
			b.add(pr.value, at, "the name of a tree of this product", quoted(name), didYouMean(name, names))
			continue
		}
		out = append(out, RestrictedScope{Scope: pr.key.value, Tree: name})
	}
	slices.SortFunc(out, func(a, b RestrictedScope) int { return strings.Compare(a.Scope, b.Scope) })
	return out
}
