package pkix

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end   = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
)

// link is a certificate to be made: a template, and what crypto/x509 would not
// write into one.
type link struct {
	x509.Certificate
	key    crypto.Signer
	edit   [2]string // bytes of the TBSCertificate to replace, before it is signed
	serial []byte    // content of the INTEGER
	drop   string    // object identifier of an extension to leave out
	broken bool      // the signature
}

// chain is what a test changes: a root, an intermediate and a worker's leaf,
// which hold as they are.
type chain struct {
	t                 testing.TB
	root, inter, leaf *link
	more              []*link // CAs between inter and leaf, from the top
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newCA(t testing.TB, name string) *link {
	return &link{
		key: newKey(t),
		Certificate: x509.Certificate{
			Subject:   pkix.Name{Organization: []string{"Example"}, CommonName: name},
			NotBefore: begin, NotAfter: end,
			BasicConstraintsValid: true, IsCA: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		},
	}
}

func newChain(t testing.TB) *chain {
	leaf := &link{
		key: newKey(t),
		Certificate: x509.Certificate{
			Subject:   pkix.Name{Organization: []string{"Example"}, CommonName: "worker"},
			NotBefore: begin, NotAfter: end,
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
			// For an issuer without a subject key identifier.
			AuthorityKeyId: []byte{1},
			URIs:           []*url.URL{{Scheme: "spiffe", Host: "tc.example.org", Path: "/worker-pool/p/w"}},
		},
	}
	return &chain{t: t, root: newCA(t, "root"), inter: newCA(t, "intermediate"), leaf: leaf}
}

// issue makes a certificate. A nil parent is the link itself.
func issue(t testing.TB, l *link, parent *link, parentCert *x509.Certificate) *x509.Certificate {
	t.Helper()
	template := l.Certificate
	if template.SerialNumber == nil {
		sum := sha256.Sum256([]byte(l.Subject.String()))
		sum[0] &= 0x7f
		template.SerialNumber = new(big.Int).SetBytes(sum[:16])
	}
	signer := l.key
	if parent != nil {
		signer = parent.key
	} else {
		parentCert = &template
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parentCert, l.key.Public(), signer)
	if err != nil {
		t.Fatalf("%s: %v", l.Subject, err)
	}
	if l.edit[0] != "" || l.serial != nil || l.drop != "" || l.broken {
		der = rewrite(t, l, der, signer)
	}
	c, err := ParseCertificate(der)
	if err != nil {
		t.Fatalf("%s: %v", l.Subject, err)
	}
	return c
}

// rewrite changes a TBSCertificate and signs it anew (P-256 and SHA-256).
func rewrite(t testing.TB, l *link, der []byte, signer crypto.Signer) []byte {
	t.Helper()
	var outer, tbs, algorithm cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&outer, tag.SEQUENCE) || !outer.ReadASN1(&tbs, tag.SEQUENCE) || !outer.ReadASN1Element(&algorithm, tag.SEQUENCE) {
		t.Fatal("not a certificate")
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		for i := 0; !tbs.Empty(); i++ {
			var e, body cryptobyte.String
			var et tag.Tag
			tbs.ReadAnyASN1Element(&e, &et)
			switch {
			case i == 1 && l.serial != nil:
				b.AddASN1(tag.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(l.serial) })
			case et == tag.Tag(3).ContextSpecific().Constructed() && l.drop != "":
				e.ReadASN1(&body, et)
				body.ReadASN1(&body, tag.SEQUENCE)
				b.AddASN1(et, func(b *cryptobyte.Builder) {
					b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
						for !body.Empty() {
							var x cryptobyte.String
							body.ReadASN1Element(&x, tag.SEQUENCE)
							if !bytes.Contains(x[:8], []byte(l.drop)) {
								b.AddBytes(x)
							}
						}
					})
				})
			default:
				b.AddBytes(e)
			}
		}
	})
	raw := b.BytesOrPanic()
	if l.edit[0] != "" {
		if bytes.Count(raw, []byte(l.edit[0])) != 1 || len(l.edit[0]) != len(l.edit[1]) {
			t.Fatalf("%x is not once in %x", l.edit[0], raw)
		}
		raw = bytes.Replace(raw, []byte(l.edit[0]), []byte(l.edit[1]), 1)
	}
	digest := sha256.Sum256(raw)
	if l.broken {
		digest[0]++
	}
	signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	var c cryptobyte.Builder
	c.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(raw)
		b.AddBytes(algorithm)
		b.AddASN1BitString(signature)
	})
	return c.BytesOrPanic()
}

// issue makes all certificates, root first.
func (c *chain) issue() []*x509.Certificate {
	out := []*x509.Certificate{issue(c.t, c.root, nil, nil)}
	parent := c.root
	for _, l := range append(append([]*link{c.inter}, c.more...), c.leaf) {
		out = append(out, issue(c.t, l, parent, out[len(out)-1]))
		parent = l
	}
	return out
}

// paths issues all and looks for paths.
func (c *chain) paths(u Usage, options ...Option) ([]Path, error) {
	certs := c.issue()
	n := len(certs) - 1
	return NewPool(certs[:1], certs[1:n]).Paths(certs[n], u, options...)
}

// ce makes an extension of id-ce.
func ce(n int, critical bool, value string) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, n}, Critical: critical, Value: []byte(value)}
}

// subtree is a GeneralSubtree, nc name constraints that permit or exclude some.
func subtree(t uint8, base string) string { return seq(0x30, seq(t, base)) }

func permit(subtrees ...string) pkix.Extension {
	return ce(30, true, seq(0x30, seq(0xa0, subtrees...)))
}

func exclude(subtrees ...string) pkix.Extension {
	return ce(30, true, seq(0x30, seq(0xa1, subtrees...)))
}

// seq is DER with up to 65535 bytes of content.
func seq(t uint8, content ...string) string {
	s := strings.Join(content, "")
	switch n := len(s); {
	case n < 0x80:
		return string([]byte{t, byte(n)}) + s
	case n < 0x100:
		return string([]byte{t, 0x81, byte(n)}) + s
	default:
		return string([]byte{t, 0x82, byte(n >> 8), byte(n)}) + s
	}
}

// dn is an RDNSequence with UTF8Strings.
func dn(pairs ...string) string {
	types := map[string]string{"O": "\x55\x04\x0a", "OU": "\x55\x04\x0b", "CN": "\x55\x04\x03", "C": "\x55\x04\x06", "DC": "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"}
	var rdns []string
	for i := 0; i < len(pairs); i += 2 {
		rdns = append(rdns, seq(0x31, seq(0x30, seq(0x06, types[pairs[i]]), seq(0x0c, pairs[i+1]))))
	}
	return seq(0x30, rdns...)
}
