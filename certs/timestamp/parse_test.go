package timestamp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"slices"
	"testing"
	"time"

	sd "github.com/mozilla-releng/cot/fixtures/signeddata"
	"github.com/mozilla-releng/cot/fixtures/tsa"
)

func TestToken(t *testing.T) {
	a := authority(func(r *tsa.Reply) {
		r.Time = "20260601120000.123456Z"
		r.Accuracy = sd.Sequence(sd.Integer(2), sd.Element(0x80, []byte{1, 0xf4}), sd.Element(0x81, []byte{7}))
		r.Ordering = []byte{1, 1, 0xff}
	})
	a.Certificate = a.Issue(a.Template(), a.Key.Public())
	reply := ask(t, a, message, nonce)
	got := accept(t, reply)
	sum := sha256.Sum256(message)
	if want := noon.Add(123456 * time.Microsecond); !got.Time.Equal(want) || got.Accuracy != 2*time.Second+500*time.Millisecond+7*time.Microsecond ||
		!got.Ordering || got.Policy != "1.3.6.1.4.1.99999.1" || got.Serial.Int64() != 1 || got.Nonce.Cmp(nonce) != 0 ||
		got.Hash != crypto.SHA256 || !bytes.Equal(got.Imprint, sum[:]) || !got.Signer.Equal(a.Certificate) || len(got.Certificates) != 0 {
		t.Fatalf("%+v", got)
	}
	info, m, err := Inspect(reply)
	if err != nil || !info.Time.Equal(got.Time) || len(m.Certificates) != 1 {
		t.Fatalf("%+v, %v", info, err)
	}
	if _, err := Parse(reply, message, nil); err != nil {
		t.Fatal("a stored response:", err)
	}
	if _, err := Parse(ask(t, a, message, nil), message, nil); err != nil {
		t.Fatal("a request without a nonce:", err)
	}
	for _, other := range [][]byte{nil, message[1:], append(message[:len(message):len(message)], 0)} {
		if _, err := Parse(reply, other, nonce); err == nil {
			t.Errorf("a time stamp of %q passes for one of %q", message, other)
		}
	}
}

