package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/certs/signing"
	"github.com/mozilla-releng/cot/fixtures/needed"
	"github.com/mozilla-releng/cot/graph"
)

const (
	stepCAName  = "ca.tc.example.org"
	stepCAOwner = "spiffe://tc.example.org/worker-pool/gecko-3/b-linux/worker/us-east-1/i-0abc"
)

// What docs/step-ca makes with the real step-ca is what we verify, until it is
// revoked there.
func TestStepCADocument(t *testing.T) {
	needed.Programs(t, "openssl", "bash", "curl", "jq", "python3")
	program := toolPath(t, "step-ca")
	s := newStepCA(t)
	s.run("The intermediate")
	s.run("The provisioner")
	s.start(program)
	s.run("A worker's certificate")
	s.run("CRLs")

	leaf := leafOf(t, s.dir, "worker.pem")
	id, err := signing.CheckLeaf(leaf)
	if err != nil || id.String() != stepCAOwner {
		t.Errorf("the certificate is for %s: %v", id, err)
	}
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life < 23*time.Hour || life > 25*time.Hour {
		t.Errorf("the certificate lives %s", life)
	}
	if len(leaf.DNSNames)+len(leaf.IPAddresses)+len(leaf.EmailAddresses) > 0 || len(leaf.ExtKeyUsage) != 1 {
		t.Errorf("the certificate is for more than it should: %v %v", leaf.DNSNames, leaf.ExtKeyUsage)
	}
	s.verified("with the CRL of the policy", "", func(*certs.Config) {})
	s.verified("with the CRL that the certificate names", "", func(c *certs.Config) {
		c.Certificates.CRLURLs, c.Certificates.DistributionPoints = nil, true
	})
	s.verified("without its CRL", certs.RevocationUnknown, func(c *certs.Config) { c.Certificates.CRLURLs = nil })
	s.verified("a root for other pools", certs.SignerUnauthorized, func(c *certs.Config) {
		c.Certificates.Issuers = []certs.Anchor{{Certificate: leafOf(t, s.dir, "step-ca.pem"), Pools: poolPatterns(t, "gecko-1/*")}}
	})
	expired := func(c *certs.Config) {
		c.Now, c.QueueTimeTrusted = leaf.NotAfter.Add(time.Hour), true
		c.Certificates.CRLGrace = 48 * time.Hour // as if step-ca had made another
	}
	s.verified("after it expired, with a CRL that does not say what it keeps", certs.RevocationUnknown, expired)
	s.verified("after it expired, with a CRL that keeps all", "", func(c *certs.Config) {
		expired(c)
		c.Certificates.CRLKeepsExpired = true
	})
	s.verifiedByOpenSSL()
	t.Run("what the template refuses", s.refuses)
	t.Run("a stolen key renews nothing", s.renewsNothing)

	s.run("Revocation")
	s.verified("with the CRL of the policy", certs.CertificateRevoked, func(*certs.Config) {})
	s.verified("with the CRL that the certificate names", certs.CertificateRevoked, func(c *certs.Config) {
		c.Certificates.CRLURLs, c.Certificates.DistributionPoints = nil, true
	})
	t.Run("a certificate with another CRL's URL", s.otherPoint)
	t.Run("a provisioner that was taken out", s.provisionerGone)
	if log := string(read(t, s.dir, "log")); !strings.Contains(log, leaf.SerialNumber.String()) {
		t.Error("the server's log does not have the certificate")
	}
}

