package cli

import (
	"encoding/pem"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures/needed"
)

// noCommonPolicy are the tests of section 4.8 whose path has no valid policy and
// demands one; those of its others whose name does not tell hold.
var noCommonPolicy = regexp.MustCompile(`^DifferentPoliciesTest(4|5|7|8|9|12)EE`)

// TestPKITS has the command judge all of NIST's end entities, all of the suite's
// certificates and CRLs at hand, malformed ones too, under the default settings.
// There are 223 for 224 tests: 4.8.1 takes that of 4.1.1 again.
func TestPKITS(t *testing.T) {
	const suite = "/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data"
	needed.Files(t, suite, "Debian's package python3-cryptography-vectors")
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
		case strings.HasPrefix(name, "Invalid"), noCommonPolicy.MatchString(name):
			want = exitUntrusted
		}
		judged++
		s, stdout, stderr := plainIO("verify", "--root", filepath.Join(suite, "certs", "TrustAnchorRootCertificate.crt"),
			"--untrusted", untrusted, "--crl", crls, "--at", "2015-06-01T00:00:00Z", leaf)
		if code := Certs(t.Context(), s); code != want {
			t.Errorf("%s: exit code %d, want %d: %s%s", name, code, want, stdout, stderr)
		}
	}
	if judged != 223 {
		t.Errorf("only %d end entities were judged", judged)
	}
}
