package report

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/trace"
)

// ruleIDs reads the rules where they are declared.
func ruleIDs(t *testing.T) []trace.Rule {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "trace", "rule.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []trace.Rule
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, e := range v.Values {
			if lit, ok := e.(*ast.BasicLit); ok {
				id, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, trace.Rule(id))
			}
		}
		return true
	})
	return out
}

func TestEveryRuleHasACauseAnAdviceAndAPage(t *testing.T) {
	ids := ruleIDs(t)
	if len(ids) < 40 {
		t.Fatalf("%d rules: this test looks at the wrong place", len(ids))
	}
	for _, id := range ids {
		g := guides[id]
		if !strings.HasSuffix(g.cause, ".") || g.next == "" || strings.HasSuffix(g.next, ".") {
			t.Errorf("rule %s: cause %q, advice %q", id, g.cause, g.next)
		}
		const base = "https://github.com/mozilla-releng/cot/blob/main/"
		path, ok := strings.CutPrefix(page(id), base)
		if !ok {
			t.Errorf("rule %s: page %q", id, page(id))
			continue
		}
		if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(path))); err != nil {
			t.Error(err)
		}
	}
}

// No text of a report becomes a part of an address.
func TestPageOfWhatIsNoRule(t *testing.T) {
	for _, id := range []trace.Rule{"", "../x", "a b", "a\x1b", "A", "a/b"} {
		if p := page(id); p != "" {
			t.Errorf("page(%q) = %s", id, p)
		}
	}
}

func TestAHintWinsOverTheAdvice(t *testing.T) {
	f := trace.Finding{Rule: trace.RuleCotMissing, Hint: "do this"}
	if got := advice(f); got != "do this" {
		t.Error(got)
	}
	if f.Hint = ""; advice(f) != guides[trace.RuleCotMissing].next {
		t.Error(advice(f))
	}
}
