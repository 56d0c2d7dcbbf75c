package depcheck

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var ruleID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// rules finds every constant of type Rule, by value.
func rules(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, s := range sources(t) {
		if s.test || !within(s.pkg, "trace") {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if !isRuleType(v.Type) {
					continue
				}
				for i, e := range v.Values {
					lit, ok := e.(*ast.BasicLit)
					if !ok {
						t.Errorf("%s: write rule ids as plain strings", s.position(e))
						continue
					}
					id, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					if other, dup := out[id]; dup {
						t.Errorf("%s: rule %q has two constants, %s and %s", s.position(e), id, other, v.Names[i].Name)
					}
					out[id] = v.Names[i].Name
				}
			}
		}
	}
	return out
}

func isRuleType(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name == "Rule"
	case *ast.SelectorExpr:
		return x.Sel.Name == "Rule"
	}
	return false
}

func TestEveryRuleHasAPageAndEveryPageARule(t *testing.T) {
	known := rules(t)
	pages := map[string]bool{}
	files(t, func(rel string) {
		if dir, name := path.Split(rel); dir == "docs/rules/" && name != "README.md" {
			pages[strings.TrimSuffix(name, ".md")] = true
		}
	})
	index := read(t, "docs/rules/README.md")
	for id := range known {
		if !ruleID.MatchString(id) {
			t.Errorf("rule %q: want lower-case words joined by hyphens", id)
		}
		if !pages[id] {
			t.Errorf("rule %q has no page docs/rules/%s.md", id, id)
			continue
		}
		page := read(t, "docs/rules/"+id+".md")
		if !strings.HasPrefix(page, "# `"+id+"`\n") {
			t.Errorf("docs/rules/%s.md: want the title # `%s`", id, id)
		}
		for _, part := range []string{"\n## Protects from\n", "\n## Compares\n", "\n## Usual causes\n", "\n## What to do\n"} {
			if !strings.Contains(page, part) {
				t.Errorf("docs/rules/%s.md lacks %q", id, strings.TrimSpace(part))
			}
		}
		if !strings.Contains(index, "("+id+".md)") {
			t.Errorf("docs/rules/README.md does not link %s.md", id)
		}
	}
	for id := range pages {
		if _, ok := known[id]; !ok {
			t.Errorf("docs/rules/%s.md describes no rule of trace", id)
		}
	}
}

// A signature's failure becomes a finding whose rule has the same name.
func TestEveryCauseOfASignaturesFailureIsARule(t *testing.T) {
	known := rules(t)
	found := 0
	for _, s := range sources(t) {
		if s.test || s.pkg != "certs" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if x, ok := v.Type.(*ast.Ident); !ok || x.Name != "Cause" {
				return true
			}
			for _, e := range v.Values {
				found++
				lit, ok := e.(*ast.BasicLit)
				if !ok {
					t.Errorf("%s: write causes as plain strings", s.position(e))
					continue
				}
				if id, err := strconv.Unquote(lit.Value); err != nil || known[id] == "" {
					t.Errorf("%s: cause %s is no rule of trace", s.position(e), lit.Value)
				}
			}
			return true
		})
	}
	if found == 0 {
		t.Error("certs has no causes any more: this test looks at the wrong place")
	}
}
