package render_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/internal/render"
)

// nest puts a template n times into itself, in the place of "@".
func nest(n int, outer, inner string) string {
	for range n {
		inner = strings.ReplaceAll(outer, `"@"`, inner)
	}
	return inner
}

// What grows with each step is refused when there are many, and rendered when
// there are few: nothing else bounds these.
func TestHostileTemplates(t *testing.T) {
	list := strings.TrimSuffix(strings.Repeat("1,", 1000), ",")
	for name, grow := range map[string]func(n int) string{
		"loops in loops": func(n int) string { return nest(n, `{"$map": [1,2,3,4,5,6,7,8,9,10], "each(x)": "@"}`, `1`) },
		"loops over objects": func(n int) string {
			return nest(n, `{"$map": {"a":1,"b":2,"c":3,"d":4,"e":5}, "each(v,k)": {"${k}": "@"}}`, `{"x":1}`)
		},
		"a text doubles": func(n int) string { return nest(4*n, `{"$let": {"a": "${a}${a}"}, "in": "@"}`, `{"$eval": "a"}`) },
		"a list doubles": func(n int) string {
			return nest(4*n, `{"$let": {"a": [{"$eval": "a"}, {"$eval": "a"}]}, "in": "@"}`, `1`)
		},
		"a sum doubles":     func(n int) string { return nest(2*n, `{"$let": {"a": {"$eval": "a + a + a"}}, "in": "@"}`, `1`) },
		"a literal doubles": func(n int) string { return nest(2*n, `{"$let": {"a": {"$eval": "[a, a, a, a]"}}, "in": "@"}`, `1`) },
		"reducing": func(n int) string {
			return `{"$reduce": [` + list[:2*5*n-1] + `], "initial": "a", "each(acc,x)": "${acc}${acc}"}`
		},
		"reducing a list": func(n int) string {
			return `{"$reduce": [` + list[:2*5*n-1] + `], "initial": [1], "each(acc,x)": [{"$eval": "acc"}, {"$eval": "acc"}]}`
		},
		"a reduction that nests": func(n int) string {
			return `{"$reduce": [` + list[:2*30*n-1] + `], "initial": [1], "each(acc,x)": {"$eval": "[acc]"}}`
		},
		"a range":         func(n int) string { return `{"$eval": "len(range(0, 1` + strings.Repeat("0", n) + `))"}` },
		"ranges in loops": func(n int) string { return nest(n, `{"$map": {"$eval": "range(0, 20)"}, "each(x)": "@"}`, `1`) },
		"joining": func(n int) string {
			return nest(2*n, `{"$let": {"a": {"$eval": "join([a, a, a], a)"}}, "in": "@"}`, `1`)
		},
		"JSON of JSON": func(n int) string { return nest(8*n, `{"$json": ["@"]}`, `"\"\\"`) },
		"flattening": func(n int) string {
			return nest(2*n, `{"$let": {"a": {"$flattenDeep": {"$eval": "[a, a, a, a]"}}}, "in": "@"}`, `1`)
		},
		"merging deep": func(n int) string {
			l := `{"l": {"$flatten": [{"$eval": "a"}]}}`
			return nest(3*n, `{"$let": {"a": {"$let": {"o": {"$mergeDeep": [`+l+`,`+l+`,`+l+`]}}, "in": {"$eval": "o.l"}}}, "in": "@"}`, `1`)
		},
		"a body with much text": func(n int) string {
			return nest(n, `{"$map": [1,2,3,4,5,6,7,8,9,10], "each(x)": "@"}`, `{"$if": "false", "then": "`+strings.Repeat("x", 2000)+`"}`)
		},
		"a sort in a loop": func(n int) string {
			return nest(n, `{"$map": [1,2,3,4,5,6,7,8,9,10], "each(x)": "@"}`, `{"$sort": [3,2,1], "by(y)": "y"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n, ok := range map[int]bool{2: true, 7: false} {
				var template any
				if err := json.Unmarshal([]byte(grow(n)), &template); err != nil {
					t.Fatal(err)
				}
				_, err := render.Render(t.Context(), template, render.Context{"now": now, "a": "aaaa"})
				if ok != (err == nil) || !ok && !strings.Contains(err.Error(), "too") {
					t.Errorf("%d times: %v", n, err)
				}
			}
		})
	}
}

// When its time is over, a rendering ends at the next expression or turn of a
// loop: nothing of the template runs afterwards.
func TestRenderEndsWithItsContext(t *testing.T) {
	var template any
	if err := json.Unmarshal([]byte(`{"$map": {"$eval": "range(0, 1000)"}, "each(x)": {"id": {"$eval": "as_slugid('x')"}}}`), &template); err != nil {
		t.Fatal(err)
	}
	for stopAt, want := range map[int]int{10: 10, 2000: 1000} {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		_, err := render.Render(ctx, template, render.Context{"now": now, "as_slugid": render.Slugid(func(string) string {
			if calls++; calls == stopAt {
				cancel()
			}
			return "ID"
		})})
		if calls != want || (want < 1000) != errors.Is(err, context.Canceled) || want == 1000 && err != nil {
			t.Errorf("stopped at %d: %d calls, %v", stopAt, calls, err)
		}
		cancel()
		if _, err := render.Render(ctx, "no expression", render.Context{"now": now}); !errors.Is(err, context.Canceled) {
			t.Errorf("begun after the end: %v", err)
		}
	}
}

// An expression that nests too deeply for the stack is refused; one as
// long as may be is read to its end.
func TestLongExpression(t *testing.T) {
	deep := func(n int) []byte {
		return []byte("a: {$eval: '" + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) + "'}\n")
	}
	for n, ok := range map[int]bool{1_900_000: false, 2_100: false, 200: false, 199: true} {
		v, err := render.YAML(deep(n))
		if err != nil {
			t.Fatal(err)
		}
		got, err := render.Render(t.Context(), v, render.Context{"now": now})
		if ok != (err == nil && cmp.Equal(got, any(map[string]any{"a": 1.0}))) {
			t.Errorf("%d levels: %#v, %v", n, got, err)
		}
	}
}

// Recursion in the library is bounded by an expression's length, whatever it is
// made of.
func TestDeepExpressions(t *testing.T) {
	for _, unit := range []string{"(", "[", "!", "-", "a[", "f(", "{a:", "a.", "1+", "a||", "x==", "!(", "[[", "'a' in "} {
		for _, size := range []int{8 << 10, 60 << 10} {
			source := strings.Repeat(unit, size/len(unit))
			for _, template := range []any{map[string]any{"$eval": source}, "${" + source + "}", "${" + source, map[string]any{"$if": source + "a"}} {
				if v, err := render.Render(t.Context(), template, render.Context{"now": now}); err == nil {
					t.Errorf("%d times %s: %v", size, unit, v)
				}
			}
		}
	}
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte("a: &x {b: 1}\nc: {<<: *x}\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = render.YAML(data)
		_, _ = render.PyYAML(data)
	})
}

// A template may fail, but not otherwise than with an error, and what it yields
// is JSON that renders to itself.
func FuzzRender(f *testing.F) {
	for _, v := range vectors(f).JSONE {
		data, err := json.Marshal(v.Template)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	values := render.Context{"now": now, "a": "text", "x": 1.0, "l": []any{1.0, "b"}, "o": map[string]any{"a": 1.0}}
	f.Fuzz(func(t *testing.T, data []byte) {
		template, err := render.YAML(data)
		if err != nil || len(data) > 10_000 {
			return
		}
		v, err := render.Render(t.Context(), template, values)
		if err != nil {
			if strings.Contains(err.Error(), "JSON-e failed") {
				t.Errorf("%s: %v", data, err)
			}
			return
		}
		if _, err := json.Marshal(v); err != nil {
			t.Errorf("%s: %v", data, err)
		}
	})
}
