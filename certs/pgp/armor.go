package pgp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

// cutLine splits off a line and its ending, LF or CRLF. ended tells whether it
// had one. A carriage return elsewhere is an error: programs differ on whether
// it ends a line.
func cutLine(data []byte) (line, rest []byte, ended bool, err error) {
	line, rest, ended = bytes.Cut(data, []byte("\n"))
	if ended {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	if bytes.IndexByte(line, '\r') >= 0 {
		return nil, nil, false, errors.New("a carriage return inside a line")
	}
	return line, rest, ended, nil
}

// dearmor reads the block of ASCII armor that data starts with (RFC 9580 §6.2)
// and gives what follows it. The library's reader passes over what is around
// and inside a block; here that is an error. A checksum is not looked at, as
// RFC 9580 has it.
func dearmor(data []byte, kind string) (body, rest []byte, err error) {
	line, rest, ended, err := cutLine(data)
	if err != nil || !ended || string(line) != "-----BEGIN "+kind+"-----" {
		return nil, nil, fmt.Errorf("want a block of %s", kind)
	}
	next := func() ([]byte, error) {
		if !ended || len(rest) == 0 {
			return nil, fmt.Errorf("the block of %s does not end", kind)
		}
		line, rest, ended, err = cutLine(rest)
		return line, err
	}
	for {
		header, err := next()
		if err != nil {
			return nil, nil, err
		}
		if len(header) == 0 {
			break
		}
		if !bytes.Contains(header, []byte(": ")) {
			return nil, nil, errors.New("a line of armor headers that is none")
		}
	}
	var text []byte
	sum := false
	for {
		line, err := next()
		switch {
		case err != nil:
			return nil, nil, err
		case string(line) == "-----END "+kind+"-----":
			body, err = base64.StdEncoding.Strict().DecodeString(string(text))
			if err != nil {
				return nil, nil, fmt.Errorf("the block of %s is no base64", kind)
			}
			return body, rest, nil
		case sum:
			return nil, nil, errors.New("a line after the armor's checksum")
		case len(line) == 5 && line[0] == '=':
			sum = true
		case len(line) == 0:
			return nil, nil, errors.New("an empty line inside the armor")
		default:
			text = append(text, line...)
		}
	}
}
