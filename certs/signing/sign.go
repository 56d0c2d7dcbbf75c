package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the digests below
	_ "crypto/sha512"
	"errors"
	"fmt"
	"io"
)

// Sign makes the content of a document's .sig: 64 bytes for Ed25519 (RFC 8032),
// an ASN.1 signature for ECDSA over SHA-256 (P-256) or SHA-384 (P-384),
// RSASSA-PSS over SHA-256 with a salt of 32 bytes for RSA (RFC 8017 §8.1).
func Sign(document []byte, key crypto.Signer, rand io.Reader) ([]byte, error) {
	if err := CheckKey(key.Public()); err != nil {
		return nil, err
	}
	digest, options := document, crypto.SignerOpts(crypto.Hash(0))
	hashed := func(h crypto.Hash) []byte {
		w := h.New()
		w.Write(document)
		return w.Sum(nil)
	}
	switch k := key.Public().(type) {
	case *ecdsa.PublicKey:
		h := hashOf(k)
		digest, options = hashed(h), h
	case *rsa.PublicKey:
		digest = hashed(crypto.SHA256)
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	signature, err := key.Sign(rand, digest, options)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	// A key service may hold another key than it says.
	return signature, Verify(document, signature, key.Public())
}

// Verify checks a signature as Sign makes it.
func Verify(document, signature []byte, public crypto.PublicKey) error {
	if err := CheckKey(public); err != nil {
		return err
	}
	hold := false
	switch k := public.(type) {
	case ed25519.PublicKey:
		hold = ed25519.Verify(k, document, signature)
	case *ecdsa.PublicKey:
		w := hashOf(k).New()
		w.Write(document)
		hold = ecdsa.VerifyASN1(k, w.Sum(nil), signature)
	case *rsa.PublicKey:
		w := crypto.SHA256.New()
		w.Write(document)
		hold = rsa.VerifyPSS(k, crypto.SHA256, w.Sum(nil), signature,
			&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	if !hold {
		return errors.New("the signature does not hold under the key")
	}
	return nil
}

func hashOf(k *ecdsa.PublicKey) crypto.Hash {
	if k.Curve == elliptic.P384() {
		return crypto.SHA384
	}
	return crypto.SHA256
}
