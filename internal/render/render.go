package render

import (
	"context"
	"errors"
	"fmt"

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

// Render evaluates a template. It gives up when ctx ends; an endless template
// then goes on until the process ends, its result is dropped.
func Render(ctx context.Context, template any, values Context) (any, error) {
	if _, ok := values["now"].(string); !ok {
		return nil, errors.New("render: the context lacks now")
	}
	if err := boundTexts(template); err != nil {
		return nil, err
	}
	type result struct {
		v   any
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- result{nil, fmt.Errorf("JSON-e failed: %v", p)}
			}
		}()
		v, err := jsone.Render(template, map[string]any(values))
		if err == nil {
			nodes := 0
			err = bound(v, 0, &nodes)
		}
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("rendering took too long: %w", ctx.Err())
	}
}

func boundTexts(v any) error {
	switch v := v.(type) {
	case string:
		if len(v) > maxText {
			return fmt.Errorf("a text of %d bytes is larger than the limit of %d", len(v), maxText)
		}
	case map[string]any:
		for k, e := range v {
			if err := errors.Join(boundTexts(k), boundTexts(e)); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := boundTexts(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func bound(v any, depth int, nodes *int) error {
	*nodes++
	if depth > maxDepth || *nodes > maxNodes {
		return errors.New("the rendered template is too deep or too large")
	}
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			if err := bound(e, depth+1, nodes); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := bound(e, depth+1, nodes); err != nil {
				return err
			}
		}
	}
	return nil
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
