package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/policy"
	"github.com/mozilla-releng/cot/trace/tree"
)

// checkOrigin: the chain ends in a repository that policy trusts, or in a
// contribution that the caller accepts.
func checkOrigin(c *chain, l *link) {
	o := l.node.decision
	if o == nil || l.node != o.decision || !o.contribution || o.tree.Repository.IsZero() {
		return
	}
	f := Finding{
		Want: bounded(repositories(o.product)), Got: o.tree.String(),
		Message: fmt.Sprintf("the chain leads to %s, which policy does not trust for product %s", o.tree, o.product.Name),
	}
	if o.offBranch != nil {
		f = *o.offBranch
	}
	f.Rule = RuleUntrustedContrib
	f.Hint = "this is a contribution (try, a pull request, or a branch that policy does not trust): add " + c.flagsForContribution()
	if c.v.options.AcceptUntrustedTree {
		f.Severity, f.Accepted, f.Hint = SeverityWarning, FlagAcceptUntrustedTree, ""
	}
	l.add(f)
}

// flagsForContribution are the flags without which nothing of a contribution is
// accepted.
func (c *chain) flagsForContribution() string {
	for _, l := range c.allLinks() {
		if slices.ContainsFunc(l.findings, func(f Finding) bool { return strings.Contains(f.Hint, FlagAcceptUnsignedPools) }) {
			return FlagAcceptUntrustedTree + " " + FlagAcceptUnsignedPools
		}
	}
	return FlagAcceptUntrustedTree
}

// repositories are those that policy trusts for a product.
func repositories(p *policy.Product) []string {
	var out []string
	for _, r := range p.Repositories {
		out = append(out, "https://"+r.Host+r.Path)
	}
	return out
}

// bounded lists the first few of what may be many.
func bounded(list []string) string {
	const most = 10
	if len(list) > most {
		list = append(slices.Clone(list[:most]), fmt.Sprintf("%d more", len(list)-most))
	}
	return strings.Join(list, ", ")
}

// checkSource: metadata.source, and the variables by which a task checks out its
// product, are the tree that the decision task was built from.
func checkSource(_ *chain, l *link) {
	o := l.node.decision
	if o == nil || o.tree.Repository.IsZero() || o.tree.Revision.IsZero() {
		return
	}
	checkHeadVariables(l, o)
	if d := l.node.task.Definition(); !sourceMatches(d.Source, o) {
		l.add(Finding{
			Rule: RuleSourceMismatch, Path: "/metadata/source", Want: o.tree.String(), Got: clipText(d.Source),
			Message: "the task names another source than the tree of its decision task",
			derived: treeRefuted(o),
		})
	}
}

// treeRefuted tells whether the tree that a decision task names was found not to
// be its own. Then every task below it differs from a tree that nobody has.
func treeRefuted(o *origin) bool {
	return slices.ContainsFunc(o.findings, func(f Finding) bool {
		return f.Rule == RuleRevisionNotInTree && f.Severity != SeverityWarning && !f.Heals
	})
}

func checkHeadVariables(l *link, o *origin) {
	if o.product == nil {
		return
	}
	d := l.node.task.Definition()
	refuted := treeRefuted(o)
	differs := func(name, want, got string) {
		l.add(Finding{
			Rule: RuleSourceMismatch, Path: "/payload/env/" + name, Want: want, Got: clipText(got),
			Message: "the task checks out another tree than that of its decision task",
			Hint:    "don't use what it made: it ran other code than its decision task vouches for; find out who wrote that variable",
			derived: refuted,
		})
	}
	name := o.product.EnvPrefix + "_HEAD_REPOSITORY"
	if got, ok := d.Env(name); ok {
		if r, err := tree.ParseRepository(got); err != nil || r != o.tree.Repository {
			differs(name, o.tree.Repository.String(), got)
		}
	}
	name = o.product.EnvPrefix + "_HEAD_REV"
	if got, ok := d.Env(name); ok && !slices.Contains(o.names(), got) {
		differs(name, o.tree.Revision.String(), got)
	}
}

// checkProduct: every link belongs to the product of the targets that rest on
// it, or to one that policy lets feed it.
func checkProduct(c *chain, l *link) {
	o := l.node.decision
	if o == nil || o.product == nil {
		return
	}
	for _, to := range c.feeds[l] {
		if to == o.product || slices.Contains(to.InputsFrom, o.product.Name) {
			continue
		}
		l.add(Finding{
			Rule: RuleProductMismatch, Want: to.Name, Got: o.product.Name,
			Message: fmt.Sprintf("a task of product %s feeds one of product %s, which policy does not allow", o.product.Name, to.Name),
			Hint:    fmt.Sprintf("take the input from a task of %s, or add %s to products.%s.inputsFrom in the policy", to.Name, o.product.Name, to.Name),
		})
		return
	}
}

