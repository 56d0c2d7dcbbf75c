package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures/gnupg"
)

// A keyring is a directory beside the policy, or a file; never one where inputs
// go, and never one that a link leads to outside.
func TestKeyringOfAPolicy(t *testing.T) {
	g := gnupg.New(t, time.Date(2017, 3, 1, 12, 0, 0, 0, time.UTC))
	g.Key("worker", "ed25519", "sign", "2y")
	dir, outside := t.TempDir(), t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{dir, outside} {
		if err := os.Mkdir(filepath.Join(d, "old-keys"), 0o755); err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(d, "old-keys", "worker.asc"), g.Export("worker"))
	}
	if err := os.Symlink(filepath.Join(outside, "old-keys"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Skip(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(dir, "policy.yml")
	for keyring, want := range map[string]string{
		"old-keys/": "", "old-keys": "", "old-keys/worker.asc": "",
		"old-keys/worker.asc/": "can't read", "absent": "can't read", "elsewhere": "can't read", "empty/": "is empty",
	} {
		write(policy, []byte("apiVersion: cot/v1\nname: audit\nextends: firefox-ci\nsigners: {pgp: {keyring: "+keyring+"}}\n"))
		p, err := readPolicy(policy, "", func(string, []byte) {})
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", keyring, err, want)
			}
			continue
		}
		if err != nil || len(p.PGP.Keys) != 1 {
			t.Fatalf("%s: %+v, %v", keyring, p, err)
		}
		var out bytes.Buffer
		explainPolicy(&out, p, nil)
		if !strings.Contains(out.String(), "OpenPGP key, in archives alone: "+g.Fingerprint("worker")) {
			t.Errorf("%s: %s", keyring, out.String())
		}
		if _, err := readPolicy(policy, filepath.Join(dir, "old-keys"), func(string, []byte) {}); err == nil || !strings.Contains(err.Error(), "below the destination") {
			t.Errorf("%s below the destination: %v", keyring, err)
		}
	}
}
