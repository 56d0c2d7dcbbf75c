package timestamp

import (
	"crypto/sha256"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Hash algorithms of message imprints (RFC 5754 §2) and certificate ids.
var (
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
)

// NewRequest makes a TimeStampReq (RFC 3161 §2.4.1) in DER over the SHA-256 of
// message. It asks for the authority's certificate. A nonce ties the response to
// this request; nil, or a negative one, leaves it out.
func NewRequest(message []byte, nonce *big.Int) []byte {
	sum := sha256.Sum256(message)
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidSHA256)
				b.AddASN1NULL()
			})
			b.AddASN1OctetString(sum[:])
		})
		if nonce != nil && nonce.Sign() >= 0 {
			b.AddASN1BigInt(nonce)
		}
		b.AddASN1Boolean(true)
	})
	return b.BytesOrPanic() // fails only on object identifiers that are none
}
