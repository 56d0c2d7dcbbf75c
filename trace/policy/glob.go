package policy

import (
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// globMatch matches the whole text; "*" stands for any run of characters.
func globMatch(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// coveredBy tells whether every pool of p is one of another pattern's: that
// pattern, read as a glob, matches p's own text, wildcards and all. It may say
// no where several patterns cover p together.
func coveredBy(p graph.PoolPattern, others []graph.PoolPattern) bool {
	provisioner, workerType, _ := strings.Cut(p.String(), "/")
	return slices.ContainsFunc(others, func(o graph.PoolPattern) bool {
		op, ow, _ := strings.Cut(o.String(), "/")
		return globMatch(op, provisioner) && globMatch(ow, workerType)
	})
}

// beyond gives the patterns that the others don't cover.
func beyond(patterns, others []graph.PoolPattern) []string {
	var out []string
	for _, p := range patterns {
		if !coveredBy(p, others) {
			out = append(out, p.String())
		}
	}
	return out
}

// anyPool tells whether the pattern is for each and every pool.
func anyPool(p graph.PoolPattern) bool { return strings.Trim(p.String(), "*") == "/" }

func hasPattern(list []graph.PoolPattern, p graph.PoolPattern) bool {
	return slices.ContainsFunc(list, func(o graph.PoolPattern) bool { return o.String() == p.String() })
}

// overlap tells whether some pool is both patterns'.
func overlap(a, b graph.PoolPattern) bool {
	ap, aw, _ := strings.Cut(a.String(), "/")
	bp, bw, _ := strings.Cut(b.String(), "/")
	return globsMeet(ap, bp) && globsMeet(aw, bw)
}

// globsMeet tells whether some text matches both patterns.
func globsMeet(a, b string) bool {
	// row[j]: the first i characters of a and the first j of b can match one text.
	row := make([]bool, len(b)+1)
	for i := 0; i <= len(a); i++ {
		next := make([]bool, len(b)+1)
		for j := 0; j <= len(b); j++ {
			switch {
			case i == 0 && j == 0:
				next[j] = true
			case i > 0 && a[i-1] == '*' && (row[j] || j > 0 && next[j-1]):
				next[j] = true
			case j > 0 && b[j-1] == '*' && (next[j-1] || i > 0 && row[j]):
				next[j] = true
			case i > 0 && j > 0 && a[i-1] == b[j-1]:
				next[j] = row[j-1]
			}
		}
		row = next
	}
	return row[len(b)]
}
