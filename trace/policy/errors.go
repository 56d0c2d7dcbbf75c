package policy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Error is one thing that is wrong in a policy.
type Error struct {
	File string
	Line int    // 0 where no line is to blame
	Path string // of the key, like products.firefox.vcs; empty for the whole file
	Want string // what was expected; empty where the message says all
	Got  string // what was found
	Hint string // what to try
}

// Error is "FILE:LINE: PATH: expected WANT, found GOT; HINT".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 && e.Line < math.MaxInt {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	switch {
	case e.Want == "":
		b.WriteString(e.Got)
	case e.Got == "":
		b.WriteString("expected " + e.Want)
	default:
		b.WriteString("expected " + e.Want + ", found " + e.Got)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Errors are all that is wrong in a policy, by file and line.
type Errors []*Error

// maxErrors bounds how many are told of.
const maxErrors = 50

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each error.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, err := range e {
		out[i] = err
	}
	return out
}

// problems collects what is wrong.
type problems struct{ list Errors }

func (p *problems) add(n *node, path, want, got, hint string) {
	switch {
	case len(p.list) < maxErrors:
		p.list = append(p.list, &Error{File: n.file, Line: n.line, Path: path, Want: want, Got: got, Hint: hint})
	case len(p.list) == maxErrors:
		p.list = append(p.list, &Error{File: n.file, Line: math.MaxInt, Got: "and more errors"})
	}
}

// say adds a problem that is not of the form "expected, found".
func (p *problems) say(n *node, path, message, hint string) { p.add(n, path, "", message, hint) }

func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b *Error) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return cmp.Compare(a.Line, b.Line)
	})
	return p.list
}

// didYouMean is the hint for a word that is not among the known ones.
func didYouMean(word string, known []string) string {
	best, distance := "", 3
	if len(word) > 64 {
		return ""
	}
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return fmt.Sprintf("did you mean %q?", k)
		}
		if d := editDistance(word, k); d < distance && 2*d <= len(k) {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// editDistance is Damerau-Levenshtein's with adjacent transpositions.
func editDistance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

// quoted is a value from a file, short enough for a message.
func quoted(s string) string {
	if len(s) > 80 {
		s = s[:77] + "..."
	}
	return fmt.Sprintf("%q", s)
}
