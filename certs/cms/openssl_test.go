package cms

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures/needed"
)

// desk is a directory with a worker's files and the real openssl.
type desk struct {
	t   testing.TB
	dir string
}

func newDesk(t testing.TB, w worker) desk {
	t.Helper()
	needed.Program(t, "openssl")
	d := desk{t, t.TempDir()}
	d.worker("", w)
	d.worker("other-", a("P-384"))
	d.write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca().cert.Raw}))
	d.write("document", content)
	return d
}

func (d desk) worker(prefix string, w worker) {
	d.t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(w.key)
	if err != nil {
		d.t.Fatal(err)
	}
	d.write(prefix+"key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	d.write(prefix+"leaf.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.cert.Raw}))
}

func (d desk) write(name string, b []byte) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), b, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// run gives what openssl writes to its standard output.
func (d desk) run(args ...string) ([]byte, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = d.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		d.t.Logf("openssl %s: %s", strings.Join(args, " "), stderr.Bytes())
	}
	return out, err
}

func (d desk) sign(args ...string) []byte {
	d.t.Helper()
	out, err := d.run(append([]string{"cms", "-sign", "-binary", "-in", "document", "-signer", "leaf.pem", "-inkey", "key.pem"}, args...)...)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func TestOpenSSLSigns(t *testing.T) {
	for _, c := range []struct {
		name, key, args string
		err             string
	}{
		{"P-256", "P-256", "", ""},
		{"P-384", "P-384", "", ""},
		{"P-384, SHA-384", "P-384", "-md sha384", ""},
		{"P-256, no attributes", "P-256", "-noattr", ""},
		{"P-256, no capabilities", "P-256", "-nosmimecap", ""},
		{"P-256, key identifier", "P-256", "-keyid", ""},
		{"P-256, chain", "P-256", "-certfile ca.pem", ""},
		{"P-256, SHA-1", "P-256", "-md sha1", "want digest algorithm"},
		{"P-256, no certificates", "P-256", "-nocerts", "no certificates"},
		{"P-256, attached", "P-256", "-nodetach", "want a detached signature"},
		{"P-256, two signers", "P-256", "-signer other-leaf.pem -inkey other-key.pem", "found more"},
		{"P-521", "P-521", "", "want an ECDSA key on P-256 or P-384"},
		{"RSA 3072", "RSA-3072", "", ""},
		{"RSA 3072, SHA-512", "RSA-3072", "-md sha512", ""},
		{"RSA 3072, no attributes", "RSA-3072", "-noattr", ""},
		{"RSA 3072, PSS", "RSA-3072", "-keyopt rsa_padding_mode:pss", ""},
		{"RSA 3072, PSS, digest as salt", "RSA-3072", "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest", ""},
		{"RSA 3072, PSS, SHA-384, no attributes", "RSA-3072", "-md sha384 -noattr -keyopt rsa_padding_mode:pss", ""},
		{"RSA 3072, PSS, no salt", "RSA-3072", "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:0", "a salt shorter"},
		{"RSA 3072, PSS, SHA-1 mask", "RSA-3072", "-keyopt rsa_padding_mode:pss -keyopt rsa_mgf1_md:sha1", "RSA-PSS"},
		{"RSA 2048", "RSA-2048", "", "found 2048"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := a(c.key)
			d := newDesk(t, w)
			for _, form := range []string{"DER", "PEM"} {
				data := d.sign(append(strings.Fields(c.args), "-outform", form)...)
				if c.err != "" {
					refuse(t, data, content, Options{}, c.err)
					continue
				}
				s := accept(t, data, content, Options{})
				if !s.Signer.Equal(w.cert) || len(s.Signature) == 0 {
					t.Fatalf("signer %s", s.Signer.Subject)
				}
				if age := time.Since(s.SigningTime); strings.Contains(c.args, "-noattr") != s.SigningTime.IsZero() || !s.SigningTime.IsZero() && (age < -time.Minute || age > time.Hour) {
					t.Fatalf("signing time %s", s.SigningTime)
				}
				refuse(t, data, content[1:], Options{}, "")
			}
		})
	}
	t.Run("streamed, of indefinite length", func(t *testing.T) {
		d := newDesk(t, a("P-256"))
		refuse(t, d.sign("-nodetach", "-stream", "-outform", "DER"), content, Options{}, "not a ContentInfo in DER")
	})
}

func TestOpenSSLVerifies(t *testing.T) {
	for _, kind := range []string{"P-256", "P-384", "RSA-3072"} {
		t.Run(kind, func(t *testing.T) {
			w := a(kind)
			d := newDesk(t, w)
			der, err := Sign(content, w.key, w.cert, []*x509.Certificate{ca().cert}, noon, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			d.write("document.p7s", der)
			verify := []string{"cms", "-verify", "-binary", "-inform", "DER", "-in", "document.p7s", "-CAfile", "ca.pem", "-purpose", "any", "-attime", "1780315200", "-content"}
			out, err := d.run(append(verify, "document")...)
			if err != nil || !bytes.Equal(out, content) {
				t.Fatalf("%q, %v", out, err)
			}
			d.write("other", content[1:])
			if _, err := d.run(append(verify, "other")...); err == nil {
				t.Fatal("openssl takes other content")
			}
			// Encoding it anew changes nothing: it is DER.
			if again, err := d.run("cms", "-cmsout", "-inform", "DER", "-in", "document.p7s", "-outform", "DER"); err != nil || !bytes.Equal(again, der) {
				t.Fatalf("openssl writes it differently: %v", err)
			}
		})
	}
}
