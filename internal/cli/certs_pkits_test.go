package cli

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPKITS has the command judge NIST's end entities whose names tell what the
// suite wants, all of its certificates and CRLs at hand, malformed ones too.
// What is judged is tested with certs/revocation; this is what reaches it.
func TestPKITS(t *testing.T) {
	const suite = "/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data"
	if _, err := os.Stat(suite); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("Debian's python3-cryptography-vectors is not installed: " + err.Error())
	}
	dir := t.TempDir()
	join := func(pattern, label string) string {
		var all []byte
		names, err := filepath.Glob(filepath.Join(suite, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, n := range names {
			all = append(all, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: read(t, n)})...)
		}
		return writeTest(t, filepath.Join(dir, label), string(all))
	}
	untrusted, crls := join("certs/*.crt", "CERTIFICATE"), join("crls/*.crl", "X509 CRL")
	leaves, err := filepath.Glob(filepath.Join(suite, "certs", "*EE.crt"))
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, leaf := range leaves {
		name := filepath.Base(leaf)
		want := exitOK
		switch {
		case strings.Contains(name, "DSA"): // refused, whatever it says
			want = exitUntrusted
		case strings.HasPrefix(name, "Invalid"):
			want = exitUntrusted
		case !strings.HasPrefix(name, "Valid"):
			continue
		}
		judged++
		s, stdout, stderr := plainIO("verify", "--root", filepath.Join(suite, "certs", "TrustAnchorRootCertificate.crt"),
			"--untrusted", untrusted, "--crl", crls, "--at", "2015-06-01T00:00:00Z", leaf)
		if code := Certs(t.Context(), s); code != want {
			t.Errorf("%s: exit code %d, want %d: %s%s", name, code, want, stdout, stderr)
		}
	}
	if judged < 200 {
		t.Errorf("only %d end entities were judged", judged)
	}
}
