package pkix

import (
	"crypto/ed25519"
	"errors"
	"slices"
)

// smallOrder are the y of the points whose order divides 8 (little endian, the
// sign bit cleared), in each of their encodings that ed25519.Verify reads.
var smallOrder = [][]byte{
	y(0x00, 0x00, 0x00), // order 4
	y(0x01, 0x00, 0x00), // the neutral element
	y(0xec, 0xff, 0x7f), // p - 1, order 2
	y(0xed, 0xff, 0x7f), // p, which is 0
	y(0xee, 0xff, 0x7f), // p + 1, which is 1
	[]byte("\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05"),
	[]byte("\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a"),
}

func y(first, middle, last byte) []byte {
	b := slices.Repeat([]byte{middle}, ed25519.PublicKeySize)
	b[0], b[31] = first, last
	return b
}

// checkPoint refuses keys under which one signature can hold for many messages.
func checkPoint(key ed25519.PublicKey) error {
	k := slices.Clone(key)
	k[31] &= 0x7f
	for _, s := range smallOrder {
		if slices.Equal(k, s) {
			return errors.New("not an Ed25519 key: a point of small order proves nothing")
		}
	}
	return nil
}
