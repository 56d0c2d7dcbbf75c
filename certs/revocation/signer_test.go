package revocation

import (
	"crypto/x509"
	"testing"

	"github.com/mozilla-releng/cot/certs/pkix"
)

func TestSignersOfLists(t *testing.T) {
	t.Run("key usage without cRLSign", func(t *testing.T) {
		w := newWorld(t)
		w.ca = issue(t, w.root, "CA", nil, authority, withoutCRLSign)
		w.leaf = issue(t, w.ca, "leaf", nil, leafOnly)
		wantAnswer(t, w.check(t, []*CRL{list(t, w.ca)}), Unknown, "no cRLSign")
		wantAnswer(t, w.check(t, []*CRL{list(t, w.ca, revokes(w.leaf))}), Unknown, "no cRLSign")
		// The same key with a certificate that has it.
		w.more = []*x509.Certificate{issue(t, w.root, "CA", w.ca.key, crlOnly).cert}
		wantAnswer(t, w.check(t, []*CRL{list(t, w.ca), list(t, w.root)}), Good, "")
	})
	t.Run("no key usage at all", func(t *testing.T) {
		w := newWorld(t)
		w.ca = issue(t, w.root, "CA", nil, authority, withoutUsage)
		w.leaf = issue(t, w.ca, "leaf", nil, leafOnly)
		wantAnswer(t, w.check(t, []*CRL{list(t, w.ca)}), Good, "")
	})
	t.Run("another key of the CA", func(t *testing.T) {
		w := newWorld(t)
		second := issue(t, w.root, "CA", nil, crlOnly)
		l := list(t, second)
		wantAnswer(t, w.check(t, []*CRL{l, list(t, w.root)}), Unknown, "not signed by")
		w.more = []*x509.Certificate{second.cert}
		wantAnswer(t, w.check(t, []*CRL{l, list(t, w.root)}), Good, "")
		wantAnswer(t, w.check(t, []*CRL{list(t, second, revokes(w.leaf)), list(t, w.root)}), Revoked, "")
		wantAnswer(t, w.check(t, []*CRL{l}), Unknown, "nothing says")
		wantAnswer(t, w.check(t, []*CRL{l, list(t, w.root, revokes(second))}), Unknown, "is revoked")
	})
	t.Run("another key, expired", func(t *testing.T) {
		w := newWorld(t)
		second := issue(t, w.root, "CA", nil, crlOnly, until(day(2026, 5, 20)))
		w.more = []*x509.Certificate{second.cert}
		lists := []*CRL{list(t, second), list(t, w.root)}
		wantAnswer(t, w.check(t, lists), Unknown, "2026-05-20")
		wantAnswer(t, w.check(t, lists, func(c *Config) { c.Now = day(2026, 5, 19) }), Good, "")
	})
	t.Run("a self-issued certificate", func(t *testing.T) {
		w := newWorld(t)
		second := issue(t, w.ca, "CA", nil, crlOnly)
		w.more = []*x509.Certificate{second.cert}
		l := list(t, second)
		// Only itself says that it is not revoked.
		wantAnswer(t, w.check(t, []*CRL{l}), Unknown, "hangs on itself")
		wantAnswer(t, w.check(t, []*CRL{l, list(t, w.ca)}), Good, "")
		wantAnswer(t, w.check(t, []*CRL{l, list(t, w.ca, number(1), revokes(second))}), Good, "") // by the CA's own
		wantAnswer(t, w.check(t, []*CRL{l, list(t, w.ca, number(1), revokes(second), dated(born, day(2025, 2, 1)))}), Unknown, "is revoked")
	})
	t.Run("another authority with the CA's name", func(t *testing.T) {
		w := newWorld(t)
		other := issue(t, w.root, "Other CA", nil, authority)
		fake := issue(t, other, "CA", nil, authority)
		w.more = []*x509.Certificate{other.cert, fake.cert}
		lists := []*CRL{list(t, fake), list(t, other), list(t, w.root)}
		wantAnswer(t, w.check(t, lists), Unknown, "another authority")
		wantAnswer(t, w.check(t, append(lists, list(t, w.ca, revokes(w.leaf)))), Revoked, "")
	})
	t.Run("a root with the CA's name", func(t *testing.T) {
		w := newWorld(t)
		fake := issue(t, nil, "CA", nil, authority)
		lists := []*CRL{list(t, fake)}
		ask := func(roots ...*x509.Certificate) Answer {
			return w.check(t, lists, func(c *Config) {
				c.Pool = pkix.NewPool(append(roots, w.root.cert), []*x509.Certificate{w.ca.cert, fake.cert})
			})
		}
		wantAnswer(t, ask(), Unknown, "")
		wantAnswer(t, ask(fake.cert), Unknown, "no path to the certificate's root")
	})
	t.Run("an issuer that has expired", func(t *testing.T) {
		w := newWorld(t)
		w.ca = issue(t, w.root, "CA", nil, authority, until(day(2026, 5, 20)))
		w.leaf = issue(t, w.ca, "leaf", nil, leafOnly)
		lists := []*CRL{list(t, w.ca), list(t, w.root)}
		wantAnswer(t, w.check(t, lists), Unknown, "2026-05-20")
		wantAnswer(t, w.check(t, lists, func(c *Config) { c.Now = day(2026, 5, 19) }), Good, "")
		// Its key lives on in a new certificate.
		w.more = []*x509.Certificate{issue(t, w.root, "CA", w.ca.key, authority).cert}
		wantAnswer(t, w.check(t, lists), Good, "")
	})
	t.Run("two that vouch for each other", func(t *testing.T) {
		w := newWorld(t)
		a, b := issue(t, w.ca, "CA", nil, crlOnly), issue(t, w.ca, "CA", nil, crlOnly)
		w.more = []*x509.Certificate{a.cert, b.cert}
		wantAnswer(t, w.check(t, []*CRL{list(t, a), list(t, b)}), Unknown, "")
	})
	t.Run("many that hang on each other", func(t *testing.T) {
		w := newWorld(t)
		var lists []*CRL
		for range 24 {
			s := issue(t, w.ca, "CA", nil, crlOnly)
			w.more = append(w.more, s.cert)
			lists = append(lists, list(t, s))
		}
		// Without a bound this would not end: each asks for all the others.
		wantAnswer(t, w.check(t, lists), Unknown, "")
	})
	t.Run("more of the name than are tried", func(t *testing.T) {
		w := newWorld(t)
		for range maxSigners {
			w.more = append(w.more, issue(t, nil, "CA", nil, authority).cert)
		}
		wantAnswer(t, w.check(t, []*CRL{list(t, w.ca)}), Good, "")
		second := issue(t, w.root, "CA", nil, crlOnly)
		w.more = append(w.more, second.cert)
		wantAnswer(t, w.check(t, []*CRL{list(t, second), list(t, w.root)}), Unknown, "too many")
	})
}

