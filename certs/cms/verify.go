package cms

import (
	"crypto"
	_ "crypto/sha256" // crypto.SHA256
	_ "crypto/sha512" // crypto.SHA384, crypto.SHA512
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// Options widen what is accepted. The zero value is what workers may sign with.
type Options struct {
	Keys Keys
}

// Signed is a message whose signature holds under the key of the Signer. Only
// the verify functions make one. Its certificates are not validated.
type Signed struct {
	Signer       *x509.Certificate
	Certificates []*x509.Certificate // the others inside: hostile, to build paths with
	Content      []byte
	Signature    []byte    // the SignerInfo's signature octets, what a time stamp is over
	SigningTime  time.Time // what the signer claims; zero without
	attributes   *attributes
}

// Attribute gives the only value of a signed attribute in DER: nil if there is
// none, an error if it has several.
func (s *Signed) Attribute(t asn1.ObjectIdentifier) ([]byte, error) {
	if s.attributes == nil {
		return nil, nil
	}
	return s.attributes.value(t)
}

// Verify checks a detached SignedData over content, as `openssl cms -sign
// -binary` makes it: DER or PEM, content type id-data, the signer's certificate
// inside, SHA-256, SHA-384 or SHA-512, signed attributes that match the content
// or none.
func Verify(data, content []byte, o Options) (*Signed, error) {
	m, err := Parse(data)
	if err != nil {
		return nil, err
	}
	return m.Verify(content, o)
}

// Verify is the function Verify for a message that is already parsed.
func (m *Message) Verify(content []byte, o Options) (*Signed, error) {
	if m.Attached {
		return nil, errors.New("CMS message: want a detached signature, found content inside")
	}
	if !m.ContentType.EqualASN1OID(oidData) {
		return nil, fmt.Errorf("CMS message: want content type %s (data), found %s", oidData, m.ContentType)
	}
	return m.verify(content, o)
}

// VerifyAttached checks a SignedData that carries its content of another type
// than id-data; such have signed attributes (RFC 5652 §5.3).
func (m *Message) VerifyAttached(contentType asn1.ObjectIdentifier, o Options) (*Signed, error) {
	switch {
	case !m.ContentType.EqualASN1OID(contentType):
		return nil, fmt.Errorf("CMS message: want content type %s, found %s", contentType, m.ContentType)
	case !m.Attached:
		return nil, errors.New("CMS message: want content inside, found a detached signature")
	case m.signer.attrs == nil:
		return nil, errors.New("CMS message: want signed attributes, found none")
	}
	return m.verify(m.Content, o)
}

func (m *Message) verify(content []byte, o Options) (*Signed, error) {
	s, err := m.check(content, o)
	if err != nil {
		return nil, fmt.Errorf("CMS message: %w", err)
	}
	return s, nil
}

func (m *Message) check(content []byte, o Options) (*Signed, error) {
	info := &m.signer
	h, err := info.digest.digest()
	if err != nil {
		return nil, err
	}
	if !m.lists(info.digest) {
		return nil, fmt.Errorf("digestAlgorithms do not list the signer's %s (RFC 5652 §5.1)", h.hash)
	}
	signer, err := m.Signer()
	if err != nil {
		return nil, err
	}
	s, err := info.algorithm.scheme(h)
	if err != nil {
		return nil, err
	}
	if err := o.Keys.check(signer.PublicKey, s); err != nil {
		return nil, fmt.Errorf("certificate with serial number %x: %w", signer.SerialNumber, err)
	}
	signed := &Signed{Signer: signer, Content: content, Signature: info.signature, attributes: info.attrs}
	octets := content
	switch {
	case info.attrs != nil:
		digest := h.hash.New()
		digest.Write(content)
		if err := info.attrs.check(m.ContentType, digest.Sum(nil), info); err != nil {
			return nil, err
		}
		if signed.SigningTime, err = info.attrs.signingTime(); err != nil {
			return nil, err
		}
		octets = info.attrs.signed
	case looksSigned(content):
		return nil, errors.New("no signed attributes, and the content is itself signed attributes: the signature may be another message's")
	}
	if err := info.algorithm.verify(signer.PublicKey, s, h, octets, info.signature); err != nil {
		return nil, err
	}
	for _, c := range m.Certificates {
		if c != signer {
			signed.Certificates = append(signed.Certificates, c)
		}
	}
	return signed, nil
}

func (m *Message) lists(a algorithm) bool {
	for _, d := range m.digests {
		if d.equal(&a) {
			return true
		}
	}
	return false
}

// verify checks the signature. rsaEncryption, which CMS allows together with a
// digestAlgorithm (RFC 5754 §3.2), is named in full for that.
func (a *algorithm) verify(key crypto.PublicKey, s scheme, h hash, octets, signature []byte) error {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		switch s {
		case pkcs1:
			b.AddASN1ObjectIdentifier(h.rsa)
			b.AddASN1NULL()
		case pss:
			b.AddASN1ObjectIdentifier(oidPSS)
			b.AddBytes(a.parameters)
		case ecdsaSignature:
			b.AddASN1ObjectIdentifier(h.ecdsa)
		case eddsa:
			b.AddASN1ObjectIdentifier(oidEd25519)
		}
	})
	der, err := b.Bytes()
	if err != nil {
		return err
	}
	return pkix.CheckSignature(key, der, octets, signature)
}
