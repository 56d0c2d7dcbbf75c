package revocation

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/graph"
)

// answerDraft is an OCSP answer in the making.
type answerDraft struct {
	status        byte
	signer        *identity
	certificates  []*x509.Certificate
	byKey         bool
	producedAt    time.Time
	issuer        *identity // in the CertID
	serial        []byte
	certStatus    []byte
	this, next    time.Time
	single, outer []stdpkix.Extension
	copies        int
	sha256        bool // as the hash of the CertID
	algorithm     []byte
}

func generalized(t time.Time) []byte { return tlv(0x18, []byte(t.UTC().Format("20060102150405Z"))) }

func revokedStatus(r Reason) []byte {
	return tlv(0xa1, generalized(day(2026, 4, 1)), tlv(0xa0, marshal(asn1.Enumerated(r))))
}

// ocspAnswer makes an answer of the CA for the leaf: good, of May, until July.
func (w *world) ocspAnswer(t testing.TB, changes ...func(*answerDraft)) []byte {
	t.Helper()
	number, err := serialOctets(w.leaf.cert)
	if err != nil {
		t.Fatal(err)
	}
	d := &answerDraft{
		signer: w.ca, issuer: w.ca, serial: number, certStatus: []byte{0x80, 0}, producedAt: day(2026, 5, 1),
		this: day(2026, 5, 1), next: day(2026, 7, 1), copies: 1, algorithm: []byte{0x30, 5, 6, 3, 0x2b, 0x65, 0x70},
	}
	for _, c := range changes {
		c(d)
	}
	if d.status != 0 {
		return sequence(tlv(10, []byte{d.status}))
	}
	key, err := keyBits(d.issuer.cert)
	if err != nil {
		t.Fatal(err)
	}
	nameHash, keyHash := sha1.Sum(d.issuer.cert.RawSubject), sha1.Sum(key)
	hash := sequence([]byte{6, 5, 0x2b, 0x0e, 3, 2, 0x1a}, []byte{5, 0})
	if d.sha256 {
		hash = sequence([]byte{6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1}, []byte{5, 0})
	}
	one := [][]byte{sequence(hash, tlv(4, nameHash[:]), tlv(4, keyHash[:]), tlv(2, d.serial)), d.certStatus, generalized(d.this)}
	if !d.next.IsZero() {
		one = append(one, tlv(0xa0, generalized(d.next)))
	}
	if d.single != nil {
		one = append(one, tlv(0xa1, marshal(d.single)))
	}
	id := tlv(0xa1, d.signer.cert.RawSubject)
	if d.byKey {
		bits, err := keyBits(d.signer.cert)
		if err != nil {
			t.Fatal(err)
		}
		h := sha1.Sum(bits)
		id = tlv(0xa2, tlv(4, h[:]))
	}
	data := [][]byte{id, generalized(d.producedAt), sequence(bytes.Repeat(sequence(one...), d.copies))}
	if d.outer != nil {
		data = append(data, tlv(0xa1, marshal(d.outer)))
	}
	tbs := sequence(data...)
	signature, err := d.signer.key.Sign(rand.Reader, tbs, crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	basic := [][]byte{tbs, d.algorithm, tlv(3, []byte{0}, signature)}
	if d.certificates != nil {
		var raw [][]byte
		for _, c := range d.certificates {
			raw = append(raw, c.Raw)
		}
		basic = append(basic, tlv(0xa0, sequence(raw...)))
	}
	return sequence(tlv(10, []byte{0}), tlv(0xa0, sequence([]byte{6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1}, tlv(4, sequence(basic...)))))
}

// store gives what tests put into it.
type store struct {
	lists map[string][]byte
	ocsp  func(url string, request []byte) ([]byte, error)
	asked []string
}

func (s *store) CRL(_ context.Context, url string) ([]byte, error) {
	s.asked = append(s.asked, url)
	if b, ok := s.lists[url]; ok {
		return b, nil
	}
	if strings.Contains(url, "down") {
		return nil, &graph.UnavailableError{What: url, Reason: graph.Unreachable}
	}
	return nil, &graph.UnavailableError{What: url, Reason: graph.NotFound}
}

func (s *store) OCSP(_ context.Context, url string, request []byte) ([]byte, error) {
	s.asked = append(s.asked, url)
	if s.ocsp == nil {
		return nil, &graph.UnavailableError{What: url, Reason: graph.Unreachable}
	}
	return s.ocsp(url, request)
}

const responderURL = "http://ocsp.example.net/"

// answered asks for the leaf where the responder answers with der.
func (w *world) answered(t *testing.T, der []byte, changes ...func(*Config)) Answer {
	t.Helper()
	s := &store{ocsp: func(string, []byte) ([]byte, error) { return der, nil }}
	return w.check(t, nil, append([]func(*Config){func(c *Config) { c.OCSP, c.Sources = true, s }}, changes...)...)
}

func TestOCSPAnswers(t *testing.T) {
	w := newWorld(t, ocspAt(responderURL))
	extension := func(critical bool) []stdpkix.Extension {
		return []stdpkix.Extension{{Id: unknownOID, Critical: critical, Value: []byte{5, 0}}}
	}
	tests := []struct {
		name   string
		change func(*answerDraft)
		want   Status
		why    string
	}{
		{"good", func(*answerDraft) {}, Good, ""},
		{"responder named by key", func(d *answerDraft) { d.byKey = true }, Good, ""},
		{"twice", func(d *answerDraft) { d.copies = 2 }, Good, ""},
		{"too often", func(d *answerDraft) { d.copies = maxResponses + 1 }, Unknown, "more than 64"},
		{"for nobody", func(d *answerDraft) { d.copies = 0 }, Unknown, "other certificates"},
		{"revoked", func(d *answerDraft) { d.certStatus = revokedStatus(KeyCompromise) }, Revoked, ""},
		{"revoked for no reason", func(d *answerDraft) { d.certStatus = tlv(0xa1, generalized(now)) }, Revoked, ""},
		{"revoked, outdated", func(d *answerDraft) {
			d.certStatus, d.this, d.next = revokedStatus(Superseded), born, day(2025, 2, 1)
		}, Revoked, ""},
		{"unknown", func(d *answerDraft) { d.certStatus = []byte{0x82, 0} }, Unknown, "does not know"},
		{"a status of its own", func(d *answerDraft) { d.certStatus = []byte{0x83, 0} }, Unknown, "malformed"},
		{"outdated", func(d *answerDraft) { d.next = day(2026, 5, 31) }, Unknown, "expired"},
		{"without an end", func(d *answerDraft) { d.next = time.Time{} }, Unknown, "next one is due"},
		{"just made", func(d *answerDraft) { d.this, d.producedAt = now.Add(skew), now.Add(skew) }, Good, ""},
		{"of the future", func(d *answerDraft) { d.this = now.Add(skew + time.Second) }, Unknown, "after"},
		{"made in the future", func(d *answerDraft) { d.producedAt = now.Add(skew + time.Second) }, Unknown, "after"},
		{"for another serial number", func(d *answerDraft) { d.serial = []byte{1} }, Unknown, "other certificates"},
		{"for another issuer", func(d *answerDraft) { d.issuer = w.root }, Unknown, "other certificates"},
		{"by a hash that was not asked for", func(d *answerDraft) { d.sha256 = true }, Unknown, "other certificates"},
		{"an unknown extension", func(d *answerDraft) { d.outer = extension(false) }, Good, ""},
		{"an unknown critical extension", func(d *answerDraft) { d.outer = extension(true) }, Unknown, "not understood"},
		{"an unknown extension of one", func(d *answerDraft) { d.single = extension(false) }, Good, ""},
		{"an unknown critical extension of one", func(d *answerDraft) { d.single = extension(true) }, Unknown, "not understood"},
		{"likewise, revoked", func(d *answerDraft) { d.single, d.certStatus = extension(true), revokedStatus(1) }, Revoked, ""},
		{"try later", func(d *answerDraft) { d.status = 3 }, Unknown, "tryLater"},
		{"unauthorized", func(d *answerDraft) { d.status = 6 }, Unknown, "unauthorized"},
		{"signed by the root", func(d *answerDraft) { d.signer = w.root }, Unknown, "no certificate of its signer"},
		{"signed by another key", func(d *answerDraft) { d.signer = &identity{w.ca.cert, w.root.key} }, Unknown, "not signed by"},
		{"revoked, signed by another key", func(d *answerDraft) {
			d.signer, d.certStatus = &identity{w.ca.cert, w.root.key}, revokedStatus(1)
		}, Unknown, "not signed by"},
		{"an algorithm that is not the key's", func(d *answerDraft) {
			d.algorithm = sequence([]byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5}, []byte{5, 0})
		}, Unknown, "not signed by"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := w.answered(t, w.ocspAnswer(t, tt.change))
			wantAnswer(t, a, tt.want, tt.why)
			if a.Heals != (tt.name == "try later") {
				t.Errorf("heals: %t", a.Heals)
			}
		})
	}
	t.Run("the reason and the date of the loss", func(t *testing.T) {
		a := w.answered(t, w.ocspAnswer(t, func(d *answerDraft) {
			d.certStatus, d.single = revokedStatus(KeyCompromise), []stdpkix.Extension{invalidity(day(2026, 2, 3))}
		}))
		r := a.Revocations[0]
		if r.Reason != KeyCompromise || !r.RevokedAt.Equal(day(2026, 4, 1)) || !r.InvalidityDate.Equal(day(2026, 2, 3)) || !strings.Contains(r.Source, responderURL) {
			t.Fatal(r)
		}
	})
	t.Run("cut short", func(t *testing.T) {
		der := w.ocspAnswer(t)
		for n := range der {
			wantAnswer(t, w.answered(t, der[:n]), Unknown, "")
		}
		wantAnswer(t, w.answered(t, append(der, 0)), Unknown, "not an OCSPResponse")
	})
}

