package pgp

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// MaxKeys bounds the keys of a file, and of a ring.
const MaxKeys = 4096

// Key is a public key with its subkeys, as a file has it (a transferable public
// key, RFC 9580 §10.1).
type Key struct {
	raw         []byte
	fingerprint string
	revoked     map[string]bool // fingerprints; the primary key's means all of them
}

// Fingerprint is the primary key's, in lower-case hex.
func (k *Key) Fingerprint() string { return k.fingerprint }

const publicKeyBlock = "PGP PUBLIC KEY BLOCK"

// ParseKeys reads all keys of a file: ASCII armor, several blocks too, or
// binary. Private keys, and whatever else does not belong to public keys, are
// errors.
func ParseKeys(data []byte) ([]*Key, error) {
	if !bytes.HasPrefix(data, []byte("-----BEGIN ")) {
		return parsePackets(data)
	}
	var keys []*Key
	for len(data) > 0 {
		body, rest, err := dearmor(data, publicKeyBlock)
		if err != nil {
			return nil, err
		}
		more, err := parsePackets(body)
		if err != nil {
			return nil, err
		}
		if keys = append(keys, more...); len(keys) > MaxKeys {
			return nil, errTooMany
		}
		data = bytes.TrimLeft(rest, "\r\n")
	}
	return keys, nil
}

var errTooMany = fmt.Errorf("more than %d keys", MaxKeys)

// Packets of a transferable public key (RFC 9580 §5).
const (
	tagSignature     = 2
	tagSecretKey     = 5
	tagPublicKey     = 6
	tagSecretSubkey  = 7
	tagTrust         = 12
	tagUserID        = 13
	tagPublicSubkey  = 14
	tagUserAttribute = 17
)

func parsePackets(data []byte) ([]*Key, error) {
	packets := packet.NewOpaqueReader(bytes.NewReader(data))
	var keys []*Key
	var k *Key
	current := "" // whose signatures follow
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("malformed OpenPGP packets: %w", err)
		}
		switch {
		case p.Tag == tagSecretKey, p.Tag == tagSecretSubkey:
			return nil, errors.New("a private key, want public keys alone")
		case p.Tag == tagPublicKey:
			if len(keys) == MaxKeys {
				return nil, errTooMany
			}
			k = &Key{revoked: map[string]bool{}}
			keys = append(keys, k)
			if k.fingerprint, err = fingerprintOf(p); err != nil {
				return nil, fmt.Errorf("key %d can't be read: %w", len(keys), err)
			}
			current = k.fingerprint
		case k == nil:
			return nil, errors.New("no public key, want one or more")
		case p.Tag == tagPublicSubkey:
			// One that can't be read signs nothing that could be verified.
			current, _ = fingerprintOf(p)
		case p.Tag == tagSignature:
			k.noteRevocation(p, current)
		case p.Tag == tagUserID, p.Tag == tagUserAttribute:
		case p.Tag == tagTrust:
			continue // a program's own notes
		default:
			return nil, fmt.Errorf("a packet of type %d among public keys", p.Tag)
		}
		var raw bytes.Buffer
		if err := p.Serialize(&raw); err != nil {
			return nil, err
		}
		k.raw = append(k.raw, raw.Bytes()...)
	}
	if len(keys) == 0 {
		return nil, errors.New("no public key, want one or more")
	}
	for _, k := range keys {
		if _, err := k.entity(); err != nil {
			return nil, fmt.Errorf("key %s can't be read: %w", k.fingerprint, err)
		}
	}
	return keys, nil
}

// Types of signatures that revoke (RFC 9580 §5.2.1).
const (
	revokesKey    = 0x20
	revokesSubkey = 0x28
	revokesUserID = 0x30
)

// noteRevocation takes every revocation for one, whoever signed it and however:
// what can't be verified (another program's algorithms, a designated revoker)
// is not passed over.
func (k *Key) noteRevocation(p *packet.OpaquePacket, of string) {
	if len(p.Contents) < 3 {
		return
	}
	kind := p.Contents[1]
	if p.Contents[0] < 4 { // version 3 has the length of what is hashed first
		kind = p.Contents[2]
	}
	switch kind {
	case revokesKey:
		k.revoked[k.fingerprint] = true
	case revokesSubkey:
		k.revoked[of] = true
	case revokesUserID:
		// The library judges those that it can read.
		if _, err := p.Parse(); err != nil {
			k.revoked[k.fingerprint] = true
		}
	}
}

func fingerprintOf(p *packet.OpaquePacket) (string, error) {
	parsed, err := p.Parse()
	if err != nil {
		return "", err
	}
	pub, ok := parsed.(*packet.PublicKey)
	if !ok {
		return "", errors.New("no public key")
	}
	return fmt.Sprintf("%x", pub.Fingerprint), nil
}

// entity parses the key anew: the library's value remembers what it was asked.
func (k *Key) entity() (*openpgp.Entity, error) {
	return openpgp.ReadEntity(packet.NewReader(bytes.NewReader(k.raw)))
}
