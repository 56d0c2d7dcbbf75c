package trace

import (
	"fmt"
	"strings"
	"sync"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/policy"
	"github.com/mozilla-releng/cot/trace/tree"
)

// origin is where a chain of parents ends: a decision task, what it was
// started for, and how much policy trusts that.
type origin struct {
	decision *node
	product  *policy.Product // nil if none fits
	tree     tree.Tree       // its revision is zero until one is settled
	// claimedRevision is what the task names: a commit id, or a release's tag.
	claimedRevision string
	// ref is the whole ref on GitHub that the commit was found on ("refs/heads/main").
	ref string
	// contribution: a repository or a branch that policy does not trust.
	contribution bool
	// offBranch says so where policy trusts the repository but not the branch.
	offBranch *Finding
	// hostKnown: policy names the repository's host, so it may be asked.
	hostKnown bool
	// located: the commit is known to be one of the repository, and whether that
	// is a contribution is settled.
	located bool

	read       sync.Once // its place in the tree is settled, and the template read
	findings   []Finding // of settling it, for the decision task
	template   map[string]any
	unreadable *Finding // why there is no template
}

// names are the revisions by which tasks may call the origin's commit.
func (o *origin) names() []string {
	names := []string{o.tree.Revision.String()}
	if o.claimedRevision != names[0] {
		names = append(names, o.claimedRevision)
	}
	return names
}

// originOf reads what the decision task claims. Every claim is checked by a
// rule of its own: the tree by revision-not-in-tree and differs-from-tree, the
// product by the pool and repositories that policy gives it.
func originOf(p *policy.Policy, n *node) (*origin, []Finding) {
	o := &origin{decision: n}
	d := n.task.Definition()
	var claims []productClaim
	for _, pr := range p.Products {
		c, ok := claimOf(pr, d)
		if ok {
			claims = append(claims, c)
		}
	}
	best, finding := chooseProduct(claims, d)
	if finding != nil {
		return o, []Finding{*finding}
	}
	o.product = best.product
	var findings []Finding
	repo, err := tree.ParseRepository(best.repository)
	if err != nil {
		return o, []Finding{{
			Rule: RuleRepositoryUntrusted, Path: "/payload/env/" + best.product.EnvPrefix + "_HEAD_REPOSITORY",
			Message: err.Error(), Got: clipText(best.repository),
		}}
	}
	o.tree.Repository = repo
	_, trusted := best.product.Repository(repo)
	o.contribution = !trusted || best.product.VCS == policy.VCSGitHub && !ownedBy(repo, best.product.Owner)
	host, named := p.VCSHosts[repo.Host()]
	o.hostKnown = named && host.Type == best.product.VCS
	if named && !o.hostKnown {
		return o, []Finding{{
			Rule: RuleRepositoryUntrusted, Path: "/payload/env/" + best.product.EnvPrefix + "_HEAD_REPOSITORY",
			Message: fmt.Sprintf("product %s is kept in %s, but policy says that %s has %s repositories", best.product.Name, best.product.VCS, repo.Host(), host.Type),
			Got:     repo.String(),
		}}
	}
	if !o.hostKnown {
		findings = append(findings, Finding{
			Rule: RuleRepositoryUntrusted, Path: "/payload/env/" + best.product.EnvPrefix + "_HEAD_REPOSITORY",
			Message: fmt.Sprintf("policy names no VCS host %s, so nothing is fetched from it", repo.Host()),
			Got:     repo.String(),
			Hint:    "add the host to vcsHosts if its repositories are to be traced",
		})
	}
	o.claimedRevision = best.revision
	rev, err := tree.ParseRevision(best.revision)
	if err != nil && best.product.VCS == policy.VCSGitHub && tasksForOf(n) == "github-release" {
		return o, findings // a tag, see gitHubRelease
	}
	if err != nil {
		return o, append(findings, Finding{
			Rule: RuleRevisionNotInTree, Path: "/payload/env/" + best.product.EnvPrefix + "_HEAD_REV",
			Message: err.Error(), Want: "a full commit id", Got: clipText(best.revision),
		})
	}
	o.tree.Revision = rev
	return o, findings
}

// productClaim is a product whose variables the decision task has.
type productClaim struct {
	product              *policy.Product
	repository, revision string
	inPool, trusted      bool
}

func claimOf(pr *policy.Product, d *graph.Definition) (productClaim, bool) {
	repo, ok1 := d.Env(pr.EnvPrefix + "_HEAD_REPOSITORY")
	rev, ok2 := d.Env(pr.EnvPrefix + "_HEAD_REV")
	if !ok1 || !ok2 {
		return productClaim{}, false
	}
	c := productClaim{product: pr, repository: repo, revision: rev, inPool: pr.IsDecisionPool(d.Pool)}
	if r, err := tree.ParseRepository(repo); err == nil {
		_, c.trusted = pr.Repository(r)
	}
	return c, true
}

// chooseProduct takes the product by the decision task's pool and, where a pool
// serves several, by repository. A pool outside every product is left to the
// rule decision-pool, which says so for the product that the repository names.
func chooseProduct(claims []productClaim, d *graph.Definition) (productClaim, *Finding) {
	for _, fits := range []func(productClaim) bool{
		func(c productClaim) bool { return c.inPool && c.trusted },
		func(c productClaim) bool { return c.inPool },
		func(c productClaim) bool { return c.trusted },
	} {
		var found []productClaim
		for _, c := range claims {
			if fits(c) {
				found = append(found, c)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			var names []string
			for _, c := range found {
				names = append(names, c.product.Name)
			}
			return productClaim{}, &Finding{
				Rule: RuleProductMismatch, Message: "several products of the policy claim this decision task",
				Want: "one product", Got: strings.Join(names, ", "),
				Hint: "give the products different decisionPools or repositories",
			}
		}
	}
	return productClaim{}, &Finding{
		Rule:    RuleProductMismatch,
		Message: fmt.Sprintf("no product of the policy has decision pool %s and a repository that this task names", d.Pool),
		Path:    "/payload/env", Want: "a decision pool and a repository of one product", Got: d.Pool.String(),
		Hint: "add the product to the policy, or use a task whose chain ends in a decision task of this deployment",
	}
}

// ownedBy tells whether a repository on GitHub is the owner's.
func ownedBy(r tree.Repository, owner string) bool {
	return strings.HasPrefix(r.Path(), "/"+owner+"/")
}

// sourceMatches reads metadata.source: a file of the repository at the revision.
// hg: {repository}/raw-file|file|rev/{revision}[/…]; GitHub:
// {repository}/raw|blob|tree|commit/{revision}[/…].
func sourceMatches(source string, o *origin) bool {
	for _, scheme := range []string{"https://", "ssh://", "ssh://git@", "git@"} {
		prefix := scheme + o.tree.Repository.Host()
		if scheme == "git@" {
			prefix += ":" + strings.TrimPrefix(o.tree.Repository.Path(), "/")
		} else {
			prefix += o.tree.Repository.Path()
		}
		rest, ok := strings.CutPrefix(source, prefix)
		if !ok {
			continue
		}
		rest = strings.TrimPrefix(rest, ".git")
		for _, marker := range []string{"raw-file", "file", "rev", "raw", "blob", "tree", "commit"} {
			for _, name := range o.names() {
				at := "/" + marker + "/" + name
				if rest == at || strings.HasPrefix(rest, at+"/") {
					return true
				}
			}
		}
	}
	return false
}
