package pkix

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"testing"
)

func uri(s string) []*url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return []*url.URL{u}
}

func email(s string) []pkix.AttributeTypeAndValue {
	return []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: s}}
}

func TestNameConstraints(t *testing.T) {
	testTwins(t, []twin{
		{"not critical", 0, func(c *chain) { with(c.inter, ce(30, false, seq(0x30, seq(0xa0, subtree(0x86, "tc.example.org"))))) }, func(c *chain) { with(c.inter, permit(subtree(0x86, "tc.example.org"))) }, "a critical nameConstraints"},
		{"in a leaf", 0, func(c *chain) { with(c.leaf, permit(subtree(0x86, "tc.example.org"))) }, func(c *chain) { with(c.root, permit(subtree(0x86, "tc.example.org"))) }, "§4.2.1.10"},
		{"without subtrees", 0, func(c *chain) {
			with(c.inter, ce(30, true, seq(0x30, seq(0xa0, subtree(0x86, "tc.example.org")), seq(0xa1))))
		}, func(c *chain) { with(c.inter, permit(subtree(0x86, "tc.example.org"))) }, "§4.2.1.10"},
		{"with a minimum", 0, func(c *chain) { with(c.inter, permit(seq(0x30, seq(0x86, "tc.example.org"), seq(0x80, "\x01")))) }, func(c *chain) { with(c.inter, permit(subtree(0x86, "tc.example.org"))) }, "§4.2.1.10"},
		{"URI host below a bare one", 0, func(c *chain) { with(c.inter, permit(subtree(0x86, "example.org"))) }, func(c *chain) { with(c.inter, permit(subtree(0x86, "tc.example.org"))) }, "URI"},
		{"URI host that is not below", 0, func(c *chain) { with(c.inter, permit(subtree(0x86, ".tc.example.org"))) }, func(c *chain) { with(c.inter, permit(subtree(0x86, ".example.org"))) }, "URI"},
		{"URI host of another case", 0, func(c *chain) { with(c.inter, exclude(subtree(0x86, "TC.Example.org"))) }, func(c *chain) { with(c.inter, permit(subtree(0x86, "TC.Example.org"))) }, "excluded"},
		{"URI without a host", 0, func(c *chain) { c.leaf.URIs = uri("urn:x"); with(c.inter, exclude(subtree(0x86, "x.org"))) }, func(c *chain) { with(c.inter, exclude(subtree(0x86, "x.org"))) }, "can be applied"},
		{"URI with an address", 0, func(c *chain) {
			c.leaf.URIs = uri("https://192.0.2.1/")
			with(c.inter, exclude(subtree(0x86, "x.org")))
		}, func(c *chain) { c.leaf.URIs = uri("https://192.0.2.1/") }, "can be applied"},
		{"URI with user and port", 0, func(c *chain) {
			c.leaf.URIs = uri("https://tc.example.org@evil.org:1/")
			with(c.inter, permit(subtree(0x86, "tc.example.org")))
		}, func(c *chain) {
			c.leaf.URIs = uri("https://evil.org@tc.example.org:1/")
			with(c.inter, permit(subtree(0x86, "tc.example.org")))
		}, "URI"},
		{"DNS name outside", 0, func(c *chain) {
			c.leaf.DNSNames = []string{"notexample.org"}
			with(c.inter, permit(subtree(0x82, "example.org")))
		}, func(c *chain) {
			c.leaf.DNSNames = []string{"a.b.example.org"}
			with(c.inter, permit(subtree(0x82, "example.org")))
		}, "DNS name"},
		{"DNS name excluded", 0, func(c *chain) {
			c.leaf.DNSNames = []string{"a.example.org"}
			with(c.inter, exclude(subtree(0x82, "example.org")))
		}, func(c *chain) {
			c.leaf.DNSNames = []string{"aexample.org"}
			with(c.inter, exclude(subtree(0x82, "example.org")))
		}, "excluded"},
		{"DNS wildcard that stands for an excluded name", 0, func(c *chain) {
			c.leaf.DNSNames = []string{"*.example.org"}
			with(c.inter, exclude(subtree(0x82, "a.example.org")))
		}, func(c *chain) {
			c.leaf.DNSNames = []string{"*.example.org"}
			with(c.inter, exclude(subtree(0x82, "a.b.example.org")))
		}, "excluded"},
		{"all DNS names", 0, func(c *chain) { c.leaf.DNSNames = []string{"a.org"}; with(c.inter, exclude(subtree(0x82, ""))) }, func(c *chain) { with(c.inter, exclude(subtree(0x82, ""))) }, "excluded"},
		{"DNS constraint with a dot in front", 0, func(c *chain) { with(c.inter, permit(subtree(0x82, ".example.org"))) }, func(c *chain) { with(c.inter, permit(subtree(0x82, "example.org"))) }, "§4.2.1.10"},
		{"e-mail of another host", 0, func(c *chain) {
			c.leaf.EmailAddresses = []string{"a@b.example.org"}
			with(c.inter, permit(subtree(0x81, "example.org")))
		}, func(c *chain) {
			c.leaf.EmailAddresses = []string{"a@EXAMPLE.org"}
			with(c.inter, permit(subtree(0x81, "example.org")))
		}, "e-mail"},
		{"e-mail of hosts below", 0, func(c *chain) {
			c.leaf.EmailAddresses = []string{"a@example.org"}
			with(c.inter, permit(subtree(0x81, ".example.org")))
		}, func(c *chain) {
			c.leaf.EmailAddresses = []string{"a@b.example.org"}
			with(c.inter, permit(subtree(0x81, ".example.org")))
		}, "e-mail"},
		{"e-mail of another person", 0, func(c *chain) {
			c.leaf.EmailAddresses = []string{"A@example.org"}
			with(c.inter, permit(subtree(0x81, "a@example.org")))
		}, func(c *chain) {
			c.leaf.EmailAddresses = []string{"a@example.org"}
			with(c.inter, permit(subtree(0x81, "a@example.org")))
		}, "e-mail"},
		{"e-mail in the subject", 0, func(c *chain) {
			c.leaf.Subject.ExtraNames = email("a@evil.org")
			with(c.inter, permit(subtree(0x81, "example.org")))
		}, func(c *chain) {
			c.leaf.Subject.ExtraNames = email("a@example.org")
			with(c.inter, permit(subtree(0x81, "example.org")))
		}, "e-mail"},
		{"e-mail in the subject that is none", 0, func(c *chain) {
			c.leaf.Subject.ExtraNames = email("example.org")
			with(c.inter, permit(subtree(0x81, "example.org")))
		}, func(c *chain) { c.leaf.Subject.ExtraNames = email("example.org") }, "can be applied"},
		{"IP address outside", 0, func(c *chain) {
			c.leaf.IPAddresses = []net.IP{{192, 0, 3, 1}}
			with(c.inter, permit(subtree(0x87, "\xc0\x00\x02\x00\xff\xff\xff\x00")))
		}, func(c *chain) {
			c.leaf.IPAddresses = []net.IP{{192, 0, 2, 1}}
			with(c.inter, permit(subtree(0x87, "\xc0\x00\x02\x00\xff\xff\xff\x00")))
		}, "IP address 192.0.3.1"},
		{"IP address of the other family", 0, func(c *chain) {
			c.leaf.IPAddresses = []net.IP{net.IPv6loopback}
			with(c.inter, permit(subtree(0x87, "\xc0\x00\x02\x00\xff\xff\xff\x00")))
		}, func(c *chain) {
			c.leaf.IPAddresses = []net.IP{net.IPv6loopback}
			with(c.inter, exclude(subtree(0x87, "\xc0\x00\x02\x00\xff\xff\xff\x00")))
		}, "IP address ::1"},
		{"directory name outside", 0, func(c *chain) { with(c.inter, permit(subtree(0xa4, dn("O", "Other")))) }, func(c *chain) { with(c.inter, permit(subtree(0xa4, dn("O", "EXAMPLE ")))) }, `"CN=worker,O=Example"`},
		{"directory name excluded", 0, func(c *chain) { with(c.inter, exclude(subtree(0xa4, dn("O", "example")))) }, func(c *chain) { with(c.inter, exclude(subtree(0xa4, dn("CN", "worker")))) }, "excluded"},
		{"directory name among the alternative names", 0, func(c *chain) {
			c.leaf.URIs = nil
			with(c.leaf, ce(17, false, seq(0x30, seq(0xa4, dn("O", "Evil")))))
			with(c.inter, exclude(subtree(0xa4, dn("O", "Evil"))))
		}, func(c *chain) { c.leaf.URIs = nil; with(c.leaf, ce(17, false, seq(0x30, seq(0xa4, dn("O", "Evil"))))) }, "excluded"},
		{"form that can't be compared", 0, func(c *chain) {
			c.leaf.URIs = nil
			with(c.leaf, ce(17, false, seq(0x30, seq(0x88, "\x2a\x03"))))
			with(c.inter, permit(subtree(0x88, "\x2a\x03")))
		}, func(c *chain) { with(c.inter, permit(subtree(0x88, "\x2a\x03"))) }, "can't be compared"},
		{"mailbox in another name", 0, func(c *chain) {
			c.leaf.URIs = nil
			with(c.leaf, ce(17, false, seq(0x30, seq(0xa0, seq(6, smtpUTF8Mailbox), seq(0xa0, seq(0x0c, "a@b.org"))))))
			with(c.inter, permit(subtree(0x81, "b.org")))
		}, func(c *chain) {
			c.leaf.URIs = nil
			with(c.leaf, ce(17, false, seq(0x30, seq(0xa0, seq(6, smtpUTF8Mailbox), seq(0xa0, seq(0x0c, "a@b.org"))))))
		}, "SmtpUTF8Mailbox"},
		{"names of a CA", 0, func(c *chain) {
			c.inter.DNSNames = []string{"evil.org"}
			with(c.root, permit(subtree(0x82, "example.org")))
		}, func(c *chain) {
			c.inter.DNSNames = []string{"a.example.org"}
			with(c.root, permit(subtree(0x82, "example.org")))
		}, "DNS name"},
		{
			"names of a self-issued leaf, which count, and CA, which do not", 0,
			func(c *chain) {
				with(c.inter, exclude(subtree(0xa4, dn("O", "Example", "CN", "intermediate"))))
				c.leaf.Subject = c.inter.Subject
			},
			func(c *chain) {
				with(c.inter, exclude(subtree(0xa4, dn("O", "Example", "CN", "intermediate"))))
				c.addCA().Subject = c.inter.Subject
			}, "excluded",
		},
		{"constraints of two CAs", 0, func(c *chain) {
			with(c.root, permit(subtree(0x86, "tc.example.org")))
			with(c.inter, permit(subtree(0x86, "other.org")))
		}, func(c *chain) {
			with(c.root, permit(subtree(0x86, ".example.org")))
			with(c.inter, permit(subtree(0x86, "tc.example.org")))
		}, "URI"},
	})
}
