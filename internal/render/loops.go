package render

import (
	"errors"
	"fmt"
	"regexp"
)

const identifier = `([a-zA-Z_][a-zA-Z0-9_]*)`

var (
	each1 = regexp.MustCompile(`^each\(` + identifier + `(?:,\s*` + identifier + `)?\)$`)
	each2 = regexp.MustCompile(`^each\(` + identifier + `,\s*` + identifier + `(?:,\s*` + identifier + `)?\)$`)
	by    = regexp.MustCompile(`^by\(` + identifier + `\)$`)
)

// parameters finds the property of a loop that names its variables, and those:
// what pattern's groups matched.
func parameters(t map[string]any, pattern *regexp.Regexp, others ...string) (property string, names []string, err error) {
	if len(t) != len(others)+1 {
		return "", nil, fmt.Errorf("it wants %d properties, found %d", len(others)+1, len(t))
	}
	for k := range t {
		if m := pattern.FindStringSubmatch(k); m != nil {
			property, names = k, m[1:]
		}
	}
	if property == "" {
		return "", nil, errors.New("it wants a property such as each(x) or by(x)")
	}
	if err := only(t, append(others, property)...); err != nil {
		return "", nil, err
	}
	for _, n := range names {
		if n != "" && !bindable(n) {
			return "", nil, fmt.Errorf("the name %s is reserved", n)
		}
	}
	return property, names, nil
}

// turns is a $map over entries, each an object of a turn's variables. What the
// body has in itself is charged for each turn.
func turns(x any, hook string, names []string, body, source any) (any, error) {
	second := ""
	if len(names) > 1 {
		second = names[1]
	}
	nodes, bytes, err := size(source)
	return map[string]any{
		"$map": let(x, fmt.Sprintf("%s(%s, '%s', '%s')", hook, operand, names[0], second)),
		"each(" + entry + ")": map[string]any{
			"$let": eval(fmt.Sprintf("%s(%s, %d, %d)", hookNext, entry, nodes, bytes)), "in": body,
		},
	}, err
}

// mapping merges what an object's entries yield in a hook: the library goes
// over them in any order, so that of two equal keys any might count.
func (in *instrumenter) mapping(t map[string]any) (any, error) {
	property, names, err := parameters(t, each1, "$map")
	if err != nil {
		return nil, err
	}
	x, err := in.value(t["$map"])
	if err != nil {
		return nil, err
	}
	body, err := in.value(t[property])
	if err != nil {
		return nil, err
	}
	list, err := turns(x, hookEntries, names, body, t[property])
	return let(list, hookMapped+"("+operand+")"), err
}

// reduce leaves initial as it stands: no implementation renders it.
func (in *instrumenter) reduce(t map[string]any) (any, error) {
	property, _, err := parameters(t, each2, "$reduce", "initial")
	if err != nil {
		return nil, err
	}
	x, err := in.value(t["$reduce"])
	if err != nil {
		return nil, err
	}
	body, err := in.value(t[property])
	if err != nil {
		return nil, err
	}
	nodes, bytes, err := size(t[property])
	return map[string]any{
		"$reduce": x, "initial": t["initial"],
		property: map[string]any{
			"$let": map[string]any{argument: eval(fmt.Sprintf("%s({}, %d, %d)", hookNext, nodes, bytes))}, "in": body,
		},
	}, err
}

// find evaluates its expression for each element, and takes the first for which
// it holds as it is. The library renders that element as a template.
func (in *instrumenter) find(t map[string]any) (any, error) {
	property, names, err := parameters(t, each1, "$find")
	if err != nil {
		return nil, err
	}
	if s, _ := t[property].(string); interpolation.MatchString(s) {
		return nil, errors.New("${ is not supported in its expression")
	}
	list, err := in.evaluated(t["$find"], names, t[property])
	return map[string]any{
		"$let": map[string]any{argument: let(list, hookFound+"("+operand+")")},
		"in":   map[string]any{"$if": argument, "then": eval(argument + "[0]")},
	}, err
}

// sort sorts in a hook: the library's way is not stable.
func (in *instrumenter) sort(t map[string]any) (any, error) {
	if len(t) == 1 {
		x, err := in.value(t["$sort"])
		return let(x, hookSort+"("+operand+")"), err
	}
	property, names, err := parameters(t, by, "$sort")
	if err != nil {
		return nil, err
	}
	list, err := in.evaluated(t["$sort"], names, t[property])
	return let(list, hookSorted+"("+operand+")"), err
}

// evaluated is the list of what an expression gives for each element of x.
func (in *instrumenter) evaluated(x any, names []string, source any) (any, error) {
	x, err := in.value(x)
	if err != nil {
		return nil, err
	}
	code, err := in.expression(source)
	if err != nil {
		return nil, err
	}
	return turns(x, hookItems, names, eval(code), source)
}
