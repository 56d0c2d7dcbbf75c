package certs_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/certs/cms"
	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/certs/timestamp"
	"github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/fixtures/tsa"
	"github.com/mozilla-releng/cot/graph"
)

const (
	domain   = "tc.example.com"
	poolURI  = "spiffe://tc.example.com/worker-pool/gecko-3/b-linux"
	ownURI   = poolURI + "/worker/us-east1/i-0123"
	levelURI = "spiffe://tc.example.com/level/3"
)

// pki is a root, an intermediate and a worker's certificate, the CRLs of both
// CAs, and what is beside the document. A case changes it in one thing.
type pki struct {
	t                    *testing.T
	root, issuer, worker *ca.Holder
	key                  crypto.Signer
	revoked              []ca.Revoked // by the intermediate
	crls                 [][]byte     // nil: made of revoked
	config               certs.Certificates
	require              []certs.Requirement
	keys                 []certs.Key
	unkeyed              []graph.PoolPattern
	trusted              bool
	now                  time.Time
	run                  certs.Worker
	forms                func(f map[certs.Form][]byte)
	tsa                  *tsa.Authority
	stampTime            time.Time // zero: no time stamp
	sources              revocation.Sources
	cms, raw             bool
}

func newPKI(t *testing.T) *pki {
	w := worker("gecko-3/b-linux")
	w.WorkerGroup, w.WorkerID = "us-east1", "i-0123"
	p := &pki{t: t, now: now, run: w, raw: true, key: ca.Key("worker")}
	p.root = ca.Root("root")
	p.issue()
	p.config = certs.Certificates{TrustDomain: domain, Revocation: certs.RequireRevocation}
	return p
}

// issue makes the intermediate and the worker's certificate anew.
func (p *pki) issue(edits ...ca.Edit) {
	p.issuer = p.root.Intermediate("issuer")
	p.worker = p.issuer.Worker(p.key, poolURI, edits...)
}

func (p *pki) as(uri string, edits ...ca.Edit) { p.worker = p.issuer.Worker(p.key, uri, edits...) }

func parseCRLs(t *testing.T, data ...[]byte) []*revocation.CRL {
	t.Helper()
	var out []*revocation.CRL
	for _, d := range data {
		list, err := revocation.ParseCRLs(d)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, list...)
	}
	return out
}

func (p *pki) trust() *certs.Trust {
	p.t.Helper()
	c := p.config
	if c.Roots == nil {
		c.Roots = []certs.Anchor{{Certificate: p.root.Certificate}}
	}
	if c.CRLs == nil && p.crls == nil {
		p.crls = [][]byte{p.root.CRL(1, p.now.Add(-time.Hour)), p.issuer.CRL(1, p.now.Add(-time.Hour), p.revoked...)}
	}
	c.CRLs = append(c.CRLs, parseCRLs(p.t, p.crls...)...)
	if p.tsa != nil && c.Timestamps == nil {
		c.Timestamps = &certs.Timestamps{Roots: []*x509.Certificate{p.tsa.Root}, CRLs: parseCRLs(p.t, p.tsaCRL())}
	}
	t, err := certs.New(certs.Config{
		Certificates: &c, Require: p.require, Keys: p.keys, UnkeyedPools: p.unkeyed, QueueTimeTrusted: p.trusted, Now: p.now, Sources: p.sources,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return t
}

func (p *pki) tsaCRL(entries ...ca.Revoked) []byte {
	h := &ca.Holder{Certificate: p.tsa.Root, Key: p.tsa.RootKey}
	return h.CRL(1, p.now.Add(-time.Hour), entries...)
}

func (p *pki) signed() certs.Signed {
	p.t.Helper()
	f := map[certs.Form][]byte{}
	var signature []byte
	if p.raw {
		signature = p.worker.Sign(document)
		f[certs.FormSignature], f[certs.FormChain] = signature, p.worker.Chain()
	}
	if p.cms {
		der, err := cms.Sign(document, p.worker.Key, p.worker.Certificate, []*x509.Certificate{p.issuer.Certificate}, time.Time{}, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		f[certs.FormCMS] = der
		if signature == nil {
			s, err := cms.Verify(der, document, cms.Options{})
			if err != nil {
				p.t.Fatal(err)
			}
			signature = s.Signature
		}
	}
	if !p.stampTime.IsZero() {
		f[certs.FormTimestamp] = p.stamp(signature)
	}
	if p.forms != nil {
		p.forms(f)
	}
	return certs.Signed{Document: document, Forms: f}
}

func (p *pki) stamp(signature []byte) []byte {
	p.t.Helper()
	reply, err := p.tsa.Reply(timestamp.NewRequest(signature, nil))
	if err != nil {
		p.t.Fatal(err)
	}
	return reply
}

// stamped has the document time-stamped at that time.
func (p *pki) stamped(at time.Time) {
	p.stampTime = at
	p.tsa = tsa.New(func() time.Time { return p.stampTime })
}

// certCase is a case and what becomes of it; accepted ones are the twins of the
// refusals around them.
type certCase struct {
	name string
	edit func(p *pki)
	want certs.Cause // "" is verified
}

func run(t *testing.T, cases []certCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPKI(t)
			if c.edit != nil {
				c.edit(p)
			}
			s := p.signed()
			v, failures := p.trust().Verify(t.Context(), s, p.run)
			if c.want == "" {
				if v == nil || len(failures) != 0 {
					t.Fatalf("refused: %+v", failures)
				}
				return
			}
			if v != nil || !slices.ContainsFunc(failures, func(f certs.Failure) bool { return f.Cause == c.want }) {
				t.Fatalf("%+v, %+v, want %s", v, failures, c.want)
			}
		})
	}
}

