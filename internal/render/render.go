// Package render turns a .taskcluster.yml and the context of an event into
// task definitions, as Taskcluster's services do: js-yaml and JSON-e in
// JavaScript.
//
// The library's JSON-e differs from JavaScript's, and can't be interrupted. So
// a template is instrumented first: expressions and operators that differ call
// functions of ours, and what can't be rendered alike is refused (**, which
// nobody uses; order of text beyond U+FFFF; what depends on the order of an
// object's keys; what changes a list of the context in place). The same calls
// charge a budget. testdata/vectors.json holds all this to the real libraries.
//
// Templates come from a repository and are hostile until that repository is
// known to be trusted. Bounded are a template's size, depth and texts, the
// length of an expression and with it the recursion, the values and bytes that
// expressions yield, the turns of loops, and what the library goes over. Time
// is bounded by the context of Render, which is looked at before each
// expression and each turn; what comes between two looks is bounded by the
// limits above, not by time. Rendering takes place in the caller's goroutine:
// nothing goes on after Render. Nothing is read from the clock or the
// environment.
package render

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/json-e/json-e/v4"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

// Context is what a template is rendered with. "now" must be in it: JSON-e
// would read the clock otherwise.
type Context map[string]any

// Slugid is the context function as_slugid: the task id that a name stands for.
func Slugid(ids func(name string) string) any {
	return jsone.WrapFunction(func(name string) string { return ids(name) })
}

// UndefinedError says that a template uses a name, or a property of one, that
// its context lacks.
type UndefinedError struct{ Name string }

func (e *UndefinedError) Error() string {
	return fmt.Sprintf("%s is not defined", e.Name)
}

// Render evaluates a template as the services do, or is an error: it never
// gives another value. A name that values lack is an UndefinedError. When ctx
// ends, it returns soon, and nothing goes on.
func Render(ctx context.Context, template any, values Context) (any, error) {
	if _, ok := values["now"].(string); !ok {
		return nil, errors.New("render: the context lacks now")
	}
	b := &budget{ctx: ctx, current: -1}
	for k, v := range values {
		nodes, _, err := size(v)
		if err != nil {
			return nil, fmt.Errorf("the context's %s: %w", k, err)
		}
		b.inContext += nodes
	}
	if err := boundTexts(template); err != nil {
		return nil, err
	}
	instrumented, err := (&instrumenter{budget: b}).value(template)
	if err != nil {
		return nil, err
	}
	all := b.hooks()
	for name, f := range b.builtins() {
		all[name] = f
	}
	for name, v := range values {
		if !bindable(name) {
			return nil, fmt.Errorf("render: the name %s is reserved", name)
		}
		all[name] = v
	}
	return b.render(instrumented, all)
}

// render runs the library, which panics on some templates.
func (b *budget) render(template any, values map[string]any) (v any, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failure:
			v, err = nil, b.located(p.error)
		default:
			v, err = nil, b.located(fmt.Errorf("JSON-e failed: %v", p))
		}
	}()
	v, err = jsone.Render(template, values)
	if err != nil {
		return nil, b.located(plainError(err))
	}
	if v, err = result(v); err == nil {
		_, _, err = size(v)
	}
	return v, err
}

// located names the expression that an error is about.
func (b *budget) located(err error) error {
	if b.current < 0 {
		return err
	}
	return fmt.Errorf("expression %s: %w", brief(b.expressions[b.current]), err)
}

var (
	undefined = regexp.MustCompile(`^undefined variable (` + identifier + `) at 0 -> `)
	position0 = regexp.MustCompile(` at [0-9]+ -> '`)
)

// plainError is a library's error without the template that it writes out: the
// instrumented one, which nobody wrote.
func plainError(err error) error {
	s := err.Error()
	if m := undefined.FindStringSubmatch(s); m != nil && !reserved(m[1]) {
		return &UndefinedError{Name: m[1]}
	}
	s, _, _ = strings.Cut(s, " in template ")
	if loc := position0.FindStringIndex(s); loc != nil {
		s = s[:loc[0]]
	}
	if strings.Contains(s, argument) {
		s = "a value that an operator needs is deleted"
	}
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return errors.New(s)
}

// result refuses what the library left in place of a deleted value, and gives
// an empty list instead of none.
func result(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool:
		return v, nil
	case float64:
		return v + 0, nil // no negative zero, as in JSON
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			var err error
			if list[i], err = result(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			var err error
			if m[k], err = result(e); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	return nil, errors.New("the template yields something that is not JSON")
}

// boundTexts bounds a template before anything goes over it.
func boundTexts(v any) error {
	if _, _, err := size(v); err != nil {
		return fmt.Errorf("the template: %w", err)
	}
	var walk func(v any) error
	walk = func(v any) error {
		switch v := v.(type) {
		case string:
			if len(v) > maxText {
				return fmt.Errorf("a text of %d bytes is larger than the limit of %d", len(v), maxText)
			}
		case map[string]any:
			for k, e := range v {
				if err := errors.Join(walk(k), walk(e)); err != nil {
					return err
				}
			}
		case []any:
			for _, e := range v {
				if err := walk(e); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(v)
}

// Plain copies a strictjson value for use in a Context: numbers become float64.
func Plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = Plain(e)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = Plain(e)
		}
		return list
	case strictjson.Number:
		f, _ := v.Float64()
		return f
	}
	return v
}
