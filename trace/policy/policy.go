package policy

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/tree"
)

// Policy is a validated policy. Only Parse makes one; it is to be read only.
type Policy struct {
	Name string
	// SHA256 is the hex digest that names the effective policy, see Parse.
	SHA256 string
	// Relaxed says in words what is weaker than the default or than the policy
	// that this one extends. Each entry starts with the path of a key.
	Relaxed []string
	// RootURL is the deployment's, without a trailing slash.
	RootURL string

	Keys                     []certs.Key
	UnkeyedPools             []graph.PoolPattern
	ScriptworkerProvisioners []string
	Implementations          map[graph.Implementation][]graph.PoolPattern
	QueueTimeTrusted         bool
	Certificates             *certs.Certificates // nil: methods certificate and cms are trusted nowhere
	PGP                      *certs.PGP          // nil: method pgp is trusted nowhere
	Require                  []certs.Requirement

	VCSHosts map[string]VCSHost
	Projects Location
	Products []*Product // by name
	Limits   Limits
}

// Location is where the project list is: a URL, or the content of a file. The
// zero value is "nowhere": the repositories of the policy say all themselves.
type Location struct {
	URL  string
	Data []byte
}

// IsZero tells whether there is no project list.
func (l Location) IsZero() bool { return l.URL == "" && l.Data == nil }

// IsScriptworker tells whether the provisioner's workers are scriptworkers.
func (p *Policy) IsScriptworker(provisioner string) bool {
	return slices.Contains(p.ScriptworkerProvisioners, provisioner)
}

// Unkeyed tells whether the pool's workers have no published key. A pool that
// a key covers, whatever the implementation, is never unkeyed.
func (p *Policy) Unkeyed(pool graph.WorkerPool) bool {
	for _, k := range p.Keys {
		if graph.AnyPool(k.Pools, pool) {
			return false
		}
	}
	return graph.AnyPool(p.UnkeyedPools, pool)
}

// Product gives the product of that name.
func (p *Policy) Product(name string) (*Product, bool) {
	i := slices.IndexFunc(p.Products, func(pr *Product) bool { return pr.Name == name })
	if i < 0 {
		return nil, false
	}
	return p.Products[i], true
}

// TrustedRepository gives the products that trust the repository, by name;
// none means that a chain to it ends in a contribution.
func (p *Policy) TrustedRepository(r tree.Repository) []*Product {
	var out []*Product
	for _, pr := range p.Products {
		if _, ok := pr.Repository(r); ok {
			out = append(out, pr)
		}
	}
	return out
}

// Product is one thing that is built and shipped, with what may build it.
type Product struct {
	Name, VCS, EnvPrefix string
	Owner                string // the official owner on GitHub; empty for hg
	TasksFor             []string
	Repositories         []RepositoryPattern

	DecisionPools, DockerImagePools []graph.PoolPattern
	PrebuiltImages, IndexedImages   ImageRule

	Trees            map[string][]string // name to repository paths
	RestrictedScopes []RestrictedScope   // by scope
	InputsFrom       []string            // by name
	RequirePinned    bool
	UnsignedTasks    string // "allow" or "refuse"
}

// RepositoryPattern matches repositories on one host by their whole path.
type RepositoryPattern struct {
	Host, Path     string
	Level, Project string   // empty: the project list says
	Branches       []string // trusted branches, "*" as wildcard; empty: the project list says

	re *regexp.Regexp
}

// Match tells whether the pattern is for the repository's host and whole path.
func (p RepositoryPattern) Match(r tree.Repository) bool {
	return p.re != nil && p.Host == r.Host() && p.re.MatchString(r.Path())
}

// TrustsBranch tells whether the policy itself lists the branch as trusted. "*"
// does not cross a slash, as in GitHub's own rules on protected branches.
func (p RepositoryPattern) TrustsBranch(branch string) bool {
	segments := strings.Split(branch, "/")
	return slices.ContainsFunc(p.Branches, func(b string) bool {
		patterns := strings.Split(b, "/")
		return len(patterns) == len(segments) && allMatch(patterns, segments)
	})
}

func allMatch(patterns, segments []string) bool {
	for i, p := range patterns {
		if !globMatch(p, segments[i]) {
			return false
		}
	}
	return true
}

// Repository gives the first of the product's patterns that matches.
func (pr *Product) Repository(r tree.Repository) (RepositoryPattern, bool) {
	for _, p := range pr.Repositories {
		if p.Match(r) {
			return p, true
		}
	}
	return RepositoryPattern{}, false
}

// IsDecisionPool tells whether the product's decision tasks may run there.
func (pr *Product) IsDecisionPool(pool graph.WorkerPool) bool {
	return graph.AnyPool(pr.DecisionPools, pool)
}

// IsDockerImagePool tells whether the product's docker images may be built there.
func (pr *Product) IsDockerImagePool(pool graph.WorkerPool) bool {
	return graph.AnyPool(pr.DockerImagePools, pool)
}

// RestrictedScope is a scope that only tasks from the repositories of one tree
// may have.
type RestrictedScope struct{ Scope, Tree string }

// Restricted gives the listed scopes that the scope satisfies or that satisfy
// it: a trailing "*" on either side stands for any ending.
func (pr *Product) Restricted(scope string) []RestrictedScope {
	var out []RestrictedScope
	for _, rs := range pr.RestrictedScopes {
		if satisfies(scope, rs.Scope) || satisfies(rs.Scope, scope) {
			out = append(out, rs)
		}
	}
	return out
}

// satisfies is Taskcluster's: whoever has the first scope has the second.
func satisfies(have, want string) bool {
	if prefix, ok := strings.CutSuffix(have, "*"); ok {
		return strings.HasPrefix(want, prefix)
	}
	return have == want
}

// TreeAllows tells whether the named tree has the repository's path, and the
// product trusts the repository at all: a path says nothing about its host.
func (pr *Product) TreeAllows(treeName string, r tree.Repository) bool {
	if _, ok := pr.Repository(r); !ok {
		return false
	}
	return slices.Contains(pr.Trees[treeName], r.Path())
}

// ImageRule says which kinds of task may do something with docker images. The
// zero rule allows none.
type ImageRule struct {
	any   bool
	kinds []string
}

// Allows tells whether tasks of that kind (decision, action, docker-image, …) may.
func (r ImageRule) Allows(kind string) bool { return r.any || slices.Contains(r.kinds, kind) }

// String is "any", "never" or the kinds.
func (r ImageRule) String() string {
	switch {
	case r.any:
		return "any"
	case len(r.kinds) == 0:
		return "never"
	}
	return strings.Join(r.kinds, ", ")
}

// Limits bounds the work of verifying.
type Limits struct {
	MaxChainLength    int
	MaxCotBytes       int64
	MaxTaskGraphBytes int64
}

// DefaultLimits hold where a policy says nothing.
func DefaultLimits() Limits {
	return Limits{MaxChainLength: 20, MaxCotBytes: 64 << 20, MaxTaskGraphBytes: 1 << 30}
}
