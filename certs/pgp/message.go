package pgp

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// maxSignatureBytes bounds a signature packet; RSA of 16384 bits needs 2 KiB.
const maxSignatureBytes = 64 << 10

// hashes are the digests that count over a message, by the name of their header.
var hashes = map[crypto.Hash]string{crypto.SHA256: "SHA256", crypto.SHA384: "SHA384", crypto.SHA512: "SHA512"}

// Message is a clear-signed message. Nobody has vouched for it yet.
type Message struct {
	text      []byte
	canonical []byte // the text as it is hashed: lines end in CRLF
	signature *packet.Signature
}

// Text is what is signed: dash-escaping undone, without blanks at the ends of
// lines, lines ended by LF, without the line ending before the signature.
func (m *Message) Text() []byte { return m.text }

// Parse reads a clear-signed message with exactly one signature, and nothing
// before or after it.
func Parse(data []byte) (*Message, error) {
	line, rest, ended, err := cutLine(data)
	if err != nil || !ended || string(line) != "-----BEGIN PGP SIGNED MESSAGE-----" {
		return nil, errors.New("want a clear-signed message and nothing before it")
	}
	m := &Message{}
	named, rest, err := readHeaders(rest)
	if err != nil {
		return nil, err
	}
	if rest, err = m.readText(rest); err != nil {
		return nil, err
	}
	body, rest, err := dearmor(rest, "PGP SIGNATURE")
	switch {
	case err != nil:
		return nil, err
	case len(rest) > 0:
		return nil, fmt.Errorf("%d bytes after the signature", len(rest))
	case len(body) > maxSignatureBytes:
		return nil, fmt.Errorf("a signature of %d bytes, more than the limit of %d", len(body), maxSignatureBytes)
	}
	if err := m.readSignature(body); err != nil {
		return nil, err
	}
	if name := hashes[m.signature.Hash]; named != "" && named != name {
		return nil, fmt.Errorf("the message names the digest %.20q, its signature has %s", named, name)
	}
	return m, nil
}

// readHeaders reads the message's headers: none, as RFC 9580 has it, or the one
// that older programs write.
func readHeaders(data []byte) (hash string, rest []byte, err error) {
	for {
		line, after, ended, err := cutLine(data)
		switch {
		case err != nil:
			return "", nil, err
		case !ended:
			return "", nil, errors.New("the message ends in its headers")
		case len(line) == 0:
			return hash, after, nil
		}
		name, found := bytes.CutPrefix(line, []byte("Hash: "))
		if !found || hash != "" || len(name) == 0 {
			return "", nil, errors.New("headers other than one Hash")
		}
		hash, data = string(name), after
	}
}

// readText reads up to the signature, and gives what starts with it.
func (m *Message) readText(data []byte) (rest []byte, err error) {
	for first := true; ; first = false {
		line, after, ended, err := cutLine(data)
		switch {
		case err != nil:
			return nil, err
		case !ended:
			return nil, errors.New("the message ends without a signature")
		case string(line) == "-----BEGIN PGP SIGNATURE-----":
			return data, nil
		}
		escaped, dashed := bytes.CutPrefix(line, []byte("- "))
		if !dashed && bytes.HasPrefix(line, []byte("-")) {
			return nil, errors.New("a line of the text begins with a dash that is not escaped")
		}
		if !first {
			m.text, m.canonical = append(m.text, '\n'), append(m.canonical, "\r\n"...)
		}
		line = bytes.TrimRight(escaped, " \t")
		m.text, m.canonical = append(m.text, line...), append(m.canonical, line...)
		data = after
	}
}

func (m *Message) readSignature(body []byte) error {
	packets := packet.NewOpaqueReader(bytes.NewReader(body))
	raw, err := packets.Next()
	if err != nil {
		return errors.New("the signature's packet is malformed")
	}
	if _, err := packets.Next(); !errors.Is(err, io.EOF) {
		return errors.New("more than one signature, or something beside it")
	}
	p, err := raw.Parse()
	if err != nil {
		return fmt.Errorf("the signature can't be read: %w", err)
	}
	s, ok := p.(*packet.Signature)
	switch {
	case !ok:
		return errors.New("no signature where one should be")
	case s.Version != 4:
		return fmt.Errorf("a signature of version %d, want 4", s.Version)
	case s.SigType != packet.SigTypeText:
		return fmt.Errorf("a signature of type %#x, want 0x1, over text", int(s.SigType))
	case hashes[s.Hash] == "":
		return fmt.Errorf("a signature over %s, want SHA-256, SHA-384 or SHA-512", s.Hash)
	case s.IssuerKeyId == nil:
		return errors.New("the signature does not say by which key it is")
	}
	for _, n := range s.Notations {
		if n.IsCritical {
			return fmt.Errorf("a critical notation %.100q in the signature", n.Name)
		}
	}
	m.signature = s
	return nil
}
