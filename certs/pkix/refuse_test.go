package pkix

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net"
	"strings"
	"testing"
)

// Object identifiers of extensions that are left out, in DER.
const (
	oidSKI = "\x55\x1d\x0e"
	oidAKI = "\x55\x1d\x23"
)

func with(l *link, e ...pkix.Extension) { l.ExtraExtensions = append(l.ExtraExtensions, e...) }

// addCA puts a CA between the intermediate and the leaf.
func (c *chain) addCA() *link {
	l := newCA(c.t, "second intermediate")
	c.more = append(c.more, l)
	return l
}

// twin changes one thing of a path that holds, in a way that is refused and in
// one that is not.
type twin struct {
	name      string
	usage     Usage // 0: CodeSigning, -1: none
	bad, good func(*chain)
	want      string // in the error; empty where crypto/x509 refuses the certificate
}

func testTwins(t *testing.T, tests []twin) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			usage := tt.usage
			switch usage {
			case 0:
				usage = CodeSigning
			case -1:
				usage = 0
			}
			if tt.good != nil {
				c := newChain(t)
				tt.good(c)
				if paths, err := c.paths(usage); err != nil || len(paths) != 1 {
					t.Errorf("twin: want one path, found %d and %v", len(paths), err)
				}
			}
			if tt.want == "" {
				return // crypto/x509 refuses the bad one, TestParse has it
			}
			c := newChain(t)
			tt.bad(c)
			_, err := c.paths(usage)
			var e *PathError
			switch {
			case !errors.As(err, &e):
				t.Errorf("want a *PathError, found %v", err)
			case !strings.Contains(err.Error(), tt.want):
				t.Errorf("want an error with %q, found %v", tt.want, err)
			case e.Certificate == nil || e.Section == "" || e.Want == "" || e.Found == "" || e.Limit:
				t.Errorf("want every field but Limit, found %+v", e)
			}
		})
	}
}