func TestCertificateSigns(t *testing.T) {
	run(t, []certCase{
		{"Ed25519", nil, ""},
		{"P-256", func(p *pki) { p.key = ca.P256(); p.issue() }, ""},
		{"P-384", func(p *pki) { p.key = ca.P384(); p.issue() }, ""},
		{"RSA of 3072 bits", func(p *pki) { p.key = ca.RSA(3072); p.issue() }, ""},
		{"RSA of 2048 bits", func(p *pki) { p.key = ca.RSA(2048); p.issue() }, certs.CertificatePath},
		{"a signature of other bytes", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormSignature] = p.worker.Sign([]byte("other")) }
		}, certs.SignatureInvalid},
		{"another key's signature", func(p *pki) {
			other := &ca.Holder{Key: ca.Key("other")}
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormSignature] = other.Sign(document) }
		}, certs.SignatureInvalid},
		{"the signature was deleted", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { delete(f, certs.FormSignature) }
		}, certs.SignatureMissing},
		{"the chain was deleted: no fallback to a key", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { delete(f, certs.FormChain) }
		}, certs.SignerUnauthorized},
		{"everything was deleted", func(p *pki) { p.raw = false }, certs.SignatureMissing},
		{"a chain that is no PEM", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormChain] = []byte("x") }
		}, certs.CertificatePath},
		{"an empty chain", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormChain] = []byte{} }
		}, certs.CertificatePath},
		{"without the intermediate", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormChain] = p.worker.PEM() }
		}, certs.CertificatePath},
		{"without the intermediate, which policy has", func(p *pki) {
			p.config.Issuers = []certs.Anchor{{Certificate: p.issuer.Certificate}}
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormChain] = p.worker.PEM() }
		}, ""},
		{"the root in the chain", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormChain] = append(p.worker.Chain(), p.root.PEM()...) }
		}, ""},
		{"a root of the adversary", func(p *pki) {
			p.root = ca.Root("root") // the same name
			p.root.Key = ca.Key("adversary")
			mine := ca.Root("adversary", func(c *x509.Certificate) { c.Subject.CommonName = "root" })
			p.config.Roots = []certs.Anchor{{Certificate: ca.Root("root").Certificate}}
			p.root = mine
			p.issue()
		}, certs.CertificatePath},
		{"a leaf for code signing no more", func(p *pki) {
			p.as(poolURI, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
		}, certs.CertificatePath},
		{"a leaf without digitalSignature", func(p *pki) {
			p.as(poolURI, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })
		}, certs.CertificatePath},
		{"a leaf that is a CA", func(p *pki) {
			p.as(poolURI, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, c.KeyUsage|x509.KeyUsageCertSign })
		}, certs.CertificatePath},
		{"a worker that issues certificates", func(p *pki) {
			evil := p.worker.Worker(ca.Key("evil"), poolURI)
			p.worker = evil
		}, certs.CertificatePath},
		{"CMS", func(p *pki) { p.key, p.cms, p.raw = ca.P256(), true, false; p.issue() }, ""},
		{"CMS and the raw signature", func(p *pki) { p.key, p.cms = ca.P256(), true; p.issue() }, ""},
		{"CMS that is broken beside a good signature", func(p *pki) {
			p.key, p.cms = ca.P256(), true
			p.issue()
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormCMS][len(f[certs.FormCMS])-1] ^= 1 }
		}, certs.SignatureInvalid},
		{"a broken signature beside good CMS", func(p *pki) {
			p.key, p.cms = ca.P256(), true
			p.issue()
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormSignature] = p.worker.Sign([]byte("other")) }
		}, certs.SignatureInvalid},
		{"a clear-signed document beside", func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormPGP] = []byte("x") }
		}, certs.SignerUnauthorized},
	})
}

