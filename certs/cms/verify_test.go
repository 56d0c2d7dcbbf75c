package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"encoding/pem"
	"slices"
	"testing"

	sd "github.com/mozilla-releng/cot/fixtures/signeddata"
)

// change is one thing that an attacker, or a careless tool, does to a message.
type change struct {
	name string
	edit func(*sd.Message)
	err  string // "": accepted all the same
}

func attribute8(n int, values ...[]byte) []byte {
	return sd.Attribute(sd.OID(1, 2, 840, 113549, 1, 9, n), values...)
}

func signer(f func(*sd.Signer)) func(*sd.Message) {
	return func(m *sd.Message) { f(&m.Signers[0]) }
}

func attrs(f func([][]byte) [][]byte) func(*sd.Message) {
	return signer(func(s *sd.Signer) { s.Attributes = f })
}

func TestShapeOfTheMessage(t *testing.T) {
	p256, p384 := a("P-256"), a("P-384")
	sha1 := sd.DigestAlgorithm(crypto.SHA1)
	md5 := sd.Sequence(sd.OID(1, 2, 840, 113549, 2, 5), sd.Null())
	many := func(n int) func(m *sd.Message) {
		return func(m *sd.Message) {
			for i := len(m.Certificates); i < n; i++ {
				m.Certificates = append(m.Certificates, certify("filler", int64(5000+i), p256.key.Public(), ca().cert, ca().key).Raw)
			}
		}
	}
	changes := []change{
		{"as it should be", func(*sd.Message) {}, ""},
		{"no signer", func(m *sd.Message) { m.Signers = nil }, "want one SignerInfo, found none"},
		{"two signers", func(m *sd.Message) {
			m.Signers = append(m.Signers, sd.Signer{Key: p384.key, Certificate: p384.cert})
			m.Certificates = append(m.Certificates, p384.cert.Raw)
		}, "want one SignerInfo, found more"},
		{"the same signer twice", func(m *sd.Message) { m.Signers = append(m.Signers, m.Signers[0]) }, "found more"},
		{"no certificates", func(m *sd.Message) { m.Certificates = nil }, "no certificates"},
		{"an empty set of certificates", func(m *sd.Message) { m.Certificates = [][]byte{} }, "no certificates"},
		{"certificates without the signer's", func(m *sd.Message) { m.Certificates = [][]byte{ca().cert.Raw, p384.cert.Raw} }, "none of the 2 certificates inside is the signer's"},
		{"certificates with the signer's last", func(m *sd.Message) { m.Certificates = [][]byte{ca().cert.Raw, p384.cert.Raw, p256.cert.Raw} }, ""},
		{"the signer's certificate twice", func(m *sd.Message) { m.Certificates = append(m.Certificates, p256.cert.Raw) }, ""},
		{"another certificate with the signer's serial number", func(m *sd.Message) {
			m.Certificates = append(m.Certificates, certify("twin", p256.cert.SerialNumber.Int64(), p384.key.Public(), ca().cert, ca().key).Raw)
		}, "two different certificates"},
		{"a certificate of the same serial number by another issuer", func(m *sd.Message) {
			other := certify("another CA", 1, ca().key.Public(), nil, ca().key)
			m.Certificates = append(m.Certificates, certify("twin", p256.cert.SerialNumber.Int64(), p384.key.Public(), other, ca().key).Raw)
		}, ""},
		{"32 certificates", many(32), ""},
		{"33 certificates", many(33), "more than 32 certificates"},
		{"hundreds of certificates", many(400), "more than 32 certificates"},
		{"an attribute certificate", func(m *sd.Message) { m.Certificates = append(m.Certificates, sd.Context(2, sd.Null())) }, "malformed certificates"},
		{"a certificate that is none", func(m *sd.Message) { m.Certificates = append(m.Certificates, sd.Sequence(sd.Null())) }, "certificate 2"},
		{"CRLs inside", func(m *sd.Message) { m.CRLs = sd.Context(1, sd.Sequence(sd.Null())) }, ""},
		{"content inside", func(m *sd.Message) { m.Attached = true }, "want a detached signature"},
		{"empty content inside", func(m *sd.Message) { m.Attached, m.Content = true, nil }, "want a detached signature"},
		{"content type TSTInfo", func(m *sd.Message) { m.ContentType = sd.OID(1, 2, 840, 113549, 1, 9, 16, 1, 4) }, "want content type 1.2.840.113549.1.7.1 (data)"},
		{"content type signedData", func(m *sd.Message) { m.ContentType = sd.OID(1, 2, 840, 113549, 1, 7, 2) }, "want content type"},
		{"version 0", func(m *sd.Message) { m.Version = -1 }, "version 1 or 3"},
		{"version 2", func(m *sd.Message) { m.Version = 2 }, "version 1 or 3"},
		{"version 3", func(m *sd.Message) { m.Version = 3 }, ""},
		{"SignerInfo of version 3 with issuer and serial", signer(func(s *sd.Signer) { s.Version = 3 }), "want SignerInfo of version 1"},
		{"signer by key identifier", func(m *sd.Message) { m.Version, m.Signers[0].ByKeyID = 3, true }, ""},
		{"SignerInfo of version 1 with key identifier", signer(func(s *sd.Signer) { s.ByKeyID, s.Version = true, 1 }), "want SignerInfo of version 3"},
		{"an empty key identifier", signer(func(s *sd.Signer) { s.ID, s.Version = sd.Element(0x80), 3 }), "malformed subjectKeyIdentifier"},
		{"SHA-1", signer(func(s *sd.Signer) { s.Hash = crypto.SHA1 }), "want digest algorithm SHA-256, SHA-384 or SHA-512, found 1.3.14.3.2.26"},
		{"SHA-1 named, SHA-256 made", signer(func(s *sd.Signer) { s.Digest = sha1 }), "want digest algorithm"},
		{"MD5 named", signer(func(s *sd.Signer) { s.Digest = md5 }), "want digest algorithm"},
		{"SHA-1 listed beside SHA-256", func(m *sd.Message) { m.Digests = sd.Set(sha1, sd.DigestAlgorithm(crypto.SHA256)) }, ""},
		{"digest not listed", func(m *sd.Message) { m.Digests = sd.Set(sd.DigestAlgorithm(crypto.SHA384)) }, "do not list"},
		{"no digest listed", func(m *sd.Message) { m.Digests = sd.Set() }, "do not list"},
		{"many digests listed", func(m *sd.Message) { m.Digests = sd.Set(bytes.Repeat(sha1, 9)) }, "more than 8"},
		{"digest with NULL", signer(func(s *sd.Signer) {
			s.Digest = sd.Sequence(sd.OID(2, 16, 840, 1, 101, 3, 4, 2, 1), sd.Null())
		}), ""},
		{"digest with a parameter", signer(func(s *sd.Signer) {
			s.Digest = sd.Sequence(sd.OID(2, 16, 840, 1, 101, 3, 4, 2, 1), sd.Integer(1))
		}), "with parameters"},
		{"another's signature", signer(func(s *sd.Signer) { s.Key = p384.key }), "does not hold"},
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			m := message(p256)
			c.edit(&m)
			if c.err != "" {
				refuse(t, m.DER(), content, Options{}, c.err)
				return
			}
			if s := accept(t, m.DER(), content, Options{}); !s.Signer.Equal(p256.cert) || slices.ContainsFunc(s.Certificates, s.Signer.Equal) {
				t.Fatalf("signer %s among %d", s.Signer.Subject, len(s.Certificates))
			}
		})
	}
}

