package pkix

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

func FuzzParseCertificates(f *testing.F) {
	certs := newChain(f).issue()
	f.Add(certs[2].Raw)
	f.Add(slices.Concat(certs[2].Raw, certs[1].Raw))
	f.Add(slices.Concat(toPEM("CERTIFICATE", certs[2].Raw), []byte("text\n"), toPEM("CERTIFICATE", certs[1].Raw)))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	c := newChain(f)
	with(c.leaf, ce(31, true, seq(0x30, seq(0x30, seq(0xa0, seq(0xa1, seq(0x30, seq(6, "\x55\x04\x03"), seq(0x0c, "CRL1"))))))))
	f.Add(c.issue()[2].Raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := ParseCertificates(data)
		if (err == nil) == (len(certs) == 0) {
			t.Fatalf("%d certificates and %v", len(certs), err)
		}
		for _, c := range certs {
			again, err := ParseCertificate(c.Raw)
			if err != nil || !bytes.Equal(again.Raw, c.Raw) || !bytes.Contains(data, c.Raw) && data[0] == 0x30 {
				t.Fatalf("%x is read in two ways: %v", c.Raw, err)
			}
			if !EqualNames(c.RawIssuer, c.RawIssuer) {
				t.Fatalf("issuer %x does not equal itself", c.RawIssuer)
			}
			read(c)
		}
	})
}

// FuzzPaths signs whatever is offered for a TBSCertificate as the CA would that
// can be made to, so that all checks behind the signature are reached.
func FuzzPaths(f *testing.F) {
	c := newChain(f)
	certs := c.issue()
	root, inter, leaf := certs[0], certs[1], certs[2]
	for _, change := range []func(*chain){
		func(*chain) {},
		func(c *chain) {
			with(c.inter, permit(subtree(0x86, "tc.example.org"), subtree(0x82, "example.org"), subtree(0xa4, dn("O", "Example"))))
		},
		func(c *chain) {
			with(c.inter, exclude(subtree(0x81, ".example.org"), subtree(0x87, "\x0a\x00\x00\x00\xff\x00\x00\x00")))
		},
		func(c *chain) {
			with(c.inter, policies("P1", "any"), maps("P1", "P2"), ce(36, true, seq(0x30, seq(0x80, "\x00"), seq(0x81, "\x01"))))
		},
		func(c *chain) { with(c.inter, ce(54, true, "\x02\x01\x00")); c.inter.MaxPathLenZero = true },
		func(c *chain) {
			c.leaf.DNSNames, c.leaf.EmailAddresses = []string{"*.example.org"}, []string{"a@example.org"}
			c.leaf.Subject.ExtraNames = email("a@example.org")
		},
	} {
		seed := newChain(f)
		change(seed)
		certs := seed.issue()
		f.Add(certs[1].RawTBSCertificate, true)
		f.Add(certs[2].RawTBSCertificate, false)
	}
	pool := NewPool([]*x509.Certificate{root}, nil)
	f.Fuzz(func(t *testing.T, tbs []byte, ca bool) {
		signer := c.inter.key
		if ca {
			signer = c.root.key
		}
		made, err := ParseCertificate(sign(t, tbs, signer))
		if err != nil {
			return
		}
		cas, last := []*x509.Certificate{inter}, made
		if ca {
			cas, last = []*x509.Certificate{made}, leaf
		}
		paths, err := pool.With(cas).Paths(last, AnyUsage)
		var e *PathError
		if err != nil {
			if !errors.As(err, &e) || e.Error() == "" {
				t.Fatalf("want a *PathError, found %v", err)
			}
			return
		}
		for _, p := range paths {
			all := p.Certificates()
			if !all[0].Equal(last) || !all[len(all)-1].Equal(root) {
				t.Fatal("a path from or to elsewhere")
			}
			for i, c := range all[1:] {
				if err := all[i].CheckSignatureFrom(c); err != nil || !EqualNames(all[i].RawIssuer, c.RawSubject) {
					t.Fatalf("%s did not issue %s: %v", c.Subject, all[i].Subject, err)
				}
			}
			if !onlyNames(all[0]) {
				t.Fatalf("critical extensions %v were let pass", all[0].UnhandledCriticalExtensions)
			}
		}
	})
}

// onlyNames: crypto/x509 does not handle these two where we do.
func onlyNames(c *x509.Certificate) bool {
	for _, id := range c.UnhandledCriticalExtensions {
		if s := id.String(); s != "2.5.29.17" && s != "2.5.29.30" {
			return false
		}
	}
	return true
}

// sign wraps a TBSCertificate as ECDSA with SHA-256.
func sign(t *testing.T, tbs []byte, key crypto.Signer) []byte {
	digest := sha256.Sum256(tbs)
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes([]byte(algorithm(oidECDSA + "\x03\x02")))
		b.AddASN1BitString(signature)
	})
	return b.BytesOrPanic()
}