func TestMethodsByPolicy(t *testing.T) {
	pinned := func(p *pki) {
		p.keys = []certs.Key{{Implementation: graph.GenericWorker, Pools: pools(p.t, "gecko-3/*"), Public: key(0).Public().(ed25519.PublicKey)}}
		p.raw = false
		p.forms = func(f map[certs.Form][]byte) { f[certs.FormSignature] = ed25519.Sign(key(0), document) }
	}
	methods := func(m ...certs.Method) func(*pki) {
		return func(p *pki) { p.require = []certs.Requirement{{Pools: pools(p.t, "gecko-3/*"), Methods: m}} }
	}
	both := func(edits ...func(*pki)) func(*pki) {
		return func(p *pki) {
			for _, e := range edits {
				e(p)
			}
		}
	}
	other := func(p *pki) { p.config.Roots = []certs.Anchor{{p.root.Certificate, pools(p.t, "comm-3/*")}} }
	run(t, []certCase{
		{"a key where certificates are configured", pinned, certs.SignerUnauthorized},
		{"a key where policy says so", both(pinned, methods(certs.MethodKey)), ""},
		{"a key where certificates are for other pools", both(pinned, other), ""},
		{"a certificate where policy wants CMS", methods(certs.MethodCMS), certs.SignerUnauthorized},
		{"a certificate where policy takes either", methods(certs.MethodCMS, certs.MethodCertificate), ""},
		{"a certificate where policy wants a key", methods(certs.MethodKey), certs.SignerUnauthorized},
		{"a certificate in a pool whose workers have no key", func(p *pki) { p.unkeyed = pools(p.t, "gecko-3/*") }, ""},
		{"no certificate in a pool whose workers have no key", both(pinned, func(p *pki) { p.keys, p.unkeyed = nil, pools(p.t, "gecko-3/*") }), certs.SignerUnauthorized},
	})
}