func TestSignedAttributes(t *testing.T) {
	w := a("P-256")
	digestOf := func(b []byte) []byte {
		d := crypto.SHA256.New()
		d.Write(b)
		return sd.Octets(d.Sum(nil))
	}
	note := func(n int) []byte { return sd.Attribute(sd.OID(1, 3, 6, 1, 4, 1, 99999, n), sd.Null()) }
	protection := func(digest, signature []byte) []byte {
		signature = append([]byte{0xa1}, signature[1:]...)
		return attribute8(52, sd.Sequence(digest, signature))
	}
	sha256, sha384 := sd.DigestAlgorithm(crypto.SHA256), sd.DigestAlgorithm(crypto.SHA384)
	ecdsa256 := sd.SignatureAlgorithm(w.key.Public(), crypto.SHA256)
	ecdsa384 := sd.SignatureAlgorithm(w.key.Public(), crypto.SHA384)
	utc := func(s string) []byte { return sd.Element(0x17, []byte(s)) }
	add := func(more ...[]byte) func(*sd.Message) {
		return attrs(func(l [][]byte) [][]byte { return append(l, more...) })
	}
	changes := []change{
		{"contentType and messageDigest", func(*sd.Message) {}, ""},
		{"none", signer(func(s *sd.Signer) { s.NoAttributes = true }), ""},
		{"an empty set", attrs(func([][]byte) [][]byte { return nil }), "want 1 to 32 attributes"},
		{"others too", add(note(1), note(2)), ""},
		{"without messageDigest", attrs(func(l [][]byte) [][]byte { return l[:1] }), "without messageDigest"},
		{"without contentType", attrs(func(l [][]byte) [][]byte { return l[1:] }), "without contentType"},
		{"messageDigest twice", attrs(func(l [][]byte) [][]byte { return append(l, l[1]) }), "stands twice"},
		{"two messageDigests", add(attribute8(4, digestOf([]byte("other")))), "stands twice"},
		{"two values of messageDigest", attrs(func(l [][]byte) [][]byte {
			v := [][]byte{digestOf(content), digestOf([]byte("other"))}
			slices.SortFunc(v, bytes.Compare)
			return [][]byte{l[0], attribute8(4, v...)}
		}), "want one value, found 2"},
		{"messageDigest without a value", attrs(func(l [][]byte) [][]byte { return [][]byte{l[0], attribute8(4)} }), "values in the order"},
		{"contentType twice", attrs(func(l [][]byte) [][]byte { return append(l, l[0]) }), "stands twice"},
		{"two contentTypes", add(attribute8(3, sd.OID(1, 2, 840, 113549, 1, 7, 5))), "stands twice"},
		{"another contentType", attrs(func(l [][]byte) [][]byte {
			return [][]byte{l[1], attribute8(3, sd.OID(1, 2, 840, 113549, 1, 7, 5))}
		}), "want content type 1.2.840.113549.1.7.1, found 1.2.840.113549.1.7.5"},
		{"digest of other content", attrs(func(l [][]byte) [][]byte {
			return [][]byte{l[0], attribute8(4, digestOf([]byte("other")))}
		}), "the content has digest"},
		{"digest cut short", attrs(func(l [][]byte) [][]byte {
			return [][]byte{l[0], attribute8(4, sd.Octets(digestOf(content)[2:30]))}
		}), "the content has digest"},
		{"an empty digest", attrs(func(l [][]byte) [][]byte { return [][]byte{l[0], attribute8(4, sd.Octets(nil))} }), "the content has digest"},
		{"digest in a BIT STRING", attrs(func(l [][]byte) [][]byte {
			d := digestOf(content)
			d[0] = 3
			return [][]byte{l[0], attribute8(4, d)}
		}), "malformed messageDigest"},
		{"not in the order of DER", signer(func(s *sd.Signer) {
			s.Unsorted, s.Attributes = true, func(l [][]byte) [][]byte { return [][]byte{l[1], l[0]} }
		}), "order and encoding of DER"},
		{"an unknown one twice", add(note(1), note(1)), "stands twice"},
		{"more than there may be", attrs(func(l [][]byte) [][]byte {
			for i := range MaxAttributes {
				l = append(l, note(100+i))
			}
			return l
		}), "want 1 to 32 attributes"},
		{"indefinite length inside", signer(func(s *sd.Signer) {
			s.Attributes = func(l [][]byte) [][]byte { return append(l, []byte{0x30, 0x80, 0, 0}) }
		}), "encoding of DER"},
		{"long form of a short length inside", signer(func(s *sd.Signer) {
			s.Attributes = func(l [][]byte) [][]byte {
				return append(l, append([]byte{0x30, 0x81}, note(1)[1:]...))
			}
		}), "encoding of DER"},
		{"a signing time", add(attribute8(5, utc("260601120000Z"))), ""},
		{"a signing time without seconds", add(attribute8(5, utc("2606011200Z"))), "malformed signingTime"},
		{"a signing time of another zone", add(attribute8(5, utc("260601120000+0100"))), "malformed signingTime"},
		{"algorithm protection", add(protection(sha256, ecdsa256)), ""},
		{"algorithm protection of another digest", add(protection(sha384, ecdsa256)), "CMSAlgorithmProtection names other"},
		{"algorithm protection of another signature", add(protection(sha256, ecdsa384)), "CMSAlgorithmProtection names other"},
		{"malformed algorithm protection", add(attribute8(52, sd.Sequence(sha256))), "malformed CMSAlgorithmProtection"},
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			m := message(w)
			c.edit(&m)
			if c.err != "" {
				refuse(t, m.DER(), content, Options{}, c.err)
				return
			}
			accept(t, m.DER(), content, Options{})
			refuse(t, m.DER(), append([]byte{' '}, content...), Options{}, "") // what is signed is this content
		})
	}
}

