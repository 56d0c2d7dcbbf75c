package render

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// maxText bounds a text of a template: its interpolations cost with the square
// of its length.
const maxText = 64 << 10

// An instrumenter rewrites a template into one that the library renders as
// JavaScript's JSON-e renders the original: expressions are instrumented, each
// turn of a loop is charged to the budget, and operators on which the two
// differ become calls of hooks. What can't be rendered alike is refused.
type instrumenter struct{ budget *budget }

// let binds x to the name that hooks get their argument by.
func let(x any, code string) any {
	return map[string]any{"$let": map[string]any{argument: x}, "in": eval(code)}
}

func eval(code string) any { return map[string]any{"$eval": code} }

func (in *instrumenter) value(t any) (any, error) {
	if in.budget.ctx.Err() != nil {
		return nil, errTime(in.budget.ctx)
	}
	switch t := t.(type) {
	case string:
		return in.text(t)
	case []any:
		list := make([]any, 0, len(t))
		for _, e := range t {
			v, err := in.value(e)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case map[string]any:
		found := ""
		for k := range t {
			if operator(k) == nil {
				continue
			}
			if found != "" {
				return nil, errors.New("only one operator may stand in an object")
			}
			found = k
		}
		if found == "" {
			return in.object(t)
		}
		v, err := operator(found)(in, t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", found, err)
		}
		return v, nil
	}
	return t, nil
}

// expression instruments a whole text that is an expression.
func (in *instrumenter) expression(v any) (string, error) {
	source, ok := v.(string)
	if !ok {
		return "", errors.New("an expression must be text")
	}
	e, _, err := scan(source, false)
	if err == nil {
		var code string
		if code, err = e.compile(); err == nil {
			return fmt.Sprintf("%s(%s(%d), %s)", hookValue, hookAt, in.budget.expression(source), code), nil
		}
	}
	return "", fmt.Errorf("expression %s: %w", brief(source), err)
}

var interpolation = regexp.MustCompile(`\$?\$\{`)

// text instruments the interpolations in a text. Each is charged with what
// stands before and after it: the library joins the pieces one by one.
func (in *instrumenter) text(s string) (string, error) {
	all := len(interpolation.FindAllStringIndex(s, -1))
	var b strings.Builder
	for rest := s; ; {
		loc := interpolation.FindStringIndex(rest)
		if loc == nil {
			b.WriteString(rest)
			return b.String(), nil
		}
		b.WriteString(rest[:loc[1]])
		rest = rest[loc[1]:]
		if loc[1]-loc[0] == len("$${") {
			continue
		}
		e, end, err := scan(rest, true)
		if err != nil {
			return "", fmt.Errorf("text %s: %w", brief(s), err)
		}
		code, err := e.compile()
		if err != nil {
			return "", fmt.Errorf("expression %s: %w", brief(e.source), err)
		}
		fmt.Fprintf(&b, "%s(%s(%d), %s, %d, %d)}", hookText, hookAt, in.budget.expression(e.source), code, all, len(s))
		rest = rest[end:]
	}
}

var reservedKey = regexp.MustCompile(`^\$[a-zA-Z][a-zA-Z0-9]*$`)

// object instruments an object without operator. Where keys are computed, the
// hook refuses two that come out alike: which one counts would depend on the
// order, that the library doesn't keep.
func (in *instrumenter) object(t map[string]any) (any, error) {
	out := make(map[string]any, len(t))
	var members []any
	computed := false
	for _, k := range sortedKeys(t) {
		v, err := in.value(t[k])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", brief(k), err)
		}
		name := k
		switch {
		case strings.HasPrefix(k, "$$"):
			// Only the library interpolates the rest.
			computed = computed || strings.Contains(k, "${")
			name = strings.ReplaceAll(k[1:], "${", "$${")
		case reservedKey.MatchString(k):
			return nil, fmt.Errorf("key %s is reserved; write $%s", brief(k), k)
		case strings.Contains(k, "${"):
			computed = true
			if name, err = in.text(k); err != nil {
				return nil, err
			}
		}
		out[k] = v
		members = append(members, map[string]any{"key": name, "val": v})
	}
	if computed {
		return let(members, hookObject+"("+operand+")"), nil
	}
	return out, nil
}

// operator is how an object with that key is instrumented; nil if the key is
// no operator.
func operator(key string) func(*instrumenter, map[string]any) (any, error) {
	switch key {
	case "$eval":
		return (*instrumenter).eval
	case "$if":
		return (*instrumenter).conditional
	case "$switch":
		return (*instrumenter).choose
	case "$match":
		return (*instrumenter).match
	case "$let":
		return (*instrumenter).let
	case "$map":
		return (*instrumenter).mapping
	case "$reduce":
		return (*instrumenter).reduce
	case "$find":
		return (*instrumenter).find
	case "$sort":
		return (*instrumenter).sort
	case "$fromNow":
		return (*instrumenter).fromNow
	case "$json":
		return unary(key, hookJSON)
	case "$merge":
		return unary(key, hookMerge)
	case "$mergeDeep":
		return unary(key, hookMergeDeep)
	case "$flatten":
		return unary(key, hookFlatten)
	case "$flattenDeep":
		return unary(key, hookFlattenDeep)
	case "$reverse":
		return unary(key, hookReverse)
	}
	return nil
}