func TestIdentities(t *testing.T) {
	identity := func(uri string) func(*pki) { return func(p *pki) { p.as(uri) } }
	mapped := func(pattern string) func(*pki) {
		return func(p *pki) {
			p.as(levelURI)
			p.config.Identities = []certs.Identity{{SPIFFEID: levelURI, Pools: pools(p.t, pattern)}}
		}
	}
	ownOnly := func(uri string) func(*pki) {
		return func(p *pki) {
			p.as(uri)
			p.config.WorkerIdentityRequired = pools(p.t, "gecko-3/*")
			p.config.Identities = []certs.Identity{{SPIFFEID: levelURI, Pools: pools(p.t, "gecko-3/*")}}
		}
	}
	more := func(uris ...string) func(*pki) {
		return func(p *pki) {
			p.as("", func(c *x509.Certificate) {
				for _, s := range uris {
					u, err := url.Parse(s)
					if err != nil {
						panic(err)
					}
					c.URIs = append(c.URIs, u)
				}
			})
		}
	}
	raw := func(uri string) func(*pki) {
		return func(p *pki) {
			p.as("", func(c *x509.Certificate) {
				name := append([]byte{0x86, byte(len(uri))}, uri...)
				c.ExtraExtensions = append(c.ExtraExtensions, stdpkix.Extension{
					Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: append([]byte{0x30, byte(len(name))}, name...),
				})
			})
		}
	}
	run(t, []certCase{
		{"the pool", identity(poolURI), ""},
		{"another pool", identity("spiffe://tc.example.com/worker-pool/gecko-3/b-win"), certs.SignerUnauthorized},
		{"a pool that begins alike", identity(poolURI + "-large"), certs.SignerUnauthorized},
		{"the pool in capitals", identity(strings.Replace(poolURI, "gecko", "Gecko", 1)), certs.SignerUnauthorized},
		{"the worker", identity(ownURI), ""},
		{"another worker", identity(poolURI + "/worker/us-east1/i-0124"), certs.SignerUnauthorized},
		{"a worker of another group", identity(poolURI + "/worker/us-east2/i-0123"), certs.SignerUnauthorized},
		{"more than a worker", identity(ownURI + "/more"), certs.SignerUnauthorized},
		{"a level that policy does not map", identity(levelURI), certs.SignerUnauthorized},
		{"a level that policy maps", mapped("gecko-3/*"), ""},
		{"a level that policy maps to other pools", mapped("comm-3/*"), certs.SignerUnauthorized},
		{"the worker where policy wants the worker", ownOnly(ownURI), ""},
		{"the pool where policy wants the worker", ownOnly(poolURI), certs.SignerUnauthorized},
		{"a mapped level where policy wants the worker", ownOnly(levelURI), certs.SignerUnauthorized},
		{"a foreign trust domain", identity(strings.Replace(poolURI, domain, "other.example.com", 1)), certs.SignerUnauthorized},
		{"a trust domain below", identity(strings.Replace(poolURI, domain, "a."+domain, 1)), certs.SignerUnauthorized},
		{"another scheme", identity(strings.Replace(poolURI, "spiffe:", "https:", 1)), certs.SignerUnauthorized},
		{"a query", identity(poolURI + "?x=y"), certs.SignerUnauthorized},
		{"a fragment", identity(poolURI + "#x"), certs.SignerUnauthorized},
		{"a port", identity(strings.Replace(poolURI, domain, domain+":443", 1)), certs.SignerUnauthorized},
		{"dots in the path", identity("spiffe://tc.example.com/worker-pool/gecko-3/x/../b-linux"), certs.SignerUnauthorized},
		{"escapes in the path", identity("spiffe://tc.example.com/worker-pool/gecko-3/b%2dlinux"), certs.SignerUnauthorized},
		{"a scheme in capitals", raw("SPIFFE" + strings.TrimPrefix(poolURI, "spiffe")), certs.SignerUnauthorized},
		{"an empty fragment", raw(poolURI + "#"), certs.SignerUnauthorized},
		{"the pool, written by hand", raw(poolURI), ""},
		{"no URI", more(), certs.SignerUnauthorized},
		{"two URIs", more(poolURI, ownURI), certs.SignerUnauthorized},
		{"the same URI twice", more(poolURI, poolURI), certs.SignerUnauthorized},
	})
}

func TestAnchorsAreLimitedToPools(t *testing.T) {
	root := func(pattern string) func(*pki) {
		return func(p *pki) {
			p.config.Roots = []certs.Anchor{{p.root.Certificate, pools(p.t, pattern)}}
			p.require = []certs.Requirement{{Pools: pools(p.t, "gecko-3/*"), Methods: []certs.Method{certs.MethodCertificate}}}
		}
	}
	issuer := func(pattern string, edits ...func(*pki)) func(*pki) {
		return func(p *pki) {
			p.config.Issuers = []certs.Anchor{{p.issuer.Certificate, pools(p.t, pattern)}}
			for _, e := range edits {
				e(p)
			}
		}
	}
	// The intermediate's key under a certificate that policy doesn't list.
	renewed := func(p *pki) {
		again := p.root.Intermediate("issuer", func(c *x509.Certificate) { c.NotAfter = c.NotAfter.AddDate(1, 0, 0) })
		p.issuer = again
		p.as(poolURI)
	}
	run(t, []certCase{
		{"a root for the pool", root("gecko-3/*"), ""},
		{"a root for other pools", root("comm-3/*"), certs.SignerUnauthorized},
		{"an intermediate for the pool", issuer("gecko-3/*"), ""},
		{"an intermediate for other pools", issuer("gecko-1/*"), certs.SignerUnauthorized},
		{"another certificate for the intermediate's key", issuer("gecko-3/*", renewed), ""},
		{"another certificate for the key of an intermediate for other pools", issuer("gecko-1/*", renewed), certs.SignerUnauthorized},
	})
}

