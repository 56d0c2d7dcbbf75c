package render

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind names a value's type, as typeof does.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "function"
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case float64:
		return v != 0
	case bool:
		return v
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// text is JavaScript's toString.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			failf("a number is infinite or not a number")
		}
		return numberText(v)
	case bool:
		return strconv.FormatBool(v)
	}
	failf("%s has no text", kind(v))
	return ""
}

// numberText writes a number as JavaScript does: with an exponent outside
// 1e-6 to 1e21, and without a sign of zero.
func numberText(f float64) string {
	abs := math.Abs(f)
	switch {
	case f == 0:
		return "0"
	case abs >= 1e-6 && abs < 1e21:
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	return mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}

var errOrder = errors.New("text with characters beyond U+FFFF is ordered differently by JavaScript; it can't be compared here")

// astral tells whether s has characters beyond U+FFFF: those are two units to
// JavaScript, and sort before some that are one.
func astral(s string) bool {
	for _, r := range s {
		if r > 0xffff {
			return true
		}
	}
	return false
}

// lessUTF16 orders valid UTF-8 as JavaScript orders text: by UTF-16 units.
func lessUTF16(a, b string) bool {
	for a != "" && b != "" {
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if x != y {
			if (x > 0xffff) == (y > 0xffff) {
				return x < y
			}
			// The first unit of one beyond U+FFFF is 0xd800 to 0xdbff.
			return x < 0xd800 || x > 0xffff && y >= 0xe000
		}
		a, b = a[n:], b[m:]
	}
	return a == "" && b != ""
}

// stringify is JSON.stringify with sorted keys.
func stringify(v any) (string, error) {
	var b strings.Builder
	err := writeJSON(&b, v)
	return b.String(), err
}

func writeJSON(b *strings.Builder, v any) error {
	switch v := v.(type) {
	case nil, float64, bool:
		b.WriteString(text(v))
	case string:
		quote(b, v)
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				b.WriteByte(',')
			}
			quote(b, k)
			b.WriteByte(':')
			if err := writeJSON(b, v[k]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	default:
		return errors.New("$json: a function is not JSON")
	}
	return nil
}

func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ':
			b.WriteRune(r)
		case strings.ContainsRune("\b\t\n\f\r", r):
			b.WriteString(map[rune]string{'\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`}[r])
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}
