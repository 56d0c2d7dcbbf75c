package timestamp

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures/needed"
	"github.com/mozilla-releng/cot/fixtures/tsa"
)

const config = `
[tsa]
default_tsa = t
[t]
serial = ./serial
crypto_device = builtin
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha1, sha256, sha384, sha512
signer_digest = sha256
ess_cert_id_alg = %s
ess_cert_id_chain = %s
tsa_name = %s
ordering = %s
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = %s
`

// desk is a directory with an authority's files and the real openssl.
type desk struct {
	t         testing.TB
	dir       string
	authority *tsa.Authority
}

func newDesk(t testing.TB) desk {
	t.Helper()
	needed.Program(t, "openssl")
	d := desk{t, t.TempDir(), tsa.New(time.Now)}
	key, err := x509.MarshalPKCS8PrivateKey(d.authority.Key)
	if err != nil {
		t.Fatal(err)
	}
	d.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	d.write("tsa.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.authority.Certificate.Raw}))
	d.write("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.authority.Root.Raw}))
	d.write("message", message)
	d.write("serial", []byte("01\n"))
	d.configure("sha256", "no", "no", "no", "0")
	return d
}

func (d desk) configure(values ...any) { d.write("tsa.cnf", fmt.Appendf(nil, config, values...)) }

func (d desk) write(name string, b []byte) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), b, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d desk) run(args ...string) ([]byte, error) {
	cmd := exec.Command("openssl", append([]string{"ts"}, args...)...)
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Logf("openssl ts %s: %s", strings.Join(args, " "), out)
	}
	return out, err
}

// reply has openssl answer a request.
func (d desk) reply(request []byte, args ...string) []byte {
	d.t.Helper()
	d.write("request.tsq", request)
	args = append([]string{"-reply", "-config", "tsa.cnf", "-section", "t", "-queryfile", "request.tsq", "-inkey", "key.pem", "-signer", "tsa.pem", "-out", "reply.tsr"}, args...)
	if _, err := d.run(args...); err != nil {
		d.t.Fatal(err)
	}
	return d.read("reply.tsr")
}

func (d desk) read(name string) []byte {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func TestOpenSSLReplies(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		name, config, args string
	}{
		{"ESSCertIDv2", "sha256 no no no 0", ""},
		{"ESSCertIDv2 by SHA-512", "sha512 no no no 0", ""},
		{"ESSCertID", "sha1 no no no 0", ""},
		{"ESSCertID with the chain", "sha1 yes no no 0", "-chain root.pem"},
		{"ESSCertIDv2 with the chain", "sha256 yes no no 0", "-chain root.pem"},
		{"name and ordering", "sha256 no yes yes 0", ""},
		{"a fraction of a second", "sha256 no no no 6", ""},
		{"another policy", "sha256 no no no 0", "-tspolicy 1.2.3.4.5"},
		{"signed with SHA-512", "sha256 no no no 0", "-sha512"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := d
			d.t = t
			var values []any
			for _, v := range strings.Fields(c.config) {
				values = append(values, v)
			}
			d.configure(values...)
			got := accept(t, d.reply(NewRequest(message, nonce), strings.Fields(c.args)...))
			if age := time.Since(got.Time); age < -time.Minute || age > time.Hour || got.Accuracy != 1500100*time.Microsecond || !got.Signer.Equal(d.authority.Certificate) {
				t.Fatalf("%+v", got)
			}
			if want := strings.Contains(c.args, "tspolicy"); want != (got.Policy == "1.2.3.4.5") || got.Ordering != strings.HasSuffix(c.config, "yes 0") {
				t.Fatalf("%+v", got)
			}
		})
	}
	t.Run("rejection", func(t *testing.T) {
		d := d
		d.t = t
		d.configure("sha256", "no", "no", "no", "0")
		if _, err := d.run("-query", "-data", "message", "-md5", "-cert", "-out", "q.tsq"); err != nil {
			t.Fatal(err)
		}
		refuse(t, d.reply(d.read("q.tsq")), "2 (rejection), badAlg")
	})
	t.Run("SHA-1", func(t *testing.T) {
		d := d
		d.t = t
		if _, err := d.run("-query", "-data", "message", "-sha1", "-cert", "-out", "q.tsq"); err != nil {
			t.Fatal(err)
		}
		refuse(t, d.reply(d.read("q.tsq")), "want an imprint by SHA-256")
	})
	t.Run("its own request", func(t *testing.T) {
		d := d
		d.t = t
		for args, err := range map[string]string{"-sha384 -cert": "", "-sha256 -no_nonce -cert": "", "-sha256": "no certificates"} {
			if _, e := d.run(append(strings.Fields("-query -data message -out q.tsq"), strings.Fields(args)...)...); e != nil {
				t.Fatal(e)
			}
			if _, e := Parse(d.reply(d.read("q.tsq")), message, nil); (e == nil) != (err == "") || e != nil && !strings.Contains(e.Error(), err) {
				t.Errorf("%s: want %q, found %v", args, err, e)
			}
		}
	})
}

func TestOpenSSLReadsTheRequest(t *testing.T) {
	d := newDesk(t)
	d.write("request.tsq", NewRequest(message, nonce))
	out, err := d.run("-query", "-in", "request.tsq", "-text")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Version: 1", "Hash Algorithm: sha256", "Nonce: 0x7FFFFFFFFFFF", "Certificate required: yes", "Policy OID: unspecified"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
	// And makes the same bytes of the same values.
	if _, err := d.run("-query", "-data", "message", "-sha256", "-cert", "-no_nonce", "-out", "theirs.tsq"); err != nil {
		t.Fatal(err)
	}
	if ours := NewRequest(message, nil); !bytes.Equal(ours, d.read("theirs.tsq")) {
		t.Errorf("ours %x\ntheirs %x", ours, d.read("theirs.tsq"))
	}
}

func TestOpenSSLVerifies(t *testing.T) {
	d := newDesk(t)
	for name, reply := range map[string][]byte{
		"openssl's authority": d.reply(NewRequest(message, nonce)),
		"the tests' own":      ask(t, d.authority, message, nonce),
	} {
		t.Run(name, func(t *testing.T) {
			d := d
			d.t = t
			accept(t, reply)
			d.write("request.tsq", NewRequest(message, nonce))
			d.write("reply.tsr", reply)
			for _, by := range []string{"-queryfile request.tsq", "-data message"} {
				if out, err := d.run(append(strings.Fields("-verify -in reply.tsr -CAfile root.pem"), strings.Fields(by)...)...); err != nil || !bytes.Contains(out, []byte("Verification: OK")) {
					t.Errorf("%s: %v\n%s", by, err, out)
				}
			}
		})
	}
}
