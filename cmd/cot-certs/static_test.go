//go:build !pkcs11

package main

import (
	"strings"
	"testing"
)

// A build without cgo says what it lacks.
func TestTokensNeedAnotherBuild(t *testing.T) {
	stderr := run(t, 2, "csr", "--key", "pkcs11:token=t;object=o?pin-source=pin")
	if !strings.Contains(stderr, "make cot-certs-pkcs11") {
		t.Errorf("stderr: %s", stderr)
	}
}
