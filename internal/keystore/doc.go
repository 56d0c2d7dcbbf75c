// Package keystore holds private keys: PEM files that only their user can read,
// encrypted or not, and keys of services and tokens that are named by a URI.
//
// Neither a key nor a passphrase is ever part of an error. Which services a
// program can use is decided by the go.step.sm/crypto/kms packages that its
// main package imports.
package keystore
