package render_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/internal/render"
)

// Scalars are what js-yaml (YAML 1.2) reads.
func TestYAML(t *testing.T) {
	for text, want := range map[string]any{
		"on": "on", "yes": "yes", "no": "no", "~": nil, "null": nil, "true": true, "FALSE": false,
		"12": 12.0, "-3": -3.0, "1.5": 1.5, "1e3": 1000.0, "0x10": 16.0, "0o17": 15.0, "'12'": "12", "1.2.3": "1.2.3",
		"[a, 1]": []any{"a", 1.0}, "{on: 1, 1: x}": map[string]any{"on": 1.0, "1": "x"},
		"a: &x {b: 1}\nc: *x": map[string]any{"a": map[string]any{"b": 1.0}, "c": map[string]any{"b": 1.0}},
		"a: &x {b: 1, d: 2}\nc: {<<: *x, b: 3}": map[string]any{
			"a": map[string]any{"b": 1.0, "d": 2.0}, "c": map[string]any{"b": 3.0, "d": 2.0},
		},
		"a: >\n  folded\n  text\n": map[string]any{"a": "folded text\n"},
	} {
		got, err := render.YAML([]byte(text))
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %#v, %v", text, got, err)
		}
	}
}

// What YAML versions read differently, or what has no bound, is refused.
func TestYAMLRefused(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'h'; c++ {
		p := string(c - 1)
		bomb += fmt.Sprintf("%c: &%c [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]\n", c, c, p, p, p, p, p, p, p, p, p, p)
	}
	for name, text := range map[string]string{
		"octal-looking": "017", "a date": "2026-01-01", "a time": "2026-01-01T00:00:00Z", "binary": "!!binary aGk=", "infinity": ".inf",
		"a custom tag": "!x y", "a repeated key": "{a: 1, a: 2}", "two documents": "a\n---\nb", "nothing": "", "not YAML": "{", "a list as key": "{[a]: 1}",
		"an alias bomb": bomb, "too deep": strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "a cycle": "a: &a [*a]",
	} {
		if v, err := render.YAML([]byte(text)); err == nil {
			t.Errorf("%s: read as %#v", name, v)
		}
	}
}

func TestRender(t *testing.T) {
	template, err := render.YAML([]byte("{id: {$eval: 'as_slugid(\"decision\")'}, at: {$fromNow: '1 day'}, n: '${1 + 1}'}"))
	if err != nil {
		t.Fatal(err)
	}
	values := render.Context{"now": "2026-01-01T00:00:00.000Z", "as_slugid": render.Slugid(func(string) string { return "ID" })}
	got, err := render.Render(t.Context(), template, values)
	if want := map[string]any{"id": "ID", "at": "2026-01-02T00:00:00.000Z", "n": "2"}; err != nil || !cmp.Equal(got, any(want)) {
		t.Errorf("%#v, %v", got, err)
	}
	delete(values, "now")
	if _, err := render.Render(t.Context(), template, values); err == nil {
		t.Error("rendered without now: JSON-e reads the clock then")
	}
}

// A template that yields too much, or never ends, is given up.
func TestHostileTemplates(t *testing.T) {
	values := render.Context{"now": "2026-01-01T00:00:00.000Z"}
	big := any([]any{"x", "x"})
	for range 5 {
		big = map[string]any{"$map": map[string]any{"$eval": "[1,2,3,4,5,6,7,8,9,10]"}, "each(i)": big}
	}
	if _, err := render.Render(t.Context(), big, values); err == nil {
		t.Error("300,000 nodes are accepted")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for range 5 {
		big = map[string]any{"$map": map[string]any{"$eval": "[1,2,3,4,5,6,7,8,9,10]"}, "each(i)": big}
	}
	if _, err := render.Render(ctx, []any{big, map[string]any{"$eval": "unknown"}}, values); err == nil {
		t.Error("an endless template is accepted")
	}
}

// An expression that nests too deeply for the stack is refused; one as
// long as may be is read to its end.
func TestDeepExpression(t *testing.T) {
	deep := func(n int) []byte {
		return []byte("a: {$eval: '" + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) + "'}\n")
	}
	for n, ok := range map[int]bool{1_900_000: false, 4_200: false, 4_000: true} {
		v, err := render.YAML(deep(n))
		if err != nil {
			t.Fatal(err)
		}
		got, err := render.Render(t.Context(), v, render.Context{"now": "2026-01-01T00:00:00.000Z"})
		if ok != (err == nil && cmp.Equal(got, any(map[string]any{"a": 1.0}))) {
			t.Errorf("%d levels: %#v, %v", n, got, err)
		}
	}
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte("a: &x {b: 1}\nc: {<<: *x}\n"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = render.YAML(data) })
}
