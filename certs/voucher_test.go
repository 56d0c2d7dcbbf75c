package certs_test

import (
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/graph"
)

const auditURI = "spiffe://tc.example.com/audit"

// Whose word counts is for the caller to name; all else is as with workers.
func TestVoucher(t *testing.T) {
	limited := func(h *ca.Holder, pattern string) []certs.Anchor {
		pool, err := graph.ParsePoolPattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		return []certs.Anchor{{Certificate: h.Certificate, Pools: []graph.PoolPattern{pool}}}
	}
	for _, c := range []struct {
		name string
		edit func(p *pki)
		who  string      // "" is auditURI
		want certs.Cause // "" is verified
	}{
		{"a signature", func(*pki) {}, "", ""},
		{"CMS", func(p *pki) { p.raw, p.cms = false, true }, "", ""},
		{"both", func(p *pki) { p.cms = true }, "", ""},
		{"a time stamp", func(p *pki) { p.stamped(p.now.Add(-time.Hour)) }, "", ""},
		{"another identity", func(*pki) {}, auditURI + "/other", certs.SignerUnauthorized},
		{"a worker's", func(p *pki) { p.as(ownURI) }, "", certs.SignerUnauthorized},
		{"a worker's, and it is named", func(p *pki) { p.as(ownURI) }, ownURI, ""},
		{"nobody is named", func(*pki) {}, "-", certs.SignerUnauthorized},
		{"another trust domain", func(p *pki) { p.as("spiffe://other.example.com/audit") }, "spiffe://other.example.com/audit", certs.SignerUnauthorized},
		{"another root", func(p *pki) { p.config.Roots = []certs.Anchor{{Certificate: ca.Root("other").Certificate}} }, "", certs.CertificatePath},
		{"a limited root", func(p *pki) { p.config.Roots = limited(p.root, "gecko-3/*") }, "", certs.SignerUnauthorized},
		{"a root that is limited to anything", func(p *pki) { p.config.Roots = limited(p.root, "*/*") }, "", certs.SignerUnauthorized},
		{"a limited issuer", func(p *pki) { p.config.Issuers = limited(p.issuer, "gecko-3/*") }, "", certs.SignerUnauthorized},
		{"a limited issuer of that pool", func(p *pki) { p.as(poolURI); p.config.Issuers = limited(p.issuer, "gecko-3/*") }, poolURI, ""},
		{"a limited issuer of another pool", func(p *pki) { p.as(poolURI); p.config.Issuers = limited(p.issuer, "gecko-1/*") }, poolURI, certs.SignerUnauthorized},
		{"an expired certificate", func(p *pki) { p.now = p.now.AddDate(20, 0, 0) }, "", certs.CertificateExpired},
		{"a revoked certificate", func(p *pki) { p.revoked = []ca.Revoked{{Of: p.worker, At: p.now.Add(-time.Hour), Reason: 4}} }, "", certs.CertificateRevoked},
		{"a revoked certificate, where the queue's time is trusted", func(p *pki) {
			p.revoked, p.trusted = []ca.Revoked{{Of: p.worker, At: p.now.Add(-time.Hour), Reason: 4}}, true
		}, "", certs.CertificateRevoked},
		{"no revocation list", func(p *pki) { p.crls = [][]byte{p.root.CRL(1, p.now.Add(-time.Hour))} }, "", certs.RevocationUnknown},
		{"another document", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormSignature] = p.worker.Sign([]byte("other")) }
		}, "", certs.SignatureInvalid},
		{"a wrong one beside a right one", func(p *pki) {
			p.cms, p.forms = true, func(f map[certs.Form][]byte) { f[certs.FormCMS] = []byte("x") }
		}, "", certs.SignatureInvalid},
		{"certificates without a signature", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { delete(f, certs.FormSignature) }
		}, "", certs.SignatureMissing},
		{"a signature without certificates", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { delete(f, certs.FormChain) }
		}, "", certs.SignatureMissing},
		{"nothing", func(p *pki) { p.raw = false }, "", certs.SignatureMissing},
		{"a time stamp of another signature", func(p *pki) {
			p.stamped(p.now.Add(-time.Hour))
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormTimestamp] = p.stamp([]byte("other")) }
		}, "", certs.TimestampInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPKI(t)
			p.as(auditURI)
			c.edit(p)
			who := auditURI
			switch c.who {
			case "":
			case "-":
				who = ""
			default:
				who = c.who
			}
			signer, failures := p.trust().VerifyVoucher(t.Context(), p.signed(), who)
			if c.want == "" {
				if signer == nil || len(failures) > 0 || signer.Identity != who {
					t.Fatalf("refused: %+v %+v", signer, failures)
				}
				return
			}
			if signer != nil || !slices.ContainsFunc(failures, func(f certs.Failure) bool { return f.Cause == c.want }) {
				t.Fatalf("%+v, %+v, want %s", signer, failures, c.want)
			}
		})
	}
}

// A pool's key vouches for documents of its workers, and for nothing else.
func TestVoucherNeedsCertificates(t *testing.T) {
	trust, err := certs.New(certs.Config{Keys: []certs.Key{{Implementation: graph.GenericWorker, Pools: pools(t, "gecko-3/*"), Public: key(0).Public().(ed25519.PublicKey)}}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	p := newPKI(t)
	p.as(auditURI)
	if signer, failures := trust.VerifyVoucher(t.Context(), p.signed(), auditURI); signer != nil || len(failures) != 1 || failures[0].Cause != certs.SignerUnauthorized {
		t.Errorf("%+v, %+v", signer, failures)
	}
}
