package cms

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestSign(t *testing.T) {
	for _, kind := range []string{"P-256", "P-384", "RSA-3072", "Ed25519"} {
		for name, at := range map[string]time.Time{
			"with a time": noon.In(time.FixedZone("", 3600)), "without": {}, "after 2049": noon.AddDate(50, 0, 0),
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				w := a(kind)
				chain := []*x509.Certificate{ca().cert, w.cert, ca().cert}
				der, err := Sign(content, w.key, w.cert, chain, at, rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				s := accept(t, der, content, Options{})
				if !s.SigningTime.Equal(at) || !s.Signer.Equal(w.cert) || len(s.Certificates) != 1 || !s.Certificates[0].Equal(ca().cert) {
					t.Fatalf("at %s by %s with %d more", s.SigningTime, s.Signer.Subject, len(s.Certificates))
				}
				refuse(t, der, content[1:], Options{}, "the content has digest")
			})
		}
	}
}

// broken is a key that does not sign what it should.
type broken struct {
	crypto.Signer
	err error
}

func (b broken) Sign(r io.Reader, _ []byte, o crypto.SignerOpts) ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.Signer.Sign(r, make([]byte, 32), o)
}

func TestSignRefuses(t *testing.T) {
	p256 := a("P-256")
	for _, c := range []struct {
		name string
		key  crypto.Signer
		leaf worker
		err  string
	}{
		{"another's certificate", p256.key, a("P-384"), "the key is not that of the certificate"},
		{"P-521", a("P-521").key, a("P-521"), "want an ECDSA key on P-256 or P-384"},
		{"RSA 2048", a("RSA-2048").key, a("RSA-2048"), "want an RSA key of 3072"},
		{"a key that fails", broken{p256.key, errors.New("no such slot")}, p256, "no such slot"},
		{"a key that signs something else", broken{p256.key, nil}, p256, "does not verify"},
	} {
		t.Run(c.name, func(t *testing.T) {
			der, err := Sign(content, c.key, c.leaf.cert, nil, noon, rand.Reader)
			if der != nil || err == nil || !strings.Contains(err.Error(), c.err) {
				t.Fatalf("want an error with %q, found %v", c.err, err)
			}
		})
	}
}

func TestSignMakesTheSameBytes(t *testing.T) {
	w := a("Ed25519")
	one, err := Sign(content, w.key, w.cert, nil, noon, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Sign(content, w.key.(ed25519.PrivateKey), w.cert, nil, noon, nil)
	if err != nil || !bytes.Equal(one, two) {
		t.Fatalf("%v", err)
	}
}

func TestMessageShowsWhatItSays(t *testing.T) {
	w := a("P-384")
	der, err := Sign(content, w.key, w.cert, nil, noon, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := m.Signer()
	digest, signature := m.Algorithms()
	if err != nil || !signer.Equal(w.cert) || digest.String() != "2.16.840.1.101.3.4.2.2" || signature.String() != "1.2.840.10045.4.3.3" ||
		len(m.SignedAttributes()) != 3 || m.Attached || m.ContentType.String() != "1.2.840.113549.1.7.1" {
		t.Fatalf("%+v by %s and %s, %v", m, digest, signature, err)
	}
	plain := message(w)
	plain.Signers[0].NoAttributes = true
	if m, err := Parse(plain.DER()); err != nil || m.SignedAttributes() != nil {
		t.Fatalf("%+v, %v", m, err)
	}
}
