package cms

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

var pemBegin = []byte("-----BEGIN ")

// isPEM: in DER a ContentInfo starts with 0x30, a zero digit.
func isPEM(data []byte) bool { return bytes.HasPrefix(data, pemBegin) }

// decodePEM reads one block (RFC 7468 §3, §9) labelled CMS or PKCS7: nothing
// before, inside or after it, lines of up to 76 characters that all but the last
// have one length, one ending for all lines. Package encoding/pem would skip
// over text and broken blocks.
func decodePEM(data []byte) ([]byte, error) {
	if bytes.Contains(data, []byte("\r\n")) {
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	}
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	label := bytes.TrimSuffix(bytes.TrimPrefix(first, pemBegin), []byte("-----"))
	if s := string(label); s != "CMS" && s != "PKCS7" || string(first) != "-----BEGIN "+s+"-----" {
		return nil, fmt.Errorf("want a PEM block CMS or PKCS7, found %.60q", first)
	}
	body, after, ok := bytes.Cut(rest, []byte("-----END "+string(label)+"-----"))
	if !ok {
		return nil, errors.New("the PEM block has no end")
	}
	if len(after) > 0 && string(after) != "\n" {
		return nil, fmt.Errorf("%d bytes after the PEM block", len(after))
	}
	text := make([]byte, 0, len(body))
	width := 0
	for len(body) > 0 {
		line, next, ok := bytes.Cut(body, []byte("\n"))
		switch {
		case !ok, len(line) == 0, len(line) > 76, width > 0 && len(line) > width, width > 0 && len(next) > 0 && len(line) != width:
			return nil, errors.New("malformed PEM block: want lines of equal length, 64 or at most 76 characters, and the last one shorter")
		}
		width = len(line)
		text = append(text, line...)
		body = next
	}
	// encoding/base64 skips line breaks; none are left but a lone CR.
	if bytes.IndexByte(text, '\r') >= 0 {
		return nil, errors.New("malformed PEM block: a carriage return inside a line")
	}
	der, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil {
		return nil, fmt.Errorf("malformed PEM block: %w", err)
	}
	return der, nil
}