func TestAttributesAreNoContent(t *testing.T) {
	w := a("P-256")
	m := message(w)
	accept(t, m.DER(), content, Options{})
	parsed, err := ParseDER(m.DER())
	if err != nil {
		t.Fatal(err)
	}
	// The signature over the attributes, as one over a document of these bytes.
	stolen := message(w)
	stolen.Content = parsed.signer.attrs.signed
	stolen.Signers[0].NoAttributes = true
	stolen.Signers[0].Signature = parsed.signer.signature
	refuse(t, stolen.DER(), stolen.Content, Options{}, "the content is itself signed attributes")

	for name, c := range map[string][]byte{
		"text that starts like a set": []byte("10" + string(bytes.Repeat([]byte("x"), 0x30))),
		"a set of something else":     sd.Set(sd.Null()),
		"an empty set":                sd.Set(),
		"no content":                  nil,
	} {
		t.Run(name, func(t *testing.T) {
			m := message(w)
			m.Content, m.Signers[0].NoAttributes = c, true
			accept(t, m.DER(), c, Options{})
		})
	}
}

func TestUnsignedAttributesDoNotMatter(t *testing.T) {
	w := a("P-256")
	counter := sd.Attribute(sd.OID(1, 2, 840, 113549, 1, 9, 6), sd.Sequence(sd.Null()))
	digest := attribute8(4, sd.Octets(bytes.Repeat([]byte{7}, 32)))
	m := message(w)
	plain := accept(t, m.DER(), content, Options{})
	m.Signers[0].Signature = plain.Signature
	m.Signers[0].Unsigned = sd.Context(1, counter, digest, digest)
	s := accept(t, m.DER(), content, Options{})
	if v, err := s.Attribute(oidMessageDigest); err != nil || bytes.Contains(v, bytes.Repeat([]byte{7}, 32)) || !bytes.Equal(s.Signature, plain.Signature) {
		t.Fatalf("%x, %v", v, err)
	}
	// They don't replace signed ones.
	m = message(w)
	m.Signers[0].Attributes = func(l [][]byte) [][]byte { return l[:1] }
	m.Signers[0].Unsigned = sd.Context(1, attribute8(4, sd.Octets(sha(content))))
	refuse(t, m.DER(), content, Options{}, "without messageDigest")
}