func TestFieldsExtensionsAndUsages(t *testing.T) {
	smallRSA, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	testTwins(t, []twin{
		// Signatures and keys.
		{"signature", 0, func(c *chain) { c.leaf.broken = true }, func(*chain) {}, "signature does not hold"},
		{"signature of the intermediate", 0, func(c *chain) { c.inter.broken = true }, func(*chain) {}, "signature does not hold"},
		{"signature of the root, which is trusted as it is", 0, func(c *chain) { c.leaf.broken = true }, func(c *chain) { c.root.broken = true }, "does not hold"},
		{
			"SHA-1", 0,
			func(c *chain) { c.inter.key, c.leaf.SignatureAlgorithm = rsaKey, x509.SHA1WithRSA },
			func(c *chain) { c.inter.key, c.leaf.SignatureAlgorithm = rsaKey, x509.SHA256WithRSA }, "found SHA-1 with RSA",
		},
		{
			"RSA-PSS", 0,
			func(c *chain) { c.inter.key, c.leaf.SignatureAlgorithm = rsaKey, x509.SHA1WithRSA },
			func(c *chain) { c.inter.key, c.leaf.SignatureAlgorithm = rsaKey, x509.SHA384WithRSAPSS }, "found SHA-1 with RSA",
		},
		{"RSA of 1024 bits in the leaf", 0, func(c *chain) { c.leaf.key = smallRSA }, func(c *chain) { c.leaf.key = rsaKey }, "found 1024 bits"},
		{"RSA of 1024 bits in a CA", 0, func(c *chain) { c.inter.key = smallRSA }, func(c *chain) { c.inter.key = rsaKey }, "found 1024 bits"},
		{"P-224", 0, func(c *chain) { c.leaf.key = p224 }, func(c *chain) { c.leaf.key = p521 }, "found one on P-224"},
		{"P-224 in a root", 0, func(c *chain) { c.root.key = p224 }, func(c *chain) { c.root.key = p521 }, "found one on P-224"},
		{"Ed25519 with a P-256 CA's signature broken", 0, func(c *chain) { c.leaf.key, c.leaf.broken = ed, true }, func(c *chain) { c.leaf.key = ed }, "does not hold"},

		// The certificate's fields.
		{"version 1 CA", 0, func(c *chain) { c.inter.edit = [2]string{"\xa0\x03\x02\x01\x02", "\xa0\x03\x02\x01\x00"} }, func(*chain) {}, "§4.1.2.1"},
		{"serial number 0", 0, func(c *chain) { c.leaf.serial = []byte{0} }, func(c *chain) { c.leaf.serial = []byte{1} }, "positive serial number"},
		{
			"serial number of 21 bytes", 0,
			func(c *chain) { c.leaf.serial = append([]byte{0x01}, make([]byte, 20)...) },
			func(c *chain) { c.leaf.serial = append([]byte{0x7f}, make([]byte, 19)...) }, "at most 20 bytes",
		},
		{"validity that ends first", 0, func(c *chain) { c.leaf.NotBefore, c.leaf.NotAfter = end, begin }, func(*chain) {}, "§4.1.2.5"},
		{"no subject and no name", 0, func(c *chain) { c.leaf.Subject, c.leaf.URIs = pkix.Name{}, nil }, func(c *chain) { c.leaf.Subject = pkix.Name{} }, "§4.1.2.6"},

		// Extensions of any certificate.
		{
			"critical extension that nobody knows", 0,
			func(c *chain) { with(c.leaf, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true}) },
			func(c *chain) { with(c.leaf, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}}) }, "critical extension 1.2.3",
		},
		{
			"critical extension that nobody knows in a CA", 0,
			func(c *chain) { with(c.inter, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true}) },
			func(c *chain) { with(c.inter, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}}) }, "critical extension 1.2.3",
		},
		{
			"critical extension that nobody knows in a root", 0,
			func(c *chain) { with(c.root, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true}) },
			func(c *chain) { with(c.root, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}}) }, "critical extension 1.2.3",
		},
		{
			"critical issuerAltName", 0,
			func(c *chain) { with(c.leaf, ce(18, true, seq(0x30, seq(0x82, "ca.example.org")))) },
			func(c *chain) { with(c.leaf, ce(18, false, seq(0x30, seq(0x82, "ca.example.org")))) }, "critical extension 2.5.29.18",
		},
		{
			"distribution points, critical: known; freshest CRL, critical: not", 0,
			func(c *chain) {
				with(c.leaf, ce(46, true, seq(0x30, seq(0x30, seq(0xa0, seq(0xa0, seq(0x86, "http://e.org")))))))
			},
			func(c *chain) {
				with(c.leaf, ce(31, true, seq(0x30, seq(0x30, seq(0xa0, seq(0xa0, seq(0x86, "http://e.org")))))))
			}, "critical extension 2.5.29.46",
		},
		{"no authority key identifier", 0, func(c *chain) { c.leaf.drop = oidAKI }, func(c *chain) { c.root.drop = oidAKI }, "§4.2.1.1"},
		{"no subject key identifier in a CA", 0, func(c *chain) { c.inter.drop = oidSKI }, func(c *chain) { c.leaf.drop = oidSKI }, "§4.2.1.2"},
		{"key usage without a bit", 0, func(c *chain) { c.leaf.KeyUsage = 0; with(c.leaf, ce(15, true, "\x03\x01\x00")) }, func(c *chain) { c.leaf.KeyUsage = 0 }, "§4.2.1.3"},
		{
			"subjectAltName with an underscore", 0,
			func(c *chain) { c.leaf.DNSNames = []string{"a_b.example.org"} },
			func(c *chain) { c.leaf.DNSNames = []string{"a-b.example.org"} }, `DNS name "a_b.example.org"`,
		},
		{
			"subjectAltName with an address for a DNS name", 0,
			func(c *chain) { c.leaf.DNSNames = []string{"192.0.2.1"} },
			func(c *chain) { c.leaf.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1).To4()} }, `DNS name "192.0.2.1"`,
		},
		{
			"subjectAltName with a relative URI", 0,
			func(c *chain) { c.leaf.URIs = uri("/worker-pool/p/w") },
			func(c *chain) { c.leaf.URIs = uri("urn:worker") }, "§4.2.1.6",
		},
		{
			"extended key usage without one", AnyUsage,
			func(c *chain) { c.leaf.ExtKeyUsage = nil; with(c.leaf, ce(37, false, "\x30\x00")) },
			func(c *chain) { c.leaf.ExtKeyUsage = nil }, "§4.2.1.12",
		},
		{
			"policy twice", 0,
			func(c *chain) {
				with(c.leaf, ce(32, false, seq(0x30, seq(0x30, seq(6, policy["P1"])), seq(0x30, seq(6, policy["P1"])))))
			},
			func(c *chain) { with(c.leaf, policies("P1", "P2")) }, "",
		},

		// CAs.
		{"CA:FALSE", 0, func(c *chain) { c.inter.IsCA, c.inter.KeyUsage = false, x509.KeyUsageCRLSign }, func(c *chain) { c.inter.KeyUsage = 0 }, "cA not set"},
		{
			"no basic constraints", 0,
			func(c *chain) { c.inter.IsCA, c.inter.BasicConstraintsValid, c.inter.KeyUsage = false, false, 0 },
			func(c *chain) { c.inter.KeyUsage = 0 }, "with basicConstraints",
		},
		{"CA without keyCertSign", 0, func(c *chain) { c.inter.KeyUsage = x509.KeyUsageCRLSign }, func(c *chain) { c.inter.KeyUsage = 0 }, "keyCertSign"},
		{"root without keyCertSign", 0, func(c *chain) { c.root.KeyUsage = x509.KeyUsageCRLSign }, func(c *chain) { c.root.KeyUsage = 0 }, "keyCertSign"},
		{
			"keyCertSign without CA", 0,
			func(c *chain) { c.leaf.KeyUsage |= x509.KeyUsageCertSign },
			func(c *chain) { c.leaf.KeyUsage |= x509.KeyUsageCRLSign }, "§4.2.1.9",
		},
		{
			"path length", 0,
			func(c *chain) { c.inter.MaxPathLenZero = true; c.addCA() },
			func(c *chain) { c.inter.MaxPathLen = 1; c.addCA() }, "pathLenConstraint",
		},
		{
			"path length of a root", 0,
			func(c *chain) { c.root.MaxPathLenZero = true },
			func(c *chain) { c.root.MaxPathLen = 1 }, "pathLenConstraint",
		},
		{
			"path length, and a self-issued CA, which does not count", 0,
			func(c *chain) { c.inter.MaxPathLenZero = true; c.addCA() },
			func(c *chain) { c.inter.MaxPathLenZero = true; c.addCA().Subject = c.inter.Subject }, "pathLenConstraint",
		},
		{
			"CA with a negative path length", 0,
			func(c *chain) {
				with(c.inter, ce(19, true, seq(0x30, "\x01\x01\xff", "\x02\x01\xff")))
				c.inter.BasicConstraintsValid = false
			},
			func(c *chain) {
				with(c.inter, ce(19, true, seq(0x30, "\x01\x01\xff", "\x02\x01\x7f")))
				c.inter.BasicConstraintsValid = false
			}, "",
		},

		// Usage.
		{"leaf without extended key usage", 0, func(c *chain) { c.leaf.ExtKeyUsage = nil }, func(*chain) {}, "no extKeyUsage"},
		{
			"leaf with another", 0,
			func(c *chain) { c.leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
			func(c *chain) { c.leaf.ExtKeyUsage = append(c.leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) }, "extended key usage codeSigning",
		},
		{
			"leaf with anyExtendedKeyUsage", 0,
			func(c *chain) { c.leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} },
			func(c *chain) { c.inter.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, "extended key usage codeSigning",
		},
		{
			"CA for another", 0,
			func(c *chain) { c.inter.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
			func(c *chain) { c.inter.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }, "a CA whose extKeyUsage",
		},
		{
			"root for another", 0,
			func(c *chain) { c.root.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
			func(c *chain) { c.root.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }, "a CA whose extKeyUsage",
		},
		{"leaf whose key usage is another", 0, func(c *chain) { c.leaf.KeyUsage = x509.KeyUsageKeyEncipherment }, func(c *chain) { c.leaf.KeyUsage = 0 }, "digitalSignature for codeSigning"},
		{
			"time stamping with two purposes", TimeStamping,
			func(c *chain) {
				c.leaf.ExtKeyUsage = nil
				with(c.leaf, ce(37, true, seq(0x30, seq(6, purposeArc+"\x08"), seq(6, purposeArc+"\x03"))))
			},
			func(c *chain) {
				c.leaf.ExtKeyUsage = nil
				with(c.leaf, ce(37, true, seq(0x30, seq(6, purposeArc+"\x08"))))
			}, "RFC 3161 §2.3",
		},
		{
			"time stamping, not critical", TimeStamping,
			func(c *chain) { c.leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping} },
			func(c *chain) {
				c.leaf.ExtKeyUsage = nil
				with(c.leaf, ce(37, true, seq(0x30, seq(6, purposeArc+"\x08"))))
			}, "RFC 3161 §2.3",
		},
		{"OCSP signing", OCSPSigning, func(*chain) {}, func(c *chain) { c.leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning} }, "OCSPSigning"},
		{"CRL signing", CRLSigning, func(*chain) {}, func(c *chain) { c.leaf.KeyUsage = x509.KeyUsageCRLSign }, "cRLSign"},
		{"certificate signing", CertSigning, func(*chain) {}, func(c *chain) { c.leaf = newCA(c.t, "leaf CA") }, "a CA"},
		{"no usage", -1, func(*chain) {}, nil, "a usage"},

		// Names.
		{
			"issuer of another name", 0,
			func(c *chain) { c.leaf.edit = [2]string{"\x13\x0cintermediate", "\x13\x0cintermediata"} },
			func(c *chain) { c.leaf.edit = [2]string{"\x13\x0cintermediate", "\x13\x0cInterMediate"} }, "issuer is among",
		},
	})
}

// crypto/x509 reads a point that does not begin on an octet, and so the same key
// in other bytes.
func TestKeyInAnotherEncoding(t *testing.T) {
	shift := func(l *link) {
		spki, err := x509.MarshalPKIXPublicKey(l.key.Public())
		if err != nil {
			t.Fatal(err)
		}
		was := spki[len(spki)-66:] // the number of unused bits, then 04 x y
		moved := []byte{3}
		for i, b := range was[1:] {
			next := byte(0)
			if i+2 < len(was) {
				next = was[i+2]
			}
			moved = append(moved, b<<3|next>>5)
		}
		l.edit = [2]string{string(was), string(moved)}
	}
	testTwins(t, []twin{
		{"the leaf's", 0, func(c *chain) { shift(c.leaf) }, func(*chain) {}, "a key in its one encoding"},
		{"a CA's", 0, func(c *chain) { shift(c.inter) }, func(*chain) {}, "a key in its one encoding"},
	})
}
