package graph

import (
	"bytes"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

// Packed is a definition as the queue wrote it, in a tenth of the memory that it
// takes decoded. Only Pack makes one.
type Packed struct{ text []byte }

// Pack gives the definition as it was read: the very bytes.
func (d *Definition) Pack() Packed { return Packed{d.text} }

// Definition decodes it again.
func (p Packed) Definition() *Definition {
	d, err := ParseDefinition(p.text)
	if err != nil { // it was read from this text
		panic("graph: a definition can't be read again: " + err.Error())
	}
	return d
}

// IsZero tells that there is no definition.
func (p Packed) IsZero() bool { return p.text == nil }

// Same tells that valid JSON is plainly the definition: read strictly, it is equal.
// False says nothing.
func (p Packed) Same(text []byte) bool { return strictjson.Same(p.text, text) }

// Holds tells whether these are the bytes that the definition was read from.
func (p Packed) Holds(text []byte) bool { return bytes.Equal(p.text, text) }
