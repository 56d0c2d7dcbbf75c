package certs_test

import (
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/certs/timestamp"
	"github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/fixtures/tsa"
	"github.com/mozilla-releng/cot/graph"
)

// The table of design §5, row by row.
func TestTimeAndRevocation(t *testing.T) {
	day := 24 * time.Hour
	started := now.Add(-time.Hour)
	signedAt := started.Add(30 * time.Minute)
	stamped := func(edits ...func(*pki)) func(*pki) {
		return func(p *pki) {
			p.stamped(signedAt)
			for _, e := range edits {
				e(p)
			}
		}
	}
	queue := func(edits ...func(*pki)) func(*pki) {
		return func(p *pki) {
			for _, e := range edits {
				e(p)
			}
		}
	}
	trusting := func(p *pki) { p.trusted = true }
	window := func(from, to time.Time) func(*pki) {
		return func(p *pki) { p.as(poolURI, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to }) }
	}
	var never time.Time
	later := func(p *pki) { p.now = now.AddDate(3, 0, 0) } // all certificates but the roots have expired
	keeps := func(p *pki) { p.config.CRLKeepsExpired = true }
	revoke := func(reason int, at, invalid time.Time) func(*pki) {
		return func(p *pki) { p.revoked = []ca.Revoked{{Of: p.worker, At: at, Reason: reason, Invalid: invalid}} }
	}
	before, after := signedAt.Add(-10*time.Minute), signedAt.Add(10*time.Minute)
	expired := window(ca.From, now.Add(-time.Minute))
	// outdated is a CRL of the day, and the verification is a month later.
	outdated := func(reason int, invalid time.Time) func(*pki) {
		return func(p *pki) {
			p.now = now.AddDate(0, 1, 0)
			p.crls = [][]byte{p.root.CRL(1, p.now.Add(-time.Hour)), p.issuer.CRL(1, now.Add(2*time.Hour),
				ca.Revoked{Of: p.worker, At: now.Add(time.Hour), Reason: reason, Invalid: invalid})}
		}
	}
	cases := []certCase{
		{"queue: valid then and now", queue(window(ca.From, ca.To)), ""},
		{"queue: expired since", queue(expired, keeps), certs.CertificateExpired},
		{"queue: not valid then", queue(window(now.Add(-10*time.Second), ca.To)), certs.CertificateExpired},
		{"queue, trusted: expired since", queue(expired, keeps, trusting), ""},
		{"queue, trusted: not valid then", queue(window(now.Add(-10*time.Second), ca.To), trusting), certs.CertificateExpired},
		{"queue: below an intermediate that has expired, until the first day of all", func(p *pki) {
			p.issuer = p.root.Intermediate("issuer", func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) })
			window(never, never)(p) // 00010101000000Z is Go's zero time
			p.config.Revocation = certs.RevocationOff
		}, certs.CertificateExpired},
		{"queue, trusted: valid from tomorrow on, when the queue says it was", queue(trusting, window(now.AddDate(0, 0, 1), ca.To), func(p *pki) {
			p.run.Resolved = now.AddDate(0, 0, 2)
		}), certs.CertificateExpired},
		{"queue, trusted: superseded tomorrow, when the queue says it was", queue(trusting, revoke(4, now.AddDate(0, 0, 3), never), func(p *pki) {
			p.run.Resolved = now.AddDate(0, 0, 2)
		}), certs.CertificateRevoked},
		{"queue, trusted: the last moment", queue(trusting, func(p *pki) { p.run.Resolved = now }), ""},
		{"stamp: expired since", stamped(expired, keeps), ""},
		{"stamp: years later", stamped(later, keeps), ""},
		{"queue: years later", queue(later, keeps), certs.CertificateExpired},
		{"stamp: not valid then", stamped(window(signedAt.Add(time.Minute), ca.To)), certs.CertificateExpired},
		{"stamp: valid at the last moment only within accuracy", stamped(window(ca.From, signedAt), keeps), certs.CertificateExpired},
		{"stamp: expired, and the CRL may have dropped it", stamped(later), certs.RevocationUnknown},
		{"stamp: expired, and the CRLs say that they keep such", stamped(later, func(p *pki) {
			p.crls = nil
			p.config.CRLs = parseCRLs(p.t, p.root.CRLWith(1, p.now.Add(-time.Hour), keepsExpired), p.issuer.CRLWith(1, p.now.Add(-time.Hour), keepsExpired))
		}), ""},
		{"stamp: revoked, then expired", stamped(later, keeps, revoke(1, now.Add(day), never)), certs.CertificateRevoked},
	}
	hard := map[string]int{"keyCompromise": 1, "cACompromise": 2, "aACompromise": 10, "unspecified": 0}
	for name, r := range hard {
		cases = append(cases,
			certCase{"stamp: " + name + " without invalidityDate", stamped(revoke(r, after, never)), certs.CertificateRevoked},
			certCase{"stamp: " + name + " with invalidityDate before", stamped(revoke(r, after, before)), certs.CertificateRevoked},
			certCase{"stamp: " + name + " with both after", stamped(revoke(r, after.Add(time.Minute), after)), ""},
			certCase{"stamp: " + name + " revoked before, invalid after", stamped(revoke(r, before, after)), certs.CertificateRevoked},
			certCase{"queue: " + name + " with both after", queue(revoke(r, now.Add(-time.Second), now.Add(-2*time.Second))), certs.CertificateRevoked},
			certCase{"queue, trusted: " + name + " with both after", queue(trusting, revoke(r, now.Add(-time.Second), now.Add(-2*time.Second))), certs.CertificateRevoked},
		)
	}
	for name, r := range map[string]int{"affiliationChanged": 3, "superseded": 4, "cessationOfOperation": 5, "privilegeWithdrawn": 9} {
		cases = append(cases,
			certCase{"stamp: " + name + " after", stamped(revoke(r, after, never)), ""},
			certCase{"stamp: " + name + " before", stamped(revoke(r, before, never)), certs.CertificateRevoked},
			certCase{"queue: " + name + " after", queue(revoke(r, now.Add(-time.Second), never)), certs.CertificateRevoked},
			certCase{"queue, trusted: " + name + " after", queue(trusting, revoke(r, now.Add(-time.Second), never)), ""},
			certCase{"queue, trusted: " + name + " before", queue(trusting, revoke(r, started, never)), certs.CertificateRevoked},
		)
	}
	cases = append(cases,
		certCase{"stamp: removed, by a list that is complete", stamped(revoke(8, after, never)), certs.CertificateRevoked},
		certCase{"queue: removed, by a list that is complete", queue(revoke(8, after, never)), certs.CertificateRevoked},
		certCase{"stamp: on hold since", stamped(revoke(6, after, never)), certs.CertificateRevoked},
		certCase{"queue, trusted: on hold since", queue(trusting, revoke(6, now.Add(-time.Second), never)), certs.CertificateRevoked},
		certCase{"stamp: superseded after, by a CRL that expired since", stamped(outdated(4, never)), certs.RevocationUnknown},
		certCase{"stamp: lost after, by a CRL that expired since", stamped(outdated(1, now.Add(time.Hour))), certs.RevocationUnknown},
		certCase{"stamp: lost before, by a CRL that expired since", stamped(outdated(1, before)), certs.CertificateRevoked},
		certCase{"stamp: superseded after, by a CRL that is followed by another", stamped(outdated(4, never), func(p *pki) {
			p.crls = append(p.crls, p.issuer.CRL(2, p.now.Add(-time.Hour), ca.Revoked{Of: p.worker, At: now.Add(time.Hour), Reason: 4}))
		}), ""},
		certCase{"stamp: superseded after, and expired since", stamped(expired, revoke(4, after, never)), ""},
		certCase{"stamp: superseded after, for some reasons", stamped(func(p *pki) {
			p.crls = [][]byte{p.root.CRL(1, now.Add(-time.Hour)), p.issuer.CRLWith(1, now.Add(-time.Hour), onlySuperseded,
				ca.Revoked{Of: p.worker, At: after, Reason: 4})}
		}), certs.RevocationUnknown},
		certCase{"another certificate is revoked", queue(func(p *pki) {
			p.revoked = []ca.Revoked{{Of: p.issuer.Worker(ca.Key("other"), poolURI), At: before, Reason: 1}}
		}), ""},
		certCase{"the intermediate is revoked", func(p *pki) {
			p.crls = [][]byte{p.root.CRL(1, now.Add(-time.Hour), ca.Revoked{Of: p.issuer, At: before, Reason: 2}), p.issuer.CRL(1, now.Add(-time.Hour))}
		}, certs.CertificateRevoked},
		certCase{"one of two CRLs says revoked", func(p *pki) {
			p.crls = [][]byte{
				p.root.CRL(1, now.Add(-time.Hour)), p.issuer.CRL(2, now.Add(-time.Hour)),
				p.issuer.CRL(1, now.Add(-2*time.Hour), ca.Revoked{Of: p.worker, At: before, Reason: 1}),
			}
		}, certs.CertificateRevoked},
	)
	run(t, cases)
}