func TestRefused(t *testing.T) {
	a := authority(nil)
	root := a.Root
	other := tsa.New(a.Now)
	issuer := func(name []byte, serial int64) []byte {
		return sd.Sequence(sd.Sequence(sd.Context(4, name)), sd.Integer(serial))
	}
	sum2 := sha256.Sum256(a.Certificate.Raw)
	id2 := sd.Octets(sum2[:])
	sum5 := sha512.Sum512(a.Certificate.Raw)
	otherSum := sha256.Sum256(other.Certificate.Raw)
	otherID := sd.Octets(otherSum[:])
	sha1 := sd.Octets(tsa.SHA1(a.Certificate.Raw))
	sha1Digest, sha256Digest := sd.DigestAlgorithm(crypto.SHA1), sd.DigestAlgorithm(crypto.SHA256)
	messageSum := sha256.Sum256(message)
	imprint := func(h []byte, sum []byte) func(*tsa.Reply) {
		return func(r *tsa.Reply) { r.Imprint = sd.Sequence(h, sd.Octets(sum)) }
	}
	ids := func(attributes ...[]byte) func(*tsa.Reply) { return func(r *tsa.Reply) { r.CertIDs = attributes } }
	at := func(s string) func(*tsa.Reply) { return func(r *tsa.Reply) { r.Time = s } }
	accuracy := func(fields ...[]byte) func(*tsa.Reply) {
		return func(r *tsa.Reply) { r.Accuracy = sd.Sequence(fields...) }
	}
	extension := func(fields ...[]byte) func(*tsa.Reply) {
		return func(r *tsa.Reply) {
			r.Extensions = sd.Context(1, sd.Sequence(append([][]byte{sd.OID(1, 3, 6, 1, 5, 5, 7, 1, 3)}, fields...)...))
		}
	}
	boolean := func(b byte) []byte { return []byte{1, 1, b} }
	v2 := func(content ...[]byte) []byte {
		return sd.Attribute(sd.OID(1, 2, 840, 113549, 1, 9, 16, 2, 47), sd.Sequence(content...))
	}
	for _, c := range []struct {
		name string
		edit func(*tsa.Reply)
		err  string
	}{
		{"as it should be", func(*tsa.Reply) {}, ""},
		{"granted with modifications", func(r *tsa.Reply) { r.Status = 1 }, ""},
		{"granted with a text", func(r *tsa.Reply) { r.StatusText = "at your service" }, ""},
		{"rejection", func(r *tsa.Reply) { r.Status, r.NoToken = 2, true }, "not granted: the authority answers 2 (rejection)"},
		{"rejection with reasons", func(r *tsa.Reply) {
			r.Status, r.NoToken, r.StatusText, r.FailInfo = 2, true, "no\x1bclock", []byte{3, 3, 1, 0x80, 2}
		}, `2 (rejection), badAlg, timeNotAvailable: "no\x1bclock"`},
		{"rejection with a token", func(r *tsa.Reply) { r.Status = 2 }, "2 (rejection)"},
		{"waiting", func(r *tsa.Reply) { r.Status = 3 }, "3 (waiting)"},
		{"revocation warning", func(r *tsa.Reply) { r.Status = 4 }, "4 (revocation warning)"},
		{"unknown status", func(r *tsa.Reply) { r.Status = 77 }, "77 (unknown status)"},
		{"negative status", func(r *tsa.Reply) { r.Status = -1 }, "-1 (unknown status)"},
		{"granted with a failure", func(r *tsa.Reply) { r.FailInfo = []byte{3, 2, 7, 0x80} }, "not granted: the authority answers 0 (granted), badAlg"},
		{"granted without a token", func(r *tsa.Reply) { r.NoToken = true }, "granted, but without a token"},
		{"something after the token", func(r *tsa.Reply) { r.Trail = sd.Null() }, "malformed TimeStampResp"},

		{"imprint of something else", imprint(sha256Digest, sum2[:]), "it is over something else"},
		{"imprint by SHA-512", imprint(sd.DigestAlgorithm(crypto.SHA512), sum512(message)), ""},
		{"imprint by SHA-384", imprint(sd.DigestAlgorithm(crypto.SHA384), sum384(message)), ""},
		{"imprint by SHA-1", imprint(sha1Digest, tsa.SHA1(message)), "want an imprint by SHA-256, SHA-384 or SHA-512, found 1.3.14.3.2.26"},
		{"imprint by MD5", imprint(sd.Sequence(sd.OID(1, 2, 840, 113549, 2, 5), sd.Null()), make([]byte, 16)), "want an imprint by SHA-256"},
		{"imprint by SHA-256 with NULL", imprint(sd.Sequence(sd.OID(2, 16, 840, 1, 101, 3, 4, 2, 1), sd.Null()), messageSum[:]), ""},
		{"imprint by SHA-256 with a parameter", imprint(sd.Sequence(sd.OID(2, 16, 840, 1, 101, 3, 4, 2, 1), sd.Integer(1)), messageSum[:]), "malformed messageImprint"},
		{"imprint cut short", imprint(sha256Digest, messageSum[:31]), "want an imprint of 32 bytes"},
		{"empty imprint", imprint(sha256Digest, nil), "want an imprint of 32 bytes"},

		{"another nonce", func(r *tsa.Reply) { r.Nonce = sd.Integer(1) }, "want nonce 7fffffffffff, found 1"},
		{"the nonce negated", func(r *tsa.Reply) { r.Nonce = sd.Integer(-0x7fffffffffff) }, "found -7fffffffffff"},
		{"no nonce", func(r *tsa.Reply) { r.Nonce = nil }, "found none"},
		{"a nonce that is not DER", func(r *tsa.Reply) { r.Nonce = []byte{2, 2, 0, 1} }, "malformed TSTInfo"},
		{"a huge nonce", func(r *tsa.Reply) { r.Nonce = sd.Element(2, []byte{1}, make([]byte, 1000)) }, "the nonce is too long"},

		{"ESSCertIDv2 with issuer and serial", ids(tsa.CertIDv2(id2, issuer(root.RawSubject, 2))), ""},
		{"ESSCertIDv2 with another issuer", ids(tsa.CertIDv2(id2, issuer(a.Certificate.RawSubject, 2))), "ESSCertIDv2: it names another issuer or serial"},
		{"ESSCertIDv2 with another serial number", ids(tsa.CertIDv2(id2, issuer(root.RawSubject, 3))), "ESSCertIDv2: it names another issuer or serial"},
		{"ESSCertIDv2 with two issuers", ids(tsa.CertIDv2(id2, sd.Sequence(sd.Sequence(sd.Context(4, root.RawSubject), sd.Context(4, root.RawSubject)), sd.Integer(2)))), "malformed issuerSerial"},
		{"ESSCertIDv2 with a DNS name as issuer", ids(tsa.CertIDv2(id2, sd.Sequence(sd.Sequence(sd.Element(0x82, []byte("a"))), sd.Integer(2)))), "malformed issuerSerial"},
		{"ESSCertIDv2 by SHA-256, named", ids(tsa.CertIDv2(sha256Digest, id2)), ""},
		{"ESSCertIDv2 by SHA-512", ids(tsa.CertIDv2(sd.DigestAlgorithm(crypto.SHA512), sd.Octets(sum5[:]))), ""},
		{"ESSCertIDv2 by SHA-1", ids(tsa.CertIDv2(sha1Digest, sha1)), "ESSCertIDv2: want SHA-256, SHA-384 or SHA-512, found 1.3.14.3.2.26"},
		{"ESSCertIDv2 of another certificate", ids(tsa.CertIDv2(otherID)), "ESSCertIDv2: it names a certificate with SHA-256"},
		{"ESSCertIDv2 cut short", ids(tsa.CertIDv2(sd.Octets(sum2[:31]))), "ESSCertIDv2: it names a certificate"},
		{"ESSCertIDv2, the signer first", ids(v2(sd.Sequence(sd.Sequence(id2), sd.Sequence(otherID)))), ""},
		{"ESSCertIDv2, the signer second", ids(v2(sd.Sequence(sd.Sequence(otherID), sd.Sequence(id2)))), "ESSCertIDv2: it names a certificate"},
		{"ESSCertIDv2 with policies", ids(v2(sd.Sequence(sd.Sequence(id2)), sd.Sequence(sd.Sequence(sd.OID(1, 2, 3))))), ""},
		{"ESSCertIDv2, none", ids(v2(sd.Sequence())), "ESSCertIDv2: malformed attribute"},
		{"ESSCertIDv2, hundreds", ids(v2(sd.Sequence(bytes.Repeat(sd.Sequence(id2), 300)))), "too many certificate ids"},
		{"ESSCertID", ids(tsa.CertIDv1(sha1)), ""},
		{"ESSCertID with issuer and serial", ids(tsa.CertIDv1(sha1, issuer(root.RawSubject, 2))), ""},
		{"ESSCertID with another serial number", ids(tsa.CertIDv1(sha1, issuer(root.RawSubject, 3))), "ESSCertID: it names another issuer or serial"},
		{"ESSCertID of another certificate", ids(tsa.CertIDv1(sd.Octets(tsa.SHA1(other.Certificate.Raw)))), "ESSCertID: it names a certificate with SHA-1"},
		{"ESSCertID with SHA-256", ids(tsa.CertIDv1(id2)), "ESSCertID: it names a certificate with SHA-1"},
		{"both", ids(tsa.CertIDv1(sha1), tsa.CertIDv2(id2)), ""},
		{"both, the first of another certificate", ids(tsa.CertIDv1(sd.Octets(tsa.SHA1(other.Certificate.Raw))), tsa.CertIDv2(id2)), "ESSCertID: it names"},
		{"both, the second of another certificate", ids(tsa.CertIDv1(sha1), tsa.CertIDv2(otherID)), "ESSCertIDv2: it names"},
		{"neither", ids(), "no ESSCertID or ESSCertIDv2"},
		{"ESSCertIDv2 twice", ids(tsa.CertIDv2(id2), tsa.CertIDv2(otherID)), "stands twice"},
		{"ESSCertIDv2 not signed", func(r *tsa.Reply) {
			r.Message.Signers[0].Unsigned, r.CertIDs = sd.Context(1, r.CertIDs[0]), nil
		}, "no ESSCertID or ESSCertIDv2"},

		{"two signers", func(r *tsa.Reply) {
			r.Message.Signers = append(r.Message.Signers, sd.Signer{Key: other.Key, Certificate: other.Certificate})
			r.Message.Certificates = append(r.Message.Certificates, other.Certificate.Raw)
		}, "want one SignerInfo, found more"},
		{"no signer", func(r *tsa.Reply) { r.Message.Signers = nil }, "found none"},
		{"content type data", func(r *tsa.Reply) { r.Message.ContentType = sd.Data() }, "want content type 1.2.840.113549.1.9.16.1.4"},
		{"detached", func(r *tsa.Reply) { r.Message.Attached = false }, "want content inside"},
		{"no signed attributes", func(r *tsa.Reply) { r.Message.Signers[0].NoAttributes = true }, "want signed attributes"},
		{"no certificates", func(r *tsa.Reply) { r.Message.Certificates = nil }, "no certificates"},
		{"the signer's certificate is not inside", func(r *tsa.Reply) { r.Message.Certificates = [][]byte{root.Raw} }, "none of the 1 certificates inside"},
		{"the root inside too", func(r *tsa.Reply) { r.Message.Certificates = append(r.Message.Certificates, root.Raw) }, ""},
		{"another's signature", func(r *tsa.Reply) { r.Message.Signers[0].Key = other.Key }, "does not hold"},
		{"signed with SHA-1", func(r *tsa.Reply) { r.Message.Signers[0].Hash = crypto.SHA1 }, "want digest algorithm SHA-256"},
		{"signed with SHA-512", func(r *tsa.Reply) { r.Message.Signers[0].Hash = crypto.SHA512 }, ""},

		{"a fraction", at("20260601120000.5Z"), ""},
		{"nanoseconds", at("20260601120000.123456789Z"), ""},
		{"picoseconds", at("20260601120000.123456789012Z"), "genTime"},
		{"a fraction with a zero at its end", at("20260601120000.50Z"), "genTime"},
		{"a fraction of nothing", at("20260601120000.Z"), "genTime"},
		{"a comma", at("20260601120000,5Z"), "genTime"},
		{"no zone", at("20260601120000"), "genTime"},
		{"another zone", at("20260601140000+0200"), "genTime"},
		{"zone 0", at("20260601120000+0000"), "genTime"},
		{"no seconds", at("202606011200Z"), "genTime"},
		{"a leap second", at("20261231235960Z"), "genTime"},
		{"month 13", at("20261301120000Z"), "genTime"},
		{"February 30", at("20260230120000Z"), "genTime"},
		{"hour 24", at("20260601240000Z"), "genTime"},
		{"year 0", at("00000601120000Z"), "genTime"},
		{"two digits of the year", at("260601120000Z"), "genTime"},
		{"lower case", at("20260601120000z"), "genTime"},
		{"a space", at(" 20260601120000Z"), "genTime"},
		{"no time", at(""), "genTime"},

		{"no accuracy", func(r *tsa.Reply) { r.Accuracy = nil }, ""},
		{"empty accuracy", accuracy(), ""},
		{"accuracy of a day", accuracy(sd.Integer(86400)), ""},
		{"accuracy of a day and more", accuracy(sd.Integer(86400), sd.Element(0x80, []byte{1})), "want an accuracy within 24h0m0s"},
		{"accuracy of years", accuracy(sd.Integer(1 << 40)), "accuracy: want 0 to 86400 times 1s"},
		{"accuracy that overflows", accuracy(sd.Element(2, bytes.Repeat([]byte{0x7f}, 20))), "accuracy: want 0 to 86400"},
		{"negative accuracy", accuracy(sd.Integer(-1)), "accuracy: want 0 to 86400"},
		{"1000 milliseconds", accuracy(sd.Element(0x80, []byte{3, 0xe8})), "accuracy: want 1 to 999 times 1ms"},
		{"no milliseconds", accuracy(sd.Element(0x80, []byte{0})), "accuracy: want 1 to 999 times 1ms"},
		{"999 microseconds", accuracy(sd.Element(0x81, []byte{3, 0xe7})), ""},
		{"negative microseconds", accuracy(sd.Element(0x81, []byte{0xff})), "accuracy: want 1 to 999 times 1µs"},
		{"microseconds first", accuracy(sd.Element(0x81, []byte{1}), sd.Element(0x80, []byte{1})), "malformed accuracy"},

		{"ordering", func(r *tsa.Reply) { r.Ordering = boolean(0xff) }, ""},
		{"ordering false, written out", func(r *tsa.Reply) { r.Ordering = boolean(0) }, "ordering is not in DER"},
		{"ordering 1", func(r *tsa.Reply) { r.Ordering = boolean(1) }, "ordering is not in DER"},
		{"version 2", func(r *tsa.Reply) { r.Version = 2 }, "want TSTInfo of version 1"},
		{"a negative serial number", func(r *tsa.Reply) { r.Serial = sd.Integer(-1) }, "serial number is negative"},
		{"a huge serial number", func(r *tsa.Reply) { r.Serial = sd.Element(2, []byte{1}, make([]byte, 1000)) }, "too long"},
		{"a policy of a UUID", func(r *tsa.Reply) { r.Policy = sd.Element(6, []byte{0x69}, bytes.Repeat([]byte{0xff}, 17), []byte{1}) }, ""},
		{"the authority's name", func(r *tsa.Reply) { r.TSA = sd.Context(0, sd.Context(4, a.Certificate.RawSubject)) }, ""},
		{"another's name", func(r *tsa.Reply) { r.TSA = sd.Context(0, sd.Context(4, root.RawSubject)) }, "names another authority"},
		{"a DNS name", func(r *tsa.Reply) { r.TSA = sd.Context(0, sd.Element(0x82, []byte("tsa.example"))) }, "names another authority"},
		{"two names", func(r *tsa.Reply) {
			r.TSA = sd.Context(0, sd.Context(4, a.Certificate.RawSubject), sd.Context(4, a.Certificate.RawSubject))
		}, "tsa is not one GeneralName"},
		{"an extension", extension(sd.Octets(sd.Null())), ""},
		{"a critical extension", extension(boolean(0xff), sd.Octets(sd.Null())), "critical extension that is not known here: 1.3.6.1.5.5.7.1.3"},
		{"an extension that is critical=FALSE, written out", extension(boolean(0), sd.Octets(nil)), "malformed extensions"},
		{"no extensions, written out", func(r *tsa.Reply) { r.Extensions = sd.Context(1) }, "malformed extensions"},
		{"something after the TSTInfo", func(r *tsa.Reply) { r.TrailInfo = []byte{0} }, "1 bytes after the TSTInfo"},
		{"something at the end of the TSTInfo", func(r *tsa.Reply) { r.Extensions = sd.Null() }, "malformed TSTInfo"},
		{"no TSTInfo", func(r *tsa.Reply) { r.Message.Content = []byte("hello") }, "not a TSTInfo in DER"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.Edit = c.edit
			reply := ask(t, a, message, nonce)
			if c.err != "" {
				refuse(t, reply, c.err)
				return
			}
			if got := accept(t, reply); !got.Signer.Equal(a.Certificate) {
				t.Fatalf("signer %s", got.Signer.Subject)
			}
		})
	}
}

