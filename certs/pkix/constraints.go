package pkix

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// constraints are a CA's name constraints (RFC 5280 §4.2.1.10).
type constraints struct{ permitted, excluded subtrees }

type subtrees map[form][]generalName

// parseConstraints also gives the name that is broken, where one is.
func parseConstraints(value cryptobyte.String) (c *constraints, bad generalName, ok bool) {
	seq, ok := sequence(value)
	c = &constraints{subtrees{}, subtrees{}}
	for n, out := range []subtrees{c.permitted, c.excluded} {
		var list cryptobyte.String
		var present bool
		tag := asn1.Tag(n).ContextSpecific().Constructed() //nolint:gosec // 0 or 1
		if !ok || !seq.ReadOptionalASN1(&list, &present, tag) || present && list.Empty() {
			return nil, bad, false
		}
		for !list.Empty() {
			var subtree cryptobyte.String
			if !list.ReadASN1(&subtree, asn1.SEQUENCE) {
				return nil, bad, false
			}
			base, ok := readGeneralName(&subtree, true)
			// "minimum MUST be zero, and maximum MUST be absent": in DER, nothing.
			if !ok || !subtree.Empty() {
				return nil, base, false
			}
			out[base.form] = append(out[base.form], base)
		}
	}
	return c, bad, seq.Empty()
}

// constrain tells whether there are subtrees of a form.
func (c *constraints) constrain(f form) bool {
	return len(c.permitted[f]) > 0 || len(c.excluded[f]) > 0
}

// size is the number of subtrees, of whatever form.
func (c *constraints) size() int {
	n := 0
	for _, s := range []subtrees{c.permitted, c.excluded} {
		for _, bases := range s {
			n += len(bases)
		}
	}
	return n
}

// check tells whether n may be in a certificate below the CA.
func (c *constraints) check(n generalName) *fault {
	const section = "4.2.1.10"
	switch n.form {
	case formDirectory, formDNS, formIP:
	case formEmail, formURI:
		// "MUST reject the certificate": also where nothing but exclusions are.
		if n.host == "" && c.constrain(n.form) {
			return broken(section, "a host that constraints of the form "+n.form.String()+" can be applied to", "%s", n)
		}
	case formSMTPUTF8Other:
		if c.constrain(formEmail) || c.constrain(formOther) || c.constrain(n.form) {
			return broken(section, "no name of a form that is constrained and can't be compared here", "%s", n)
		}
	default:
		if c.constrain(n.form) || n.form == formOther && c.constrain(formSMTPUTF8Other) {
			return broken(section, "no name of a form that is constrained and can't be compared here", "%s", n)
		}
	}
	for _, base := range c.excluded[n.form] {
		if base.overlaps(n) {
			return broken(section, "no name in an excluded subtree", "%s", n)
		}
	}
	if len(c.permitted[n.form]) == 0 {
		return nil
	}
	for _, base := range c.permitted[n.form] {
		if base.covers(n) {
			return nil
		}
	}
	return broken(section, "names of the form "+n.form.String()+" in permitted subtrees only", "%s", n)
}
