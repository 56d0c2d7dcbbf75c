package policy

import (
	"strings"
	"testing"
	"time"
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

func readCertificates(t *testing.T, text string) (*certificates, error) {
	t.Helper()
	r := &reader{file: "p.yaml"}
	n := r.read([]byte(text), MaxFileBytes)
	if n == nil {
		t.Fatal(r.err())
	}
	b := &builder{}
	c := b.certificates(n, "certificates")
	return c, b.err()
}

func TestCertificatesAreRead(t *testing.T) {
	c, err := readCertificates(t, someCertificates)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.roots) != 2 || c.roots[0].file != "roots.pem" || len(c.roots[0].pools) != 0 || c.roots[1].file != "ca/other.pem" || len(c.roots[1].pools) != 1 {
		t.Errorf("roots %+v", c.roots)
	}
	if len(c.issuers) != 1 || len(c.crls) != 2 || c.crls[0].file != "gecko.crl" || c.crls[1].url != "https://example.org/cot.crl" {
		t.Errorf("issuers %+v, CRLs %+v", c.issuers, c.crls)
	}
	if c.revocation != "when-available" || c.crlGrace != 24*time.Hour || !c.crlKeepsExpired || !c.distributionPoints || !c.ocsp {
		t.Errorf("found %+v", c)
	}
	if len(c.identities) != 1 || c.identities[0].spiffeID != "spiffe://tc.example.org/level/3" || len(c.identities[0].pools) != 2 || len(c.workerIdentityRequired) != 1 {
		t.Errorf("identities %+v", c.identities)
	}
	if c.timestamps == nil || len(c.timestamps.roots) != 1 || len(c.timestamps.crls) != 1 {
		t.Errorf("timestamps %+v", c.timestamps)
	}
	c, err = readCertificates(t, "roots:\n  - |\n    -----BEGIN CERTIFICATE-----\n    AAAA\n    -----END CERTIFICATE-----\n")
	if err != nil || c.roots[0].pem == "" || c.revocation != "require" || c.crlGrace != 0 {
		t.Errorf("found %+v, %v", c, err)
	}
}

func TestCertificatesRefusals(t *testing.T) {
	tests := []struct{ name, old, new, err string }{
		{"no roots", "roots:\n  - roots.pem\n  - {file: ca/other.pem, workerPools: [gecko-1/*]}\n", "", "p.yaml:2: certificates.roots: is missing"},
		{"a root above", "  - roots.pem", "  - ../roots.pem", "in or below its directory"},
		{"an absolute root", "  - roots.pem", "  - /roots.pem", "in or below its directory"},
		{"a root from a URL", "  - roots.pem", "  - https://example.org/roots.pem", "in or below its directory"},
		{"malformed PEM", "  - roots.pem", "  - '-----BEGIN CERTIFICATE-----'", "malformed PEM"},
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
