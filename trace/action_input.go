package trace

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// checkActionInput holds what somebody gave to an action against the schema
// that the action has in actions.json.
func checkActionInput(entry map[string]any, input any) *Finding {
	const at = "/extra/action/context/input"
	schema, has := entry["schema"]
	if !has || schema == nil {
		if input == nil || strictjson.Equal(input, map[string]any{}) {
			return nil
		}
		return &Finding{
			Rule: RuleActionInput, Path: at, Want: nil, Got: brief(input),
			Message: "the action takes no input, but was given some",
		}
	}
	if size(schema) > maxSchemaNodes || size(schema)*size(input) > maxSchemaWork {
		return &Finding{
			Rule: RuleActionInput, Path: at, Got: fmt.Sprintf("%d and %d values", size(schema), size(input)),
			Message: "the action's schema and input are too large to be checked against each other",
		}
	}
	compiled, err := compileSchema(render.Plain(schema))
	if err != nil {
		return &Finding{Rule: RuleActionInput, Message: "the action's schema can't be used: " + err.Error()}
	}
	err = compiled.Validate(render.Plain(input))
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		where, why := deepest(invalid)
		f := &Finding{
			Rule: RuleActionInput, Path: strictjson.Pointer(at, where...), Got: brief(valueAt(input, where)),
			Message: "the action's input does not fit its schema",
		}
		if m := gotWant.FindStringSubmatch(why); m != nil {
			bound := strings.NewReplacer("maximum", "at most", "minimum", "at least").Replace(m[1])
			f.Want = clipText(strings.TrimSpace(bound + " " + m[2]))
		} else {
			f.Message += ": " + why
		}
		return f
	}
	return &Finding{Rule: RuleActionInput, Path: at, Message: "the action's input can't be checked: " + err.Error()}
}

// gotWant is how the validator words a bound or a type.
var gotWant = regexp.MustCompile(`^(?:(\w+): )?got .*, want (.*)$`)

// valueAt is what stands at a place in a value; nil: nothing.
func valueAt(v any, where []string) any {
	for _, step := range where {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// Bounds of validating: it takes time and memory by the product of both sizes,
// and can't be interrupted.
const (
	maxSchemaNodes = 20_000
	maxSchemaWork  = 1_000_000
)

// size counts the values in a value.
func size(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n += size(e)
		}
	case []any:
		for _, e := range v {
			n += size(e)
		}
	}
	return n
}

// compileSchema compiles a schema without references: one that has none takes
// time in proportion to its size and the input's, and leads nowhere.
func compileSchema(schema any) (*jsonschema.Schema, error) {
	if err := withoutReferences(schema); err != nil {
		return nil, err
	}
	const name = "urn:action-schema"
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7) // what the hooks service validates with
	compiler.UseLoader(jsonschema.SchemeURLLoader{})
	if err := compiler.AddResource(name, schema); err != nil {
		return nil, err
	}
	return compiler.Compile(name)
}

func withoutReferences(v any) error {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			switch k {
			case "$ref", "$dynamicRef", "$recursiveRef":
				return fmt.Errorf("it uses %s, which is not followed here", k)
			}
			if err := withoutReferences(e); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := withoutReferences(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// deepest gives the place and the words of the innermost cause.
func deepest(e *jsonschema.ValidationError) ([]string, string) {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	lines := strings.Split(e.Error(), "\n")
	_, why, ok := strings.Cut(lines[len(lines)-1], "': ")
	if !ok {
		why = lines[len(lines)-1]
	}
	return e.InstanceLocation, why
}
