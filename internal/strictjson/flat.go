package strictjson

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// Entries reads the decoder's next value, an object of which there may be
// millions alike, in one step where it is as simple as they are: texts without
// escapes, numbers and literals. It is read member by member otherwise, which
// gives the same. text is nil for what is no text; name and text are there only
// while read runs.
func Entries(dec *jsontext.Decoder, read func(name, text []byte) error) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return syntaxError(err)
	}
	if len(raw) == 0 || raw[0] != '{' {
		return notAnObject(raw)
	}
	if simple(raw) {
		err = flat(raw, read)
	} else {
		err = Table(jsontext.NewDecoder(bytes.NewBuffer(raw), allowed), func(name []byte, dec *jsontext.Decoder) error {
			text, ok, err := Text(dec)
			if err != nil {
				return err
			}
			if !ok {
				text = nil
			}
			return read(name, text)
		})
	}
	if err != nil {
		return at(dec.StackPointer(), err)
	}
	return nil
}

// at completes where a duplicate name stands, in a value that was read by itself.
func at(outer jsontext.Pointer, err error) error {
	var twice duplicateName
	if errors.As(err, &twice) {
		return duplicateName(outer) + twice
	}
	return err
}

func notAnObject(raw []byte) error {
	_, err := ParseObject(raw, int64(len(raw)))
	return err
}

// maxSimple bounds the names of an object that is read in one step: each is
// compared with all before it.
const maxSimple = 16

// simple tells whether an object, which is valid JSON, has no object, array or
// escape in it, nor more than maxSimple names.
func simple(raw []byte) bool {
	return bytes.IndexByte(raw, '\\') < 0 && bytes.IndexByte(raw[1:], '{') < 0 && bytes.IndexByte(raw, '[') < 0 &&
		bytes.Count(raw, []byte{':'}) <= maxSimple
}

// flat reads a simple object.
func flat(raw []byte, read func(name, text []byte) error) error {
	var names [maxSimple][]byte
	count := 0
	for rest := raw[1:]; ; {
		var name, text []byte
		at := bytes.IndexByte(rest, '"')
		if at < 0 {
			return nil // "}"
		}
		name, rest = quoted(rest[at:])
		for _, before := range names[:count] {
			if string(before) == string(name) {
				return duplicateName(Pointer("", string(name)))
			}
		}
		names[count] = name
		count++
		rest = rest[bytes.IndexByte(rest, ':')+1:]
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if rest[0] == '"' {
			if text, rest = quoted(rest); text == nil {
				text = []byte{}
			}
		} else if at = bytes.IndexByte(rest, ','); at >= 0 {
			rest = rest[at:]
		} else {
			rest = nil
		}
		if err := read(name, text); err != nil {
			return err
		}
	}
}

// quoted splits a text off that begins with its quotation mark.
func quoted(s []byte) (text, rest []byte) {
	end := 1 + bytes.IndexByte(s[1:], '"')
	return s[1:end], s[end+1:]
}