func TestOCSPResponders(t *testing.T) {
	w := newWorld(t, ocspAt(responderURL))
	by := func(r *identity, more ...*identity) []byte {
		return w.ocspAnswer(t, func(d *answerDraft) {
			d.signer, d.certificates = r, []*x509.Certificate{r.cert}
			for _, m := range more {
				d.certificates = append([]*x509.Certificate{m.cert}, d.certificates...)
			}
		})
	}
	lists := func(l ...*CRL) func(*Config) { return func(c *Config) { c.CRLs = l } }
	delegate := issue(t, w.ca, "Responder", nil, responderOf, noCheck)
	checked := issue(t, w.ca, "Responder", nil, responderOf)
	byRoot := issue(t, w.root, "Responder", nil, responderOf, noCheck)
	second := issue(t, w.root, "CA", nil, authority)
	bySecond := issue(t, second, "Responder", nil, responderOf, noCheck)
	noUsage := issue(t, w.ca, "Responder", nil, leafOnly, noCheck)
	old := issue(t, w.ca, "Responder", nil, responderOf, noCheck, until(day(2026, 5, 20)))
	other := issue(t, w.ca, "Somebody", nil, leafOnly)
	rootList, partial := list(t, w.root), list(t, w.ca, idp(onlyReasons(5, 0x60)))

	wantAnswer(t, w.answered(t, by(delegate)), Good, "")
	wantAnswer(t, w.answered(t, by(delegate, other)), Good, "")
	wantAnswer(t, w.answered(t, by(checked)), Unknown, "nothing says")
	wantAnswer(t, w.answered(t, by(checked), lists(partial)), Unknown, "nothing says")
	wantAnswer(t, w.answered(t, by(checked), lists(list(t, w.ca, idp(onlyReasons(5, 0x60)), revokes(checked)))), Unknown, "is revoked")
	wantAnswer(t, w.answered(t, by(checked), lists(list(t, w.ca, revokes(w.leaf)))), Revoked, "")
	wantAnswer(t, w.answered(t, by(byRoot), lists(rootList)), Unknown, "who alone can delegate")
	wantAnswer(t, w.answered(t, by(bySecond, second), lists(rootList)), Unknown, "who alone can delegate")
	wantAnswer(t, w.answered(t, by(noUsage)), Unknown, "its signer")
	wantAnswer(t, w.answered(t, by(old)), Unknown, "2026-05-20")
	wantAnswer(t, w.answered(t, by(old), func(c *Config) { c.Now = day(2026, 5, 19) }), Good, "")
	var many []*identity
	for range maxResponderSet {
		many = append(many, other)
	}
	wantAnswer(t, w.answered(t, by(delegate, many...)), Unknown, "more than 8")
}

