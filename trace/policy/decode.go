package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// fields reads the values of one mapping and reports what does not fit.
type fields struct {
	*problems
	n    *node
	path string
}

// object checks that n is a mapping with no other keys than the known ones.
func (p *problems) object(n *node, path string, known ...string) (fields, bool) {
	f := fields{p, n, path}
	if !f.isMapping() {
		return fields{p, &node{file: n.file, line: n.line, kind: mapping}, path}, false
	}
	for _, pr := range n.pairs {
		if !slices.Contains(known, pr.key.value) {
			hint := didYouMean(pr.key.value, known)
			if hint == "" {
				hint = "known keys: " + strings.Join(known, ", ")
			}
			p.say(pr.key, join(path, pr.key.value), "unknown key", hint)
		}
	}
	return f, true
}

func (f fields) isMapping() bool {
	if f.n.kind != mapping {
		f.add(f.n, f.path, "a map", f.n.describe(), "")
		return false
	}
	return true
}

// at is the path of a key.
func (f fields) at(key string) string { return join(f.path, key) }

// need gives a value that must be there.
func (f fields) need(key string) *node {
	n := f.n.get(key)
	if n == nil {
		f.say(f.n, f.at(key), "is missing", "")
	}
	return n
}

// text gives a string that is not empty; it is "" where the key is absent or wrong.
func (f fields) text(key string) string {
	n := f.n.get(key)
	if n == nil {
		return ""
	}
	s, _ := f.asText(n, f.at(key))
	return s
}

func (p *problems) asText(n *node, path string) (string, bool) {
	if n.kind != scalar || n.tag != "!!str" {
		hint := ""
		if n.kind == scalar && n.tag != "!!null" {
			hint = "quote it"
		}
		p.add(n, path, "a text", n.describe(), hint)
		return "", false
	}
	if n.value == "" {
		p.add(n, path, "a text", "an empty one", "")
		return "", false
	}
	return n.value, true
}

// syntax is what the text of a key has to look like.
type syntax struct {
	re   *regexp.Regexp
	max  int // bytes; 0: any
	want string
}

// short is a syntax of at most so many bytes. Said by a count in the expression,
// the bound would be that many states of its automaton.
func short(most int, pattern, want string) syntax {
	return syntax{regexp.MustCompile(pattern), most, want}
}

func (s syntax) matches(value string) bool {
	return (s.max == 0 || len(value) <= s.max) && s.re.MatchString(value)
}

func (s syntax) check(p *problems, n *node, path, value string) bool {
	if s.matches(value) {
		return true
	}
	p.add(n, path, s.want, quoted(value), "")
	return false
}

// needText is text for a key that must be there and match.
func (f fields) needText(key string, s syntax) string {
	if f.need(key) == nil {
		return ""
	}
	return f.matching(key, s)
}

func (f fields) matching(key string, s syntax) string {
	v := f.text(key)
	if v != "" && !s.check(f.problems, f.n.get(key), f.at(key), v) {
		return ""
	}
	return v
}

// oneOf gives a word out of a list, or the default where the key is absent.
func (f fields) oneOf(key, otherwise string, words ...string) string {
	n := f.n.get(key)
	if n == nil {
		return otherwise
	}
	v, ok := f.asText(n, f.at(key))
	if !ok {
		return otherwise
	}
	if !slices.Contains(words, v) {
		f.add(n, f.at(key), strings.Join(words, " or "), quoted(v), didYouMean(v, words))
		return otherwise
	}
	return v
}

// boolean gives true or false; false where the key is absent.
func (f fields) boolean(key string) bool {
	n := f.n.get(key)
	switch {
	case n == nil:
	case n.kind == scalar && n.tag == "!!bool" && (n.value == "true" || n.value == "false"):
		return n.value == "true"
	default:
		f.add(n, f.at(key), "true or false", n.describe(), "")
	}
	return false
}

var plainInteger = regexp.MustCompile(`^(0|[1-9][0-9]{0,18})$`)