// --accept-unsigned-pools is for pools of which policy says nothing better:
// there, deleting the chain is no way around what it demands.
func TestCertificatesAreNotUnkeyed(t *testing.T) {
	limited := func(h *ca.Holder, names ...string) []certs.Anchor {
		return []certs.Anchor{{Certificate: h.Certificate, Pools: pools(t, names...)}}
	}
	require := func(m ...certs.Method) func(*pki) {
		return func(p *pki) { p.require = []certs.Requirement{{Pools: pools(t, "gecko-3/*"), Methods: m}} }
	}
	for _, c := range []struct {
		name    string
		edit    func(p *pki)
		unkeyed bool
	}{
		{"nothing in particular", func(*pki) {}, true},
		{"a limited root", func(p *pki) { p.config.Roots = limited(p.root, "gecko-3/*") }, false},
		{"a limited issuer", func(p *pki) { p.config.Issuers = limited(p.issuer, "gecko-3/*") }, false},
		{"an issuer of other pools", func(p *pki) { p.config.Issuers = limited(p.issuer, "gecko-2/*") }, true},
		{"certificates required", require(certs.MethodCertificate, certs.MethodCMS), false},
		{"a key or a certificate", require(certs.MethodKey, certs.MethodCertificate), true},
		{"identities of workers required", func(p *pki) { p.config.WorkerIdentityRequired = pools(t, "gecko-3/*") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPKI(t)
			p.unkeyed = pools(t, "gecko-*/*")
			p.forms = func(f map[certs.Form][]byte) { delete(f, certs.FormChain) }
			c.edit(p)
			if _, err := p.trust().AcceptUnsigned(p.signed(), p.run); (err == nil) != c.unkeyed {
				t.Errorf("%v", err)
			}
		})
	}
}

// A graph of many tasks has a handful of certificates: what is found of one
// holds for the run.
func TestPathsAreFoundOnce(t *testing.T) {
	p := newPKI(t)
	asked := 0
	p.crls = [][]byte{p.root.CRL(1, now.Add(-time.Hour))}
	p.config.CRLURLs = []string{"https://example.com/issuer.crl"}
	p.sources = fetch(func(string) ([]byte, error) { asked++; return p.issuer.CRL(1, now.Add(-time.Hour)), nil })
	tr := p.trust()
	for range 10 {
		if v, failures := tr.Verify(t.Context(), p.signed(), p.run); v == nil {
			t.Fatalf("%+v", failures)
		}
	}
	if asked != 1 {
		t.Errorf("the CRL was fetched %d times", asked)
	}
}

func TestSignerIsNamed(t *testing.T) {
	p := newPKI(t)
	p.stamped(now.Add(-30 * time.Minute))
	v, failures := p.trust().Verify(t.Context(), p.signed(), p.run)
	if v == nil {
		t.Fatalf("%+v", failures)
	}
	s := v.Signers()[0]
	want := string(certs.CertificateKeyID(p.issuer.Certificate)) + ":" + p.worker.Certificate.SerialNumber.Text(16)
	if s.Method != certs.MethodCertificate || s.Identity != poolURI || s.KeyID != certs.CertificateKeyID(p.worker.Certificate) ||
		s.TimeSource != certs.TimeFromTimestamp || !s.SignedAt.Equal(now.Add(-30*time.Minute)) || s.Certificate != want {
		t.Errorf("%+v", s)
	}
}

func TestTrustInCertificatesIsWhole(t *testing.T) {
	root := []certs.Anchor{{Certificate: ca.Root("root").Certificate}}
	for name, c := range map[string]certs.Certificates{
		"no root":               {TrustDomain: domain, Revocation: certs.RequireRevocation},
		"no trust domain":       {Roots: root, Revocation: certs.RequireRevocation},
		"no word on revocation": {Roots: root, TrustDomain: domain},
		"time stamps by nobody": {Roots: root, TrustDomain: domain, Revocation: certs.RequireRevocation, Timestamps: &certs.Timestamps{}},
	} {
		if _, err := certs.New(certs.Config{Certificates: &c, Now: now}); err == nil {
			t.Error(name)
		}
	}
}

// fetch is revocation.Sources for CRLs alone.
type fetch func(url string) ([]byte, error)

func (f fetch) CRL(_ context.Context, url string) ([]byte, error) { return f(url) }
func (f fetch) OCSP(context.Context, string, []byte) ([]byte, error) {
	return nil, &graph.UnavailableError{Reason: graph.NotFound}
}