// verified judges the document that the page's commands signed; want "" is
// verified.
func (s *stepCA) verified(name string, want certs.Cause, edit func(*certs.Config)) {
	s.t.Run(name, func(t *testing.T) {
		root, err := revocation.ParseCRLs(read(t, s.dir, "ca/crl/root.crl"))
		if err != nil {
			t.Fatal(err)
		}
		leaf := leafOf(t, s.dir, "worker.pem")
		c := certs.Certificates{
			TrustDomain: "tc.example.org", Revocation: certs.RequireRevocation,
			Roots:                  []certs.Anchor{{Certificate: leafOf(t, s.dir, "root.pem")}},
			Issuers:                []certs.Anchor{{Certificate: leafOf(t, s.dir, "step-ca.pem"), Pools: poolPatterns(t, "gecko-3/*")}},
			WorkerIdentityRequired: poolPatterns(t, "gecko-3/*"),
			CRLs:                   root, CRLURLs: leaf.CRLDistributionPoints,
		}
		now := time.Now()
		config := certs.Config{Certificates: &c, Now: now, Sources: fetchedCRLs{}}
		edit(&config)
		trust, err := certs.New(config)
		if err != nil {
			t.Fatal(err)
		}
		pool, err := graph.ParseWorkerPool("gecko-3/b-linux")
		if err != nil {
			t.Fatal(err)
		}
		v, failures := trust.Verify(t.Context(), certs.Signed{
			Document: read(t, s.dir, "chain-of-trust.json"),
			Forms: map[certs.Form][]byte{
				certs.FormSignature: read(t, s.dir, "chain-of-trust.json.sig"),
				certs.FormChain:     read(t, s.dir, "chain-of-trust.json.pem"),
			},
		}, certs.Worker{
			Implementation: graph.GenericWorker, Pool: pool, WorkerGroup: "us-east-1", WorkerID: "i-0abc",
			Started: now.Add(-time.Second), Resolved: now,
		})
		switch {
		case want == "" && (v == nil || len(failures) > 0):
			t.Errorf("refused: %+v", failures)
		case want != "" && (v != nil || !slices.ContainsFunc(failures, func(f certs.Failure) bool { return f.Cause == want })):
			t.Errorf("%+v, %+v, want %s", v, failures, want)
		}
	})
}

func poolPatterns(t *testing.T, patterns ...string) (out []graph.PoolPattern) {
	t.Helper()
	for _, s := range patterns {
		p, err := graph.ParsePoolPattern(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// fetchedCRLs is revocation.Sources without a cache.
type fetchedCRLs struct{}

func (fetchedCRLs) CRL(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	return io.ReadAll(resp.Body)
}

func (fetchedCRLs) OCSP(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("step-ca has no OCSP")
}

func (s *stepCA) verifiedByOpenSSL() {
	out, err := s.shell(`
openssl crl -inform DER -in workers.crl -out workers-crl.pem
openssl verify -x509_strict -crl_check_all -CAfile root.pem -untrusted step-ca.pem \
    -CRLfile ca/crl/root.pem -CRLfile workers-crl.pem worker.pem`)
	if err != nil {
		s.t.Errorf("openssl verify: %v\n%s", err, out)
	}
}

// refuses: nobody gets more than the provisioner and the profile allow, and the
// twin of each refusal is the certificate above.
func (s *stepCA) refuses(t *testing.T) {
	const token = "./token gecko-3.key gecko-3 $CA/1.0/sign "
	for _, c := range []struct{ name, script, want string }{
		{"a token twice", "./request sign worker.csr worker.token", "worker.token"},
		{"another pool", token + strings.Replace(stepCAOwner, "gecko-3", "gecko-1", 1) + " > t; ./request sign plain.csr t", "may not issue"},
		{"the whole pool", token + "spiffe://tc.example.org/worker-pool/gecko-3/b-linux > t; ./request sign plain.csr t", "may not issue"},
		{"more than a worker", token + stepCAOwner + "/more > t; ./request sign plain.csr t", "may not issue"},
		{"another host", token + strings.Replace(stepCAOwner, "tc.", "tc2.", 1) + " > t; ./request sign plain.csr t", "may not issue"},
		{"no SPIFFE ID", token + "www.example.org > t; ./request sign plain.csr t", "may not issue"},
		{"a request for somebody else", token + stepCAOwner + `2 > t; ./request sign worker.csr t`, "does not contain the valid"},
		{"P-521", "openssl ecparam -genkey -name secp521r1 -noout -out k; openssl req -new -key k -subj / -out k.csr; " + token + stepCAOwner + " > t; ./request sign k.csr t", "P-256 or P-384"},
		{"RSA of 2048 bits", "openssl genrsa -out k 2048; openssl req -new -key k -subj / -out k.csr; " + token + stepCAOwner + " > t; ./request sign k.csr t", "3072 bits"},
		{"another provisioner's key", "openssl genpkey -algorithm ED25519 -out k; ./token k gecko-3 $CA/1.0/sign " + stepCAOwner + " > t; ./request sign plain.csr t", "authorization"},
		{"a token for a revocation", "./token gecko-3.key gecko-3 $CA/1.0/revoke " + stepCAOwner + " > t; ./request sign plain.csr t", "authorization"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			if c.name == "a token twice" {
				// The page removes it; so does everybody who has used one.
				if _, err := s.shell(token + stepCAOwner + " > worker.token; ./request sign worker.csr worker.token"); err != nil {
					t.Fatal(err)
				}
				want = "authorization"
			}
			out, err := s.shell("openssl req -new -key worker.key -subj / -out plain.csr\n" + c.script)
			if err == nil || !strings.Contains(out, want) {
				t.Errorf("%v, want %q: %s", err, want, out)
			}
		})
	}
	for _, kind := range []string{"EC -pkeyopt ec_paramgen_curve:P-256", "RSA -pkeyopt rsa_keygen_bits:3072"} {
		out, err := s.shell("openssl genpkey -algorithm " + kind + " -out k; openssl req -new -key k -subj / -out k.csr; " +
			token + stepCAOwner + " > t; ./request sign k.csr t")
		if err != nil {
			t.Errorf("%s: %v\n%s", kind, err, out)
		}
	}
}

// renewsNothing asks for a renewal in the two ways that step-ca has: with the
// certificate in the TLS handshake, and with a token that its key signs. Both take
// a certificate for TLS clients.
func (s *stepCA) renewsNothing(t *testing.T) {
	roots := x509.NewCertPool()
	roots.AddCert(leafOf(t, s.dir, "root.pem"))
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.dir, "worker.pem"), filepath.Join(s.dir, "worker.key"))
	if err != nil {
		t.Fatal(err)
	}
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	now := time.Now().Unix()
	token := part(map[string]any{"alg": "EdDSA", "typ": "JWT", "x5cInsecure": pair.Certificate}) + "." + part(map[string]any{
		"iss": "step-ca-client/1.0", "sub": pair.Leaf.Subject.CommonName, "aud": s.url + "/1.0/renew",
		"iat": now, "nbf": now, "exp": now + 60, "jti": "renewal",
	})
	token += "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(pair.PrivateKey.(ed25519.PrivateKey), []byte(token)))
	for name, c := range map[string]struct {
		pairs  []tls.Certificate
		header string
	}{"TLS": {pairs: []tls.Certificate{pair}}, "token": {header: "Bearer " + token}} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: c.pairs}}
		defer transport.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/1.0/renew", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		resp, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			if name != "TLS" {
				t.Errorf("%s: %v", name, err)
			}
			continue // refused in the handshake
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s %s %v", name, resp.Status, body, err)
		}
	}
}

