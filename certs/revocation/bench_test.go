package revocation

import (
	"crypto/x509"
	"encoding/binary"
	"math/big"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mozilla-releng/cot/certs/pkix"
)

// millionEntries is a CRL as a large CA has it: random-looking serial numbers of
// 8 octets and a reason, 41 bytes an entry.
func millionEntries(tb testing.TB, issuer *identity) []byte {
	return listDER(tb, issuer, func(d *draft) {
		var b cryptobyte.Builder
		reasonOnly := []byte("\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x05")
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for i := range uint64(1_000_000) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					var s [8]byte
					binary.BigEndian.PutUint64(s[:], 1<<62|i*0x9E3779B97F4A7C15>>2)
					b.AddASN1BigInt(new(big.Int).SetBytes(s[:]))
					b.AddASN1UTCTime(now)
					b.AddBytes(reasonOnly)
				})
			}
		})
		b.AddASN1(constructed(0), func(b *cryptobyte.Builder) { b.AddBytes(marshal(d.extensions)) })
		d.extensions, d.raw = nil, b.BytesOrPanic()
	})
}

func BenchmarkMillionEntries(b *testing.B) {
	w := newWorld(b)
	w.ca = issue(b, w.root, "CA", ecKey(b), authority)
	w.leaf = issue(b, w.ca, "leaf", nil, leafOnly)
	der := millionEntries(b, w.ca)
	path := w.path(b)
	pool := pkix.NewPool([]*x509.Certificate{w.root.cert}, []*x509.Certificate{w.ca.cert})
	b.SetBytes(int64(len(der)))
	b.ReportAllocs()
	for b.Loop() {
		lists, err := ParseCRLs(der)
		if err != nil {
			b.Fatal(err)
		}
		c, err := NewChecker(Config{CRLs: lists, Pool: pool, Now: now})
		if err != nil {
			b.Fatal(err)
		}
		if a := c.Check(b.Context(), path, 0); a.Status != Good {
			b.Fatal(a.Why)
		}
	}
}

func BenchmarkKnownAnswer(b *testing.B) {
	w := newWorld(b)
	path := w.path(b)
	c, err := NewChecker(Config{CRLs: []*CRL{list(b, w.ca)}, Pool: w.pool(), Now: now})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if a := c.Check(b.Context(), path, 0); a.Status != Good {
			b.Fatal(a.Why)
		}
	}
}
