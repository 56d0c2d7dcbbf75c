package trace

// checkEstablished runs last: what no rule proved is not trusted, even if no
// rule found anything wrong. It looks for proof, not for findings.
func checkEstablished(c *chain, l *link) {
	n := l.node
	proven := l.doc != nil
	if c.v.options.Scope == ScopeTree {
		o := n.decision
		proven = proven && o != nil && o.product != nil && !o.tree.Revision.IsZero()
		if n.creates() {
			proven = proven && n.rebuilt
		} else {
			proven = proven && l.madeBy != nil
		}
	}
	if proven || hasErrors(n.findings) || hasErrors(l.findings) {
		return
	}
	l.add(Finding{
		Rule: RuleEvidenceUnavailable, derived: true,
		Message: "nothing proves where this task comes from; another finding of this report says why",
		Hint:    "see what else is wrong: this only follows from it",
	})
}

func hasErrors(findings []Finding) bool {
	for _, f := range findings {
		if f.Severity == SeverityError {
			return true
		}
	}
	return false
}
