package strictjson

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Same tells that two texts are plainly the same value: b, read strictly, is
// Equal to a. a must be a text that was read strictly, b valid JSON in which names
// may repeat. False says nothing: whoever has to know decodes both. It costs a
// tenth of that.
func Same(a, b []byte) bool {
	x, y := text(a), text(b)
	return same(&x, &y, 0) && x.peek() == 0 && y.peek() == 0
}

// maxSameDepth is how deeply Same looks, less than what is read strictly.
const maxSameDepth = MaxDepth / 2

// maxPlainNumber is how long a number can be that is finite whatever it is, if it
// has no exponent.
const maxPlainNumber = 15

func same(a, b *text, depth int) bool {
	kind := a.peek()
	if kind != b.peek() || depth > maxSameDepth {
		return false
	}
	switch kind {
	case 0:
		return false
	case '{':
		return sameObject(a, b, depth)
	case '[':
		for a.step(); ; a.step() {
			b.step()
			if a.peek() == ']' || b.peek() == ']' { // of an empty list: a comma is followed by a value
				break
			}
			if !same(a, b, depth+1) {
				return false
			}
			if a.peek() != ',' || b.peek() != ',' {
				break
			}
		}
		return a.take(']') && b.take(']')
	case '"':
		v, _ := a.quoted()
		w, _ := b.quoted()
		return sameText(v, w)
	}
	v, w := a.bare(), b.bare()
	return bytes.Equal(v, w) && (kind == 't' || kind == 'f' || kind == 'n' || len(v) <= maxPlainNumber && !bytes.ContainsAny(v, "eE"))
}

// sameText compares texts with their quotation marks, nil: none.
func sameText(a, b []byte) bool {
	if a == nil || b == nil || bytes.Equal(a, b) {
		return a != nil && b != nil
	}
	if bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return false
	}
	v, err := jsontext.AppendUnquote(nil, a)
	w, err2 := jsontext.AppendUnquote(nil, b)
	return err == nil && err2 == nil && bytes.Equal(v, w)
}

// sameObject pairs members by their names, of which none stands twice in a. So
// none does in b if each of b's has one of a's for itself.
func sameObject(a, b *text, depth int) bool {
	a.step()
	b.step()
	for a.peek() == '"' && b.peek() == '"' { // mostly they stand in the same order
		v, w := *a, *b
		name, plain := a.name()
		name2, plain2 := b.name()
		if !plain || !plain2 {
			return false
		}
		if !bytes.Equal(name, name2) {
			*a, *b = v, w
			return sameMembers(a, b, depth)
		}
		if !same(a, b, depth+1) {
			return false
		}
		a.take(',')
		b.take(',')
	}
	return a.take('}') && b.take('}')
}

// maxMembers bounds the members of an object that are paired in any order: each
// may be sought among all.
const maxMembers = 256

func sameMembers(a, b *text, depth int) bool {
	type member struct {
		name  []byte
		value text
	}
	var room [32]member
	members := room[:0]
	for ; a.peek() == '"'; a.take(',') {
		name, plain := a.name()
		if !plain || len(members) == maxMembers {
			return false
		}
		members = append(members, member{name, *a})
		if !a.skip() {
			return false
		}
	}
	for ; b.peek() == '"'; b.take(',') {
		name, plain := b.name()
		if !plain {
			return false
		}
		at := 0
		for at < len(members) && !bytes.Equal(members[at].name, name) {
			at++
		}
		if at == len(members) || !same(&members[at].value, b, depth+1) {
			return false
		}
		members = append(members[:at], members[at+1:]...) // keeps the order, in which most follow
	}
	return len(members) == 0 && a.take('}') && b.take('}')
}

// text is what is still to be read of valid JSON.
type text []byte

// peek gives the next byte that is no space, 0 at the end.
func (t *text) peek() byte {
	for i, c := range *t {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			*t = (*t)[i:]
			return c
		}
	}
	*t = nil
	return 0
}

// step goes over the byte that peek gave.
func (t *text) step() { *t = (*t)[1:] }

// take goes over a byte if it is next.
func (t *text) take(c byte) bool {
	if t.peek() != c {
		return false
	}
	t.step()
	return true
}

// quoted takes a text with its quotation marks; nil: there is none. It is plain
// if it has no escape.
func (t *text) quoted() (raw []byte, plain bool) {
	s := *t
	plain = true
	for end := 1; ; end++ {
		at := bytes.IndexByte(s[end:], '"')
		if at < 0 {
			return nil, false
		}
		inner := s[end : end+at]
		end += at
		if plain = plain && bytes.IndexByte(inner, '\\') < 0; plain || !escaped(s[1:end]) {
			*t = s[end+1:]
			return s[:end+1], plain
		}
	}
}

// escaped tells whether what follows is escaped.
func escaped(s []byte) bool {
	n := len(s) - len(bytes.TrimRight(s, `\`))
	return n%2 == 1
}

// name takes a member's name and its colon.
func (t *text) name() (name []byte, plain bool) {
	name, plain = t.quoted()
	return name, t.take(':') && plain
}

// bare takes a number or a literal.
func (t *text) bare() []byte {
	s := *t
	end := bytes.IndexAny(s, ",]} \n\t\r")
	if end < 0 {
		end = len(s)
	}
	*t = s[end:]
	return s[:end]
}

// skip goes over a value.
func (t *text) skip() bool {
	for depth := 0; ; {
		switch t.peek() {
		case 0:
			return false
		case '"':
			if raw, _ := t.quoted(); raw == nil {
				return false
			}
		case '{', '[':
			depth++
			t.step()
			continue
		case '}', ']':
			depth--
			t.step()
		case ',', ':':
			t.step()
			continue
		default:
			t.bare()
		}
		if depth <= 0 {
			return true
		}
	}
}