// PKITS §4.14.30 is of this kind; whoever else's list it signs is not spared.
func TestASignerThatItsIssuerRefersToForItself(t *testing.T) {
	lister := func(w *world, cn string, key *identity) *identity {
		name := issue(t, nil, cn, nil).cert.RawSubject
		return issue(t, w.ca, cn, key.key, crlOnly, extra(oidDistributionPoints, sequence(sequence(tlv(0xa2, tlv(0xa4, name))))))
	}
	w := newWorld(t)
	s := lister(w, "Lister", w.leaf)
	w.leaf = issue(t, w.ca, "leaf", nil, leafOnly, extra(oidDistributionPoints, sequence(sequence(tlv(0xa2, tlv(0xa4, s.cert.RawSubject))))))
	w.more = append(w.more, s.cert)
	mine := certificateIssuer(w.ca.cert.RawSubject)
	wantAnswer(t, w.check(t, []*CRL{list(t, s, idp(indirect))}), Good, "")
	wantAnswer(t, w.check(t, []*CRL{list(t, s, idp(indirect), revokes(w.leaf, mine))}), Revoked, "")
	wantAnswer(t, w.check(t, []*CRL{list(t, s, idp(indirect), revokes(s, mine))}), Unknown, "is revoked")
	plain := issue(t, w.ca, "Lister", s.key, crlOnly)
	w.more = []*x509.Certificate{plain.cert}
	wantAnswer(t, w.check(t, []*CRL{list(t, plain, idp(indirect))}), Unknown, "nothing says")
}
