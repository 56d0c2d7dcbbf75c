package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/tree"
)

// Notes says in words what of a policy has no effect or can never match, as of a
// time. A policy with notes is valid; what they name is refused in use, or never
// asked for. Each note starts with the path of a key. They are in the policy's
// order, and the same for the same policy and time.
func (p *Policy) Notes(now time.Time) []string {
	n := &notes{p: p, now: now}
	n.keys()
	n.unkeyed()
	n.certificates()
	n.require()
	n.implementations()
	n.hosts()
	for _, pr := range p.Products {
		n.product(pr)
	}
	return n.list
}

type notes struct {
	p   *Policy
	now time.Time
	remarks
}

// remarks are words on a policy, each with the path of the key that it is about.
type remarks struct{ list []string }

func (r *remarks) add(path, format string, args ...any) {
	r.list = append(r.list, path+": "+fmt.Sprintf(format, args...))
}

// keys: with queueTime trusted, windows in the past are for audits of old tasks.
func (n *notes) keys() {
	for i, k := range n.p.Keys {
		path := fmt.Sprintf("signers.keys[%d]", i)
		switch {
		case n.p.QueueTimeTrusted:
		case !k.NotAfter.IsZero() && !n.now.Before(k.NotAfter):
			n.add(path, "its window ended at %s: nothing verifies by it any more", k.NotAfter.UTC().Format(time.RFC3339))
		case n.now.Before(k.NotBefore):
			n.add(path, "its window begins at %s: nothing verifies by it before", k.NotBefore.UTC().Format(time.RFC3339))
		}
		for _, pool := range k.Pools {
			if n.demandsCertificates(pool) {
				n.add(path+".workerPools", "a root covers %s, where a certificate is demanded and this key counts for nothing unless signers.require says so", pool)
			}
		}
	}
}

// demandsCertificates tells whether all pools of a pattern are a root's, and no
// requirement says anything else of one of them.
func (n *notes) demandsCertificates(pool graph.PoolPattern) bool {
	if n.p.Certificates == nil {
		return false
	}
	everywhere := false
	var covered []graph.PoolPattern
	for _, a := range n.p.Certificates.Roots {
		everywhere = everywhere || len(a.Pools) == 0
		covered = append(covered, a.Pools...)
	}
	return (everywhere || coveredBy(pool, covered)) && !slices.ContainsFunc(n.p.Require, func(r certs.Requirement) bool {
		return slices.Contains(r.Methods, certs.MethodKey) && meets(r.Pools, pool)
	})
}

func (n *notes) unkeyed() {
	covered := []graph.PoolPattern{}
	for _, k := range n.p.Keys {
		covered = append(covered, k.Pools...)
	}
	if c := n.p.Certificates; c != nil {
		for _, a := range slices.Concat(c.Roots, c.Issuers) {
			covered = append(covered, a.Pools...)
		}
		covered = append(covered, c.WorkerIdentityRequired...)
	}
	for i, u := range n.p.UnkeyedPools {
		if coveredBy(u, covered) {
			n.add(fmt.Sprintf("signers.unkeyedPools[%d]", i), "%s has a key or a root of its own, so it is never unkeyed", u)
		}
	}
}

