package cli

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/mozilla-releng/cot/certs/cms"
	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/certs/signing"
	"github.com/mozilla-releng/cot/certs/timestamp"
	fixture "github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/fixtures/needed"
	"github.com/mozilla-releng/cot/internal/keystore"
)

// runCerts runs cot-certs within the test and gives what it said.
func runCerts(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	s, out, err := plainIO(args...)
	s.tune = impatient
	if code := Certs(t.Context(), s); code != want {
		t.Fatalf("cot-certs %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, err)
	}
	return out.String(), err.String()
}

// writeTest writes a file for its user alone.
func writeTest(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// testCA makes a CA in a directory of its own.
func testCA(t *testing.T, more ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	pass := writeTest(t, filepath.Join(dir, "passphrase"), "correct horse battery\n")
	runCerts(t, exitOK, append([]string{
		"init", "--ca", filepath.Join(dir, "ca"), "--root-url", "https://tc.example.org",
		"--root-key", filepath.Join(dir, "root.key"), "--root-passphrase-file", pass,
	}, more...)...)
	return dir
}

// Writers at the same time lose no line of the index, and no CRL number is used
// twice. Each program has its own open lock, as processes have.
func TestWritersAtTheSameTime(t *testing.T) {
	dir := testCA(t)
	const n = 12
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			s, _, stderr := plainIO("issue", "--ca", filepath.Join(dir, "ca"), "--worker-pool", fmt.Sprintf("gecko-3/b%d", i),
				"--new-key", filepath.Join(dir, fmt.Sprintf("%d.key", i)), "-o", filepath.Join(dir, fmt.Sprintf("%d.pem", i)))
			if code := Certs(t.Context(), s); code != exitOK {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			s, _, stderr = plainIO("crl", "--ca", filepath.Join(dir, "ca"))
			if code := Certs(t.Context(), s); code != exitOK {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
	wg.Wait()
	index, err := os.ReadFile(filepath.Join(dir, "ca", "index"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if !strings.Contains(string(index), fmt.Sprintf("/gecko-3/b%d\t", i)) {
			t.Errorf("the index lacks b%d", i)
		}
	}
	number, err := os.ReadFile(filepath.Join(dir, "ca", "crlnumber"))
	if err != nil || string(number) != fmt.Sprintf("%d\n", n+2) {
		t.Errorf("crlnumber is %q, want %d: %v", number, n+2, err)
	}
}

// A CRL takes nothing back, also where the index is from a backup that is older
// than a revocation.
func TestCRLKeepsWhatTheIndexLost(t *testing.T) {
	dir := testCA(t)
	ca := filepath.Join(dir, "ca")
	for _, name := range []string{"a", "b"} {
		runCerts(t, exitOK, "issue", "--ca", ca, "--worker-pool", "gecko-3/"+name,
			"--new-key", filepath.Join(dir, name+".key"), "-o", filepath.Join(dir, name+".pem"))
	}
	backup, err := os.ReadFile(filepath.Join(ca, "index"))
	if err != nil {
		t.Fatal(err)
	}
	runCerts(t, exitOK, "revoke", "--ca", ca, filepath.Join(dir, "a.pem"), "--reason", "keyCompromise", "--invalid-since", "2026-03-01T00:00:00Z")
	writeTest(t, filepath.Join(ca, "index"), string(backup))
	_, said := runCerts(t, exitOK, "revoke", "--ca", ca, filepath.Join(dir, "b.pem"), "--reason", "superseded")
	if !strings.Contains(said, "it stays revoked") {
		t.Errorf("nothing is said: %s", said)
	}
	list, _ := runCerts(t, exitOK, "inspect", filepath.Join(ca, "crl", "intermediate.crl"))
	for _, want := range []string{"keyCompromise invalid since 2026-03-01T00:00:00Z", " superseded"} {
		if strings.Count(list, want) != 1 {
			t.Errorf("want %q once, found\n%s", want, list)
		}
	}
}

// A worker's certificate that nobody else issued is the caller's mistake.
func TestSignRefusesASelfSignedCertificate(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	self := fixture.Root("worker", func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.ExtKeyUsage = false, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: "tc.example.org", Path: "/worker-pool/a/b"}}
	})
	if err := keystore.Create(key, self.Key, nil); err != nil {
		t.Fatal(err)
	}
	_, said := runCerts(t, exitUsage, "sign", "--key", key, "--cert", writeTest(t, filepath.Join(dir, "pem"), string(self.PEM())),
		writeTest(t, filepath.Join(dir, "document"), "{}"))
	if !strings.Contains(said, "its own issuer") {
		t.Error(said)
	}
}

// Neither form of what inspect says has anything that a terminal obeys.
func TestInspectSaysNothingThatATerminalObeys(t *testing.T) {
	hostile := fixture.Root("root", func(c *x509.Certificate) { c.Subject.CommonName = "\x1b[2J\u009b2J\u202e" })
	file := writeTest(t, filepath.Join(t.TempDir(), "root.pem"), string(hostile.PEM()))
	for _, format := range []string{"text", "json"} {
		out, _ := runCerts(t, exitOK, "inspect", "--format", format, file)
		if i := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s has %q", format, out[i:])
		}
	}
}

// There is a verdict whatever a file is called.
func TestVerifySaysItOfAnyName(t *testing.T) {
	dir := t.TempDir()
	root := writeTest(t, filepath.Join(dir, "root.pem"), string(fixture.Root("root").PEM()))
	leaf := filepath.Join(dir, "x\xff.pem")
	if err := os.WriteFile(leaf, []byte("no certificate"), 0o600); err != nil {
		t.Skip("no such names here: ", err)
	}
	out, _ := runCerts(t, exitUntrusted, "verify", "--root", root, "--format", "json", leaf)
	if !strings.HasPrefix(out, `{"verdict":"untrusted","reason":"`) {
		t.Errorf("%q", out)
	}
}

// An intermediate that could issue can be revoked, whatever else of it was not
// written.
func TestIntermediateIsInTheIndexBeforeItCanIssue(t *testing.T) {
	dir := testCA(t)
	ca := filepath.Join(dir, "ca")
	moved := filepath.Join(dir, "certs")
	if err := os.Rename(filepath.Join(ca, "certs"), moved); err != nil {
		t.Fatal(err)
	}
	rootKey := []string{"--root-key", filepath.Join(dir, "root.key"), "--root-passphrase-file", filepath.Join(dir, "passphrase")}
	runCerts(t, exitUsage, append([]string{"init", "--ca", ca, "--intermediate", "second"}, rootKey...)...)
	if err := os.Rename(moved, filepath.Join(ca, "certs")); err != nil {
		t.Fatal(err)
	}
	s, _, _ := plainIO("issue", "--ca", ca, "--intermediate", "second", "--worker-pool", "a/b", "--new-key", filepath.Join(dir, "k"))
	if Certs(t.Context(), s) == exitOK {
		runCerts(t, exitOK, append([]string{"revoke", "--ca", ca, filepath.Join(ca, "second.pem")}, rootKey...)...)
	}
}

// Nothing is left behind where the key is made but the certificate is not.
func TestFailedIssueLeavesNoKey(t *testing.T) {
	dir := testCA(t)
	key := filepath.Join(dir, "k")
	runCerts(t, exitUsage, "issue", "--ca", filepath.Join(dir, "ca"), "--new-key", key, "--worker-pool", "a/b", "--valid-for", "50y")
	if _, err := os.Stat(key); err == nil {
		t.Error("a key was left")
	}
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// runDocument runs the shell commands of a document, in order, with cot-certs on
// the PATH, and gives their directory.
func runDocument(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("set -e\n")
	blocks := shellBlock.FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Fatalf("%s has no commands", name)
	}
	for _, m := range blocks {
		script.Write(m[1])
	}
	dir := t.TempDir()
	for name, text := range files {
		writeTest(t, filepath.Join(dir, name), text)
	}
	cmd := exec.Command("bash", "-c", script.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+programs(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return dir
}

// programs is a directory with this test binary as cot-certs.
func programs(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "cot-certs")); err != nil {
		t.Fatal(err)
	}
	return bin
}

func read(t *testing.T, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func leafOf(t *testing.T, parts ...string) *x509.Certificate {
	t.Helper()
	list, err := pkix.ParseCertificates(read(t, parts...))
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// The page's commands do what it says.
func TestCertsDocument(t *testing.T) {
	needed.Programs(t, "openssl", "bash")
	dir := runDocument(t, "../../docs/certs.md", map[string]string{
		"passphrase": "correct horse battery\n", "chain-of-trust.json": "{}",
	})
	for _, name := range []string{"sig", "pem", "p7s"} {
		read(t, dir, "chain-of-trust.json."+name)
	}
	out, _ := runCerts(t, exitUntrusted, "verify", "--root", filepath.Join(dir, "ca/root.pem"),
		"--crl", filepath.Join(dir, "crls.pem"), filepath.Join(dir, "worker.pem"))
	if !strings.Contains(out, "revoked: keyCompromise") {
		t.Errorf("the revoked certificate: %s", out)
	}
}

// What the openssl command makes by docs/openssl is what we verify.
func TestOpenSSLDocument(t *testing.T) {
	needed.Programs(t, "openssl", "bash")
	config := read(t, "../../docs/openssl/openssl.cnf")
	document := []byte("{\"chainOfTrustVersion\": 1}\n")
	dir := runDocument(t, "../../docs/openssl/README.md", map[string]string{
		"openssl.cnf": string(config), "passphrase": "correct horse battery\n", "document.json": string(document),
	})
	verify := func(want int, leaf string) string {
		out, _ := runCerts(t, want, "verify", "--root", filepath.Join(dir, "root.pem"), "--untrusted", filepath.Join(dir, "intermediate.pem"),
			"--crl", filepath.Join(dir, "root.crl"), "--crl", filepath.Join(dir, "intermediate.crl"), "--eku", "codeSigning", filepath.Join(dir, leaf))
		return out
	}
	for _, worker := range []string{"ed25519", "rsa"} {
		verify(exitOK, worker+".crt")
		verify(exitOK, worker+".pem")
	}
	if out := verify(exitUntrusted, "p256.crt"); !strings.Contains(out, "keyCompromise") || !strings.Contains(out, "2026-01-01T00:00:00Z") {
		t.Errorf("the revoked certificate: %s", out)
	}
	for _, worker := range []string{"ed25519", "p256", "rsa"} {
		leaf := leafOf(t, dir, worker+".crt")
		if id, err := signing.CheckLeaf(leaf); err != nil || id.String() != "spiffe://tc.example.org/worker-pool/gecko-3/b-linux" {
			t.Errorf("%s: %s, %v", worker, id, err)
		}
		if err := signing.Verify(document, read(t, dir, worker+".sig"), leaf.PublicKey); err != nil {
			t.Errorf("%s: %v", worker, err)
		}
		if err := signing.Verify([]byte("{}"), read(t, dir, worker+".sig"), leaf.PublicKey); err == nil {
			t.Errorf("%s: the signature holds for another document", worker)
		}
	}
	for _, worker := range []string{"p256", "rsa"} {
		signed, err := cms.Verify(read(t, dir, worker+".p7s"), document, cms.Options{})
		if err != nil || !signed.Signer.Equal(leafOf(t, dir, worker+".crt")) {
			t.Errorf("%s: %v", worker, err)
		}
	}
	if token, err := timestamp.Parse(read(t, dir, "ed25519.tsr"), read(t, dir, "ed25519.sig"), nil); err != nil || !token.Signer.Equal(leafOf(t, dir, "tsa.pem")) {
		t.Errorf("the time stamp: %v", err)
	}
	t.Run("an intermediate for a CA server", func(t *testing.T) { serverIntermediate(t, dir) })
	t.Run("as an authority for sign", func(t *testing.T) { signWithOpenSSLAuthority(t, dir, document) })
}

// serverIntermediate: openssl gives an intermediate for a CA server the limits that
// cot-certs gives it.
func serverIntermediate(t *testing.T, dir string) {
	cmd := exec.Command("openssl", "ca", "-batch", "-notext", "-config", "openssl.cnf", "-name", "root_ca", "-extensions", "server_intermediate",
		"-passin", "file:passphrase", "-in", "intermediate.csr", "-out", "server.pem")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "SPIFFE_ID=none")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	limits := func(c *x509.Certificate) string {
		return fmt.Sprint(c.IsCA, c.MaxPathLen, c.KeyUsage, c.ExtKeyUsage, c.PermittedDNSDomainsCritical, c.PermittedDNSDomains, c.PermittedURIDomains)
	}
	other := testCA(t)
	runCerts(t, exitOK, "csr", "--new-key", filepath.Join(other, "s.key"), "-o", filepath.Join(other, "s.csr"))
	runCerts(t, exitOK, "init", "--ca", filepath.Join(other, "ca"), "--root-key", filepath.Join(other, "root.key"),
		"--root-passphrase-file", filepath.Join(other, "passphrase"), "--intermediate", "server",
		"--intermediate-csr", filepath.Join(other, "s.csr"), "--server-name", "ca.tc.example.org")
	got, want := limits(leafOf(t, dir, "server.pem")), limits(leafOf(t, other, "ca/server.pem"))
	if got != want {
		t.Errorf("openssl: %s\ncot-certs: %s", got, want)
	}
}

// signWithOpenSSLAuthority has sign ask a server that answers by `openssl ts`.
func signWithOpenSSLAuthority(t *testing.T, dir string, document []byte) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
			t.Errorf("the request: %v, %s", err, r.Header)
		}
		cmd := exec.CommandContext(r.Context(), "openssl", "ts", "-reply", "-config", "openssl.cnf", "-queryfile", writeTest(t, filepath.Join(dir, "query"), string(query)))
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "SPIFFE_ID=none")
		reply, err := cmd.Output()
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(reply)
	}))
	defer server.Close()
	name := filepath.Join(dir, "document.json")
	for _, worker := range []string{"ed25519", "rsa"} {
		doc := writeTest(t, name+"."+worker, string(document))
		runCerts(t, exitOK, "sign", "--key", filepath.Join(dir, worker+".key"), "--cert", filepath.Join(dir, worker+".pem"), "--tsa", server.URL, doc)
		cmd := exec.Command("openssl", "ts", "-verify", "-data", doc+".sig", "-in", doc+".tsr", "-CAfile", "root.pem")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("openssl ts -verify: %v\n%s", err, out)
		}
	}
}

