//go:build cgo && pkcs11

package main

// Tokens and HSMs. Needs cgo, so the ordinary, static build lacks it.
import _ "go.step.sm/crypto/kms/pkcs11"
