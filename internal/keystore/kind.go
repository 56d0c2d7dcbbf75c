package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
)

// Kind is an algorithm to make a key for.
type Kind string

// Kinds of keys, the ones that certificates of workers and of our CAs may have.
const (
	Ed25519 Kind = "ed25519"
	P256    Kind = "p256"
	P384    Kind = "p384"
	RSA3072 Kind = "rsa3072"
	RSA4096 Kind = "rsa4096"
)

// Kinds are all of them.
func Kinds() []string {
	return []string{string(Ed25519), string(P256), string(P384), string(RSA3072), string(RSA4096)}
}

// ParseKind reads a kind by its name.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds() {
		if k == s {
			return Kind(k), nil
		}
	}
	return "", fmt.Errorf("%.60q is no kind of key: want one of %s", s, strings.Join(Kinds(), ", "))
}

// Generate makes a key.
func (k Kind) Generate() (crypto.Signer, error) {
	switch k {
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	}
	return nil, fmt.Errorf("%.60q is no kind of key", string(k))
}
