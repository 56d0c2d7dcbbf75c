package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	sd "github.com/mozilla-releng/cot/fixtures/signeddata"
)

// worker is a key with its certificate.
type worker struct {
	key  crypto.Signer
	cert *x509.Certificate
}

var (
	noon    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	content = []byte(`{"chainOfTrustVersion":1,"taskId":"AAAAAAAAAAAAAAAAAAAAAA"}`)
)

func ec(c elliptic.Curve) func() crypto.Signer {
	return func() crypto.Signer { k, _ := ecdsa.GenerateKey(c, rand.Reader); return k }
}

func rsaBits(n int) func() crypto.Signer {
	return func() crypto.Signer { k, _ := rsa.GenerateKey(rand.Reader, n); return k }
}

func ed() crypto.Signer { _, k, _ := ed25519.GenerateKey(rand.Reader); return k }

// ca signs everybody's certificate; workers are made once.
var (
	ca = sync.OnceValue(func() worker {
		key := ec(elliptic.P256())()
		return worker{key, certify("CA", 1, key.Public(), nil, key)}
	})
	workers = map[string]func() worker{}
	once    sync.Mutex
)

var kinds = map[string]func() crypto.Signer{
	"P-224": ec(elliptic.P224()), "P-256": ec(elliptic.P256()), "P-384": ec(elliptic.P384()), "P-521": ec(elliptic.P521()),
	"RSA-2048": rsaBits(2048), "RSA-3072": rsaBits(3072), "Ed25519": ed,
}

// a gives the worker with that kind of key.
func a(kind string) worker {
	once.Lock()
	f := workers[kind]
	if f == nil {
		f = sync.OnceValue(func() worker {
			key := kinds[kind]()
			return worker{key, certify(kind, 1000+int64(kind[0])*1000+int64(kind[len(kind)-1]), key.Public(), ca().cert, ca().key)}
		})
		workers[kind] = f
	}
	once.Unlock()
	return f()
}

func certify(name string, serial int64, key crypto.PublicKey, parent *x509.Certificate, signer crypto.Signer) *x509.Certificate {
	sum := sha256.Sum256([]byte(name))
	t := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, SubjectKeyId: sum[:20],
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(20, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning, x509.ExtKeyUsageEmailProtection},
	}
	if parent == nil {
		parent, t.IsCA, t.KeyUsage, t.ExtKeyUsage = t, true, x509.KeyUsageCertSign, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key, signer)
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return c
}

// message is what a worker would sign, for an attack to change.
func message(w worker) sd.Message {
	return sd.Message{
		Content: content, Certificates: [][]byte{w.cert.Raw},
		Signers: []sd.Signer{{Key: w.key, Certificate: w.cert}},
	}
}

func accept(t *testing.T, data, content []byte, o Options) *Signed {
	t.Helper()
	s, err := Verify(data, content, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// refuse wants an error with those words; "" are any.
func refuse(t *testing.T, data, content []byte, o Options, want string) {
	t.Helper()
	s, err := Verify(data, content, o)
	if err == nil || s != nil {
		t.Fatal("accepted")
	}
	if !strings.Contains(err.Error(), want) {
		t.Fatalf("want an error with %q, found %q", want, err)
	}
}
