package pkix

// validate is RFC 5280 §6.1 for a path, leaf first and root last, but for time,
// revocation and the signatures and names of issuers, which were checked when
// the path was built. index is where it failed.
//
// The root is the trust anchor. What it says of the certificates below it counts
// too: path length, name and policy constraints (RFC 5937), extended key usage.
func (s *search) validate(path []*certificate) (f *fault, index int) {
	n := len(path) - 1
	policies := newPolicyState(n)
	var above []*constraints
	maxPathLen := n

	for i := n; i >= 0; i-- {
		c, leaf, root := path[i], i == 0, i == n
		if f := c.flaw(leaf && !root, root); f != nil {
			return f, i
		}
		if !root {
			// §6.1.3 b, c: "If certificate i is self-issued and it is not the
			// final certificate in the path, skip this step".
			if leaf || !c.selfIssued() {
				if f := s.checkNames(c, above); f != nil {
					return f, i
				}
			}
			if f := policies.process(c, leaf); f != nil { // §6.1.3 d to f
				return f, i
			}
		}
		if leaf {
			break
		}
		// §6.1.4, preparation for the next certificate.
		if f := s.usage.checkCA(c); f != nil {
			return f, i
		}
		if root {
			policies.inherit(c)
		} else if f := policies.prepare(c); f != nil { // a, b, h to j
			return f, i
		}
		if c.extensions.constraints != nil { // g
			above = append(above, c.extensions.constraints)
		}
		if !root && !c.selfIssued() { // l
			if maxPathLen == 0 {
				return broken("6.1.4 l", "no more CAs below one than its pathLenConstraint allows", "one more"), i
			}
			maxPathLen--
		}
		if limit := c.extensions.pathLen; limit >= 0 { // m
			maxPathLen = min(maxPathLen, limit)
		}
	}
	if n > 0 {
		if f := policies.wrapUp(path[0]); f != nil { // §6.1.5
			return f, 0
		}
	}
	if f := s.usage.checkLeaf(path[0]); f != nil {
		return f, 0
	}
	return s.demands.check(path[0]), 0
}

// checkNames is §6.1.3 b and c: the subject, e-mail addresses in it and the
// alternative names.
func (s *search) checkNames(c *certificate, above []*constraints) *fault {
	for _, set := range above {
		if s.comparisons -= len(c.names) * set.size(); s.comparisons < 0 {
			return limit("more than %d names times name constraints", maxComparisons)
		}
		for _, n := range c.names {
			if f := set.check(n); f != nil {
				return f
			}
		}
	}
	return nil
}

// flaw is what makes the certificate unfit for a place in any path.
func (c *certificate) flaw(leaf, root bool) *fault {
	if c.asAny != nil {
		return c.asAny
	}
	if !root && c.asIssued != nil {
		return c.asIssued
	}
	if root && c.asRoot != nil {
		return c.asRoot
	}
	if !leaf {
		return c.asCA
	}
	return nil
}
