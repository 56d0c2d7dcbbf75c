package keystore

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func passphrase(s string) Passphrase { return func(string) ([]byte, error) { return []byte(s), nil } }

func TestKeysAreReadAsWritten(t *testing.T) {
	for _, kind := range Kinds() {
		if kind == string(RSA4096) {
			continue // slow to make, and RSA is among them
		}
		k, err := ParseKind(kind)
		if err != nil {
			t.Fatal(err)
		}
		key, err := k.Generate()
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"", "correct horse"} {
			name := filepath.Join(t.TempDir(), "key")
			if err := Create(name, key, []byte(secret)); err != nil {
				t.Fatal(err)
			}
			got, err := Open(t.Context(), name, passphrase(secret))
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if !got.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
				t.Errorf("%s: another key", kind)
			}
			if err := got.Close(); err != nil {
				t.Error(err)
			}
			if err := Create(name, key, nil); !errors.Is(err, fs.ErrExist) {
				t.Errorf("overwritten: %v", err)
			}
		}
	}
}

// Padding alone lets a wrong passphrase in 256 pass; parsing does not.
func TestWrongPassphrase(t *testing.T) {
	key, err := Ed25519.Generate()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "key")
	if err := Create(name, key, []byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), name, passphrase("wrong zebra")); !errors.Is(err, ErrPassphrase) || strings.Contains(err.Error(), "zebra") {
		t.Error(err)
	}
	if _, err := Open(t.Context(), name, nil); err == nil {
		t.Error("opened without a passphrase")
	}
}

func TestOthersMustNotRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes are not Windows'")
	}
	key, err := Ed25519.Generate()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "key")
	if err := Create(name, key, nil); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	for mode, ok := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o601: false} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		for _, n := range []string{name, link} {
			if _, err := Open(t.Context(), n, nil); (err == nil) != ok {
				t.Errorf("%s with mode %04o: %v", n, mode, err)
			}
		}
	}
	if _, err := Open(t.Context(), dir, nil); err == nil {
		t.Error("a directory is a key")
	}
}

func TestURIs(t *testing.T) {
	for name, want := range map[string]bool{
		"awskms:key-id=x": true, "pkcs11:token=x": true, "CLOUDKMS:projects/x": true, "azurekms:name=x;vault=y": true,
		"worker.key": false, `C:\worker.key`: false, "softkms:worker.key": false, "file:worker.key": false, "./awskms:x": false, "": false,
	} {
		if IsURI(name) != want {
			t.Errorf("%q: want %t", name, want)
		}
	}
	var unsupported *UnsupportedError
	if _, err := Open(t.Context(), "pkcs11:token=t;object=o", nil); !errors.As(err, &unsupported) {
		t.Error(err)
	}
	if _, err := Open(t.Context(), "pkcs11:token=t;object=o?pin-value=4321", nil); !errors.Is(err, ErrSecretInURI) || strings.Contains(err.Error(), "4321") {
		t.Error(err)
	}
	if got := Redact("pkcs11:token=t?pin-value=4321&x=y"); got != "pkcs11:token=t?pin-value=…&x=y" {
		t.Error(got)
	}
}

// No error shows a byte of what was in the file.
func FuzzDecode(f *testing.F) {
	key, err := Ed25519.Generate()
	if err != nil {
		f.Fatal(err)
	}
	plain, err := Encode(key, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add([]byte(strings.Replace(string(plain), "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", 2)))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("secret")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		signer, err := decode("key", bytes.Clone(data), passphrase("x"))
		if err == nil && signer == nil {
			t.Error("neither a key nor an error")
		}
	})
}
