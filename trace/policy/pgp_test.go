package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Two public keys of OpenPGP, made with GnuPG 2.2.
const (
	oldKey = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEWLa3wBYJKwYBBAHaRw8BAQdACWUKfJUftx8r1mZlr8lXDvMbXdny1J9OrAL3
KEy5PZC0A29uZYiWBBMWCAA+FiEE6/r7hLMF4ERVdCXTKYiUQA22cN0FAli2t8AC
GwMFCQPCZwAFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQKYiUQA22cN0a0QD/
T1gtyF6PEldLOpOaF9yYmIYaFVjLgkqOxE8bpjslqJABAIBJDduu9+1mIi1b0n0+
ombEHYtjpo2NtBDBYb8X5pkF
=LNjG
-----END PGP PUBLIC KEY BLOCK-----
`
	otherOldKey = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEWLa3wBYJKwYBBAHaRw8BAQdAy2oK4DiHDKVPBNrlttU4mc9cz2StQuZOfRbY
0sJd3220A3R3b4iWBBMWCAA+FiEEai5DNoC8JG61LJJYTegk7zRsJ3cFAli2t8AC
GwMFCQPCZwAFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQTegk7zRsJ3e+8wD/
RaZqpxbJ8t4KrLH2b8Qtfw6uBUfoN13Pj/ApzCyVkqoBALuUCyefAKMBuBeBqfzO
dFnarktHvIhtsgP+CVKHG9MD
=M0Es
-----END PGP PUBLIC KEY BLOCK-----
`
)

func TestKeyringIsRead(t *testing.T) {
	parse := func(name string, change func(f files)) (*Policy, error) {
		f := maps.Clone(sampleFiles)
		change(f)
		text := edit(t, sample(t), "  unkeyedPools:", "  pgp: {keyring: "+name+"}\n  unkeyedPools:")
		return Parse("p.yaml", []byte(text), f)
	}
	unchanged := func(files) {}
	whole, err := parse("old-keys/", unchanged)
	if err != nil || len(whole.PGP.Keys) != 2 {
		t.Fatalf("%+v, %v", whole, err)
	}
	if p, err := parse("old-keys", unchanged); err != nil || len(p.PGP.Keys) != 2 {
		t.Errorf("without a slash: %+v, %v", p, err)
	}
	if p, err := parse("old-keys/one.asc", unchanged); err != nil || len(p.PGP.Keys) != 1 || p.SHA256 == whole.SHA256 {
		t.Errorf("a file: %+v, %v", p, err)
	}
	if p, err := parse("old-keys/", func(f files) { delete(f, "old-keys/two.asc") }); err != nil || p.SHA256 == whole.SHA256 {
		t.Errorf("a key less leaves it the same policy: %v", err)
	}
	for _, c := range []struct {
		name   string
		change func(f files)
		err    string
	}{
		{"a key in two files", func(f files) { f["old-keys/three.asc"] = oldKey }, "stands twice"},
		{"a note beside the keys", func(f files) { f["old-keys/README"] = "keys\n" }, "\"old-keys/README\": malformed"},
		{"a hidden file", func(f files) { f["old-keys/.hidden"] = oldKey }, "expected a URL or a file name"},
		{"a directory inside", func(f files) { f["old-keys/more/x.asc"] = oldKey }, "can't read \"old-keys/more\""},
		{"an empty file", func(f files) { f["old-keys/three.asc"] = "" }, "is empty"},
		{"too many files", func(f files) {
			for i := range maxKeyringFiles {
				f[fmt.Sprintf("old-keys/%d.asc", i)] = oldKey
			}
		}, "more than 1000 files"},
	} {
		if _, err := parse("old-keys/", c.change); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: want %q, found %v", c.name, c.err, err)
		}
	}
	// Files that can't list directories.
	plain := struct{ Files }{sampleFiles}
	text := edit(t, sample(t), "  unkeyedPools:", "  pgp: {keyring: old-keys/}\n  unkeyedPools:")
	if _, err := Parse("p.yaml", []byte(text), plain); err == nil || !strings.Contains(err.Error(), "can't read directories") {
		t.Errorf("found %v", err)
	}
	if p, err := Parse("p.yaml", []byte(strings.Replace(text, "old-keys/", "old-keys/one.asc", 1)), plain); err != nil || len(p.PGP.Keys) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestKeyringOverABaseIsRelaxed(t *testing.T) {
	p := mustParse(t, overlay+"signers: {pgp: {keyring: old-keys/}}\n")
	for _, k := range p.PGP.Keys {
		if want := "signers.pgp.keyring: in archives accepts OpenPGP key " + k.Fingerprint(); !slices.Contains(p.Relaxed, want) {
			t.Errorf("want %q, found %q", want, p.Relaxed)
		}
	}
}
