package revocation

import (
	"bytes"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// FuzzParseCRLs reads anything without a panic, and what it reads is read the
// same by crypto/x509, which is laxer.
func FuzzParseCRLs(f *testing.F) {
	w := newWorld(f)
	der := listDER(f, w.ca, revokes(w.leaf, reason(KeyCompromise), invalidity(now)), idp(atURI("http://a/x"), onlyUsers, indirect), delta(3),
		revokes(w.ca, certificateIssuer(w.root.cert.RawSubject)))
	f.Add(der)
	f.Add(listDER(f, w.ca, idp(atRelative("x"), onlyReasons(5, 0x60))))
	f.Add(listDER(f, w.ca, func(d *draft) { d.version, d.extensions = nil, nil }, revokes(w.leaf)))
	f.Add(bytes.Repeat(listDER(f, w.ca), 2))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
	f.Fuzz(func(t *testing.T, data []byte) {
		lists, err := ParseCRLs(data)
		if err != nil && lists != nil || err == nil && len(lists) == 0 {
			t.Fatal("lists and an error, or neither")
		}
		for _, l := range lists {
			n := 0
			for e := range l.Entries() {
				n++
				found := false
				l.entries.lookup(octets(e.Serial), func(rawEntry, []byte) { found = true })
				if !found {
					t.Fatalf("entry %d is not in the index", n)
				}
			}
			if n != l.Len() {
				t.Fatalf("%d entries, %d in the index", n, l.Len())
			}
			_ = l.String()
		}
		if len(lists) != 1 || data[0] != 0x30 {
			return
		}
		if std, err := x509.ParseRevocationList(data); err == nil && len(std.RevokedCertificateEntries) != lists[0].Len() {
			t.Fatalf("crypto/x509 reads %d entries, here are %d", len(std.RevokedCertificateEntries), lists[0].Len())
		}
	})
}

// octets are the content of an INTEGER.
func octets(n *big.Int) []byte {
	in, out := cryptobyte.String(marshal(n)), cryptobyte.String{}
	in.ReadASN1(&out, asn1.INTEGER)
	return out
}

// FuzzOCSP reads anything without a panic, and nothing that is not signed makes
// a certificate good or revoked.
func FuzzOCSP(f *testing.F) {
	w := newWorld(f, ocspAt(responderURL))
	delegate := issue(f, w.ca, "Responder", nil, responderOf, noCheck)
	seeds := [][]byte{
		w.ocspAnswer(f),
		w.ocspAnswer(f, func(d *answerDraft) {
			d.signer, d.certificates, d.byKey, d.copies = delegate, []*x509.Certificate{delegate.cert}, true, 3
		}),
		w.ocspAnswer(f, func(d *answerDraft) { d.certStatus = revokedStatus(KeyCompromise) }),
		w.ocspAnswer(f, func(d *answerDraft) { d.status = 3 }),
		w.ocspAnswer(f, func(d *answerDraft) {
			d.single, d.outer = []stdpkix.Extension{invalidity(now)}, []stdpkix.Extension{unknownEntry(true)}
		}),
	}
	for _, s := range seeds {
		f.Add(s)
	}
	signed := map[string]bool{}
	for _, s := range seeds {
		if r, err := parseOCSP(s); err == nil {
			signed[string(r.tbs)] = true
		}
	}
	path := w.path(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseOCSP(data)
		if (r == nil) == (err == nil) {
			t.Fatal("an answer and an error, or neither")
		}
		s := &store{ocsp: func(string, []byte) ([]byte, error) { return data, nil }}
		c, err := NewChecker(Config{Pool: w.pool(), Now: now, OCSP: true, Sources: s})
		if err != nil {
			t.Fatal(err)
		}
		if a := c.Check(t.Context(), path, 0); a.Status != Unknown && !signed[string(r.tbs)] {
			t.Fatalf("%s by what nobody signed: %x", a.Status, data)
		}
	})
}
