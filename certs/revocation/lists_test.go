package revocation

import (
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"
)

// answerCase asks for one certificate and wants a status and, where it is not
// good, a word of the reason.
type answerCase struct {
	name   string
	lists  []*CRL
	config func(*Config)
	want   Status
	why    string
}

func (w *world) run(t *testing.T, tests []answerCase) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var changes []func(*Config)
			if tt.config != nil {
				changes = append(changes, tt.config)
			}
			wantAnswer(t, w.check(t, tt.lists, changes...), tt.want, tt.why)
		})
	}
}

func wantAnswer(t *testing.T, a Answer, want Status, why string) {
	t.Helper()
	switch {
	case a.Status != want:
		t.Fatalf("want %s, found %s: %s %v", want, a.Status, a.Why, a.Revocations)
	case !strings.Contains(a.Why, why):
		t.Fatalf("want a reason with %q, found %q", why, a.Why)
	case want == Unknown && a.Why == "", want == Good && a.Why != "", (len(a.Revocations) > 0) != (want == Revoked):
		t.Fatalf("%s with reason %q and %v", a.Status, a.Why, a.Revocations)
	}
}

func TestListsThatCount(t *testing.T) {
	w := newWorld(t)
	other := issue(t, w.ca, "other", nil, leafOnly)
	good, revoked := list(t, w.ca), list(t, w.ca, revokes(w.leaf, reason(KeyCompromise)))
	issuerAltName := asn1.ObjectIdentifier{2, 5, 29, 18}
	late := func(c *Config) { c.Now = day(2026, 7, 3) }
	w.run(t, []answerCase{
		{"none", nil, nil, Unknown, "no CRL or OCSP answer"},
		{"one that does not list it", []*CRL{good}, nil, Good, ""},
		{"one that lists another", []*CRL{list(t, w.ca, revokes(other))}, nil, Good, ""},
		{"one that lists it", []*CRL{revoked}, nil, Revoked, ""},
		{"revoked wins", []*CRL{good, revoked, good}, nil, Revoked, ""},
		{"revoked wins over a later list", []*CRL{revoked, list(t, w.ca, number(8))}, nil, Revoked, ""},
		{"of the root", []*CRL{list(t, w.root)}, nil, Unknown, "no CRL or OCSP answer"},
		{"of the issuer's name by another key", []*CRL{list(t, w.ca, signedBy(w.root))}, nil, Unknown, "not signed by"},
		{"likewise, listing it", []*CRL{list(t, w.ca, signedBy(w.root), revokes(w.leaf))}, nil, Unknown, "not signed by"},

		{"until the last second", []*CRL{good}, func(c *Config) { c.Now = day(2026, 7, 1) }, Good, ""},
		{"a second later", []*CRL{good}, func(c *Config) { c.Now = day(2026, 7, 1).Add(time.Second) }, Unknown, "it expired on 2026-07-01"},
		{"in its grace", []*CRL{good}, func(c *Config) { late(c); c.Grace = 48 * time.Hour }, Good, ""},
		{"past its grace", []*CRL{good}, func(c *Config) { late(c); c.Grace = 47 * time.Hour }, Unknown, "it expired"},
		{"expired, listing it", []*CRL{revoked}, late, Revoked, ""},
		{"from its first second", []*CRL{good}, func(c *Config) { c.Now = day(2026, 5, 1) }, Good, ""},
		{"of the future", []*CRL{good}, func(c *Config) { c.Now = day(2026, 5, 1).Add(-time.Second) }, Unknown, "after"},
		{"without an end", []*CRL{list(t, w.ca, dated(day(2026, 5, 1), time.Time{}))}, nil, Unknown, "when the next one is due"},
		{"an expired one beside one that counts", []*CRL{list(t, w.ca, dated(born, day(2025, 2, 1))), good}, nil, Good, ""},

		{"a known extension that is critical", []*CRL{list(t, w.ca, with(issuerAltName, true, []byte{0x30, 0}))}, nil, Good, ""},
		{"an unknown extension", []*CRL{list(t, w.ca, with(unknownOID, false, []byte{5, 0}))}, nil, Good, ""},
		{"an unknown critical extension", []*CRL{list(t, w.ca, with(unknownOID, true, []byte{5, 0}))}, nil, Unknown, "is not understood"},
		{"likewise, listing it", []*CRL{list(t, w.ca, with(unknownOID, true, []byte{5, 0}), revokes(w.leaf))}, nil, Revoked, ""},
		{"an unknown extension of another's entry", []*CRL{list(t, w.ca, revokes(other, unknownEntry(false)))}, nil, Good, ""},
		{"an unknown critical extension of another's entry", []*CRL{list(t, w.ca, revokes(other, unknownEntry(true)))}, nil, Unknown, "entry extension"},
		{"an unknown critical extension of its entry", []*CRL{list(t, w.ca, revokes(w.leaf, unknownEntry(true)))}, nil, Revoked, ""},
		{"flawed beside one that counts", []*CRL{list(t, w.ca, with(unknownOID, true, []byte{5, 0})), good}, nil, Good, ""},
		{"no CRL number", []*CRL{list(t, w.ca, func(d *draft) { d.extensions = nil })}, nil, Unknown, "no CRL number"},
		{"v1", []*CRL{list(t, w.ca, func(d *draft) { d.extensions, d.version = nil, nil })}, nil, Unknown, "no CRL number"},
		{"v1, listing it", []*CRL{list(t, w.ca, func(d *draft) { d.extensions, d.version = nil, nil }, revokes(w.leaf))}, nil, Revoked, ""},
		{"a critical CRL number", []*CRL{list(t, w.ca, func(d *draft) { d.extensions[0].Critical = true })}, nil, Unknown, "critical=false"},
	})
}