func (n *notes) certificates() {
	c := n.p.Certificates
	if c == nil {
		return
	}
	for i, a := range c.Roots {
		if !n.p.QueueTimeTrusted && c.Timestamps == nil && n.now.After(a.Certificate.NotAfter) {
			n.add(fmt.Sprintf("signers.certificates.roots[%d]", i), "%s expired at %s: nothing verifies by it any more",
				a.Certificate.Subject, a.Certificate.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	for i, pool := range c.WorkerIdentityRequired {
		if !n.rooted(pool) {
			n.add(fmt.Sprintf("signers.certificates.workerIdentityRequired[%d]", i), "no root vouches for %s", pool)
		}
	}
	for i, id := range c.Identities {
		for _, pool := range id.Pools {
			if !n.rooted(pool) {
				n.add(fmt.Sprintf("signers.certificates.identities[%d].workerPools", i), "no root vouches for %s", pool)
			}
		}
	}
}

// require: the first entry that has a pool decides.
func (n *notes) require() {
	var before []graph.PoolPattern
	for i, r := range n.p.Require {
		path := fmt.Sprintf("signers.require[%d].workerPools", i)
		for _, pool := range r.Pools {
			switch {
			case coveredBy(pool, before):
				n.add(path, "an entry before decides for %s already", pool)
			case !slices.ContainsFunc(r.Methods, func(m certs.Method) bool { return n.possible(m, pool) }):
				n.add(path, "nothing vouches for %s by %s, so no task of it verifies", pool, joined(r.Methods))
			}
		}
		before = append(before, r.Pools...)
	}
}

// possible tells whether something may sign for pools of the pattern by a method.
func (n *notes) possible(m certs.Method, pool graph.PoolPattern) bool {
	switch m {
	case certs.MethodKey:
		return n.keyed("", pool)
	case certs.MethodCertificate, certs.MethodCMS:
		return n.rooted(pool)
	case certs.MethodPGP:
		return n.p.PGP != nil
	}
	return true
}

func (n *notes) implementations() {
	for _, impl := range slices.Sorted(maps.Keys(n.p.Implementations)) {
		for _, pool := range n.p.Implementations[impl] {
			if !n.keyed(impl, pool) && !n.rooted(pool) && !meets(n.p.UnkeyedPools, pool) && n.p.PGP == nil {
				n.add("implementations."+string(impl), "no key of %s and no root vouches for %s", impl, pool)
			}
		}
	}
}

func (n *notes) hosts() {
	for _, host := range slices.Sorted(maps.Keys(n.p.VCSHosts)) {
		used := func(pr *Product) bool {
			return slices.ContainsFunc(pr.Repositories, func(r RepositoryPattern) bool { return r.Host == host })
		}
		if !slices.ContainsFunc(n.p.Products, used) {
			n.add("vcsHosts."+host, "no product has a repository there")
		}
	}
}

func (n *notes) product(pr *Product) {
	at := "products." + pr.Name
	for i, r := range pr.Repositories {
		path := fmt.Sprintf("%s.repositories[%d]", at, i)
		if slices.ContainsFunc(pr.Repositories[:i], func(o RepositoryPattern) bool { return o.Host == r.Host && o.Path == r.Path }) {
			n.add(path, "an entry before has %s already", r.Path)
		}
		if pr.VCS == VCSGitHub && len(r.Branches) == 0 && n.p.Projects.IsZero() {
			n.add(path, "no branches, and no project list that has them: each branch of %s is a contribution", r.Path)
		}
	}
	n.owner(pr, at)
	n.parentImages(pr, at)
	for _, pools := range []struct {
		key  string
		list []graph.PoolPattern
	}{{"decisionPools", pr.DecisionPools}, {"dockerImagePools", pr.DockerImagePools}} {
		for _, pool := range pools.list {
			if !n.keyed("", pool) && !n.rooted(pool) && !meets(n.p.UnkeyedPools, pool) && n.p.PGP == nil {
				n.add(at+"."+pools.key, "no key and no root vouches for %s, and it is not in unkeyedPools: no task of it verifies", pool)
			}
		}
	}
	n.pullRequestImages(pr, at)
	n.trees(pr, at)
}

// owner: what is not the owner's is a contribution, whatever pattern it matches.
// It has no meaning but on GitHub.
func (n *notes) owner(pr *Product, at string) {
	if pr.VCS != VCSGitHub {
		return
	}
	var others []int
	for i, r := range pr.Repositories {
		if !mayBegin(r.Path, "/"+pr.Owner+"/") {
			others = append(others, i)
		}
	}
	if len(others) == len(pr.Repositories) {
		n.add(at+".owner", "%s is not the owner of any repository of the product, so everything is a contribution", pr.Owner)
		return
	}
	for _, i := range others {
		n.add(fmt.Sprintf("%s.repositories[%d]", at, i), "%s is not of the owner %s, so each is a contribution", pr.Repositories[i].Path, pr.Owner)
	}
}

// parentImages: a list that leaves out a kind that tasksFor makes. Such tasks
// come before any image that their graph builds.
func (n *notes) parentImages(pr *Product, at string) {
	if len(pr.PrebuiltImages.kinds) == 0 {
		return
	}
	events := map[string][]string{}
	for _, e := range pr.TasksFor {
		kind := "decision"
		if e == "action" || e == "pr-action" {
			kind = "action"
		}
		events[kind] = append(events[kind], e)
	}
	for _, kind := range []string{"decision", "action"} {
		if len(events[kind]) > 0 && !pr.PrebuiltImages.Allows(kind) && !pr.IndexedImages.Allows(kind) {
			n.add(at+".prebuiltImages", "without %s, the tasks that tasksFor has for %s may not run in a docker image", kind, strings.Join(events[kind], ", "))
		}
	}
}

// pullRequestImages: pull requests run in pools without a key, and build their
// images there or nowhere.
func (n *notes) pullRequestImages(pr *Product, at string) {
	if !slices.ContainsFunc(pr.TasksFor, func(e string) bool { return strings.HasPrefix(e, "github-pull-request") }) {
		return
	}
	unkeyed := func(pool graph.PoolPattern) bool { return meets(n.p.UnkeyedPools, pool) }
	if len(pr.DockerImagePools) == 0 || slices.ContainsFunc(pr.DockerImagePools, unkeyed) {
		return
	}
	for _, pool := range pr.DecisionPools {
		provisioner, _, _ := strings.Cut(pool.String(), "/")
		near, err := graph.ParsePoolPattern(provisioner + "/*")
		if err == nil && unkeyed(pool) && !n.keyed("", pool) && !n.rooted(pool) && !meets(pr.DockerImagePools, near) {
			n.add(at+".dockerImagePools", "none is in %s or in unkeyedPools, but %s is: a pull request that builds a docker image is refused", near, pool)
		}
	}
}

// trees: a path that no repository of the product has allows nothing.
func (n *notes) trees(pr *Product, at string) {
	empty := map[string]bool{}
	in, paths := map[string][]string{}, []string(nil)
	for _, name := range slices.Sorted(maps.Keys(pr.Trees)) {
		empty[name] = true
		for _, path := range pr.Trees[name] {
			if n.trusted(pr, path) {
				empty[name] = false
				continue
			}
			if in[path] == nil {
				paths = append(paths, path)
			}
			in[path] = append(in[path], name)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		n.add(at+".trees", "no repository of the product matches %s (in %s)", path, strings.Join(in[path], ", "))
	}
	for _, rs := range pr.RestrictedScopes {
		if empty[rs.Tree] {
			n.add(at+".restrictedScopes", "no repository of the product is in %s, so no task may have %s", rs.Tree, rs.Scope)
		}
	}
}

// trusted tells whether a repository with that path is one of the product's.
func (n *notes) trusted(pr *Product, path string) bool {
	return slices.ContainsFunc(pr.Repositories, func(p RepositoryPattern) bool {
		r, err := tree.ParseRepository("https://" + p.Host + path)
		return err == nil && p.Match(r)
	})
}

// keyed tells whether some pool of the pattern has a key; impl may be empty.
func (n *notes) keyed(impl graph.Implementation, pool graph.PoolPattern) bool {
	return slices.ContainsFunc(n.p.Keys, func(k certs.Key) bool {
		return (impl == "" || k.Implementation == impl) && meets(k.Pools, pool)
	})
}

// rooted tells whether a root of certificates vouches for some pool of the pattern.
func (n *notes) rooted(pool graph.PoolPattern) bool {
	return n.p.Certificates != nil && slices.ContainsFunc(n.p.Certificates.Roots, func(a certs.Anchor) bool {
		return len(a.Pools) == 0 || meets(a.Pools, pool)
	})
}

func meets(list []graph.PoolPattern, pool graph.PoolPattern) bool {
	return slices.ContainsFunc(list, func(o graph.PoolPattern) bool { return overlap(o, pool) })
}

func joined(methods []certs.Method) string {
	words := make([]string, len(methods))
	for i, m := range methods {
		words[i] = string(m)
	}
	return strings.Join(words, " or ")
}