func sum512(b []byte) []byte { s := sha512.Sum512(b); return s[:] }
func sum384(b []byte) []byte { s := sha512.Sum384(b); return s[:] }

func TestAnotherCertificateOfTheAuthoritysKey(t *testing.T) {
	a := authority(nil)
	reply := ask(t, a, message, nonce)
	accept(t, reply)
	// Same key, name and serial number: only the certificate id tells them apart.
	template := a.Template()
	template.NotAfter = template.NotAfter.AddDate(50, 0, 0)
	other := a.Issue(template, a.Key.Public())
	a.Edit = func(r *tsa.Reply) { r.Message.Certificates = [][]byte{other.Raw} }
	refuse(t, ask(t, a, message, nonce), "ESSCertIDv2: it names a certificate")
}

func TestNameAmongTheAuthoritysAlternativeNames(t *testing.T) {
	a := authority(func(r *tsa.Reply) { r.TSA = sd.Context(0, sd.Element(0x82, []byte("tsa.example"))) })
	template := a.Template()
	template.DNSNames = []string{"other.example", "tsa.example"}
	a.Certificate = a.Issue(template, a.Key.Public())
	accept(t, ask(t, a, message, nonce))
}

func TestKeysOfAuthorities(t *testing.T) {
	ec := func(c elliptic.Curve) crypto.Signer { k, _ := ecdsa.GenerateKey(c, rand.Reader); return k }
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key crypto.Signer
		err string
	}{
		"P-384": {ec(elliptic.P384()), ""}, "P-521": {ec(elliptic.P521()), ""}, "RSA 2048": {rsa2048, ""},
		"P-224": {ec(elliptic.P224()), "found P-224"},
	} {
		t.Run(name, func(t *testing.T) {
			a := authority(nil)
			a.Key = c.key
			a.Certificate = a.Issue(a.Template(), c.key.Public())
			reply := ask(t, a, message, nonce)
			if c.err != "" {
				refuse(t, reply, c.err)
				return
			}
			accept(t, reply)
		})
	}
}

