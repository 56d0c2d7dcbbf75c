package cli

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mozilla-releng/cot/fixtures/needed"
	"github.com/mozilla-releng/cot/internal/keystore"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// OpenSSL holds the signature of an envelope under the key, over the
// pre-authentication encoding as DSSE's protocol.md has it, and over nothing else.
func TestOpenSSLVerifiesEnvelopes(t *testing.T) {
	needed.Programs(t, "openssl")
	for kind, options := range map[keystore.Kind][]string{
		keystore.Ed25519: {"-rawin"},
		keystore.P256:    {"-rawin", "-digest", "sha256"},
		keystore.P384:    {"-rawin", "-digest", "sha384"},
		keystore.RSA3072: {"-rawin", "-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:32"},
	} {
		signer, err := kind.Generate()
		if err != nil {
			t.Fatal(err)
		}
		statement := []byte("{\"a\": \"größe\"}\n")
		text, err := seal(statement, &keystore.Key{Signer: signer})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		public, err := x509.MarshalPKIXPublicKey(signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		write := func(name string, data []byte) string {
			name = filepath.Join(dir, name)
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
			return name
		}
		key := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
		e, err := strictjson.ParseObject(bytes.TrimSpace(text), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		one := e["signatures"].([]any)[0].(map[string]any)
		decode := func(v any) []byte {
			b, err := base64.StdEncoding.DecodeString(v.(string))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if got := decode(e["payload"]); !bytes.Equal(got, statement) {
			t.Errorf("the payload is %q", got)
		}
		sig := write("sig", decode(one["sig"]))
		for body, holds := range map[string]bool{
			"DSSEv1 28 application/vnd.in-toto+json 17 {\"a\": \"größe\"}\n": true,
			"DSSEv1 28 application/vnd.in-toto+json 17 {\"a\": \"größe\"}\r": false,
			"{\"a\": \"größe\"}\n": false,
		} {
			args := append([]string{"pkeyutl", "-verify", "-pubin", "-inkey", key, "-sigfile", sig, "-in", write("body", []byte(body))}, options...)
			out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
			if (err == nil) != holds {
				t.Errorf("%s over %q: %v: %s", kind, body, err, out)
			}
		}
	}
}