func TestRevocationsSayWhenAndWhy(t *testing.T) {
	w := newWorld(t)
	early := day(2026, 2, 3)
	l := list(t, w.ca, revokes(w.leaf, reason(KeyCompromise)), revokes(w.leaf, reason(KeyCompromise), invalidity(early)),
		revokes(w.leaf, reason(Superseded), invalidity(early)), revokes(w.leaf), func(d *draft) {
			d.entries = append(d.entries, draftEntry{w.leaf.cert.SerialNumber, day(2026, 1, 1), d.entries[2].extensions})
		}, revokes(w.leaf, reason(77)))
	a := w.check(t, []*CRL{l, list(t, w.ca, number(9), revokes(w.leaf, reason(CertificateHold)))})
	want := []Revocation{
		{KeyCompromise, day(2026, 4, 1), nil, l.String()}, // without an invalidityDate none is known
		{Superseded, day(2026, 1, 1), &early, l.String()},
		{Unspecified, day(2026, 4, 1), nil, l.String()},
		{77, day(2026, 4, 1), nil, l.String()},
		{CertificateHold, day(2026, 4, 1), nil, ""},
	}
	if len(a.Revocations) != len(want) {
		t.Fatalf("want %d revocations, found %v", len(want), a.Revocations)
	}
	for _, r := range want {
		found := false
		for _, g := range a.Revocations {
			same := g.Reason == r.Reason && g.RevokedAt.Equal(r.RevokedAt) && (g.InvalidityDate == nil) == (r.InvalidityDate == nil)
			found = found || same && (r.InvalidityDate == nil || r.InvalidityDate.Equal(*g.InvalidityDate))
		}
		if !found {
			t.Errorf("%v is not among %v", r, a.Revocations)
		}
	}
}

func TestSerialNumbersAreComparedWhole(t *testing.T) {
	w := newWorld(t, serial(255))
	for _, n := range []int64{-1, 0, 254, 256, 0xff00, -255} {
		wantAnswer(t, w.check(t, []*CRL{list(t, w.ca, revokes(issue(t, w.ca, "x", nil)), func(d *draft) { d.entries[0].serial.SetInt64(n) })}), Good, "")
	}
	wantAnswer(t, w.check(t, []*CRL{list(t, w.ca, revokes(w.leaf))}), Revoked, "")
}

func TestListsForExpiredCertificates(t *testing.T) {
	dead := day(2026, 3, 1)
	keeps := func(at time.Time) draftChange {
		return with(asn1.ObjectIdentifier{2, 5, 29, 60}, false, invalidity(at).Value)
	}
	w := newWorld(t, until(dead))
	w.run(t, []answerCase{
		{"a list that may have dropped it", []*CRL{list(t, w.ca)}, nil, Unknown, "expired on 2026-03-01"},
		{"a list that has it still", []*CRL{list(t, w.ca, revokes(w.leaf))}, nil, Revoked, ""},
		{"a list that keeps expired entries", []*CRL{list(t, w.ca, keeps(born))}, nil, Good, ""},
		{"since the very second", []*CRL{list(t, w.ca, keeps(dead))}, nil, Good, ""},
		{"only since it expired", []*CRL{list(t, w.ca, keeps(dead.Add(time.Second)))}, nil, Unknown, "expired"},
		{"policy says so", []*CRL{list(t, w.ca)}, func(c *Config) { c.KeepsExpired = true }, Good, ""},
		{"while it lives", []*CRL{list(t, w.ca, dated(born, now))}, func(c *Config) { c.Now = dead }, Good, ""},
	})
}