// A reply that is no time stamp of this signature leaves no file.
func TestBadTimeStampLeavesNothing(t *testing.T) {
	dir := testCA(t)
	key, cert, doc := filepath.Join(dir, "k"), filepath.Join(dir, "c.pem"), writeTest(t, filepath.Join(dir, "doc"), "{}")
	runCerts(t, exitOK, "issue", "--ca", filepath.Join(dir, "ca"), "--new-key", key, "--worker-pool", "a/b", "-o", cert)
	for want, handler := range map[int]http.HandlerFunc{
		exitUntrusted: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		exitUndetermined: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	} {
		server := httptest.NewServer(handler)
		runCerts(t, want, "sign", "--key", key, "--cert", cert, "--tsa", server.URL, doc)
		server.Close()
		if left, _ := filepath.Glob(doc + ".*"); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, stderr := runCerts(t, exitUntrusted, "sign", "--key", key, "--cert", cert, "--tsa", server.URL, doc)
	if !strings.Contains(stderr, "404") {
		t.Errorf("stderr: %s", stderr)
	}
}

// On a terminal a person types the passphrase, twice for a new key, and nothing
// of it is shown.
func TestPassphraseIsAskedFor(t *testing.T) {
	needed.Programs(t, "python3")
	dir := t.TempDir()
	const type3 = `
import os, pty, sys, time
answers = sys.argv[1].split(",")
pid, fd = pty.fork()
if pid == 0:
    os.execvp("cot-certs", ["cot-certs"] + sys.argv[2:])
seen = b""
for a in answers:
    while not seen.rstrip(b" ").endswith(b":"):
        seen += os.read(fd, 1024)
    time.sleep(0.1)
    print(seen.decode(), end="")
    seen = b""
    os.write(fd, a.encode() + b"\n")
try:
    while chunk := os.read(fd, 1024):
        seen += chunk
except OSError:
    pass
print(seen.decode(), end="")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`
	run := func(want int, answers string, args ...string) string {
		t.Helper()
		cmd := exec.Command("python3", append([]string{"-c", type3, answers}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+programs(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("exit code %d, want %d: %v\n%s", code, want, err, out)
		}
		if bytes.Contains(out, []byte("horse")) {
			t.Errorf("the passphrase is shown: %s", out)
		}
		return string(out)
	}
	init := []string{"init", "--ca", "ca", "--root-url", "https://tc.example.org", "--root-key", "root.key"}
	if out := run(exitUsage, "a horse apart,another horse", init...); !strings.Contains(out, "the two passphrases differ") {
		t.Error(out)
	}
	run(exitOK, "a horse apart,a horse apart", init...)
	run(exitOK, "a horse apart", "crl", "--issuer", "root", "--root-key", "root.key")
	if out := run(exitUsage, "no such horse", "crl", "--issuer", "root", "--root-key", "root.key"); !strings.Contains(out, "wrong passphrase") {
		t.Error(out)
	}
}

// A certificate whose time has passed signs nothing.
func TestExpiredCertificateSignsNothing(t *testing.T) {
	dir := testCA(t)
	key, cert, doc := filepath.Join(dir, "k"), filepath.Join(dir, "c.pem"), writeTest(t, filepath.Join(dir, "doc"), "{}")
	runCerts(t, exitOK, "issue", "--ca", filepath.Join(dir, "ca"), "--new-key", key, "--worker-pool", "a/b", "-o", cert)
	s, _, stderr := plainIO("sign", "--key", key, "--cert", cert, doc)
	s.Now = func() time.Time { return time.Now().AddDate(0, 2, 0) }
	if code := Certs(t.Context(), s); code != exitUsage || !strings.Contains(stderr.String(), "not now") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// Whatever a file holds, it is told or refused, never a crash.
func FuzzInspect(f *testing.F) {
	for _, seed := range []string{"", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "0\x00", "-----BEGIN X509 CRL-----\n"} {
		f.Add([]byte(seed))
	}
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: []byte{0x30, 3, 2, 1, 1}}))
	f.Fuzz(func(_ *testing.T, data []byte) {
		things, err := identify(data)
		if err != nil {
			return
		}
		for _, t := range things {
			t.text(io.Discard, "file")
			if err := t.json(io.Discard, "file"); err != nil {
				panic(err)
			}
		}
	})
}