func onlySuperseded(l *x509.RevocationList) {
	// issuingDistributionPoint with onlySomeReasons (RFC 5280 §5.2.5)
	l.ExtraExtensions = append(l.ExtraExtensions, stdpkix.Extension{
		Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 4, 0x83, 2, 3, 0x08},
	})
}

func keepsExpired(l *x509.RevocationList) {
	// expiredCertsOnCRL (X.509 §9.5.2.8)
	value := append([]byte{0x18, 15}, "20200101000000Z"...)
	l.ExtraExtensions = append(l.ExtraExtensions, stdpkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 60}, Value: value})
}

func TestRevocationIsDemanded(t *testing.T) {
	only := func(lists func(p *pki) [][]byte) func(*pki) { return func(p *pki) { p.crls = lists(p) } }
	update := now.Add(-time.Hour)
	old := now.AddDate(0, 0, -8)
	withURL := func(f fetch) func(*pki) {
		return func(p *pki) {
			p.crls = [][]byte{p.root.CRL(1, update)}
			p.config.CRLURLs = []string{"https://example.com/issuer.crl"}
			p.sources = f
		}
	}
	run(t, []certCase{
		{"no CRL", only(func(*pki) [][]byte { return [][]byte{} }), certs.RevocationUnknown},
		{"no CRL of the intermediate", only(func(p *pki) [][]byte { return [][]byte{p.root.CRL(1, update)} }), certs.RevocationUnknown},
		{"no CRL of the root", only(func(p *pki) [][]byte { return [][]byte{p.issuer.CRL(1, update)} }), certs.RevocationUnknown},
		{"an expired CRL", only(func(p *pki) [][]byte { return [][]byte{p.root.CRL(1, update), p.issuer.CRL(1, old)} }), certs.RevocationUnknown},
		{"an expired CRL within policy's grace", func(p *pki) {
			p.crls = [][]byte{p.root.CRL(1, update), p.issuer.CRL(1, old)}
			p.config.CRLGrace = 48 * time.Hour
		}, ""},
		{"a CRL of the adversary", only(func(p *pki) [][]byte {
			forged := &ca.Holder{Certificate: p.issuer.Certificate, Key: ca.Key("adversary")}
			return [][]byte{p.root.CRL(1, update), forged.CRL(1, update)}
		}), certs.RevocationUnknown},
		{"when available, and there is none", func(p *pki) {
			p.crls = [][]byte{}
			p.config.Revocation = certs.RevocationWhenAvailable
		}, ""},
		{"when available, and revoked", func(p *pki) {
			p.revoked = []ca.Revoked{{Of: p.worker, At: update, Reason: 1}}
			p.config.Revocation = certs.RevocationWhenAvailable
		}, certs.CertificateRevoked},
		{"off, and revoked", func(p *pki) {
			p.revoked = []ca.Revoked{{Of: p.worker, At: update, Reason: 1}}
			p.config.Revocation = certs.RevocationOff
		}, ""},
		{"a CRL by URL", func(p *pki) {
			withURL(func(string) ([]byte, error) { return p.issuer.CRL(1, update), nil })(p)
		}, ""},
		{"a CRL by URL that says revoked", func(p *pki) {
			withURL(func(string) ([]byte, error) {
				return p.issuer.CRL(1, update, ca.Revoked{Of: p.worker, At: update, Reason: 1}), nil
			})(p)
		}, certs.CertificateRevoked},
		{"a CRL by URL that can't be reached", withURL(func(url string) ([]byte, error) {
			return nil, &graph.UnavailableError{What: url, Reason: graph.Unreachable}
		}), certs.RevocationUnknown},
	})
}

