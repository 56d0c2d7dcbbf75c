package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Sign makes a detached SignedData in DER over content, as `openssl cms -sign
// -binary` does: one signer, leaf and chain inside, the attributes contentType,
// messageDigest and, if signingTime is not zero, signingTime. The digest is
// SHA-256, SHA-384 for P-384, SHA-512 for Ed25519; RSA signs by PKCS#1 v1.5. A
// key that WorkerKeys do not include, or that is not the leaf's, is refused, and
// so is a result that Verify would refuse.
func Sign(content []byte, key crypto.Signer, leaf *x509.Certificate, chain []*x509.Certificate, signingTime time.Time, rand io.Reader) ([]byte, error) {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(leaf.PublicKey) {
		return nil, fmt.Errorf("the key is not that of the certificate with serial number %x", leaf.SerialNumber)
	}
	s, h, err := choose(leaf.PublicKey)
	if err != nil {
		return nil, err
	}
	if err := WorkerKeys.check(leaf.PublicKey, s); err != nil {
		return nil, err
	}
	digest := h.hash.New()
	digest.Write(content)
	attrs, err := marshalAttributes(digest.Sum(nil), signingTime)
	if err != nil {
		return nil, err
	}
	signature, err := sign(key, s, h, attrs, rand)
	if err != nil {
		return nil, err
	}
	der, err := marshal(leaf, chain, s, h, attrs, signature)
	if err != nil {
		return nil, err
	}
	if _, err := Verify(der, content, Options{}); err != nil {
		return nil, fmt.Errorf("what the key signed does not verify: %w", err)
	}
	return der, nil
}

// choose says how a key signs.
func choose(key crypto.PublicKey) (scheme, hash, error) {
	all := hashes()
	switch key := key.(type) {
	case *rsa.PublicKey:
		return pkcs1, all[0], nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P384() {
			return ecdsaSignature, all[1], nil
		}
		return ecdsaSignature, all[0], nil
	case ed25519.PublicKey:
		return eddsa, all[2], nil
	}
	return 0, hash{}, errors.New("want an RSA, ECDSA or Ed25519 key, found another")
}

func sign(key crypto.Signer, s scheme, h hash, octets []byte, rand io.Reader) ([]byte, error) {
	if s == eddsa {
		return key.Sign(rand, octets, crypto.Hash(0))
	}
	digest := h.hash.New()
	digest.Write(octets)
	return key.Sign(rand, digest.Sum(nil), h.hash)
}

// marshalAttributes gives the SET OF Attribute that is signed.
func marshalAttributes(digest []byte, signingTime time.Time) ([]byte, error) {
	list := []cryptobyte.BuilderContinuation{
		attribute(oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) }),
		attribute(oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) }),
	}
	if t := signingTime.UTC(); !signingTime.IsZero() {
		list = append(list, attribute(oidSigningTime, func(b *cryptobyte.Builder) {
			// RFC 5652 §11.3: UTCTime up to 2049.
			if t.Year() >= 1950 && t.Year() < 2050 {
				b.AddASN1UTCTime(t)
			} else {
				b.AddASN1GeneralizedTime(t)
			}
		}))
	}
	return marshalSet(tag.SET, list)
}

func attribute(t asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(t)
			b.AddASN1(tag.SET, value)
		})
	}
}

// marshalSet gives a SET OF in the order of DER (X.690 §11.6), without doubles.
func marshalSet(t tag.Tag, list []cryptobyte.BuilderContinuation) ([]byte, error) {
	elements := make([][]byte, len(list))
	for i, add := range list {
		var b cryptobyte.Builder
		add(&b)
		var err error
		if elements[i], err = b.Bytes(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(elements, bytes.Compare)
	elements = slices.CompactFunc(elements, bytes.Equal)
	var b cryptobyte.Builder
	b.AddASN1(t, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(elements...)) })
	return b.Bytes()
}

func marshal(leaf *x509.Certificate, chain []*x509.Certificate, s scheme, h hash, attrs, signature []byte) ([]byte, error) {
	raw := []cryptobyte.BuilderContinuation{func(b *cryptobyte.Builder) { b.AddBytes(leaf.Raw) }}
	for _, c := range chain {
		raw = append(raw, func(b *cryptobyte.Builder) { b.AddBytes(c.Raw) })
	}
	certificates, err := marshalSet(context0.Constructed(), raw)
	if err != nil {
		return nil, err
	}
	signed := slices.Clone(attrs)
	signed[0] = byte(context0.Constructed())
	digest := func(b *cryptobyte.Builder) {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(h.id) })
	}
	signer := func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(leaf.RawIssuer)
			b.AddASN1BigInt(leaf.SerialNumber)
		})
		digest(b)
		b.AddBytes(signed)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			switch s {
			case eddsa:
				b.AddASN1ObjectIdentifier(oidEd25519)
			case ecdsaSignature:
				b.AddASN1ObjectIdentifier(h.ecdsa)
			default:
				b.AddASN1ObjectIdentifier(oidRSA)
				b.AddASN1NULL()
			}
		})
		b.AddASN1OctetString(signature)
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(context0.Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(tag.SET, digest)
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				b.AddBytes(certificates)
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { b.AddASN1(tag.SEQUENCE, signer) })
			})
		})
	})
	return b.Bytes()
}
