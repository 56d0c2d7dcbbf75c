package revocation

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// The tests' time line: certificates live from 2025 to 2035, now is in 2026.
var (
	born = day(2025, 1, 1)
	now  = day(2026, 6, 1)
	dies = day(2035, 1, 1)
)

func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

// identity is a certificate with its key.
type identity struct {
	cert *x509.Certificate
	key  crypto.Signer
}

type change = func(*x509.Certificate)

var serials int64

// issue makes a certificate below an issuer; nil makes it self-signed.
func issue(t testing.TB, issuer *identity, name string, key crypto.Signer, changes ...change) *identity {
	t.Helper()
	if key == nil {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key = k
	}
	serials++
	id := sha256.Sum256(spki(t, key))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1000 + serials), Subject: stdpkix.Name{Organization: []string{"Tests"}, CommonName: name},
		NotBefore: born, NotAfter: dies, BasicConstraintsValid: true, SubjectKeyId: id[:20],
	}
	for _, c := range changes {
		c(template)
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
		template.AuthorityKeyId = issuer.cert.SubjectKeyId // crypto/x509 leaves it out where names are equal
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pkix.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{cert, key}
}

func spki(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Changes to a certificate template.
func authority(c *x509.Certificate) {
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}
func withoutCRLSign(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }
func withoutUsage(c *x509.Certificate)   { c.KeyUsage = 0 }
func leafOnly(c *x509.Certificate)       { c.KeyUsage = x509.KeyUsageDigitalSignature }
func crlOnly(c *x509.Certificate)        { c.KeyUsage = x509.KeyUsageCRLSign }
func responderOf(c *x509.Certificate) {
	c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
}

func noCheck(c *x509.Certificate) {
	c.ExtraExtensions = append(c.ExtraExtensions, stdpkix.Extension{Id: oidOCSPNoCheck, Value: []byte{5, 0}})
}
func until(t time.Time) change { return func(c *x509.Certificate) { c.NotAfter = t } }
func serial(n int64) change    { return func(c *x509.Certificate) { c.SerialNumber = big.NewInt(n) } }

func points(urls ...string) change {
	return func(c *x509.Certificate) { c.CRLDistributionPoints = urls }
}
func ocspAt(urls ...string) change { return func(c *x509.Certificate) { c.OCSPServer = urls } }
func extra(id asn1.ObjectIdentifier, value []byte) change {
	return func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, stdpkix.Extension{Id: id, Value: value})
	}
}

// world is a root, an intermediate and a leaf.
type world struct {
	root, ca, leaf *identity
	more           []*x509.Certificate // in the pool
}

func newWorld(t testing.TB, leafChanges ...change) *world {
	t.Helper()
	w := &world{root: issue(t, nil, "Root", nil, authority)}
	w.ca = issue(t, w.root, "CA", nil, authority)
	w.leaf = issue(t, w.ca, "leaf", nil, append([]change{leafOnly}, leafChanges...)...)
	return w
}

func (w *world) pool() *pkix.Pool {
	return pkix.NewPool([]*x509.Certificate{w.root.cert}, append([]*x509.Certificate{w.ca.cert}, w.more...))
}

// path gives the leaf's first path.
func (w *world) path(t testing.TB) pkix.Path {
	t.Helper()
	paths, err := w.pool().Paths(w.leaf.cert, pkix.AnyUsage)
	if err != nil {
		t.Fatal(err)
	}
	return paths[0]
}

// check asks for the leaf at now, with these lists.
func (w *world) check(t testing.TB, lists []*CRL, changes ...func(*Config)) Answer {
	t.Helper()
	c := Config{CRLs: lists, Pool: w.pool(), Now: now}
	for _, f := range changes {
		f(&c)
	}
	checker, err := NewChecker(c)
	if err != nil {
		t.Fatal(err)
	}
	return checker.Check(t.Context(), w.path(t), 0)
}

// draft is a CRL in the making: what crypto/x509 does not write.
type draft struct {
	issuer     []byte
	signer     crypto.Signer
	version    []byte // DER; nil is v2
	thisUpdate time.Time
	nextUpdate time.Time // zero: none
	entries    []draftEntry
	extensions []stdpkix.Extension
	raw        []byte // appended to the TBSCertList
}

type draftEntry struct {
	serial     *big.Int
	at         time.Time
	extensions []stdpkix.Extension
}

type draftChange = func(*draft)

// list makes a CRL of the issuer: of May 2026, due in July, number 7.
func list(t testing.TB, issuer *identity, changes ...draftChange) *CRL {
	t.Helper()
	lists, err := ParseCRLs(listDER(t, issuer, changes...))
	if err != nil {
		t.Fatal(err)
	}
	return lists[0]
}

func listDER(t testing.TB, issuer *identity, changes ...draftChange) []byte {
	t.Helper()
	d := &draft{
		issuer: issuer.cert.RawSubject, signer: issuer.key,
		version:    []byte{2, 1, 1},
		thisUpdate: day(2026, 5, 1), nextUpdate: day(2026, 7, 1),
		extensions: []stdpkix.Extension{numberExtension(7)},
	}
	for _, c := range changes {
		c(d)
	}
	return d.sign(t)
}

