package render

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/json-e/json-e/v4"
)

// builtins are JSON-e's functions as the services have them, where the library's
// give something else or have no bound. What would differ is refused.
func (b *budget) builtins() map[string]any {
	charged := func(f func(string) string) func(string) string {
		return func(s string) string {
			b.spend(1, len(s))
			return f(s)
		}
	}
	functions := map[string]any{}
	for name, f := range map[string]any{
		"lowercase": charged(func(s string) string { return strings.ToLower(ascii("lowercase", s)) }),
		"uppercase": charged(func(s string) string { return strings.ToUpper(ascii("uppercase", s)) }),
		"strip":     charged(func(s string) string { return strings.Trim(s, space) }),
		"lstrip":    charged(func(s string) string { return strings.TrimLeft(s, space) }),
		"rstrip":    charged(func(s string) string { return strings.TrimRight(s, space) }),
		"str":       text, "number": b.number, "len": b.length,
		"split": b.split, "join": b.join, "range": b.numbers,
	} {
		functions[name] = jsone.WrapFunction(f)
	}
	return functions
}

// space is what JavaScript takes for white space.
const space = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"

var decimal = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)

func (b *budget) number(s string) float64 {
	b.spend(1, len(s))
	s = strings.Trim(s, space)
	if s == "" {
		return 0
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !decimal.MatchString(s) {
		failf("number: %s is not a decimal number", brief(s))
	}
	return f
}

func (b *budget) length(v any) float64 {
	switch v := v.(type) {
	case string:
		b.spend(1, len(v))
		return float64(utf8.RuneCountInString(v))
	case []any:
		return float64(len(v))
	}
	failf("len: %s has no length", kind(v))
	return 0
}

// ascii refuses text of which the two languages' tables might differ.
func ascii(function, s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			failf("%s: only ASCII text is supported, found %s", function, brief(s))
		}
	}
	return s
}

func separator(function string, v any) string {
	switch v.(type) {
	case string, float64:
		return text(v)
	}
	failf("%s: a separator must be a text or a number, found %s", function, kind(v))
	return ""
}

func (b *budget) split(s string, by any) any {
	sep := separator("split", by)
	if sep == "" && astral(s) {
		failf("split: a character beyond U+FFFF is two to JavaScript")
	}
	b.spend(strings.Count(s, sep)+1, len(s))
	pieces := strings.Split(s, sep)
	list := make([]any, len(pieces))
	for i, p := range pieces {
		list[i] = p
	}
	return list
}

func (b *budget) join(list []any, by any) string {
	sep := separator("join", by)
	pieces := make([]string, len(list))
	for i, e := range list {
		switch e.(type) {
		case nil:
		case string, float64, bool:
			pieces[i] = text(e)
		default:
			failf("join: an element is %s, not a text or a number", kind(e))
		}
		b.spend(1, len(pieces[i])+len(sep))
	}
	return strings.Join(pieces, sep)
}

func (b *budget) numbers(start, stop float64, steps ...float64) any {
	step := 1.0
	if len(steps) == 1 {
		step = steps[0]
	}
	if len(steps) > 1 || !integer(start) || !integer(stop) || !integer(step) || step == 0 {
		failf("range: want two or three integers, the third not 0")
	}
	list := []any{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		b.spend(1, 0)
		list = append(list, i)
	}
	return list
}

// integer tells whether a float64 counts in steps of one around f.
func integer(f float64) bool { return f == math.Trunc(f) && math.Abs(f) < 1<<53 }

// position is where an index, counted from the end if negative, points to.
func position(v any, size int) int {
	f, ok := v.(float64)
	if !ok || !integer(f) {
		failf("an index must be an integer, found %s", kind(v))
	}
	if f < 0 {
		f = max(f+float64(size), 0)
	}
	return int(min(f, float64(size)))
}

func (b *budget) index(v, at any) any {
	switch v := v.(type) {
	case map[string]any:
		key, ok := at.(string)
		if !ok {
			failf("a key must be text, found %s", kind(at))
		}
		b.value(1, v[key])
		return v[key]
	case []any:
		if i := position(at, len(v)); i < len(v) {
			b.value(1, v[i])
			return v[i]
		}
	case string:
		runes := b.runes(v)
		if i := position(at, len(runes)); i < len(runes) {
			return string(runes[i])
		}
	default:
		failf("[] wants an object, a list or a text, found %s", kind(v))
	}
	failf("the index is out of bounds")
	return nil
}

func (b *budget) runes(s string) []rune {
	b.spend(1, len(s))
	return []rune(s)
}

// slice copies: the library's slices share memory.
func (b *budget) slice(v, from, to any) any {
	bounds := func(size int) (int, int) {
		end := size
		if to != nil {
			end = position(to, size)
		}
		return min(position(from, size), end), end
	}
	switch v := v.(type) {
	case []any:
		i, j := bounds(len(v))
		b.value(1, v[i:j])
		return append([]any{}, v[i:j]...)
	case string:
		runes := b.runes(v)
		i, j := bounds(len(runes))
		return string(runes[i:j])
	}
	failf("[:] wants a list or a text, found %s", kind(v))
	return nil
}

var (
	period = regexp.MustCompile(`^(?i)\s*([-+])?(?:\s*(\d{1,7})\s*(?:y|year|years|yr))?(?:\s*(\d{1,7})\s*(?:months|month|mo))?(?:\s*(\d{1,7})\s*(?:weeks|week|wk|w))?` +
		`(?:\s*(\d{1,7})\s*(?:days|day|d))?(?:\s*(\d{1,7})\s*(?:hours|hour|hr|h))?(?:\s*(\d{1,7})\s*(?:minutes|minute|min|m))?(?:\s*(\d{1,7})\s*(?:seconds|second|sec|s))?\s*$`)
	instant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[-+]\d\d:\d\d)$`)
)

// fromNow adds a period to an instant. JavaScript reads more kinds of instant.
func fromNow(from, offset any, others ...any) string {
	if len(others) > 1 {
		failf("fromNow: want a period and at most one reference")
	}
	for _, o := range others {
		if o != "" { // JavaScript takes this for none
			from = o
		}
	}
	now, ok := from.(string)
	start, err := time.Parse(time.RFC3339, now)
	if !ok || err != nil || !instant.MatchString(now) {
		failf("fromNow: the reference %s is not a time such as 2026-01-01T00:00:00.000Z", brief(fmt.Sprint(from)))
	}
	o, ok := offset.(string)
	m := period.FindStringSubmatch(o)
	if !ok || m == nil || ascii("fromNow", o) != o {
		failf("fromNow: %s is not a period such as 1 day 2 hours", brief(fmt.Sprint(offset)))
	}
	var seconds int64
	for i, unit := range []int64{365 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1} {
		n, _ := strconv.ParseInt("0"+m[i+2], 10, 64)
		seconds += n * unit
	}
	if m[1] == "-" {
		seconds = -seconds
	}
	end := time.UnixMilli(start.UnixMilli() + 1000*seconds).UTC()
	if end.Year() < 0 || end.Year() > 9999 {
		failf("fromNow: the year %d is out of range", end.Year())
	}
	return end.Format("2006-01-02T15:04:05.000Z")
}
