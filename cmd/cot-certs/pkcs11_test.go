//go:build cgo && pkcs11

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures/needed"
)

// softHSM makes a token with two P-256 keys, and gives the URI of one by label.
func softHSM(t *testing.T) func(label string) string {
	t.Helper()
	needed.Programs(t, "softhsm2-util", "pkcs11-tool")
	dir := t.TempDir()
	config := filepath.Join(dir, "softhsm2.conf")
	for name, text := range map[string]string{
		config:                    "directories.tokendir = " + dir + "\nobjectstore.backend = file\n",
		filepath.Join(dir, "pin"): "1234",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SOFTHSM2_CONF", config)
	module := ""
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/lib*/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			module = found[0]
			break
		}
	}
	if module == "" {
		t.Fatal("SoftHSM's library is not where Debian and others have it")
	}
	tool := func(program string, args ...string) {
		t.Helper()
		if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", program, err, out)
		}
	}
	tool("softhsm2-util", "--init-token", "--free", "--label", "cot", "--pin", "1234", "--so-pin", "5678")
	for id, label := range []string{"ca", "worker"} {
		tool("pkcs11-tool", "--module", module, "--token-label", "cot", "--login", "--pin", "1234", "--keypairgen",
			"--key-type", "EC:prime256v1", "--id", fmt.Sprintf("%02d", id+1), "--label", label)
	}
	return func(label string) string {
		return fmt.Sprintf("pkcs11:module-path=%s;token=cot;object=%s?pin-source=%s", module, label, filepath.Join(dir, "pin"))
	}
}

// The intermediate's key and a worker's are in a token.
func TestKeysInAToken(t *testing.T) {
	uri := softHSM(t)
	stderr := run(t, 2, "csr", "--key", strings.Replace(uri("worker"), "pin-source=", "pin-value=98765&x=", 1))
	if strings.Contains(stderr, "98765") || !strings.Contains(stderr, "want pin-source") {
		t.Errorf("stderr: %s", stderr)
	}

	dir := newCA(t, "--intermediate-key", uri("ca"))
	signsAndVerifies(t, dir, uri("worker"))

	stderr = run(t, 1, "csr", "--key", uri("nobody"))
	if !strings.Contains(stderr, "nobody") {
		t.Errorf("stderr: %s", stderr)
	}
}