// A delegate without nocheck needs an answer from elsewhere; here another
// responder that its own certificate names.
func TestOCSPRespondersThatNeedAnswers(t *testing.T) {
	w := newWorld(t, ocspAt("http://a/"))
	first := issue(t, w.ca, "Responder", nil, responderOf, ocspAt("http://b/"))
	s := &store{}
	s.ocsp = func(url string, _ []byte) ([]byte, error) {
		if url == "http://a/" {
			return w.ocspAnswer(t, func(d *answerDraft) { d.signer, d.certificates = first, []*x509.Certificate{first.cert} }), nil
		}
		return w.ocspAnswer(t, func(d *answerDraft) { d.serial = first.cert.SerialNumber.Bytes() }), nil
	}
	use := func(c *Config) { c.OCSP, c.Sources = true, s }
	wantAnswer(t, w.check(t, nil, use), Good, "")
	loop := issue(t, w.ca, "Responder", nil, responderOf, ocspAt("http://a/"))
	s.ocsp = func(string, []byte) ([]byte, error) {
		return w.ocspAnswer(t, func(d *answerDraft) { d.signer, d.certificates = loop, []*x509.Certificate{loop.cert} }), nil
	}
	wantAnswer(t, w.check(t, nil, use), Unknown, "")
}

func TestOCSPForExpiredCertificates(t *testing.T) {
	dead := day(2026, 3, 1)
	w := newWorld(t, ocspAt(responderURL), until(dead))
	cutoff := func(at time.Time) func(*answerDraft) {
		return func(d *answerDraft) {
			d.single = []stdpkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}, Value: generalized(at)}}
		}
	}
	wantAnswer(t, w.answered(t, w.ocspAnswer(t)), Unknown, "archiveCutoff")
	wantAnswer(t, w.answered(t, w.ocspAnswer(t, cutoff(dead))), Good, "")
	wantAnswer(t, w.answered(t, w.ocspAnswer(t, cutoff(dead.Add(time.Second)))), Unknown, "archiveCutoff")
	wantAnswer(t, w.answered(t, w.ocspAnswer(t, func(d *answerDraft) { d.certStatus = revokedStatus(1) })), Revoked, "")
}