var idpURL = regexp.MustCompile(`"idpURL": "[^"]*"`)

// otherPoint: a CRL that speaks for another distribution point than the
// certificate's is no answer, though the certificate is fine.
func (s *stepCA) otherPoint(t *testing.T) {
	name := filepath.Join(s.dir, "ca.json")
	config := string(read(t, name))
	s.reload(idpURL.ReplaceAllString(config, `"idpURL": "http://localhost/other.crl"`))
	defer s.reload(config)
	script := fmt.Sprintf(`
./token gecko-3.key gecko-3 $CA/1.0/sign %s > t
openssl req -new -key worker.key -subj / -out plain.csr
./request sign plain.csr t > other.pem
curl -sSf --cacert root.pem $CA/crl -o other.crl`, stepCAOwner)
	if out, err := s.shell(script); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, _ := runCerts(t, exitUntrusted, "verify", "--root", filepath.Join(s.dir, "root.pem"),
		"--crl", filepath.Join(s.dir, "ca/crl/root.crl"), "--crl", filepath.Join(s.dir, "other.crl"), filepath.Join(s.dir, "other.pem"))
	if !strings.Contains(out, "it is for another distribution point") {
		t.Error(out)
	}
}

// provisionerGone: after its key was stolen, an operator takes it out.
func (s *stepCA) provisionerGone(t *testing.T) {
	config := string(read(t, s.dir, "ca.json"))
	if out, err := s.shell("openssl genpkey -algorithm ED25519 -out new.key"); err != nil {
		t.Fatal(out)
	}
	s.reload(strings.ReplaceAll(config, `"gecko-3"`, `"gecko-3-new"`))
	out, err := s.shell("openssl req -new -key worker.key -subj / -out plain.csr; ./token gecko-3.key gecko-3 $CA/1.0/sign " + stepCAOwner + " > t; ./request sign plain.csr t")
	if err == nil || !strings.Contains(out, "authorization") {
		t.Errorf("%v: %s", err, out)
	}
}