func numberExtension(n int64) stdpkix.Extension {
	return stdpkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 20}, Value: marshal(n)}
}

func marshal(v any) []byte {
	der, err := asn1.Marshal(v)
	if err != nil {
		panic(err)
	}
	return der
}

func (d *draft) sign(t testing.TB) []byte {
	t.Helper()
	algorithm, hash := []byte{0x30, 5, 6, 3, 0x2b, 0x65, 0x70}, crypto.Hash(0)
	if _, ok := d.signer.Public().(*ecdsa.PublicKey); ok {
		algorithm, hash = []byte{0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}, crypto.SHA256
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(d.version)
		b.AddBytes(algorithm)
		b.AddBytes(d.issuer)
		addTime(b, d.thisUpdate)
		if !d.nextUpdate.IsZero() {
			addTime(b, d.nextUpdate)
		}
		if len(d.entries) > 0 {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, e := range d.entries {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1BigInt(e.serial)
						addTime(b, e.at)
						if len(e.extensions) > 0 {
							b.AddBytes(marshal(e.extensions))
						}
					})
				}
			})
		}
		if len(d.extensions) > 0 {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				b.AddBytes(marshal(d.extensions))
			})
		}
		b.AddBytes(d.raw)
	})
	tbs := b.BytesOrPanic()
	digest := tbs
	if hash != 0 {
		h := hash.New()
		h.Write(tbs)
		digest = h.Sum(nil)
	}
	signature, err := d.signer.Sign(rand.Reader, digest, hash)
	if err != nil {
		t.Fatal(err)
	}
	return marshal(struct {
		TBS, Algorithm asn1.RawValue
		Signature      asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, asn1.RawValue{FullBytes: algorithm}, asn1.BitString{Bytes: signature, BitLength: len(signature) * 8}})
}

func addTime(b *cryptobyte.Builder, t time.Time) {
	if t.Year() < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
}

// Changes to a draft.
func revokes(c *identity, extensions ...stdpkix.Extension) draftChange {
	return func(d *draft) {
		d.entries = append(d.entries, draftEntry{c.cert.SerialNumber, day(2026, 4, 1), extensions})
	}
}

func dated(this, next time.Time) draftChange {
	return func(d *draft) { d.thisUpdate, d.nextUpdate = this, next }
}

func number(n int64) draftChange {
	return func(d *draft) {
		d.extensions = slices.DeleteFunc(d.extensions, func(e stdpkix.Extension) bool { return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 20}) })
		d.extensions = append(d.extensions, numberExtension(n))
	}
}

func with(id asn1.ObjectIdentifier, critical bool, value []byte) draftChange {
	return func(d *draft) {
		d.extensions = append(d.extensions, stdpkix.Extension{Id: id, Critical: critical, Value: value})
	}
}

func delta(base int64) draftChange {
	return with(asn1.ObjectIdentifier{2, 5, 29, 27}, true, marshal(base))
}

func signedBy(s *identity) draftChange { return func(d *draft) { d.signer = s.key } }

func reason(r Reason) stdpkix.Extension {
	return stdpkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 21}, Value: marshal(asn1.Enumerated(r))}
}

func invalidity(t time.Time) stdpkix.Extension {
	der, err := asn1.MarshalWithParams(t, "generalized")
	if err != nil {
		panic(err)
	}
	return stdpkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 24}, Value: der}
}

var unknownOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}

func unknownEntry(critical bool) stdpkix.Extension {
	return stdpkix.Extension{Id: unknownOID, Critical: critical, Value: []byte{5, 0}}
}

// idp writes an IssuingDistributionPoint: context tags with their content.
func idp(fields ...[]byte) draftChange {
	return with(asn1.ObjectIdentifier{2, 5, 29, 28}, true, sequence(fields...))
}

func sequence(fields ...[]byte) []byte { return tlv(0x30, fields...) }

func tlv(tag byte, contents ...[]byte) []byte {
	return marshal(asn1.RawValue{Class: int(tag >> 6), IsCompound: tag&0x20 != 0, Tag: int(tag & 0x1f), Bytes: bytes.Join(contents, nil)})
}

// Fields of an IssuingDistributionPoint.
var (
	onlyUsers     = tlv(0x81, []byte{0xff})
	onlyCAs       = tlv(0x82, []byte{0xff})
	indirect      = tlv(0x84, []byte{0xff})
	onlyAttribute = tlv(0x85, []byte{0xff})
)

func onlyReasons(flags ...byte) []byte { return tlv(0x83, flags) }
func atURI(u string) []byte            { return tlv(0xa0, tlv(0xa0, tlv(0x86, []byte(u)))) }
func atRelative(cn string) []byte {
	return tlv(0xa0, tlv(0xa1, sequence([]byte{6, 3, 0x55, 4, 3}, tlv(0x0c, []byte(cn)))))
}
func atDirectory(name []byte) []byte { return tlv(0xa0, tlv(0xa0, tlv(0xa4, name))) }

func certificateIssuer(name []byte) stdpkix.Extension {
	return stdpkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: sequence(tlv(0xa4, name))}
}