// only refuses properties that an operator doesn't have.
func only(t map[string]any, allowed ...string) error {
	for _, k := range sortedKeys(t) {
		known := false
		for _, a := range allowed {
			known = known || a == k
		}
		if !known {
			return fmt.Errorf("it has no property %s", brief(k))
		}
	}
	return nil
}

// unary instruments an operator that is a function of its one value.
func unary(operator, hook string) func(*instrumenter, map[string]any) (any, error) {
	return func(in *instrumenter, t map[string]any) (any, error) {
		if err := only(t, operator); err != nil {
			return nil, err
		}
		if err := fresh(operator, t[operator]); err != nil {
			return nil, err
		}
		x, err := in.value(t[operator])
		return let(x, hook+"("+operand+")"), err
	}
}

// fresh refuses what might be a list of the context for the two operators that
// change their list in place in JavaScript.
func fresh(operator string, x any) error {
	if operator != "$reverse" && operator != "$mergeDeep" {
		return nil
	}
	if _, ok := x.([]any); ok {
		return nil
	}
	m, _ := x.(map[string]any)
	for _, k := range []string{"$map", "$sort", "$flatten", "$flattenDeep", "$match"} {
		if _, ok := m[k]; ok {
			return nil
		}
	}
	return errors.New("it changes its list in place in the services; give it a list that is written out, or made by $map, $sort or $flatten")
}

func (in *instrumenter) eval(t map[string]any) (any, error) {
	if err := only(t, "$eval"); err != nil {
		return nil, err
	}
	code, err := in.expression(t["$eval"])
	return eval(code), err
}

func (in *instrumenter) conditional(t map[string]any) (any, error) {
	if err := only(t, "$if", "then", "else"); err != nil {
		return nil, err
	}
	code, err := in.expression(t["$if"])
	if err != nil {
		return nil, err
	}
	out := map[string]any{"$if": code}
	for _, k := range []string{"then", "else"} {
		if v, ok := t[k]; ok {
			if out[k], err = in.value(v); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (in *instrumenter) choose(t map[string]any) (any, error) {
	if err := only(t, "$switch"); err != nil {
		return nil, err
	}
	cases, ok := t["$switch"].(map[string]any)
	if !ok {
		return nil, errors.New("it wants an object")
	}
	out := make(map[string]any, len(cases))
	for _, k := range sortedKeys(cases) {
		v, err := in.value(cases[k])
		if err != nil {
			return nil, err
		}
		if k == "$default" {
			if v == nil {
				v = eval("null") // the library takes null for none
			}
			out[k] = v
			continue
		}
		code, err := in.expression(k)
		if err != nil {
			return nil, err
		}
		out[code] = v
	}
	return map[string]any{"$switch": out}, nil
}

// match becomes a list of conditions in JavaScript's order of keys.
func (in *instrumenter) match(t map[string]any) (any, error) {
	if err := only(t, "$match"); err != nil {
		return nil, err
	}
	cases, ok := t["$match"].(map[string]any)
	if !ok {
		return nil, errors.New("it wants an object")
	}
	list := []any{}
	for _, k := range sortedKeys(cases) {
		code, err := in.expression(k)
		if err != nil {
			return nil, err
		}
		v, err := in.value(cases[k])
		if err != nil {
			return nil, err
		}
		// A value that deletes itself leaves {} in JavaScript: the hook lacks
		// its argument then, which is an error.
		list = append(list, map[string]any{"$if": code, "then": let(v, operand)})
	}
	return list, nil
}

func (in *instrumenter) let(t map[string]any) (any, error) {
	if err := only(t, "$let", "in"); err != nil {
		return nil, err
	}
	variables, ok := t["$let"].(map[string]any)
	if !ok {
		return nil, errors.New("it wants an object")
	}
	if t["in"] == nil {
		return nil, errors.New("it wants an in clause that is not null")
	}
	x, err := in.value(variables)
	if err != nil {
		return nil, err
	}
	body, err := in.value(t["in"])
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"$let": map[string]any{argument: x},
		"in":   map[string]any{"$let": eval(hookBind + "(" + operand + ")"), "in": body},
	}, nil
}

func (in *instrumenter) fromNow(t map[string]any) (any, error) {
	if err := only(t, "$fromNow", "from"); err != nil {
		return nil, err
	}
	offset, err := in.value(t["$fromNow"])
	if err != nil {
		return nil, err
	}
	args, code := []any{offset}, hookFromNow+"(now, "+argument+"[0])"
	switch t["from"] {
	case nil, "", false, 0.0: // JavaScript takes these for none
	default:
		from, err := in.value(t["from"])
		if err != nil {
			return nil, err
		}
		args, code = append(args, from), hookFromNow+"("+argument+"[1], "+argument+"[0])"
	}
	return let(args, code), nil
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return lessUTF16(keys[i], keys[j]) })
	return keys
}

// brief shortens text of a template for a message.
func brief(s string) string {
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
