package certs

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// Key is a pinned Ed25519 key (method `key`) with what it may sign for: tasks
// of one worker implementation on the pools that a pattern covers, inside the
// window. A zero NotBefore or NotAfter leaves that end open.
type Key struct {
	Implementation graph.Implementation
	Pools          []graph.PoolPattern
	Public         ed25519.PublicKey
	NotBefore      time.Time
	NotAfter       time.Time
}

// ID names the key in reports and in --distrust.
func (k Key) ID() KeyID { return Ed25519KeyID(k.Public) }

// KeyID is the lower-case hex SHA-256 of a key's SubjectPublicKeyInfo in DER.
// The zero value names none.
type KeyID string

var keyIDPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ParseKeyID reads a key id.
func ParseKeyID(s string) (KeyID, error) {
	if !keyIDPattern.MatchString(s) {
		return "", fmt.Errorf("%.80q is not a key id: want 64 lower-case hex digits, the SHA-256 of a SubjectPublicKeyInfo", s)
	}
	return KeyID(s), nil
}

// ed25519SPKI is what RFC 8410 puts before the 32 bytes of an Ed25519 key.
var ed25519SPKI = []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}

// Ed25519KeyID is the id of a bare Ed25519 key, over its 44-byte
// SubjectPublicKeyInfo.
func Ed25519KeyID(public ed25519.PublicKey) KeyID {
	sum := sha256.Sum256(slices.Concat(ed25519SPKI, public))
	return KeyID(hex.EncodeToString(sum[:]))
}

// ParseEd25519 reads a public key as policy files have it: the standard base64
// of its 32 bytes, padded, in the one canonical form. What is no point of the
// curve is refused, and so is a point of small order: a signature under such a
// key can hold for many messages.
func ParseEd25519(s string) (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(raw) != s {
		return nil, errors.New("an Ed25519 key is 44 characters of standard base64 with padding")
	}
	if len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("an Ed25519 key has %d bytes, found %d", ed25519.PublicKeySize, len(raw))
	}
	if err := checkPoint(raw); err != nil {
		return nil, err
	}
	return ed25519.PublicKey(raw), nil
}

// checkPoint checks an encoded point (RFC 8032 §5.1.3): y is reduced, x exists,
// and the order is not 1, 2, 4 or 8.
func checkPoint(encoded []byte) error {
	le := bytes.Clone(encoded)
	le[31] &= 0x7f
	slices.Reverse(le)
	one := big.NewInt(1)
	p := new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	y := new(big.Int).SetBytes(le)
	if y.Cmp(p) >= 0 {
		return errors.New("not an Ed25519 key: its encoding is not canonical")
	}
	for _, small := range smallOrderY(p) {
		if y.Cmp(small) == 0 {
			return errors.New("not an Ed25519 key: a point of small order proves nothing")
		}
	}
	// x² = (y² - 1) / (d y² + 1), with d = -121665/121666.
	mod := func(i *big.Int) *big.Int { return i.Mod(i, p) }
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d = mod(d.Mul(d, big.NewInt(-121665)))
	yy := mod(new(big.Int).Mul(y, y))
	num := mod(new(big.Int).Sub(yy, one))
	den := mod(new(big.Int).Add(new(big.Int).Mul(d, yy), one))
	xx := mod(num.Mul(num, new(big.Int).ModInverse(den, p)))
	if big.Jacobi(xx, p) != 1 {
		return errors.New("not an Ed25519 key: no point of the curve has this encoding")
	}
	return nil
}

// smallOrderY gives the y of all eight points whose order divides 8.
func smallOrderY(p *big.Int) []*big.Int {
	order8, _ := new(big.Int).SetString("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)
	return []*big.Int{
		big.NewInt(0),
		big.NewInt(1),
		new(big.Int).Sub(p, big.NewInt(1)),
		order8,
		new(big.Int).Sub(p, order8),
	}
}