func TestScopes(t *testing.T) {
	nobody := func(names ...[]byte) stdpkix.Extension {
		return stdpkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: sequence(names...)}
	}
	w := newWorld(t)
	good := list(t, w.ca)
	caList := func(changes ...draftChange) []*CRL { return []*CRL{list(t, w.ca, changes...)} }
	w.run(t, []answerCase{
		{"users only", caList(idp(onlyUsers)), nil, Good, ""},
		{"CAs only", caList(idp(onlyCAs)), nil, Unknown, "CA certificates only"},
		{"CAs only, listing it", caList(idp(onlyCAs), revokes(w.leaf)), nil, Revoked, ""},
		{"attribute certificates only", caList(idp(onlyAttribute)), nil, Unknown, "attribute certificates"},
		{"users and CAs only", caList(idp(onlyUsers, onlyCAs)), nil, Unknown, "CA certificates only"},
		{"a scope that is not critical", caList(idp(onlyUsers), func(d *draft) { d.extensions[1].Critical = false }), nil, Unknown, "critical=true"},
		{"a distribution point that it does not have", caList(idp(atURI("http://a/x"))), nil, Unknown, "another distribution point"},
		{"the issuer's name as the point", caList(idp(atDirectory(w.ca.cert.RawSubject))), nil, Good, ""},
		{"some reasons", caList(idp(onlyReasons(5, 0x60))), nil, Unknown, "some reasons"},
		{"some reasons, listing it", caList(idp(onlyReasons(5, 0x60)), revokes(w.leaf)), nil, Revoked, ""},
		{"the others too", []*CRL{list(t, w.ca, idp(onlyReasons(5, 0x60))), list(t, w.ca, idp(onlyReasons(7, 0x1f, 0x80)))}, nil, Good, ""},
		{"all but aACompromise", []*CRL{list(t, w.ca, idp(onlyReasons(5, 0x60))), list(t, w.ca, idp(onlyReasons(0, 0x1f)))}, nil, Unknown, "some reasons"},
		{"all reasons", caList(idp(onlyReasons(7, 0x7f, 0x80))), nil, Good, ""},
		{"an indirect one of its issuer", caList(idp(indirect)), nil, Good, ""},
		{"an entry for another issuer", caList(idp(indirect), revokes(w.leaf, certificateIssuer(w.root.cert.RawSubject))), nil, Good, ""},
		{"an entry for its issuer", caList(idp(indirect), revokes(w.ca, certificateIssuer(w.root.cert.RawSubject)), revokes(w.leaf, certificateIssuer(w.ca.cert.RawSubject))), nil, Revoked, ""},
		{"an entry that goes on for another issuer", caList(idp(indirect), revokes(w.ca, certificateIssuer(w.root.cert.RawSubject)), revokes(w.leaf)), nil, Good, ""},
		{"an entry for an issuer without a name", caList(idp(indirect), revokes(w.leaf, nobody(tlv(0x86, []byte("http://ca/"))))), nil, Unknown, "certificateIssuer"},
		{"an entry for an issuer that can't be read", caList(idp(indirect), revokes(w.leaf, nobody([]byte{0x84, 0}))), nil, Unknown, "certificateIssuer"},
		{"an entry for the issuer by two names", caList(idp(indirect), revokes(w.leaf, nobody(tlv(0x86, []byte("http://ca/")), tlv(0xa4, w.ca.cert.RawSubject)))), nil, Revoked, ""},
		{"an entry before that", caList(idp(indirect), revokes(w.leaf), revokes(w.ca, certificateIssuer(w.root.cert.RawSubject))), nil, Revoked, ""},
		{"entries of others in one that is not indirect", caList(revokes(w.ca, certificateIssuer(w.root.cert.RawSubject))), nil, Unknown, "not indirect"},
		{"likewise, beside one that counts", append(caList(revokes(w.ca, certificateIssuer(w.root.cert.RawSubject))), good), nil, Good, ""},
	})
}

