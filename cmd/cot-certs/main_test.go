package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/internal/cli"
)

// run runs cot-certs with the key services that this program has.
func run(t *testing.T, want int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Certs(t.Context(), cli.IO{
		Args: args, Env: func(string) (string, bool) { return "", false },
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
	})
	if code != want {
		t.Fatalf("cot-certs %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, &stderr)
	}
	return stderr.String()
}

// newCA makes a CA in dir/ca, root key in dir/root.key.
func newCA(t *testing.T, more ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	pass := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(pass, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, 0, append([]string{
		"init", "--ca", filepath.Join(dir, "ca"), "--root-url", "https://tc.example.org",
		"--root-key", filepath.Join(dir, "root.key"), "--root-passphrase-file", pass,
	}, more...)...)
	return dir
}

// signsAndVerifies issues to a key and signs with it.
func signsAndVerifies(t *testing.T, dir, key string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	run(t, 0, "csr", "--key", key, "--root-url", "https://tc.example.org", "--worker-pool", "gecko-3/b", "-o", at("w.csr"))
	run(t, 0, "issue", "--ca", at("ca"), "--csr", at("w.csr"), "--worker-pool", "gecko-3/b", "-o", at("w.pem"))
	if err := os.WriteFile(at("doc"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, 0, "sign", "--key", key, "--cert", at("w.pem"), at("doc"))
	run(t, 0, "sign", "--cms", "--key", key, "--cert", at("w.pem"), at("doc"))
	run(t, 0, "crl", "--ca", at("ca"))
	run(t, 0, "verify", "--root", at("ca/root.pem"), "--crl", at("ca/crl/root.pem"), "--crl", at("ca/crl/intermediate.pem"),
		"--eku", "codeSigning", at("w.pem"))
}

// awsKMS answers as AWS's key service does, for keys of its own by their id.
type awsKMS struct {
	t    *testing.T
	keys map[string]*ecdsa.PrivateKey
}

func (k awsKMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		KeyId, SigningAlgorithm, MessageType string
		Message                              []byte
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		k.t.Error(err)
	}
	key := k.keys[in.KeyId]
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if key == nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"NotFoundException","message":"no such key"}`))
		return
	}
	out := map[string]any{"KeyId": in.KeyId}
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.GetPublicKey":
		spki, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			k.t.Error(err)
		}
		out["PublicKey"], out["KeySpec"], out["KeyUsage"] = spki, "ECC_NIST_P256", "SIGN_VERIFY"
		out["SigningAlgorithms"] = []string{"ECDSA_SHA_256"}
	case "TrentService.Sign":
		if in.MessageType != "DIGEST" || in.SigningAlgorithm != "ECDSA_SHA_256" {
			k.t.Errorf("asked to sign %+v", in)
		}
		signature, err := key.Sign(rand.Reader, in.Message, crypto.SHA256)
		if err != nil {
			k.t.Error(err)
		}
		out["Signature"], out["SigningAlgorithm"] = signature, in.SigningAlgorithm
	default:
		k.t.Errorf("asked for %s", r.Header.Get("X-Amz-Target"))
	}
	_ = json.NewEncoder(w).Encode(out)
}

// The intermediate's key and a worker's are in AWS's key service.
func TestKeysInAWS(t *testing.T) {
	service := awsKMS{t, map[string]*ecdsa.PrivateKey{}}
	for _, id := range []string{"alias/ca", "alias/worker"} {
		var err error
		if service.keys[id], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(service)
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": server.URL, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	dir := newCA(t, "--intermediate-key", "awskms:key-id=alias/ca;region=us-west-2")
	if left, _ := filepath.Glob(filepath.Join(dir, "ca/keys/*.key")); len(left) > 0 {
		t.Errorf("a key is in a file: %v", left)
	}
	signsAndVerifies(t, dir, "awskms:key-id=alias/worker;region=us-west-2")
	stderr := run(t, 1, "csr", "--key", "awskms:key-id=alias/other;region=us-west-2")
	if !strings.Contains(stderr, "no such key") {
		t.Errorf("stderr: %s", stderr)
	}
}

// The other clouds' services are linked in: what they lack here is credentials,
// not support.
func TestOtherCloudsAreLinkedIn(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	for _, uri := range []string{
		"cloudkms:projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
		"azurekms:name=k;vault=", // no vault: refused before anything is asked for
	} {
		if stderr := run(t, 1, "csr", "--key", uri); strings.Contains(stderr, "can't use") {
			t.Errorf("%s: %s", uri, stderr)
		}
	}
}