// integer gives a number within the bounds, or the default.
func (f fields) integer(key string, otherwise, low, high int64) int64 {
	n := f.n.get(key)
	if n == nil {
		return otherwise
	}
	if n.kind == scalar && n.tag == "!!int" && plainInteger.MatchString(n.value) {
		if v, err := strconv.ParseInt(n.value, 10, 64); err == nil && low <= v && v <= high {
			return v
		}
	}
	f.add(n, f.at(key), fmt.Sprintf("a number from %d to %d", low, high), n.describe(), "")
	return otherwise
}

var sizePattern = regexp.MustCompile(`^([1-9][0-9]{0,6})(KiB|MiB|GiB)$`)

var sizeUnits = map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

// size gives a number of bytes, written as an integer or as 64MiB.
func (f fields) size(key string, otherwise, low, high int64) int64 {
	n := f.n.get(key)
	if n == nil {
		return otherwise
	}
	v := int64(-1)
	if n.kind == scalar && n.tag == "!!int" && plainInteger.MatchString(n.value) {
		if i, err := strconv.ParseInt(n.value, 10, 64); err == nil {
			v = i
		}
	}
	if n.kind == scalar && n.tag == "!!str" {
		if m := sizePattern.FindStringSubmatch(n.value); m != nil {
			i, _ := strconv.ParseInt(m[1], 10, 64)
			v = i * sizeUnits[m[2]]
		}
	}
	if v < low || v > high {
		f.add(n, f.at(key), fmt.Sprintf("a size from %d to %d bytes, like 1048576, 64MiB or 1GiB", low, high), n.describe(), "")
		return otherwise
	}
	return v
}

// time gives a moment; the zero time where the key is absent.
func (f fields) time(key string) time.Time {
	n := f.n.get(key)
	if n == nil {
		return time.Time{}
	}
	if n.kind == scalar && (n.tag == "!!timestamp" || n.tag == "!!str") {
		if t, err := time.Parse(time.RFC3339, n.value); err == nil && !t.IsZero() {
			return t.UTC()
		}
	}
	f.add(n, f.at(key), "a time like 2024-01-31T00:00:00Z", n.describe(), "")
	return time.Time{}
}

// elements gives the values of a list; where the key is absent, none.
func (f fields) elements(key string) []*node {
	n := f.n.get(key)
	if n == nil {
		return nil
	}
	if n.kind != list {
		hint := ""
		if n.kind == scalar && n.tag == "!!str" {
			hint = "write [" + quoted(n.value) + "]"
		}
		f.add(n, f.at(key), "a list", n.describe(), hint)
		return nil
	}
	return n.items
}

// texts gives a list of texts, each of that syntax and none twice.
func (f fields) texts(key string, s syntax) []string {
	var out []string
	for i, n := range f.elements(key) {
		at := fmt.Sprintf("%s[%d]", f.at(key), i)
		v, ok := f.asText(n, at)
		if !ok || !s.check(f.problems, n, at, v) {
			continue
		}
		if slices.Contains(out, v) {
			f.say(n, at, quoted(v)+" stands twice", "")
			continue
		}
		out = append(out, v)
	}
	return out
}

// someTexts is texts for a list that must be there and not be empty.
func (f fields) someTexts(key string, s syntax) []string {
	f.notEmpty(key)
	return f.texts(key, s)
}

func (f fields) notEmpty(key string) {
	if n := f.need(key); n != nil && n.kind == list && len(n.items) == 0 {
		f.add(n, f.at(key), "at least one element", "an empty list", "")
	}
}

// pools gives a list of worker pool patterns.
func (f fields) pools(key string) []graph.PoolPattern {
	var out []graph.PoolPattern
	for _, s := range f.texts(key, poolSyntax) {
		p, err := graph.ParsePoolPattern(s)
		if err != nil {
			f.say(f.n.get(key), f.at(key), err.Error(), "")
			continue
		}
		out = append(out, p)
	}
	return out
}

func (f fields) somePools(key string) []graph.PoolPattern {
	f.notEmpty(key)
	return f.pools(key)
}