// What may heal says so, and what policy lets pass is told.
func TestRevocationUnknownIsTold(t *testing.T) {
	p := newPKI(t)
	p.crls = [][]byte{p.root.CRL(1, now.Add(-time.Hour))}
	p.config.CRLURLs = []string{"https://example.com/issuer.crl"}
	p.sources = fetch(func(url string) ([]byte, error) {
		return nil, &graph.UnavailableError{What: url, Reason: graph.Unreachable}
	})
	_, failures := p.trust().Verify(t.Context(), p.signed(), p.run)
	if len(failures) != 1 || !failures[0].Heals {
		t.Errorf("%+v", failures)
	}
	p.config.Revocation = certs.RevocationWhenAvailable
	v, failures := p.trust().Verify(t.Context(), p.signed(), p.run)
	if len(failures) != 0 || len(v.Warnings()) != 1 || v.Warnings()[0].Cause != certs.RevocationUnknown {
		t.Errorf("%+v, %+v", v, failures)
	}
}

func TestTimestamps(t *testing.T) {
	started := now.Add(-time.Hour)
	signedAt := started.Add(30 * time.Minute)
	at := func(when time.Time, edits ...func(*pki)) func(*pki) {
		return func(p *pki) {
			p.stamped(when)
			for _, e := range edits {
				e(p)
			}
		}
	}
	spoil := func(f func(r *tsa.Reply)) func(*pki) { return func(p *pki) { p.tsa.Edit = f } }
	tsaRevoked := func(reason int, when time.Time) func(*pki) {
		return func(p *pki) {
			of := &ca.Holder{Certificate: p.tsa.Certificate}
			p.config.Timestamps = &certs.Timestamps{
				Roots: []*x509.Certificate{p.tsa.Root},
				CRLs:  parseCRLs(p.t, p.tsaCRL(ca.Revoked{Of: of, At: when, Reason: reason})),
			}
		}
	}
	cmsOnly := func(p *pki) { p.key, p.cms, p.raw = ca.P256(), true, false; p.issue() }
	run(t, []certCase{
		{"within the run", at(signedAt), ""},
		{"of CMS alone", at(signedAt, cmsOnly), ""},
		{"minutes before the run", at(started.Add(-4 * time.Minute)), ""},
		{"pre-minted, older than the run", at(started.Add(-6 * time.Minute)), certs.TimestampInvalid},
		{"of the future", at(now.Add(time.Minute)), certs.TimestampInvalid},
		{"over another signature", at(signedAt, func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormTimestamp] = p.stamp([]byte("other")) }
		}), certs.TimestampInvalid},
		{"over the document in place of the signature", at(signedAt, func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormTimestamp] = p.stamp(document) }
		}), certs.TimestampInvalid},
		{"that is broken", at(signedAt, func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormTimestamp] = f[certs.FormTimestamp][:40] }
		}), certs.TimestampInvalid},
		{"that is listed and was stripped from storage", at(signedAt, func(p *pki) {
			p.forms = func(f map[certs.Form][]byte) { f[certs.FormTimestamp] = nil }
		}), certs.SignatureMissing},
		{"that is not granted", at(signedAt, spoil(func(r *tsa.Reply) { r.Status = 2 })), certs.TimestampInvalid},
		{"by an unknown authority", at(signedAt, func(p *pki) {
			p.config.Timestamps = &certs.Timestamps{Roots: []*x509.Certificate{tsa.New(func() time.Time { return signedAt }).Root}}
		}), certs.TimestampInvalid},
		{"where policy trusts no authority", at(signedAt, func(p *pki) {
			p.config.Timestamps = nil
			edit := p.forms
			tsaOf := p.tsa
			p.tsa = nil
			p.stampTime = time.Time{}
			p.forms = func(f map[certs.Form][]byte) {
				if edit != nil {
					edit(f)
				}
				reply, err := tsaOf.Reply(timestamp.NewRequest(f[certs.FormSignature], nil))
				if err != nil {
					p.t.Fatal(err)
				}
				f[certs.FormTimestamp] = reply
			}
			tsaOf.Now = func() time.Time { return signedAt }
		}), certs.TimestampInvalid},
		{"by an authority that was superseded later", at(signedAt, tsaRevoked(4, signedAt.Add(time.Minute))), ""},
		{"by an authority that was superseded before", at(signedAt, tsaRevoked(4, signedAt.Add(-time.Minute))), certs.TimestampInvalid},
		{"by an authority whose key was lost later", at(signedAt, tsaRevoked(1, signedAt.Add(time.Minute))), certs.TimestampInvalid},
		{"by an authority about which nobody answers", at(signedAt, func(p *pki) {
			p.config.Timestamps = &certs.Timestamps{Roots: []*x509.Certificate{p.tsa.Root}}
		}), certs.TimestampInvalid},
		{"by a certificate that is for other things, too", at(signedAt, func(p *pki) {
			template := p.tsa.Template()
			template.ExtraExtensions = nil
			template.SerialNumber = big.NewInt(3)
			template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageCodeSigning}
			p.tsa.Certificate = p.tsa.Issue(template, p.tsa.Key.Public())
		}), certs.TimestampInvalid},
	})
}

// A time stamp that fails is one finding: what it would have decided is not
// judged by a time that nobody knows.
func TestFailedTimestampIsOneFinding(t *testing.T) {
	for name, c := range map[string]struct {
		at    time.Time
		heals bool
	}{"of the future": {now.Add(time.Hour), false}, "of a moment ago": {now, true}, "pre-minted": {now.AddDate(0, 0, -1), false}} {
		p := newPKI(t)
		p.stamped(c.at)
		_, failures := p.trust().Verify(t.Context(), p.signed(), p.run)
		if len(failures) != 1 || failures[0].Cause != certs.TimestampInvalid || failures[0].Heals != c.heals {
			t.Errorf("%s: %+v", name, failures)
		}
		// What else is wrong is told all the same.
		p.forms = func(f map[certs.Form][]byte) { f[certs.FormSignature] = p.worker.Sign([]byte("other")) }
		v, failures := p.trust().Verify(t.Context(), p.signed(), p.run)
		if v != nil || len(failures) != 2 {
			t.Errorf("%s: %+v, %+v", name, v, failures)
		}
	}
}
