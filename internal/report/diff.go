package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The differences themselves are found where the values are compared, each with
// its JSON Pointer. Here one pair of values is shown, so that the eye finds where
// they part: what both have at their ends is left out.

// Bounds of what a diff shows of each side.
const (
	maxDiffLines = 12
	diffContext  = 2  // equal lines shown around those that differ
	textContext  = 40 // equal bytes shown before the place where texts part
)

// shownPair writes two values for one line each; of long ones, the part in which
// they differ.
func shownPair(want, got any) (string, string) {
	a, b := whole(want), whole(got)
	if len(a) <= maxShown && len(b) <= maxShown {
		return a, b
	}
	at := commonPrefix(a, b)
	return around(a, at), around(b, at)
}

// whole writes a value as clean JSON.
func whole(v any) string {
	if v == nil {
		return "nothing"
	}
	b, err := json.Marshal(v, jsonOptions)
	if err != nil {
		return fmt.Sprintf("a value that can't be shown (%T)", v)
	}
	return Clean(string(b))
}

// around clips s to maxShown bytes that begin shortly before at.
func around(s string, at int) string {
	from := at - textContext
	if len(s) <= maxShown || from <= 0 {
		return clip(s, maxShown)
	}
	from = min(from, len(s)-maxShown)
	for from > 0 && !utf8.RuneStart(s[from]) {
		from--
	}
	if rest := s[from:]; len(rest) <= maxShown+utf8.UTFMax {
		return fmt.Sprintf("...%s (%d bytes)", rest, len(s))
	}
	to := from + maxShown
	for !utf8.RuneStart(s[to]) {
		to--
	}
	return fmt.Sprintf("...%s... (%d bytes)", s[from:to], len(s))
}

// diff writes two values below each other: lines of the first with "-", of the
// second with "+", equal ones with " ".
func diff(want, got any) []string {
	a, b := valueLines(want), valueLines(got)
	if len(a) == 1 || len(b) == 1 { // one has no lines to compare with
		x, y := shownPair(want, got)
		return []string{"- expected " + x, "+ found    " + y}
	}
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	out := []string{"- expected, + found:"}
	out = append(out, marked(" ", a[max(0, head-diffContext):head])...)
	changedA, changedB := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(changedA) == 1 && len(changedB) == 1 {
		at := commonPrefix(changedA[0], changedB[0])
		changedA, changedB = []string{around(changedA[0], at)}, []string{around(changedB[0], at)}
	}
	out = append(out, cut("-", changedA)...)
	out = append(out, cut("+", changedB)...)
	return append(out, marked(" ", a[len(a)-tail:len(a)-tail+min(tail, diffContext)])...)
}

func cut(sign string, lines []string) []string {
	if len(lines) <= maxDiffLines {
		return marked(sign, lines)
	}
	return append(marked(sign, lines[:maxDiffLines]), fmt.Sprintf("%s ... %d more lines", sign, len(lines)-maxDiffLines))
}

func marked(sign string, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = sign + " " + clip(l, maxShown)
	}
	return out
}

// valueLines writes a value as clean, indented JSON; a text of several lines line
// by line.
func valueLines(v any) []string {
	if s, ok := v.(string); ok && strings.Contains(strings.TrimRight(s, "\n"), "\n") {
		lines := strings.Split(s, "\n")
		for i := range lines {
			lines[i] = Clean(lines[i])
		}
		return lines
	}
	if v == nil {
		return []string{"nothing"}
	}
	b, err := json.Marshal(v, jsonOptions, jsontext.WithIndent("  "))
	if err != nil {
		return []string{whole(v)}
	}
	lines := strings.Split(string(b), "\n")
	for i := range lines {
		lines[i] = Clean(lines[i])
	}
	return lines
}

// commonPrefix counts the bytes at which both begin, whole characters only.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return n
}