// fed gives, for each link, the products of the targets that rest on it.
func (c *chain) fed() map[*link][]*policy.Product {
	out := map[*link][]*policy.Product{}
	for _, p := range c.v.policy.Products {
		var targets []*link
		for _, t := range c.targets {
			if o := t.node.decision; o != nil && o.product == p {
				targets = append(targets, t)
			}
		}
		for l := range c.reach(targets) {
			out[l] = append(out[l], p)
		}
	}
	return out
}

// checkTaskGroup: the group is the parent, the parent's group, or another
// decision task of the same repository and revision.
func checkTaskGroup(c *chain, l *link) {
	n := l.node
	group := n.task.TaskGroupID
	if n.creates() || group.IsZero() || group == n.parent {
		return
	}
	if p := c.nodes[n.parent]; p != nil && p.task != nil && p.task.TaskGroupID == group {
		return
	}
	g := c.nodes[group]
	if g != nil && g.task != nil && g.kind == KindDecision && g.decision != nil && n.decision != nil &&
		!g.decision.tree.Revision.IsZero() && g.decision.tree == n.decision.tree {
		return
	}
	l.add(Finding{
		Rule: RuleDiffersFromTaskGraph, Path: "/taskGroupId", Want: orElse(idText(n.parent), "the group of its parent"), Got: group.String(),
		Message: "the task is in a foreign task group: neither its parent's nor that of a decision task of the same revision",
		derived: g == nil || g.task == nil,
	})
}

// idText is a task id; empty: none.
func idText(id graph.TaskID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// checkExpectations: the chain leads where the caller said.
func checkExpectations(c *chain, l *link) {
	if !l.target {
		return
	}
	o := l.node.decision
	if want := c.v.options.ExpectTree; !want.Repository.IsZero() {
		switch {
		case o == nil || o.tree.Repository != want.Repository,
			!want.Revision.IsZero() && o.tree.Revision != want.Revision:
			got := "no tree"
			if o != nil && !o.tree.Repository.IsZero() {
				got = o.tree.String()
			}
			l.add(Finding{Rule: RuleTreeUnexpected, Want: want.String(), Got: got, Message: "the chain leads to another tree than --tree says", derived: o == nil})
		}
	}
	if want := c.v.options.ExpectProduct; want != "" && (o == nil || o.product == nil || o.product.Name != want) {
		got := "none"
		if o != nil && o.product != nil {
			got = o.product.Name
		}
		l.add(Finding{Rule: RuleProductMismatch, Want: want, Got: got, Message: "the chain belongs to another product than --product says", derived: o == nil})
	}
}

// checkRestrictedScopes: a restricted scope is for the trees that policy gives
// it, and then nothing in the chain may come from a contribution.
func checkRestrictedScopes(c *chain, l *link) {
	for i, scope := range l.node.task.Definition().Scopes {
		for _, r := range c.restricted(scope) {
			path := fmt.Sprintf("/scopes/%d", i)
			o := l.node.decision
			if o == nil || o.tree.Repository.IsZero() || !r.product.TreeAllows(r.scope.Tree, o.tree.Repository) || o.contribution {
				got := "no known tree"
				if o != nil && !o.tree.Repository.IsZero() {
					got = o.tree.Repository.String()
				}
				l.add(Finding{
					Rule: RuleRestrictedScope, Path: path, Want: orNil(bounded(r.product.Trees[r.scope.Tree])), Got: got,
					Message: fmt.Sprintf("the task has the restricted scope %s, which policy gives to trees.%s of product %s only", clipText(scope), r.scope.Tree, r.product.Name), derived: o == nil,
				})
				continue
			}
			for _, n := range c.order {
				if n.decision != nil && n.decision.contribution {
					l.add(Finding{
						Rule: RuleRestrictedScope, Path: path, Got: n.decision.tree.String(),
						Want:    "trees that policy trusts, for every task of the chain",
						Message: fmt.Sprintf("the task has the restricted scope %s, but task %s in its chain comes from a contribution", clipText(scope), n.id),
						Hint:    "don't use it: find out how that task came into the chain; --accept-untrusted-tree never allows this",
					})
					break
				}
			}
		}
	}
}

type restriction struct {
	product *policy.Product
	scope   policy.RestrictedScope
}

// restricted looks in every product: a scope that one of them protects is not
// free for the others.
func (c *chain) restricted(scope string) []restriction {
	var out []restriction
	for _, p := range c.v.policy.Products {
		for _, s := range p.Restricted(scope) {
			out = append(out, restriction{p, s})
		}
	}
	return out
}

func (c *chain) isRestricted(scope string) bool { return len(c.restricted(scope)) > 0 }

func (c *chain) anyRestricted() bool {
	for _, n := range c.order {
		if n.task != nil && n.task.restricted {
			return true
		}
	}
	return false
}
