package pkix

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"sync"
	"testing"
)

var sharedRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func testRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, err := sharedRSA()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const (
	derNull   = "\x05\x00"
	oidSHA256 = oidSHA2 + "\x01"
	oidSHA384 = oidSHA2 + "\x02"
)

func algorithm(oid string, parameters ...string) string {
	return seq(0x30, append([]string{seq(6, oid)}, parameters...)...)
}

// pss are RSASSA-PSS-params.
func pss(hash, mgf, mgfHash string, salt string, more ...string) string {
	fields := []string{
		seq(0xa0, algorithm(hash, derNull)), seq(0xa1, algorithm(mgf, algorithm(mgfHash, derNull))), seq(0xa2, seq(2, salt)),
	}
	return seq(0x30, append(fields, more...)...)
}

func TestCheckSignature(t *testing.T) {
	message := []byte("message")
	digest := func(h crypto.Hash) []byte {
		d := h.New()
		d.Write(message)
		return d.Sum(nil)
	}
	rsaKey := testRSA(t)
	pkcs1 := func(h crypto.Hash) []byte {
		s, err := rsa.SignPKCS1v15(nil, rsaKey, h, digest(h))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	salted := func(h crypto.Hash, salt int) []byte {
		s, err := rsa.SignPSS(rand.Reader, rsaKey, h, digest(h), &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ecKey := newKey(t).(*ecdsa.PrivateKey)
	ec := func(h crypto.Hash) []byte {
		s, err := ecdsa.SignASN1(rand.Reader, ecKey, digest(h))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edSignature := ed25519.Sign(edKey, message)
	tests := []struct {
		name      string
		key       crypto.PublicKey
		algorithm string
		signature []byte
		err       string
	}{
		{"RSA SHA-256", &rsaKey.PublicKey, algorithm(oidRSA+"\x0b", derNull), pkcs1(crypto.SHA256), ""},
		{"RSA SHA-512, no parameters", &rsaKey.PublicKey, algorithm(oidRSA + "\x0d"), pkcs1(crypto.SHA512), ""},
		{"RSA of another digest", &rsaKey.PublicKey, algorithm(oidRSA+"\x0c", derNull), pkcs1(crypto.SHA256), "does not hold"},
		{"RSA with parameters", &rsaKey.PublicKey, algorithm(oidRSA+"\x0b", "\x04\x00"), pkcs1(crypto.SHA256), "RFC 4055 §5"},
		{"RSA SHA-1", &rsaKey.PublicKey, algorithm(oidRSA+"\x05", derNull), pkcs1(crypto.SHA1), "found SHA-1 with RSA"},
		{"RSA MD5", &rsaKey.PublicKey, algorithm(oidRSA+"\x04", derNull), nil, "found MD5 with RSA"},
		{"RSA SHA-224", &rsaKey.PublicKey, algorithm(oidRSA+"\x0e", derNull), nil, "found SHA-224 with RSA"},
		{"bare RSA", &rsaKey.PublicKey, algorithm(oidRSA+"\x01", derNull), nil, "the algorithm 1.2.840.113549.1.1.1"},

		{"PSS SHA-256", &rsaKey.PublicKey, algorithm(oidRSAPSS, pss(oidSHA256, oidMGF1, oidSHA256, "\x20")), salted(crypto.SHA256, 32), ""},
		{"PSS with the salt that openssl makes", &rsaKey.PublicKey, algorithm(oidRSAPSS, pss(oidSHA256, oidMGF1, oidSHA256, "\x00\xde")), salted(crypto.SHA256, 222), ""},
		{"PSS with trailer 1", &rsaKey.PublicKey, algorithm(oidRSAPSS, pss(oidSHA256, oidMGF1, oidSHA256, "\x20", seq(0xa3, "\x02\x01\x01"))), salted(crypto.SHA256, 32), ""},
		{"PSS with a salt of another length", &rsaKey.PublicKey, algorithm(oidRSAPSS, pss(oidSHA256, oidMGF1, oidSHA256, "\x20")), salted(crypto.SHA256, 48), "does not hold"},
		{"PSS with a short salt", &rsaKey.PublicKey, algorithm(oidRSAPSS, pss(oidSHA256, oidMGF1, oidSHA256, "\x14")), salted(crypto.SHA256, 20), "salt shorter"},
		{"PSS with two digests", &rsaKey.PublicKey, algorithm(oidRSAPSS, pss(oidSHA256, oidMGF1, oidSHA384, "\x20")), nil, "two digests"},
		{"PSS with SHA-1", &rsaKey.PublicKey, algorithm(oidRSAPSS, pss(oidSHA1, oidMGF1, oidSHA1, "\x20")), nil, "a digest other than"},
		{"PSS with another generator", &rsaKey.PublicKey, algorithm(oidRSAPSS, pss(oidSHA256, oidRSA+"\x09", oidSHA256, "\x20")), nil, "other than MGF1"},
		{"PSS with trailer 2", &rsaKey.PublicKey, algorithm(oidRSAPSS, pss(oidSHA256, oidMGF1, oidSHA256, "\x20", seq(0xa3, "\x02\x01\x02"))), nil, "trailer"},
		{"PSS with its defaults", &rsaKey.PublicKey, algorithm(oidRSAPSS, "\x30\x00"), nil, "SHA-1"},
		{"PSS without parameters", &rsaKey.PublicKey, algorithm(oidRSAPSS), nil, "not DER"},

		{"ECDSA SHA-256", &ecKey.PublicKey, algorithm(oidECDSA + "\x03\x02"), ec(crypto.SHA256), ""},
		{"ECDSA P-256 SHA-512", &ecKey.PublicKey, algorithm(oidECDSA + "\x03\x04"), ec(crypto.SHA512), ""},
		{"ECDSA with parameters", &ecKey.PublicKey, algorithm(oidECDSA+"\x03\x02", derNull), ec(crypto.SHA256), "RFC 5758"},
		{"ECDSA SHA-1", &ecKey.PublicKey, algorithm(oidECDSA + "\x01"), ec(crypto.SHA1), "found ECDSA with SHA-1"},
		{"ECDSA with rest", &ecKey.PublicKey, algorithm(oidECDSA + "\x03\x02"), append(ec(crypto.SHA256), 0), "does not hold"},
		{"ECDSA by an RSA key", &rsaKey.PublicKey, algorithm(oidECDSA + "\x03\x02"), ec(crypto.SHA256), "the key is a *rsa.PublicKey"},

		{"Ed25519", edPublic, algorithm(oidEd25519), edSignature, ""},
		{"Ed25519 with parameters", edPublic, algorithm(oidEd25519, derNull), edSignature, "RFC 8410"},
		{"Ed25519 of the neutral element", ed25519.PublicKey("\x01" + strings.Repeat("\x00", 31)), algorithm(oidEd25519), make([]byte, 64), "small order"},
		{"Ed25519, short", edPublic[:31], algorithm(oidEd25519), edSignature, "found 31"},
		{"DSA", &rsaKey.PublicKey, algorithm(oidDSA + "\x03"), nil, "found DSA with SHA-1"},
		{"no key", nil, algorithm(oidEd25519), nil, "unknown algorithm"},
		{"no algorithm", edPublic, "", nil, "not an AlgorithmIdentifier"},
		{"algorithm with rest", edPublic, algorithm(oidEd25519) + "\x00", edSignature, "not an AlgorithmIdentifier"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckSignature(tt.key, []byte(tt.algorithm), message, tt.signature)
			switch {
			case tt.err == "" && err != nil:
				t.Error(err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("want an error with %q, found %v", tt.err, err)
			}
			if tt.err == "" && CheckSignature(tt.key, []byte(tt.algorithm), []byte("messagf"), tt.signature) == nil {
				t.Error("the signature holds for another message")
			}
		})
	}
}

func TestCheckKey(t *testing.T) {
	for _, c := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckKey(&k.PublicKey); (err == nil) != (c != elliptic.P224()) {
			t.Errorf("%s: %v", c.Params().Name, err)
		}
	}
	if err := CheckKey(struct{}{}); err == nil {
		t.Error("a key of an unknown type is accepted")
	}
}
