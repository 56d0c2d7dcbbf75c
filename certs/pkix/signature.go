package pkix

import (
	"crypto"
	"errors"
)

// CheckSignature verifies a signature by the holder of key over signed.
// algorithm is the DER of the AlgorithmIdentifier.
func CheckSignature(key crypto.PublicKey, algorithm, signed, signature []byte) error {
	return errors.New("no signature")
}

// CheckKey tells whether a public key is of a kind that signatures are accepted
// from: RSA of 2048 bits or more, P-256, P-384, P-521, Ed25519.
func CheckKey(key crypto.PublicKey) error { return errors.New("no key") }

// EqualNames compares two RDNSequences in DER as RFC 5280 §7.1 does. What is no
// name equals none.
func EqualNames(a, b []byte) bool { return false }