// A CA certificate is the one that lists of users don't cover.
func TestScopesOfCACertificates(t *testing.T) {
	w := newWorld(t)
	checker := func(l *CRL) *Checker {
		c, err := NewChecker(Config{CRLs: []*CRL{l}, Pool: w.pool(), Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ask := func(l *CRL) Answer { return checker(l).Check(t.Context(), w.path(t), 1) }
	wantAnswer(t, ask(list(t, w.root, idp(onlyCAs))), Good, "")
	wantAnswer(t, ask(list(t, w.root, idp(onlyUsers))), Unknown, "no CA certificates")
	wantAnswer(t, ask(list(t, w.root, revokes(w.ca))), Revoked, "")
	wantAnswer(t, checker(list(t, w.root)).Check(t.Context(), w.path(t), 2), Unknown, "no issuer")
	wantAnswer(t, checker(list(t, w.root)).Check(t.Context(), w.path(t), -1), Unknown, "no issuer")
}

func TestDistributionPointsOfTheCertificate(t *testing.T) {
	distribution := func(fields ...[]byte) change { return extra(oidDistributionPoints, sequence(sequence(fields...))) }
	of := func(t *testing.T, c change, changes ...draftChange) Answer {
		w := newWorld(t, c)
		return w.check(t, []*CRL{list(t, w.ca, changes...)})
	}
	wantAnswer(t, of(t, points("http://a/x"), idp(atURI("http://a/x"))), Good, "")
	wantAnswer(t, of(t, points("http://b/x", "http://a/x"), idp(atURI("http://a/x"))), Good, "")
	wantAnswer(t, of(t, points("http://a/x"), idp(atURI("http://a/y"))), Unknown, "another distribution point")
	wantAnswer(t, of(t, points("http://a/x")), Good, "")
	wantAnswer(t, of(t, distribution(atRelative("x")), idp(atRelative("x"))), Good, "")
	wantAnswer(t, of(t, distribution(atRelative("x")), idp(atRelative("y"))), Unknown, "another distribution point")
	wantAnswer(t, of(t, distribution(atURI("http://a/x"), tlv(0x81, []byte{5, 0x60})), idp(atURI("http://a/x"))), Unknown, "some reasons")
	wantAnswer(t, of(t, distribution(atURI("http://a/x"), tlv(0x81, []byte{7, 0x7f, 0x80})), idp(atURI("http://a/x"))), Good, "")
	wantAnswer(t, of(t, distribution(atURI("http://a/x"), tlv(0x81, []byte{5, 0x60}))), Good, "") // the list is of all reasons
}

func TestIndirectListsOfAnotherIssuer(t *testing.T) {
	w := newWorld(t)
	lister := issue(t, w.root, "Lister", nil, crlOnly)
	stranger := issue(t, nil, "Root", nil, authority)
	fake := issue(t, stranger, "Lister", nil, crlOnly)
	w.leaf = issue(t, w.ca, "leaf", nil, leafOnly, extra(oidDistributionPoints, sequence(sequence(
		atURI("http://a/x"), tlv(0xa2, tlv(0xa4, lister.cert.RawSubject))))))
	w.more = append(w.more, lister.cert)
	mine := certificateIssuer(w.ca.cert.RawSubject)
	forLister := list(t, w.root)
	w.run(t, []answerCase{
		{"named by the certificate", []*CRL{list(t, lister, idp(indirect)), forLister}, nil, Good, ""},
		{"with its point", []*CRL{list(t, lister, idp(atURI("http://a/x"), indirect)), forLister}, nil, Good, ""},
		{"with another point", []*CRL{list(t, lister, idp(atURI("http://a/y"), indirect)), forLister}, nil, Unknown, "another distribution point"},
		{"not indirect", []*CRL{list(t, lister), forLister}, nil, Unknown, ""},
		{"listing it", []*CRL{list(t, lister, idp(indirect), revokes(w.leaf, mine)), forLister}, nil, Revoked, ""},
		{"listing its serial number for the lister itself", []*CRL{list(t, lister, idp(indirect), revokes(w.leaf)), forLister}, nil, Good, ""},
		{"by a lister that is revoked", []*CRL{list(t, lister, idp(indirect)), list(t, w.root, revokes(lister))}, nil, Unknown, "is revoked"},
		{"by a lister of unknown status", []*CRL{list(t, lister, idp(indirect))}, nil, Unknown, "nothing says"},
		{"by a lister below another root", []*CRL{list(t, fake, idp(indirect)), forLister}, nil, Unknown, "not signed by"},
	})
	plain := newWorld(t)
	plain.more = append(plain.more, issue(t, plain.root, "Lister", lister.key, crlOnly).cert)
	wantAnswer(t, plain.check(t, []*CRL{list(t, lister, idp(indirect), revokes(plain.leaf, certificateIssuer(plain.ca.cert.RawSubject))), list(t, plain.root)}), Unknown, "no CRL or OCSP")
}

func TestDeltas(t *testing.T) {
	w := newWorld(t)
	base := list(t, w.ca, number(5))
	old := list(t, w.ca, number(5), dated(day(2026, 1, 1), day(2026, 2, 1)))
	held := list(t, w.ca, number(5), revokes(w.leaf, reason(CertificateHold)))
	dead := list(t, w.ca, number(5), revokes(w.leaf, reason(KeyCompromise)))
	d := func(n, on int64, changes ...draftChange) *CRL {
		return list(t, w.ca, append([]draftChange{number(n), delta(on)}, changes...)...)
	}
	removes := revokes(w.leaf, reason(RemoveFromCRL))
	keyID := func(b byte) draftChange {
		return with(asn1.ObjectIdentifier{2, 5, 29, 35}, false, sequence(tlv(0x80, []byte{b})))
	}
	w.run(t, []answerCase{
		{"alone", []*CRL{d(6, 5)}, nil, Unknown, ""},
		{"alone, listing it", []*CRL{d(6, 5, revokes(w.leaf))}, nil, Revoked, ""},
		{"with its base", []*CRL{base, d(6, 5)}, nil, Good, ""},
		{"a delta lists what its base does not", []*CRL{base, d(6, 5, revokes(w.leaf))}, nil, Revoked, ""},
		{"an expired base", []*CRL{old}, nil, Unknown, "expired"},
		{"an expired base and a delta", []*CRL{old, d(6, 5)}, nil, Good, ""},
		{"an expired base and a delta on an older one", []*CRL{old, d(6, 3)}, nil, Good, ""},
		{"an expired base and a delta on a later one", []*CRL{old, d(7, 6)}, nil, Unknown, "expired"},
		{"an expired base and an older delta", []*CRL{old, d(4, 3)}, nil, Unknown, "expired"},
		{"an expired base and an expired delta", []*CRL{old, d(6, 5, dated(day(2026, 1, 1), day(2026, 2, 1)))}, nil, Unknown, "expired"},
		{"an expired base and a delta of other scope", []*CRL{old, d(6, 5, idp(onlyUsers))}, nil, Unknown, "expired"},
		{"an expired base and a delta with a flaw", []*CRL{old, d(6, 5, with(unknownOID, true, []byte{5, 0}))}, nil, Unknown, "expired"},
		{"an expired base and a delta of another key", []*CRL{old, d(6, 5, keyID(1))}, nil, Unknown, "expired"},
		{"an expired base and a delta of the same key", []*CRL{list(t, w.ca, number(5), keyID(1), dated(day(2026, 1, 1), day(2026, 2, 1))), d(6, 5, keyID(1))}, nil, Good, ""},
		{"a delta indicator that is not critical", []*CRL{old, d(6, 5, func(d *draft) { d.extensions[1].Critical = false })}, nil, Unknown, "expired"},

		{"held", []*CRL{held}, nil, Revoked, ""},
		{"held, and a delta without it", []*CRL{held, d(6, 5)}, nil, Revoked, ""},
		{"held, then removed", []*CRL{held, d(6, 5, removes)}, nil, Good, ""},
		{"held, then removed by an expired delta", []*CRL{held, d(6, 5, removes, dated(born, day(2025, 2, 1)))}, nil, Revoked, ""},
		{"held, then removed by a delta on a later base", []*CRL{held, d(7, 6, removes)}, nil, Revoked, ""},
		{"held after it was removed", []*CRL{list(t, w.ca, number(7), revokes(w.leaf, reason(CertificateHold))), d(6, 5, removes)}, nil, Revoked, ""},
		{"held in a delta, removed in a later one", []*CRL{base, d(6, 5, revokes(w.leaf, reason(CertificateHold))), d(7, 5, removes)}, nil, Good, ""},
		{"held, and not in a later list", []*CRL{held, list(t, w.ca, number(6))}, nil, Good, ""},
		{"held, and not in a later list of other scope", []*CRL{held, list(t, w.ca, number(6), idp(onlyUsers))}, nil, Revoked, ""},
		{"held, and not in a later list that expired", []*CRL{held, list(t, w.ca, number(6), dated(born, day(2025, 2, 1)))}, nil, Revoked, ""},
		{"held in the later of two lists", []*CRL{list(t, w.ca, number(4)), held}, nil, Revoked, ""},
		{"compromised, then removed", []*CRL{dead, d(6, 5, removes)}, nil, Revoked, ""},
		{"compromised, then in no list", []*CRL{dead, list(t, w.ca, number(6))}, nil, Revoked, ""},
		{"removed and revoked in one delta", []*CRL{held, d(6, 5, removes, revokes(w.leaf))}, nil, Revoked, ""},
		{"removed by a list that is complete", []*CRL{list(t, w.ca, removes)}, nil, Revoked, ""},
	})
}
