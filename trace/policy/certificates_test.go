package policy

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs"
)

const someCertificates = `
roots:
  - roots.pem
  - {file: ca/other.pem, workerPools: [gecko-1/*]}
issuers: [{file: aws.pem, workerPools: ["gecko-1/*"]}]
crls: [gecko.crl, 'https://example.org/cot.crl']
revocation: when-available
crlGrace: 24h
crlKeepsExpired: true
distributionPoints: true
ocsp: true
identities:
  - spiffeId: spiffe://tc.example.org/level/3
    workerPools: [gecko-3/*, comm-3/*]
workerIdentityRequired: [gecko-3/*]
timestamps: {roots: [tsa.pem], crls: [tsa.crl]}
`

func readCertificates(t *testing.T, text string) (*certs.Certificates, error) {
	t.Helper()
	r := &reader{file: "p.yaml"}
	n := r.read([]byte(text), MaxFileBytes)
	if n == nil {
		t.Fatal(r.err())
	}
	b := &builder{files: sampleFiles}
	c := b.certificates(n, "certificates", "https://tc.example.org:8443")
	return c, b.err()
}

func TestCertificatesAreRead(t *testing.T) {
	c, err := readCertificates(t, someCertificates)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Roots) != 3 || len(c.Roots[0].Pools) != 0 || len(c.Roots[1].Pools) != 1 || len(c.Roots[2].Pools) != 1 ||
		c.Roots[2].Certificate.Subject.CommonName != "third" {
		t.Errorf("roots %+v", c.Roots)
	}
	if len(c.Issuers) != 1 || len(c.Issuers[0].Pools) != 1 || len(c.CRLs) != 1 || len(c.CRLURLs) != 1 || c.CRLURLs[0] != "https://example.org/cot.crl" {
		t.Errorf("issuers %+v, CRLs %+v %q", c.Issuers, c.CRLs, c.CRLURLs)
	}
	if c.Revocation != certs.RevocationWhenAvailable || c.CRLGrace != 24*time.Hour || !c.CRLKeepsExpired || !c.DistributionPoints || !c.OCSP ||
		c.TrustDomain != "tc.example.org" {
		t.Errorf("found %+v", c)
	}
	if len(c.Identities) != 1 || c.Identities[0].SPIFFEID != "spiffe://tc.example.org/level/3" || len(c.Identities[0].Pools) != 2 || len(c.WorkerIdentityRequired) != 1 {
		t.Errorf("identities %+v", c.Identities)
	}
	if c.Timestamps == nil || len(c.Timestamps.Roots) != 1 || len(c.Timestamps.CRLs) != 1 {
		t.Errorf("timestamps %+v", c.Timestamps)
	}
	inline := strings.ReplaceAll(strings.TrimSpace(sampleFiles["roots.pem"]), "\n", "\n    ")
	c, err = readCertificates(t, "roots:\n  - |\n    "+inline+"\n")
	if err != nil || len(c.Roots) != 1 || c.Revocation != certs.RequireRevocation || c.CRLGrace != 0 {
		t.Errorf("found %+v, %v", c, err)
	}
}

// A policy keeps its digest when a CRL is renewed, not when a root changes.
func TestDigestIsOfTrustNotOfCRLs(t *testing.T) {
	text := sample(t) + ""
	text = edit(t, text, "  unkeyedPools:", "  certificates: {roots: [roots.pem], crls: [gecko.crl]}\n  unkeyedPools:")
	digest := func(change func(f files)) string {
		f := maps.Clone(sampleFiles)
		change(f)
		p, err := Parse("p.yaml", []byte(text), f)
		if err != nil {
			t.Fatal(err)
		}
		return p.SHA256
	}
	was := digest(func(files) {})
	if digest(func(f files) { f["gecko.crl"] = f["tsa.crl"] }) != was {
		t.Error("another CRL makes it another policy")
	}
	if digest(func(f files) { f["roots.pem"] = f["tsa.pem"] }) == was {
		t.Error("another root leaves it the same policy")
	}
}

func TestCertificatesRefusals(t *testing.T) {
	tests := []struct{ name, old, new, err string }{
		{"no roots", "roots:\n  - roots.pem\n  - {file: ca/other.pem, workerPools: [gecko-1/*]}\n", "", "p.yaml:2: certificates.roots: is missing"},
		{"a root above", "  - roots.pem", "  - ../roots.pem", "in or below its directory"},
		{"an absolute root", "  - roots.pem", "  - /roots.pem", "in or below its directory"},
		{"a root from a URL", "  - roots.pem", "  - https://example.org/roots.pem", "in or below its directory"},
		{"malformed PEM", "  - roots.pem", "  - '-----BEGIN CERTIFICATE-----'", "roots[0]: the PEM: "},
		{"a CRL in place of a root", "  - roots.pem", "  - gecko.crl", "roots[0]: \"gecko.crl\": "},
		{"a root in place of a CRL", "crls: [gecko.crl,", "crls: [roots.pem,", "crls[0]: \"roots.pem\": "},
		{"a CRL that is not there", "crls: [gecko.crl,", "crls: [absent.crl,", "can't read \"absent.crl\""},
		{"an identity of another trust domain", "tc.example.org/level", "other.example.org/level", "expected an id of the trust domain tc.example.org"},
		{"an issuer without pools", "issuers: [{file: aws.pem, workerPools: [\"gecko-1/*\"]}]", "issuers: [{file: aws.pem}]", "issuers[0].workerPools: is missing"},
		{"a CRL over plain http", "https://example.org/cot.crl", "http://example.org/cot.crl", "expected an https URL"},
		{"a misspelt demand", "when-available", "when-avaliable", `did you mean "when-available"?`},
		{"a negative grace", "24h", "-24h", "expected a duration"},
		{"a grace without end", "24h", "10000h", "at most 720h"},
		{"a grace without unit", "24h", "24", "expected a text, found the number 24"},
		{"a yes", "ocsp: true", "ocsp: yes", "expected true or false"},
		{"an identity without path", "/level/3", "", "expected a SPIFFE ID"},
		{"an identity with dots", "/level/3", "/level/../3", "expected a SPIFFE ID"},
		{"an identity of a URL", "spiffe://tc", "https://tc", "expected a SPIFFE ID"},
		{"an identity without pools", "    workerPools: [gecko-3/*, comm-3/*]\n", "", "identities[0].workerPools: is missing"},
		{"time stamps without roots", "timestamps: {roots: [tsa.pem], crls: [tsa.crl]}", "timestamps: {}", "timestamps.roots: is missing"},
		{"an unknown key", "ocsp:", "oscp:", `did you mean "ocsp"?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readCertificates(t, edit(t, someCertificates, tt.old, tt.new))
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("want %q, found %v", tt.err, err)
			}
		})
	}
}
