package pkix

// policyState is the valid_policy_tree of RFC 5280 §6.1.2, of which the last
// level is all that validity hangs on when any policy is acceptable: nodes with
// one valid_policy have one expected_policy_set, and a node is only made under
// one of the level above. So it stays as small as the certificates are.
type policyState struct {
	level          map[string]map[string]bool // valid_policy to expected_policy_set; nil: the tree is NULL
	explicit       int                        // explicit_policy
	inhibitMapping int                        // policy_mapping
	inhibitAny     int                        // inhibit_anyPolicy
}

// newPolicyState begins with the default of §6.1.1: any policy will do, and
// nothing is inhibited. n is the number of certificates without the root.
func newPolicyState(n int) policyState {
	return policyState{
		level:    map[string]map[string]bool{anyPolicy: {anyPolicy: true}},
		explicit: n + 1, inhibitMapping: n + 1, inhibitAny: n + 1,
	}
}

// process is §6.1.3 d to f.
func (s *policyState) process(c *certificate, last bool) *fault {
	s.grow(c, last)
	if s.explicit == 0 && s.level == nil {
		return broken("6.1.3 f", "a policy that is valid over the path, as a CA demands", "none")
	}
	return nil
}

func (s *policyState) grow(c *certificate, last bool) {
	if !c.extensions.hasPolicies || s.level == nil {
		s.level = nil
		return
	}
	expected := map[string]bool{}
	for _, set := range s.level {
		for p := range set {
			expected[p] = true
		}
	}
	_, hadAny := s.level[anyPolicy]
	next := map[string]map[string]bool{}
	hasAny := false
	for _, p := range c.extensions.policies {
		switch {
		case p == anyPolicy:
			hasAny = true
		case expected[p] || hadAny:
			next[p] = map[string]bool{p: true}
		}
	}
	if hasAny && (s.inhibitAny > 0 || !last && c.selfIssued()) {
		for p := range expected {
			if next[p] == nil {
				next[p] = map[string]bool{p: true}
			}
		}
	}
	s.level = orNil(next)
}

// prepare is §6.1.4 a, b, h, i, j: what a CA makes of the policies.
func (s *policyState) prepare(c *certificate) *fault {
	maps := map[string]map[string]bool{}
	for _, m := range c.extensions.mappings {
		if m.issuer == anyPolicy || m.subject == anyPolicy {
			return broken("4.2.1.5", "policyMappings without anyPolicy", "anyPolicy")
		}
		if maps[m.issuer] == nil {
			maps[m.issuer] = map[string]bool{}
		}
		maps[m.issuer][m.subject] = true
	}
	_, hasAny := s.level[anyPolicy]
	for p, to := range maps {
		switch {
		case s.level == nil:
		case s.inhibitMapping == 0:
			delete(s.level, p)
		case s.level[p] != nil || hasAny:
			s.level[p] = to
		}
	}
	s.level = orNil(s.level)
	if !c.selfIssued() {
		s.explicit, s.inhibitMapping, s.inhibitAny = max(s.explicit-1, 0), max(s.inhibitMapping-1, 0), max(s.inhibitAny-1, 0)
	}
	s.inherit(c)
	return nil
}

// inherit is §6.1.4 i and j, for a root RFC 5937 §3.
func (s *policyState) inherit(c *certificate) {
	lower := func(v *int, to int) {
		if to >= 0 {
			*v = min(*v, to)
		}
	}
	lower(&s.explicit, c.extensions.requireExplicit)
	lower(&s.inhibitMapping, c.extensions.inhibitMapping)
	lower(&s.inhibitAny, c.extensions.inhibitAny)
}

// wrapUp is §6.1.5 a, b, g.
func (s *policyState) wrapUp(leaf *certificate) *fault {
	s.explicit = max(s.explicit-1, 0)
	if leaf.extensions.requireExplicit == 0 {
		s.explicit = 0
	}
	if s.explicit == 0 && s.level == nil {
		return broken("6.1.5", "a policy that is valid over the path, as a CA demands", "none")
	}
	return nil
}

func orNil(level map[string]map[string]bool) map[string]map[string]bool {
	if len(level) == 0 {
		return nil
	}
	return level
}