func TestOCSPIsAskedOnlyWhereAllowed(t *testing.T) {
	w := newWorld(t, ocspAt("ldap://a/", "http:///x", "file:///etc/passwd", responderURL))
	s := &store{ocsp: func(string, []byte) ([]byte, error) { return w.ocspAnswer(t), nil }}
	wantAnswer(t, w.check(t, nil, func(c *Config) { c.Sources = s }), Unknown, "no CRL or OCSP")
	if len(s.asked) != 0 {
		t.Fatalf("asked %v", s.asked)
	}
	wantAnswer(t, w.check(t, nil, func(c *Config) { c.Sources, c.OCSP = s, true }), Good, "")
	if len(s.asked) != 1 || s.asked[0] != responderURL {
		t.Fatalf("asked %v", s.asked)
	}
	// A list that says revoked wins over an answer that says good.
	wantAnswer(t, w.check(t, []*CRL{list(t, w.ca, revokes(w.leaf))}, func(c *Config) { c.Sources, c.OCSP = s, true }), Revoked, "")
	s.ocsp = nil
	a := w.check(t, nil, func(c *Config) { c.Sources, c.OCSP = s, true })
	wantAnswer(t, a, Unknown, "unreachable")
	if !a.Heals {
		t.Error("an unreachable responder may answer later")
	}
	s.ocsp = func(string, []byte) ([]byte, error) { return nil, errors.New("odd") }
	if a := w.check(t, nil, func(c *Config) { c.Sources, c.OCSP = s, true }); a.Heals || a.Status != Unknown {
		t.Error(a)
	}
}

func TestOCSPRequestNamesTheCertificate(t *testing.T) {
	w := newWorld(t, ocspAt(responderURL))
	s := &store{}
	s.ocsp = func(_ string, request []byte) ([]byte, error) {
		in := cryptobyte.String(request)
		var outer, tbs, all, one, id cryptobyte.String
		if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) || !outer.Empty() ||
			!tbs.ReadASN1(&all, cbasn1.SEQUENCE) || !all.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1(&id, cbasn1.SEQUENCE) {
			t.Fatalf("%x", request)
		}
		got, sha1Hash, ok := readCertID(id)
		key, _ := keyBits(w.ca.cert)
		if !ok || !sha1Hash || got.key != sha1.Sum(key) || got.name != sha1.Sum(w.ca.cert.RawSubject) || serialNumber(got.serial).Cmp(w.leaf.cert.SerialNumber) != 0 {
			t.Errorf("%+v", got)
		}
		return w.ocspAnswer(t), nil
	}
	wantAnswer(t, w.check(t, nil, func(c *Config) { c.Sources, c.OCSP = s, true }), Good, "")
}
