package html

import (
	"strings"

	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// line is one of what was expected and found. Its sign is a word for those who
// don't see it.
type line struct{ Sign, Text string }

// Signs of lines.
const (
	signWant = "-"
	signGot  = "+"
	signBoth = " "
	signOnly = "·" // found, where nothing in particular was expected
)

// Class is the line's class of the style sheet.
func (l line) Class() string {
	switch l.Sign {
	case signWant:
		return "want"
	case signGot:
		return "got"
	}
	return "both"
}

// Spoken is what the sign means.
func (l line) Spoken() string {
	switch l.Sign {
	case signWant:
		return "expected"
	case signGot, signOnly:
		return "found"
	}
	return ""
}

// evidenceOf takes the report's text of a difference apart: two lines, each with
// a word; or a head, and lines with signs.
func evidenceOf(f trace.Finding) []line {
	text := report.Evidence(f)
	if len(text) == 0 {
		return nil
	}
	if found, ok := strings.CutPrefix(text[0], "found "); ok {
		return []line{{signOnly, found}}
	}
	if want, ok := strings.CutPrefix(text[0], "- expected "); ok && len(text) == 2 {
		return []line{{signWant, want}, {signGot, strings.TrimPrefix(text[1], "+ found    ")}}
	}
	var out []line
	for _, l := range text[1:] {
		out = append(out, line{l[:1], strings.TrimPrefix(l[1:], " ")})
	}
	return out
}

// signed writes lines as the script reads them: a sign, then the text.
func signed(lines []line) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l.Sign + l.Text)
	}
	return b.String()
}
