package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"io"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func keys() map[string]crypto.Signer {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return map[string]crypto.Signer{
		"Ed25519":     ed,
		"ECDSA P-256": must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"ECDSA P-384": must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"RSA 3072":    must(rsa.GenerateKey(rand.Reader, 3072)),
	}
}

func TestSign(t *testing.T) {
	document := []byte(`{"chainOfTrustVersion": 1}`)
	all := keys()
	for name, key := range all {
		t.Run(name, func(t *testing.T) {
			signature, err := Sign(document, key, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if got := KeyName(key.Public()); got != name {
				t.Errorf("the key is called %q", got)
			}
			for other, k := range all {
				if err := Verify(document, signature, k.Public()); (err == nil) != (other == name) {
					t.Errorf("under the key %s: %v", other, err)
				}
			}
			for i := range signature {
				flipped := append([]byte{}, signature...)
				flipped[i] ^= 4
				if Verify(document, flipped, key.Public()) == nil {
					t.Errorf("holds with byte %d changed", i)
				}
			}
			if Verify(document[1:], signature, key.Public()) == nil || Verify(document, nil, key.Public()) == nil {
				t.Error("holds for another document, or empty")
			}
		})
	}
}

// liar is a key of a service that signs with another key than it says.
type liar struct{ says, signs crypto.Signer }

func (l liar) Public() crypto.PublicKey { return l.says.Public() }

func (l liar) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return l.signs.Sign(r, digest, o)
}

func TestSignChecksWhatAServiceGives(t *testing.T) {
	a := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	b := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	if _, err := Sign([]byte("x"), liar{a, b}, rand.Reader); err == nil {
		t.Error("another key's signature was given")
	}
}

func TestCheckKey(t *testing.T) {
	weak := must(rsa.GenerateKey(rand.Reader, 2048)).PublicKey
	odd := rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 3071), E: 3}
	huge := rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 16000), E: 65537}
	for want, key := range map[string]crypto.PublicKey{
		"2048 bits":  &weak,
		"exponent 3": &odd,
		"at most":    &huge,
		"P-521":      must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)).Public(),
		"P-224":      must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)).Public(),
		"type":       "a string",
	} {
		if err := CheckKey(key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, found %v", want, err)
		}
	}
}

func TestCheckLeaf(t *testing.T) {
	key := keys()["Ed25519"]
	id := must(url.Parse("spiffe://tc.example.org/worker-pool/gecko-3/b"))
	leaf := func(edit func(*x509.Certificate)) *x509.Certificate {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
			BasicConstraintsValid: true, URIs: []*url.URL{id},
		}
		edit(c)
		return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, c, key.Public(), key))))
	}
	if got, err := CheckLeaf(leaf(func(*x509.Certificate) {})); err != nil || got.String() != id.String() {
		t.Fatalf("%s, %v", got, err)
	}
	for want, edit := range map[string]func(*x509.Certificate){
		"CA:FALSE":         func(c *x509.Certificate) { c.IsCA = true },
		"digitalSignature": func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement },
		"for CAs":          func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign },
		"codeSigning":      func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} },
		"0 URIs":           func(c *x509.Certificate) { c.URIs = nil },
		"2 URIs":           func(c *x509.Certificate) { c.URIs = append(c.URIs, id) },
		"not a SPIFFE ID":  func(c *x509.Certificate) { c.URIs = []*url.URL{must(url.Parse("https://tc.example.org/x"))} },
	} {
		if _, err := CheckLeaf(leaf(edit)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, found %v", want, err)
		}
	}
}
