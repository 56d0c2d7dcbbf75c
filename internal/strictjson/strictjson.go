// Package strictjson reads JSON that somebody signed or that a verdict depends
// on: names are exact, a name stands once, text is valid UTF-8, nothing follows
// the value, and depth and size have bounds (RFC 8259, I-JSON RFC 7493).
//
// A value is one of map[string]any, []any, string, Number, bool and nil.
package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth bounds how deeply values may nest.
const MaxDepth = 200

// Number is a JSON number as it was written, so that no digit is lost before
// somebody decides how to compare it.
type Number string

// Float64 gives the number as JavaScript and generic-worker's merge see it.
func (n Number) Float64() (float64, error) { return strconv.ParseFloat(string(n), 64) }

// Int gives the number as an integer; a fraction, an exponent or a value
// outside int64 is an error.
func (n Number) Int() (int64, error) { return strconv.ParseInt(string(n), 10, 64) }

// Parse reads exactly one value of at most limit bytes.
func Parse(data []byte, limit int64) (any, error) {
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("JSON of %d bytes is larger than the limit of %d", len(data), limit)
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), allowed) // a buffer is read where it is
	v, err := Read(dec)
	if err != nil {
		return nil, err
	}
	return v, atEnd(dec)
}

func atEnd(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != io.EOF {
		return fmt.Errorf("data after the JSON value at byte %d", dec.InputOffset())
	}
	return nil
}

// Members reads exactly one object of at most limit bytes, by giving the name of
// each of its members to read, which must read the member's value. An error of
// read is given as it is; a value that is no object is refused as by
// ParseObject.
func Members(data []byte, limit int64, read func(name string, dec *jsontext.Decoder) error) error {
	if int64(len(data)) > limit {
		return fmt.Errorf("JSON of %d bytes is larger than the limit of %d", len(data), limit)
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), allowed)
	if dec.PeekKind() != '{' {
		v, err := Read(dec)
		if err != nil {
			return err
		}
		return fmt.Errorf("want a JSON object, found %s", Kind(v))
	}
	if err := Object(dec, read); err != nil {
		return err
	}
	return atEnd(dec)
}

// Object is Members for the decoder's next value, which must be an object.
func Object(dec *jsontext.Decoder, read func(name string, dec *jsontext.Decoder) error) error {
	return Table(dec, func(name []byte, dec *jsontext.Decoder) error { return read(string(name), dec) })
}

// Table is Object for large objects, of whose names most are not kept: each is
// there only while its member is read.
func Table(dec *jsontext.Decoder, read func(name []byte, dec *jsontext.Decoder) error) error {
	if dec.StackDepth() >= MaxDepth {
		return fmt.Errorf("JSON nests deeper than %d at %s", MaxDepth, dec.StackPointer())
	}
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return errors.Join(errors.New("want a JSON object"), syntaxError(err))
	}
	names := NewNames()
	defer names.Free()
	var name []byte
	for dec.PeekKind() != '}' {
		raw, err := dec.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		if name, err = jsontext.AppendUnquote(name[:0], raw); err != nil {
			return syntaxError(err)
		}
		if !names.Add(name) {
			return duplicateName(dec.StackPointer())
		}
		if err := read(name, dec); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return syntaxError(err)
}

// Text reads the decoder's next value. It is ok if that is a text, which is there
// until the decoder is used again; other values are read over.
func Text(dec *jsontext.Decoder) (text []byte, ok bool, err error) {
	if dec.PeekKind() != '"' {
		_, err := Read(dec)
		return nil, false, err
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return nil, false, syntaxError(err)
	}
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner, true, nil
	}
	text, err = jsontext.AppendUnquote(nil, raw)
	return text, err == nil, syntaxError(err)
}

// Skip reads over the decoder's next value.
func Skip(dec *jsontext.Decoder) error {
	_, _, err := Text(dec)
	return err
}

// ParseObject is Parse for a value that must be an object.
func ParseObject(data []byte, limit int64) (map[string]any, error) {
	v, err := Parse(data, limit)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want a JSON object, found %s", Kind(v))
	}
	return m, nil
}

// Read reads the decoder's next value.
func Read(dec *jsontext.Decoder) (any, error) {
	if k := dec.PeekKind(); dec.StackDepth() >= MaxDepth && (k == '{' || k == '[') {
		return nil, fmt.Errorf("JSON nests deeper than %d at %s", MaxDepth, dec.StackPointer())
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, syntaxError(err)
	}
	switch tok.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return tok.Bool(), nil
	case '"':
		return tok.String(), nil
	case '0':
		return Number(tok.String()), nil
	case '[':
		list := []any{}
		for dec.PeekKind() != ']' {
			v, err := Read(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.ReadToken()
		return list, syntaxError(err)
	default:
		m := map[string]any{}
		for dec.PeekKind() != '}' {
			name, err := dec.ReadToken()
			if err != nil {
				return nil, syntaxError(err)
			}
			key := name.String()
			if _, twice := m[key]; twice {
				return nil, duplicateName(dec.StackPointer())
			}
			v, err := Read(dec)
			if err != nil {
				return nil, err
			}
			m[key] = v
		}
		_, err := dec.ReadToken()
		return m, syntaxError(err)
	}
}

func syntaxError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return errors.New("JSON ends too early")
	case errors.Is(err, jsontext.ErrDuplicateName):
		var se *jsontext.SyntacticError
		if errors.As(err, &se) {
			return duplicateName(se.JSONPointer)
		}
	}
	return fmt.Errorf("malformed JSON: %s", strings.TrimPrefix(err.Error(), "jsontext: "))
}

// Kind names a value's JSON type for messages.
func Kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case Number, float64, int, int64:
		return "a number"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("%T", v)
}

// Equal tells whether two values are the same: objects without regard to
// order, numbers by value as float64 (generic-worker and every JavaScript
// service pass them through one), all else exactly.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			w, ok := b[k]
			if !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case Number, float64, int, int64:
		x, ok1 := float(a)
		y, ok2 := float(b)
		return ok1 && ok2 && x == y
	default:
		return a == b
	}
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case Number:
		f, err := v.Float64()
		return f, err == nil && !math.IsInf(f, 0)
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// Pointer joins a JSON Pointer (RFC 6901) and the next reference tokens.
func Pointer(base string, tokens ...string) string {
	var b strings.Builder
	b.WriteString(base)
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(pointerEscapes.Replace(t))
	}
	return b.String()
}
