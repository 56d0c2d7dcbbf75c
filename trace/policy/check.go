package policy

import (
	"fmt"
	"slices"

	"github.com/mozilla-releng/cot/certs"
)

// check finds what is wrong between the parts of a policy.
func (b *builder) check(p *Policy, top *node) {
	b.checkPools(p, top)
	products := top.get("products")
	if products == nil || products.kind != mapping {
		return
	}
	for _, pr := range p.Products {
		n, at := products.get(pr.Name), join("products", pr.Name)
		b.checkHosts(p, pr, n, at)
		for _, from := range pr.InputsFrom {
			switch _, known := p.Product(from); {
			case from == pr.Name:
				b.say(n.get("inputsFrom"), join(at, "inputsFrom"), "names the product itself", "")
			case !known:
				b.add(n.get("inputsFrom"), join(at, "inputsFrom"), "a product of this policy", quoted(from), didYouMean(from, names(p.Products)))
			}
		}
	}
}

// checkPools refuses a pattern that is both keyed and unkeyed. Patterns that
// merely overlap are fine: a key wins.
func (b *builder) checkPools(p *Policy, top *node) {
	for _, u := range p.UnkeyedPools {
		if slices.ContainsFunc(p.Keys, func(k certs.Key) bool { return hasPattern(k.Pools, u) }) {
			n := top.get("signers").get("unkeyedPools")
			b.say(n, "signers.unkeyedPools", u.String()+" has a key", "remove it here or from the key's workerPools")
		}
	}
}

// checkHosts holds the product's repositories against vcsHosts and the project list.
func (b *builder) checkHosts(p *Policy, pr *Product, n *node, at string) {
	repositories := n.get("repositories")
	if repositories == nil || repositories.kind != list {
		return
	}
	for i, item := range repositories.items {
		at := fmt.Sprintf("%s.repositories[%d]", at, i)
		host := item.get("host")
		if host == nil || host.value == "" {
			continue
		}
		h, known := p.VCSHosts[host.value]
		switch {
		case !known:
			b.say(host, join(at, "host"), quoted(host.value)+" is not in vcsHosts", "")
		case h.Type != "" && pr.VCS != "" && h.Type != pr.VCS:
			b.say(host, join(at, "host"), fmt.Sprintf("%s is of type %s, the product of %s", quoted(host.value), h.Type, pr.VCS), "")
		}
		if top := p.Projects; top.IsZero() && item.get("level") == nil {
			b.say(item, join(at, "level"), "is missing", "without a project list (projects) each repository needs its level")
		}
	}
}

func names(products []*Product) []string {
	out := make([]string, len(products))
	for i, p := range products {
		out[i] = p.Name
	}
	return out
}
