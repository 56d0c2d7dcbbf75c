package inputs

import (
	"regexp"
	"strings"
)

// Pattern matches artifact names: one name, or a glob. The zero value matches
// nothing.
type Pattern struct {
	s  string
	re *regexp.Regexp // nil: the name itself
}

// Name is a pattern for exactly one name.
func Name(s string) Pattern { return Pattern{s: s} }

// Glob reads "*" as any characters within a path segment and "**" as any
// characters; "**/" also matches no directory at all. All else stands for
// itself, so a text without "*" is a plain name.
func Glob(s string) Pattern {
	if !strings.Contains(s, "*") {
		return Name(s)
	}
	var b strings.Builder
	for rest := s; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "**/") && (len(rest) == len(s) || s[len(s)-len(rest)-1] == '/'):
			b.WriteString(`(?:.*/)?`)
			rest = rest[3:]
		case strings.HasPrefix(rest, "**"):
			b.WriteString(`.*`)
			rest = rest[2:]
		case rest[0] == '*':
			b.WriteString(`[^/]*`)
			rest = rest[1:]
		default:
			n := strings.IndexByte(rest, '*')
			if n < 0 {
				n = len(rest)
			}
			b.WriteString(regexp.QuoteMeta(rest[:n]))
			rest = rest[n:]
		}
	}
	return compile(s, b.String())
}

// FnMatch reads what scriptworker gives to Python's fnmatch if it has a "*":
// "*" is any characters, slashes too, "?" one, "[ab]" and "[!ab]" one of a set.
func FnMatch(s string) Pattern {
	if !strings.Contains(s, "*") {
		return Name(s)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteString(`.`)
		case '[':
			set, n := fnMatchSet(s[i:])
			b.WriteString(set)
			i += n - 1
		default:
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
		}
	}
	return compile(s, b.String())
}

// fnMatchSet translates a leading "[...]" and says how long it is; a "[" that
// is never closed, or whose ranges run backwards, stands for itself.
func fnMatchSet(s string) (string, int) {
	start := 1
	if start < len(s) && s[start] == '!' {
		start++
	}
	end := start
	if end < len(s) && s[end] == ']' {
		end++
	}
	n := strings.IndexByte(s[min(end, len(s)):], ']')
	if n < 0 {
		return `\[`, 1
	}
	end += n
	set := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(s[start:end])
	expr := "[" + set + "]"
	if start == 2 {
		expr = "[^" + set + "]"
	}
	if _, err := regexp.Compile(expr); err != nil {
		return `\[`, 1
	}
	return expr, end + 1
}

func compile(s, expr string) Pattern {
	return Pattern{s, regexp.MustCompile(`(?s)\A(?:` + expr + `)\z`)}
}

func (p Pattern) String() string { return p.s }

// IsGlob tells whether the pattern may match several names.
func (p Pattern) IsGlob() bool { return p.re != nil }

// Match tells whether the pattern covers the name.
func (p Pattern) Match(name string) bool {
	if p.re != nil {
		return p.re.MatchString(name)
	}
	return p.s != "" && p.s == name
}