func sha(b []byte) []byte {
	d := crypto.SHA256.New()
	d.Write(b)
	return d.Sum(nil)
}

func TestKeysAndAlgorithms(t *testing.T) {
	sign := func(edit func(*sd.Signer)) func(*sd.Signer) { return edit }
	as := func(h crypto.Hash) func(*sd.Signer) { return func(s *sd.Signer) { s.Hash = h } }
	pss := func(h crypto.Hash) func(*sd.Signer) { return func(s *sd.Signer) { s.Hash, s.PSS = h, true } }
	plain := sign(func(*sd.Signer) {})
	noAttrs := sign(func(s *sd.Signer) { s.NoAttributes = true })
	alg := func(der []byte) func(*sd.Signer) { return func(s *sd.Signer) { s.Algorithm = der } }
	rsaWith := func(n int, params ...[]byte) []byte {
		return sd.Sequence(append([][]byte{sd.OID(1, 2, 840, 113549, 1, 1, n)}, params...)...)
	}
	pssParams := func(h, mask crypto.Hash, salt int) func(*sd.Signer) {
		return func(s *sd.Signer) { s.PSS, s.Algorithm = true, sd.PSSAlgorithm(h, mask, salt) }
	}
	ecdsaWith := func(n int, params ...[]byte) []byte {
		return sd.Sequence(append([][]byte{sd.OID(1, 2, 840, 10045, 4, 3, n)}, params...)...)
	}
	for _, c := range []struct {
		name, key string
		edit      func(*sd.Signer)
		err       string
	}{
		{"P-256, SHA-256", "P-256", plain, ""},
		{"P-256, SHA-256, no attributes", "P-256", noAttrs, ""},
		{"P-256, SHA-384", "P-256", as(crypto.SHA384), ""},
		{"P-256, SHA-512", "P-256", as(crypto.SHA512), ""},
		{"P-384, SHA-256", "P-384", plain, ""},
		{"P-384, SHA-384", "P-384", as(crypto.SHA384), ""},
		{"P-384, SHA-512", "P-384", as(crypto.SHA512), ""},
		{"P-224", "P-224", plain, "want an ECDSA key on P-256 or P-384, found P-224"},
		{"P-521", "P-521", as(crypto.SHA512), "want an ECDSA key on P-256 or P-384, found P-521"},
		{"RSA 2048", "RSA-2048", plain, "want an RSA key of 3072 to 8192 bits, found 2048"},
		{"RSA 2048, PSS", "RSA-2048", pss(crypto.SHA256), "want an RSA key of 3072 to 8192 bits, found 2048"},
		{"RSA 3072, rsaEncryption", "RSA-3072", plain, ""},
		{"RSA 3072, no attributes", "RSA-3072", noAttrs, ""},
		{"RSA 3072, rsaEncryption without NULL", "RSA-3072", alg(rsaWith(1)), ""},
		{"RSA 3072, rsaEncryption with a parameter", "RSA-3072", alg(rsaWith(1, sd.Integer(1))), "with parameters"},
		{"RSA 3072, sha256WithRSAEncryption", "RSA-3072", alg(rsaWith(11, sd.Null())), ""},
		{"RSA 3072, SHA-384", "RSA-3072", as(crypto.SHA384), ""},
		{"RSA 3072, SHA-512", "RSA-3072", as(crypto.SHA512), ""},
		{"RSA 3072, sha384WithRSAEncryption, SHA-256", "RSA-3072", alg(rsaWith(12, sd.Null())), "is none that signs with SHA-256"},
		{"RSA 3072, sha1WithRSAEncryption", "RSA-3072", alg(rsaWith(5, sd.Null())), "is none that signs with SHA-256"},
		{"RSA 3072, md5WithRSAEncryption", "RSA-3072", alg(rsaWith(4, sd.Null())), "is none that signs with SHA-256"},
		{"RSA 3072, PSS", "RSA-3072", pss(crypto.SHA256), ""},
		{"RSA 3072, PSS, SHA-384", "RSA-3072", pss(crypto.SHA384), ""},
		{"RSA 3072, PSS, SHA-512", "RSA-3072", pss(crypto.SHA512), ""},
		{"PSS without parameters", "RSA-3072", alg(rsaWith(10)), "RSA-PSS parameters"},
		{"PSS with the defaults, SHA-1", "RSA-3072", alg(rsaWith(10, sd.Sequence())), "RSA-PSS parameters"},
		{"PSS of another hash", "RSA-3072", pssParams(crypto.SHA384, crypto.SHA384, 48), "want RSA-PSS with SHA-256"},
		{"PSS of two hashes", "RSA-3072", pssParams(crypto.SHA256, crypto.SHA384, 32), "two digests"},
		{"PSS with a short salt", "RSA-3072", pssParams(crypto.SHA256, crypto.SHA256, 20), "a salt shorter than its digest"},
		{"PSS without a salt", "RSA-3072", pssParams(crypto.SHA256, crypto.SHA256, 0), "a salt shorter than its digest"},
		{"PSS with a negative salt", "RSA-3072", pssParams(crypto.SHA256, crypto.SHA256, -1), "a salt shorter than its digest"},
		{"PSS with a huge salt", "RSA-3072", pssParams(crypto.SHA256, crypto.SHA256, 1<<30), "a salt shorter than its digest"},
		{"PSS with another salt than was used", "RSA-3072", pssParams(crypto.SHA256, crypto.SHA256, 33), "does not hold"},
		{"PKCS#1 for PSS", "RSA-3072", func(s *sd.Signer) { s.Algorithm = sd.PSSAlgorithm(crypto.SHA256, crypto.SHA256, 32) }, "does not hold"},
		{"PSS for PKCS#1", "RSA-3072", func(s *sd.Signer) { s.PSS, s.Algorithm = true, rsaWith(1, sd.Null()) }, "does not hold"},
		{"ECDSA with RSA's name", "P-256", alg(rsaWith(1, sd.Null())), "none for the signer's key"},
		{"RSA with ECDSA's name", "RSA-3072", alg(ecdsaWith(2)), "none for the signer's key"},
		{"ECDSA with Ed25519's name", "P-256", func(s *sd.Signer) { s.Hash, s.Algorithm = crypto.SHA512, sd.Sequence(sd.OID(1, 3, 101, 112)) }, "none for the signer's key"},
		{"ecdsa-with-SHA384, SHA-256", "P-256", alg(ecdsaWith(3)), "is none that signs with SHA-256"},
		{"ecdsa-with-SHA224", "P-256", alg(ecdsaWith(1)), "is none that signs with SHA-256"},
		{"ecdsa-with-SHA256 with NULL", "P-256", alg(ecdsaWith(2, sd.Null())), "with parameters"},
		{"id-ecPublicKey", "P-256", alg(sd.Sequence(sd.OID(1, 2, 840, 10045, 2, 1))), "is none that signs"},
		{"Ed25519", "Ed25519", plain, ""},
		{"Ed25519, no attributes", "Ed25519", noAttrs, ""},
		{"Ed25519, SHA-256", "Ed25519", as(crypto.SHA256), "want digest algorithm SHA-512 with Ed25519"},
		{"Ed25519 with NULL", "Ed25519", alg(sd.Sequence(sd.OID(1, 3, 101, 112), sd.Null())), "with parameters"},
		{"Ed448", "Ed25519", alg(sd.Sequence(sd.OID(1, 3, 101, 113))), "is none that signs"},
		{"DSA", "P-256", alg(sd.Sequence(sd.OID(2, 16, 840, 1, 101, 3, 4, 3, 2))), "is none that signs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := message(a(c.key))
			c.edit(&m.Signers[0])
			if c.err != "" {
				refuse(t, m.DER(), content, Options{}, c.err)
				return
			}
			accept(t, m.DER(), content, Options{})
			refuse(t, m.DER(), append(content[:len(content):len(content)], '\n'), Options{}, "")
		})
	}
	t.Run("an authority's keys", func(t *testing.T) {
		for _, kind := range []string{"P-521", "RSA-2048", "P-256"} {
			accept(t, message(a(kind)).DER(), content, Options{Keys: AuthorityKeys})
		}
		refuse(t, message(a("P-224")).DER(), content, Options{Keys: AuthorityKeys}, "found P-224")
	})
}

