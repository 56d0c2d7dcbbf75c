package pkix

import (
	"crypto/x509/pkix"
	"testing"
)

// Policies of the example arc, 1.3.6.1.4.1.99999.
var policy = map[string]string{
	"P1": "\x2b\x06\x01\x04\x01\x86\x8d\x1f\x01", "P2": "\x2b\x06\x01\x04\x01\x86\x8d\x1f\x02", "any": anyPolicy,
}

func policies(names ...string) pkix.Extension {
	var infos []string
	for _, n := range names {
		infos = append(infos, seq(0x30, seq(0x06, policy[n])))
	}
	return ce(32, false, seq(0x30, infos...))
}

func maps(from, to string) pkix.Extension {
	return ce(33, true, seq(0x30, seq(0x30, seq(6, policy[from]), seq(6, policy[to]))))
}

func TestPolicies(t *testing.T) {
	requireExplicit := ce(36, true, seq(0x30, seq(0x80, "\x00")))
	testTwins(t, []twin{
		{"no policy where one is demanded", 0, func(c *chain) { with(c.inter, requireExplicit, policies("P1")) }, func(c *chain) { with(c.inter, requireExplicit, policies("P1")); with(c.leaf, policies("P1")) }, "policy that is valid"},
		{"other policy", 0, func(c *chain) { with(c.inter, requireExplicit, policies("P1")); with(c.leaf, policies("P2")) }, func(c *chain) { with(c.inter, requireExplicit, policies("P1")); with(c.leaf, policies("P2", "P1")) }, "policy that is valid"},
		{"demanded by the root", 0, func(c *chain) { with(c.root, requireExplicit) }, func(c *chain) {
			with(c.root, requireExplicit)
			with(c.inter, policies("any"))
			with(c.leaf, policies("P2"))
		}, "policy that is valid"},
		{"demanded by the leaf", 0, func(c *chain) { with(c.leaf, requireExplicit) }, func(c *chain) { with(c.leaf, requireExplicit, policies("P2")); with(c.inter, policies("P2")) }, "policy that is valid"},
		{"mapped policy", 0, func(c *chain) {
			with(c.inter, requireExplicit, policies("P1"), maps("P1", "P2"))
			with(c.leaf, policies("P1"))
		}, func(c *chain) {
			with(c.inter, requireExplicit, policies("P1"), maps("P1", "P2"))
			with(c.leaf, policies("P2"))
		}, "policy that is valid"},
		{"mapping of any policy", 0, func(c *chain) { with(c.inter, policies("any"), maps("any", "P2")) }, func(c *chain) { with(c.inter, policies("any"), maps("P1", "P2")) }, "§4.2.1.5"},
		{"any policy, inhibited", 0, func(c *chain) {
			with(c.inter, requireExplicit, policies("P1"), ce(54, true, "\x02\x01\x00"))
			with(c.leaf, policies("any"))
		}, func(c *chain) {
			with(c.inter, requireExplicit, policies("P1"), ce(54, true, "\x02\x01\x01"))
			with(c.leaf, policies("any"))
		}, "policy that is valid"},
		{"bare policy constraints", 0, func(c *chain) { with(c.inter, ce(36, false, seq(0x30, seq(0x80, "\x03")))) }, func(c *chain) { with(c.inter, ce(36, true, seq(0x30, seq(0x80, "\x03")))) }, "§4.2.1.11"},
		{
			"critical policy with an unknown qualifier", 0,
			func(c *chain) {
				with(c.leaf, ce(32, true, seq(0x30, seq(0x30, seq(6, policy["P1"]), seq(0x30, seq(0x30, seq(6, "\x2a\x03"), seq(0x0c, "x")))))))
			},
			func(c *chain) {
				with(c.leaf, ce(32, true, seq(0x30, seq(0x30, seq(6, policy["P1"]), seq(0x30, seq(0x30, seq(6, "\x2b\x06\x01\x05\x05\x07\x02\x01"), seq(0x16, "x")))))))
			}, "§4.2.1.4",
		},
	})
}
