package revocation

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/fixtures/needed"
)

const opensslConfig = `
[ca]
default_ca = this
[this]
dir = .
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 365
default_crl_days = 30
policy = any
x509_extensions = leaf
crl_extensions = list
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
CN = none
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
authorityInfoAccess = OCSP;URI:http://ocsp.example.net/
[responder]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[list]
authorityKeyIdentifier = keyid:always
[users]
authorityKeyIdentifier = keyid:always
issuingDistributionPoint = critical, @point
[point]
onlyuser = TRUE
[cas]
authorityKeyIdentifier = keyid:always
issuingDistributionPoint = critical, @capoint
[capoint]
onlyCA = TRUE
`

// opensslCA is a CA of the openssl command in a directory of its own.
type opensslCA struct {
	t   *testing.T
	dir string
}

func newOpenSSLCA(t *testing.T) *opensslCA {
	t.Helper()
	needed.Program(t, "openssl")
	ca := &opensslCA{t, t.TempDir()}
	for name, text := range map[string]string{"ca.cnf": opensslConfig, "index.txt": "", "serial": "1000\n", "crlnumber": "01\n"} {
		if err := os.WriteFile(filepath.Join(ca.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ca.key("ca")
	ca.run("req", "-new", "-x509", "-config", "ca.cnf", "-extensions", "root", "-key", "ca.key", "-subj", "/CN=OpenSSL CA", "-days", "3650", "-out", "ca.pem")
	return ca
}

func (ca *opensslCA) run(args ...string) {
	ca.t.Helper()
	cmd := exec.CommandContext(ca.t.Context(), "openssl", args...)
	cmd.Dir = ca.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		ca.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (ca *opensslCA) key(name string) {
	ca.t.Helper()
	ca.run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name+".key")
}

func (ca *opensslCA) read(name string) []byte {
	ca.t.Helper()
	b, err := os.ReadFile(filepath.Join(ca.dir, name))
	if err != nil {
		ca.t.Fatal(err)
	}
	return b
}

func (ca *opensslCA) certificate(name string) *x509.Certificate {
	ca.t.Helper()
	all, err := pkix.ParseCertificates(ca.read(name + ".pem"))
	if err != nil {
		ca.t.Fatal(err)
	}
	return all[0]
}

func (ca *opensslCA) issue(name, extensions string) *x509.Certificate {
	ca.t.Helper()
	ca.key(name)
	ca.run("req", "-new", "-config", "ca.cnf", "-key", name+".key", "-subj", "/CN="+name, "-out", name+".csr")
	ca.run("ca", "-config", "ca.cnf", "-batch", "-notext", "-extensions", extensions, "-in", name+".csr", "-out", name+".pem")
	return ca.certificate(name)
}

func (ca *opensslCA) lists(args ...string) []*CRL {
	ca.t.Helper()
	ca.run(append([]string{"ca", "-config", "ca.cnf", "-gencrl", "-out", "list.pem"}, args...)...)
	lists, err := ParseCRLs(ca.read("list.pem"))
	if err != nil {
		ca.t.Fatal(err)
	}
	return lists
}

func (ca *opensslCA) check(leaf *x509.Certificate, change func(*Config)) Answer {
	ca.t.Helper()
	pool := pkix.NewPool([]*x509.Certificate{ca.certificate("ca")}, nil)
	paths, err := pool.Paths(leaf, pkix.AnyUsage)
	if err != nil {
		ca.t.Fatal(err)
	}
	config := Config{Pool: pool, Now: time.Now()}
	change(&config)
	c, err := NewChecker(config)
	if err != nil {
		ca.t.Fatal(err)
	}
	return c.Check(ca.t.Context(), paths[0], 0)
}

func TestListsOfOpenSSL(t *testing.T) {
	ca := newOpenSSLCA(t)
	good, lost, held := ca.issue("good", "leaf"), ca.issue("lost", "leaf"), ca.issue("held", "leaf")
	given := func(l []*CRL) func(*Config) { return func(c *Config) { c.CRLs = l } }
	before := ca.lists()
	wantAnswer(t, ca.check(lost, given(before)), Good, "")
	ca.run("ca", "-config", "ca.cnf", "-revoke", "lost.pem", "-crl_compromise", "20260203040506Z")
	ca.run("ca", "-config", "ca.cnf", "-revoke", "held.pem", "-crl_reason", "certificateHold")
	after := ca.lists()
	if after[0].Len() != 2 || after[0].Number().Cmp(before[0].Number()) <= 0 {
		t.Fatalf("%s has %d entries", after[0], after[0].Len())
	}
	wantAnswer(t, ca.check(good, given(after)), Good, "")
	wantAnswer(t, ca.check(held, given(after)), Revoked, "")
	a := ca.check(lost, given(append(before, after...)))
	wantAnswer(t, a, Revoked, "")
	if r := a.Revocations[0]; r.Reason != KeyCompromise || r.InvalidityDate == nil || !r.InvalidityDate.Equal(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)) {
		t.Errorf("%+v", r)
	}
	wantAnswer(t, ca.check(good, given(ca.lists("-crlexts", "users"))), Good, "")
	wantAnswer(t, ca.check(good, given(ca.lists("-crlexts", "cas"))), Unknown, "CA certificates only")
	wantAnswer(t, ca.check(good, given(ca.lists("-md", "sha1"))), Unknown, "not signed by")
	wantAnswer(t, ca.check(lost, given(ca.lists("-md", "sha1"))), Unknown, "not signed by")

	ca.run("crl", "-in", "list.pem", "-outform", "DER", "-out", "list.der")
	if der, err := ParseCRLs(ca.read("list.der")); err != nil || der[0].Len() != 2 {
		t.Error(err)
	}
	ca.run("crl", "-in", "list.pem", "-text", "-out", "text.pem")
	if text, err := ParseCRLs(ca.read("text.pem")); err != nil || text[0].Len() != 2 {
		t.Error(err)
	}
}

// opensslResponder answers with the openssl command.
type opensslResponder struct {
	ca      *opensslCA
	signer  string
	options []string
}

func (opensslResponder) CRL(context.Context, string) ([]byte, error) { return nil, os.ErrNotExist }

func (r opensslResponder) OCSP(_ context.Context, _ string, request []byte) ([]byte, error) {
	if err := os.WriteFile(filepath.Join(r.ca.dir, "request.der"), request, 0o600); err != nil {
		return nil, err
	}
	args := []string{"ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", r.signer + ".pem", "-rkey", r.signer + ".key", "-reqin", "request.der", "-respout", "response.der"}
	r.ca.run(append(args, r.options...)...)
	return os.ReadFile(filepath.Join(r.ca.dir, "response.der"))
}

func TestOCSPOfOpenSSL(t *testing.T) {
	ca := newOpenSSLCA(t)
	good, lost := ca.issue("good", "leaf"), ca.issue("lost", "leaf")
	ca.issue("responder", "responder")
	ca.run("ca", "-config", "ca.cnf", "-revoke", "lost.pem", "-crl_reason", "superseded")
	ask := func(c *x509.Certificate, signer string, options ...string) Answer {
		return ca.check(c, func(c *Config) {
			c.OCSP, c.Sources = true, opensslResponder{ca: ca, signer: signer, options: options}
		})
	}
	wantAnswer(t, ask(good, "ca", "-nmin", "10"), Good, "")
	wantAnswer(t, ask(good, "responder", "-nmin", "10"), Good, "")
	wantAnswer(t, ask(good, "responder", "-nmin", "10", "-resp_key_id"), Good, "")
	wantAnswer(t, ask(good, "responder"), Unknown, "next one is due")
	wantAnswer(t, ask(good, "responder", "-nmin", "10", "-rmd", "sha1"), Unknown, "not signed by")
	wantAnswer(t, ask(good, "good", "-nmin", "10"), Unknown, "its signer")
	a := ask(lost, "responder", "-nmin", "10")
	wantAnswer(t, a, Revoked, "")
	if a.Revocations[0].Reason != Superseded {
		t.Errorf("%+v", a.Revocations)
	}
	if err := os.WriteFile(filepath.Join(ca.dir, "index.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, ask(good, "responder", "-nmin", "10"), Unknown, "does not know")
}

// What we ask is what openssl would ask.
func TestOCSPRequestIsTheOneOfOpenSSL(t *testing.T) {
	ca := newOpenSSLCA(t)
	leaf := ca.issue("good", "leaf")
	ca.run("ocsp", "-issuer", "ca.pem", "-cert", "good.pem", "-no_nonce", "-reqout", "theirs.der")
	s, err := newSubject([]*x509.Certificate{leaf, ca.certificate("ca")})
	if err != nil {
		t.Fatal(err)
	}
	id, err := newCertID(s)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := id.request()
	if err != nil || !bytes.Equal(ours, ca.read("theirs.der")) {
		t.Fatalf("%x, %v", ours, err)
	}
}