func TestEncoding(t *testing.T) {
	w := a("P-256")
	der := message(w).DER()
	block := func(label string) []byte { return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}) }
	crlf := bytes.ReplaceAll(block("CMS"), []byte("\n"), []byte("\r\n"))
	concat := func(parts ...any) []byte {
		var b []byte
		for _, p := range parts {
			switch p := p.(type) {
			case string:
				b = append(b, p...)
			case []byte:
				b = append(b, p...)
			}
		}
		return b
	}
	lines := bytes.SplitAfter(block("CMS"), []byte("\n"))
	indefinite := concat([]byte{0x30, 0x80}, der[4:], []byte{0, 0})
	for _, c := range []struct {
		name string
		data []byte
		err  string
	}{
		{"DER", der, ""},
		{"PEM, CMS", block("CMS"), ""},
		{"PEM, PKCS7", block("PKCS7"), ""},
		{"PEM, CR LF", crlf, ""},
		{"PEM, no line break at the end", bytes.TrimSuffix(block("CMS"), []byte("\n")), ""},
		{"PEM, CERTIFICATE", block("CERTIFICATE"), "want a PEM block CMS or PKCS7"},
		{"PEM, no label", concat("-----BEGIN -----\n"), "want a PEM block"},
		{"PEM, text before", concat("signed by me\n", block("CMS")), "not a ContentInfo in DER"},
		{"PEM, line break before", concat("\n", block("CMS")), "not a ContentInfo in DER"},
		{"PEM, text after", concat(block("CMS"), "x"), "after the PEM block"},
		{"PEM, line break after", concat(block("CMS"), "\n"), "after the PEM block"},
		{"PEM, twice", concat(block("CMS"), block("CMS")), "after the PEM block"},
		{"PEM, header", concat(lines[0], "a: b\n\n", bytes.Join(lines[1:], nil)), "malformed PEM"},
		{"PEM, empty line", concat(lines[0], lines[1], "\n", bytes.Join(lines[2:], nil)), "malformed PEM"},
		{"PEM, space in a line", concat(lines[0], " ", bytes.Join(lines[1:], nil)), "malformed PEM"},
		{"PEM, CR in a line", concat(lines[0], "\r", bytes.Join(lines[1:], nil)), "malformed PEM"},
		{"PEM, long lines", concat(lines[0], bytes.TrimSpace(lines[1]), bytes.Join(lines[2:], nil)), "malformed PEM"},
		{"PEM, short line inside", concat(lines[0], lines[1][:10], "\n", lines[1][10:], bytes.Join(lines[2:], nil)), "malformed PEM"},
		{"PEM, other end", concat(bytes.TrimSuffix(block("CMS"), []byte("-----END CMS-----\n")), "-----END PKCS7-----\n"), "has no end"},
		{"PEM, no end", bytes.Join(lines[:3], nil), "has no end"},
		{"PEM, broken block first", concat("-----BEGIN CMS-----\nAAAA\n", block("CMS")), "malformed PEM"},
		{"PEM, empty", []byte("-----BEGIN CMS-----\n-----END CMS-----\n"), "not a ContentInfo in DER"},
		{"PEM of PEM", pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: block("CMS")}), "not a ContentInfo in DER"},
		{"nothing", nil, "not a ContentInfo in DER"},
		{"trailing byte", concat(der, []byte{0}), "1 bytes after the end"},
		{"a line break after DER", concat(der, "\n"), "1 bytes after the end"},
		{"indefinite length", indefinite, "not a ContentInfo in DER"},
		{"a byte short", der[:len(der)-1], "not a ContentInfo in DER"},
		{"too long", concat(der, bytes.Repeat([]byte{0}, MaxBytes)), "want at most 1048576"},
		{"another content type", sd.Sequence(sd.OID(1, 2, 840, 113549, 1, 7, 3), sd.Context(0, sd.Null())), "want content type 1.2.840.113549.1.7.2 (signedData)"},
		{"a certificate", w.cert.Raw, "not a ContentInfo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.err != "" {
				refuse(t, c.data, content, Options{}, c.err)
				return
			}
			accept(t, c.data, content, Options{})
		})
	}
}

// Every bit counts, but for those that nobody signs and that change nothing: the
// certificate is left to the caller, the version is 1 or 3, and the issuer's name
// is compared without case.
func TestFlippedBits(t *testing.T) {
	w := a("P-256")
	der := message(w).DER()
	signer := accept(t, der, content, Options{}).Signer
	certificate := bytes.Index(der, w.cert.Raw)
	issuer := bytes.LastIndex(der, w.cert.RawIssuer)
	for i := range der {
		refuse(t, der[:i], content, Options{}, "")
		for bit := range 8 {
			flipped := bytes.Clone(der)
			flipped[i] ^= 1 << bit
			s, err := Verify(flipped, content, Options{})
			free := i >= certificate && i < certificate+len(w.cert.Raw) ||
				i >= issuer && i < issuer+len(w.cert.RawIssuer) ||
				i > 2 && bytes.HasPrefix(der[i-2:], []byte{2, 1, 1, 0x31})
			if err == nil && !(free && s.Signer.PublicKey.(*ecdsa.PublicKey).Equal(signer.PublicKey)) {
				t.Errorf("byte %d, bit %d: accepted", i, bit)
			}
		}
	}
}
