package pgp

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures/gnupg"
)

var made = time.Date(2017, 3, 1, 12, 0, 0, 0, time.UTC)

type desk struct {
	*gnupg.Home
	t testing.TB
}

func newDesk(t testing.TB) desk { return desk{gnupg.New(t, made), t} }

func (d desk) ring(now time.Time, names ...string) *Keyring {
	d.t.Helper()
	keys, err := ParseKeys(d.Run("", append([]string{"--export"}, names...)...))
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := NewKeyring(keys, now)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

const text = "{\n  \"dashes\": [\n- 1,\n-2],   \n  \"From\": \"-----BEGIN\"\n}\n"

func TestWhatGnuPGMakes(t *testing.T) {
	d := newDesk(t)
	for name, algorithm := range map[string]string{
		"rsa2048": "rsa2048", "rsa3072": "rsa3072", "ed25519": "ed25519", "p256": "nistp256", "p384": "nistp384", "p521": "nistp521",
	} {
		t.Run(name, func(t *testing.T) {
			d.Key(name, algorithm, "sign", "2y")
			for _, armored := range []bool{false, true} {
				export := []string{"--export", name}
				if armored {
					export = append([]string{"--armor"}, export...)
				}
				keys, err := ParseKeys(d.Run("", export...))
				if err != nil || len(keys) != 1 || keys[0].Fingerprint() != d.Fingerprint(name) {
					t.Fatalf("%v, %v", keys, err)
				}
				r, err := NewKeyring(keys, made.AddDate(1, 0, 0))
				if err != nil {
					t.Fatal(err)
				}
				m, err := Parse(d.Sign(text, name))
				if err != nil {
					t.Fatal(err)
				}
				want := strings.TrimSuffix(strings.ReplaceAll(text, ",\n-2],   \n", ",\n-2],\n"), "\n")
				if string(m.Text()) != want {
					t.Errorf("text %q, want %q", m.Text(), want)
				}
				s, err := r.Verify(m)
				if err != nil {
					t.Fatal(err)
				}
				if s.Primary != d.Fingerprint(name) || !s.From.Equal(made) || !s.Signed.Equal(made) || s.To.Sub(made) < 729*24*time.Hour || s.Public == nil {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

// Each changes one thing of a message that counts.
func TestMessagesThatDoNotCount(t *testing.T) {
	d := newDesk(t)
	d.Key("worker", "ed25519", "sign", "2y")
	d.Key("other", "ed25519", "sign", "2y")
	ring := d.ring(made.AddDate(1, 0, 0), "worker")
	good := string(d.Sign(text, "worker", "--digest-algo", "SHA512"))
	replace := func(old, new string) func() string {
		return func() string {
			if strings.Count(good, old) != 1 {
				t.Fatalf("%q stands %d times", old, strings.Count(good, old))
			}
			return strings.Replace(good, old, new, 1)
		}
	}
	const begin, middle, end = "-----BEGIN PGP SIGNED MESSAGE-----\n", "\n-----BEGIN PGP SIGNATURE-----\n", "-----END PGP SIGNATURE-----\n"
	for _, c := range []struct {
		name string
		edit func() string
		err  string // "" is accepted
	}{
		{"as it is", func() string { return good }, ""},
		{"lines that end in CRLF", func() string { return strings.ReplaceAll(good, "\n", "\r\n") }, ""},
		{"no end of the last line", func() string { return strings.TrimSuffix(good, "\n") }, ""},
		{"blanks at the end of a line", replace("{\n", "{ \t\n"), ""},
		{"without the header", replace("Hash: SHA512\n", ""), ""},
		{"a comment in the armor", replace(middle+"\n", middle+"Comment: none\n\n"), ""},

		{"something before", func() string { return "\n" + good }, "nothing before"},
		{"a byte order mark", func() string { return "\ufeff" + good }, "nothing before"},
		{"something after", func() string { return good + "{}\n" }, "after the signature"},
		{"an empty line after", func() string { return good + "\n" }, "after the signature"},
		{"twice", func() string { return good + good }, "after the signature"},
		{"a second message inside", replace(begin, begin+"Hash: SHA512\n\n{}\n"+begin), "not escaped"},
		{"a dash that is not escaped", replace("- -2]", "-2]"), "not escaped"},
		{"a changed text", replace("\"dashes\"", "\"DASHES\""), "does not verify"},
		{"a line more", replace(middle, "\n"+middle), "does not verify"},
		{"a blank at the start of a line", replace("  \"From\"", "   \"From\""), "does not verify"},
		{"a carriage return in a line", replace("{\n", "{\r \n"), "carriage return"},
		{"another digest named", replace("SHA512", "SHA256"), "names the digest"},
		{"a weak digest named", replace("SHA512", "MD5"), "names the digest"},
		{"an unknown digest named", replace("SHA512", "BLAKE3"), "names the digest"},
		{"two digests named", replace("SHA512", "SHA512,SHA1"), "names the digest"},
		{"the header twice", replace("Hash: SHA512\n", "Hash: SHA512\nHash: SHA512\n"), "other than one Hash"},
		{"another header", replace("Hash: SHA512\n", "Comment: x\n"), "other than one Hash"},
		{"no signature", func() string { return good[:strings.Index(good, middle)+1] }, "without a signature"},
		{"a signature that breaks off", replace(end, ""), "does not end"},
		{"text after the checksum", replace(end, "abcd\n"+end), ""},
		{"empty", func() string { return "" }, "nothing before"},
		{"SHA-1", func() string { return string(d.Sign(text, "worker", "--digest-algo", "SHA1")) }, "want SHA-256"},
		{"SHA-256", func() string { return string(d.Sign(text, "worker", "--digest-algo", "SHA256")) }, ""},
		{"two signatures", func() string { return string(d.Sign(text, "worker", "--local-user", "other")) }, "more than one signature"},
		{"a key that is not in the ring", func() string { return string(d.Sign(text, "other")) }, "not in the keyring"},
		{"a critical notation", func() string {
			return string(d.Sign(text, "worker", "--sig-notation", "!x@example.org=1"))
		}, "critical notation"},
		{"a notation", func() string { return string(d.Sign(text, "worker", "--sig-notation", "x@example.org=1")) }, ""},
		{"a detached signature", func() string { return string(d.Run(text, "--local-user", "worker", "--armor", "--detach-sign")) }, "nothing before"},
		{"a binary signature in place", func() string {
			detached := string(d.Run(strings.TrimSuffix(text, "\n"), "--local-user", "worker", "--armor", "--detach-sign"))
			return good[:strings.Index(good, middle)+1] + detached
		}, "of type 0x0"},
	} {
		if c.name == "text after the checksum" {
			c.err = "base64"
			if strings.Contains(good[strings.Index(good, middle):], "\n=") {
				c.err = "after the armor's checksum"
			}
		}
		t.Run(c.name, func(t *testing.T) {
			m, err := Parse([]byte(c.edit()))
			if err == nil {
				_, err = ring.Verify(m)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v, want %q", err, c.err)
			}
		})
	}
}

func TestKeysThatMayNotSign(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(d desk)
		err  string // "" is accepted
	}{
		{"RSA of 2048 bits", func(d desk) { d.Key("worker", "rsa2048", "sign", "2y") }, ""},
		{"RSA of 1024 bits", func(d desk) { d.Key("worker", "rsa1024", "sign", "2y") }, "RSA of 1024 bits"},
		{"DSA", func(d desk) { d.Key("worker", "dsa2048", "sign", "2y") }, "want RSA, ECDSA or Ed25519"},
		{"secp256k1", func(d desk) { d.Key("worker", "secp256k1", "sign", "2y") }, "want P-256"},
		{"brainpool", func(d desk) { d.Key("worker", "brainpoolP256r1", "sign", "2y") }, "want P-256"},
		{"a subkey for signing", func(d desk) {
			d.Key("worker", "ed25519", "cert", "2y")
			d.Run("", "--quick-add-key", d.Fingerprint("worker"), "ed25519", "sign", "1y")
		}, ""},
		{"a subkey of a weak key", func(d desk) {
			d.Key("worker", "rsa1024", "cert", "2y")
			d.Run("", "--quick-add-key", d.Fingerprint("worker"), "ed25519", "sign", "1y")
		}, "RSA of 1024 bits"},
		{"a weak subkey", func(d desk) {
			d.Key("worker", "ed25519", "cert", "2y")
			d.Run("", "--quick-add-key", d.Fingerprint("worker"), "rsa1024", "sign", "1y")
		}, "RSA of 1024 bits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			c.make(d)
			m, err := Parse(d.Sign(text, "worker"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.ring(made.AddDate(0, 1, 0), "worker").Verify(m)
			var unfit *KeyError
			if c.err == "" && err != nil || c.err != "" && (!errors.As(err, &unfit) || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v, want %q", err, c.err)
			}
		})
	}
}

func TestRevokedKeys(t *testing.T) {
	for name, revoke := range map[string]func(d desk){
		"the key": func(d desk) {
			cert, err := os.ReadFile(d.Dir + "/openpgp-revocs.d/" + strings.ToUpper(d.Fingerprint("worker")) + ".rev")
			if err != nil {
				d.t.Fatal(err)
			}
			_, block, _ := strings.Cut(string(cert), ":-----BEGIN")
			d.Run("-----BEGIN"+block, "--import")
		},
		"the subkey that signed": func(d desk) {
			d.Run("key 1\nrevkey\ny\n3\n\ny\nsave\n", "--command-fd", "0", "--edit-key", d.Fingerprint("worker"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.Key("worker", "ed25519", "cert", "2y")
			d.Run("", "--quick-add-key", d.Fingerprint("worker"), "ed25519", "sign", "1y")
			m, err := Parse(d.Sign(text, "worker"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.ring(made.AddDate(0, 1, 0), "worker").Verify(m); err != nil {
				t.Fatal(err)
			}
			d.Now = made.Add(time.Hour)
			revoke(d)
			var unfit *KeyError
			if _, err := d.ring(made.AddDate(0, 1, 0), "worker").Verify(m); !errors.As(err, &unfit) || !strings.Contains(err.Error(), "is revoked") {
				t.Errorf("a revoked key signs: %v", err)
			}
		})
	}
}

// A revocation that nobody can verify counts; a certification of that kind is
// nothing to the key.
func TestUnreadableRevocations(t *testing.T) {
	d := newDesk(t)
	d.Key("worker", "ed25519", "sign", "2y")
	export := d.Run("", "--export", "worker")
	m, err := Parse(d.Sign(text, "worker"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		packet  []byte
		revoked bool
	}{
		"certification":               {[]byte{4, 0x10, 99, 8, 0, 0}, false},
		"of the key":                  {[]byte{4, 0x20, 99, 8, 0, 0}, true},
		"of the key, version 3":       {[]byte{3, 5, 0x20, 0, 0, 0, 0}, true},
		"of the user id":              {[]byte{4, 0x30, 99, 8, 0, 0}, true},
		"of a subkey, without any":    {[]byte{4, 0x28, 99, 8, 0, 0}, true},
		"of the key, unknown version": {[]byte{9, 0x20, 99, 8, 0, 0}, true},
	} {
		keys, err := ParseKeys(slices.Concat(export, []byte{0xc2, byte(len(c.packet))}, c.packet))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r, err := NewKeyring(keys, made)
		if err != nil {
			t.Fatal(err)
		}
		var unfit *KeyError
		if _, err := r.Verify(m); errors.As(err, &unfit) != c.revoked || err != nil && !c.revoked {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyrings(t *testing.T) {
	d := newDesk(t)
	d.Key("a", "ed25519", "sign", "2y")
	d.Key("b", "ed25519", "sign", "2y")
	a, b := d.Run("", "--armor", "--export", "a"), d.Run("", "--armor", "--export", "b")
	binary := d.Run("", "--export", "a", "b")
	for _, c := range []struct {
		name string
		data []byte
		keys int
		err  string
	}{
		{"binary", binary, 2, ""},
		{"two blocks", bytes.Join([][]byte{a, b}, nil), 2, ""},
		{"two blocks with an empty line between", bytes.Join([][]byte{a, b}, []byte("\n")), 2, ""},
		{"empty", nil, 0, "no public key"},
		{"text between blocks", bytes.Join([][]byte{a, b}, []byte("a note\n")), 0, "want a block"},
		{"text before", append([]byte("note\n"), a...), 0, "malformed"},
		{"a block that breaks off", a[:bytes.LastIndex(a, []byte("-----END"))], 0, "does not end"},
		{"binary that breaks off", binary[:len(binary)-5], 0, "malformed"},
		{"binary with something after", append(bytes.Clone(binary), 0), 0, "malformed"},
		{"a private key", d.Run("", "--export-secret-keys", "a"), 0, "private key"},
		{"a private key in armor", d.Run("", "--armor", "--export-secret-keys", "a"), 0, "want a block"},
		{"a signature", d.Run("x", "--local-user", "a", "--detach-sign"), 0, "no public key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, err := ParseKeys(c.data)
			if len(keys) != c.keys || c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%d keys, %v, want %q", len(keys), err, c.err)
			}
		})
	}
	keys, err := ParseKeys(binary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewKeyring(append(keys, keys[0]), made); err == nil || !strings.Contains(err.Error(), "stands twice") {
		t.Errorf("a key twice: %v", err)
	}
	if _, err := NewKeyring(nil, made); err == nil {
		t.Error("a ring without keys")
	}
}

// What is thrown at the parsers never panics, and what verifies is what was
// signed.
func FuzzParse(f *testing.F) {
	d := newDesk(f)
	d.Key("worker", "ed25519", "sign", "0")
	ring := d.ring(made, "worker")
	good := d.Sign(text, "worker")
	f.Add(good)
	f.Add(bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")))
	want, err := Parse(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		if _, err := ring.Verify(m); err == nil && !bytes.Equal(m.Text(), want.Text()) {
			t.Fatalf("verifies: %q", m.Text())
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	d := newDesk(f)
	d.Key("worker", "ed25519", "sign", "0")
	f.Add(d.Run("", "--export", "worker"))
	f.Add(d.Run("", "--armor", "--export", "worker"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseKeys(data)
		if err != nil {
			return
		}
		if r, err := NewKeyring(keys, made); err == nil && len(r.byID) == 0 {
			t.Fatal("an empty ring")
		}
	})
}