func TestEncoding(t *testing.T) {
	a := authority(nil)
	der := ask(t, a, message, nonce)
	accept(t, der)
	in := der[4:]
	token := in[bytes.Index(in, []byte{0x30, 0x82}):]
	for name, c := range map[string]struct {
		data []byte
		err  string
	}{
		"trailing byte":     {append(slices.Clone(der), 0), "1 bytes after the end"},
		"a byte short":      {der[:len(der)-1], "not a TimeStampResp in DER"},
		"nothing":           {nil, "not a TimeStampResp in DER"},
		"a token alone":     {token, "not a TimeStampResp in DER"},
		"indefinite length": {slices.Concat([]byte{0x30, 0x80}, in, []byte{0, 0}), "not a TimeStampResp in DER"},
		"PEM":               {[]byte("-----BEGIN TIMESTAMP-----\n"), "not a TimeStampResp in DER"},
		"too long":          {append(slices.Clone(der), make([]byte, MaxBytes)...), "want at most 1048576"},
		"a request":         {NewRequest(message, nonce), "not a TimeStampResp in DER"},
		"a certificate":     {a.Certificate.Raw, ""},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, c.data, c.err) })
	}
}

// Every bit counts, but for those that nobody signs and that change nothing.
func TestFlippedBits(t *testing.T) {
	a := authority(nil)
	der := ask(t, a, message, nonce)
	want := accept(t, der)
	certificate := bytes.Index(der, a.Certificate.Raw)
	for i := range der {
		refuse(t, der[:i], "")
		for bit := range 8 {
			flipped := bytes.Clone(der)
			flipped[i] ^= 1 << bit
			got, err := Parse(flipped, message, nonce)
			if err != nil {
				continue
			}
			if !got.Time.Equal(want.Time) || !got.Signer.Equal(want.Signer) || got.Accuracy != want.Accuracy || got.Policy != want.Policy ||
				i >= certificate && i < certificate+len(a.Certificate.Raw) {
				t.Errorf("byte %d, bit %d: accepted as %+v", i, bit, got)
			}
		}
	}
}

func TestRequest(t *testing.T) {
	big160 := new(big.Int).Lsh(big.NewInt(1), 160)
	for name, n := range map[string]*big.Int{"none": nil, "zero": new(big.Int), "64 bits": new(big.Int).SetUint64(1 << 63), "160 bits": big160} {
		t.Run(name, func(t *testing.T) {
			a := authority(nil)
			if _, err := Parse(ask(t, a, message, n), message, n); err != nil {
				t.Fatal(err)
			}
		})
	}
	if bytes.Equal(NewRequest(message, nonce), NewRequest(message, big160)) {
		t.Fatal("the nonce is not in the request")
	}
}
