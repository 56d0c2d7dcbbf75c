package render

import (
	"regexp"
	"strings"

	"github.com/json-e/json-e/v4"
)

// Names that only an instrumented template has.
const (
	prefix   = "cot__"
	argument = prefix + "a" // what a hook is called with
	operand  = prefix + "operand(" + argument + ")"
	entry    = prefix + "e" // a turn's variables

	hookAt          = prefix + "at"
	hookOperand     = prefix + "operand"
	hookValue       = prefix + "value"
	hookText        = prefix + "text"
	hookLeaf        = prefix + "leaf"
	hookOrdered     = prefix + "ordered"
	hookFunction    = prefix + "function"
	hookGet         = prefix + "get"
	hookIndex       = prefix + "index"
	hookSlice       = prefix + "slice"
	hookName        = prefix + "name"
	hookFromNow     = prefix + "fromNow"
	hookObject      = prefix + "object"
	hookBind        = prefix + "bind"
	hookEntries     = prefix + "entries"
	hookItems       = prefix + "items"
	hookNext        = prefix + "next"
	hookMapped      = prefix + "mapped"
	hookFound       = prefix + "found"
	hookSort        = prefix + "sort"
	hookSorted      = prefix + "sorted"
	hookJSON        = prefix + "json"
	hookMerge       = prefix + "merge"
	hookMergeDeep   = prefix + "mergeDeep"
	hookFlatten     = prefix + "flatten"
	hookFlattenDeep = prefix + "flattenDeep"
	hookReverse     = prefix + "reverse"
)

func reserved(name string) bool { return strings.HasPrefix(name, prefix) }

// bindable tells whether a template may give the name a value: not the hooks,
// and not the two functions that expressions call by name.
func bindable(name string) bool {
	return !reserved(name) && name != "fromNow" && name != "defined"
}

var variable = regexp.MustCompile(`^` + identifier + `$`)

// hooks are the functions that an instrumented template calls.
func (b *budget) hooks() map[string]any {
	hooks := map[string]any{}
	for name, f := range map[string]any{
		hookAt: b.at, hookOperand: b.operand, hookValue: b.evaluated, hookText: b.text, hookLeaf: b.leaf, hookOrdered: b.ordered,
		hookFunction: function, hookGet: b.get, hookIndex: b.index, hookSlice: b.slice, hookName: named, hookFromNow: fromNow,
		hookObject: object, hookBind: b.bind, hookEntries: b.entries, hookItems: b.items, hookNext: b.next,
		hookMapped: b.mapped, hookFound: b.found, hookSort: stable, hookSorted: b.sorted,
		hookJSON: b.json, hookMerge: merge, hookMergeDeep: mergeDeep, hookFlatten: flatten, hookFlattenDeep: flattenDeep, hookReverse: reverse,
	} {
		hooks[name] = jsone.WrapFunction(f)
	}
	return hooks
}

// at marks the expression that is evaluated from here on.
func (b *budget) at(i float64) any {
	b.spend(1, 0)
	b.current = int(i)
	return nil
}

func (b *budget) evaluated(_, v any) any {
	b.value(1, v)
	b.current = -1
	return v
}

// text is what an interpolation puts into a text of so many bytes with so many
// of them.
func (b *budget) text(_, v any, all, length float64) string {
	s := ""
	switch v := v.(type) {
	case nil:
	case string, float64, bool:
		s = text(v)
	default:
		failf("a list or an object can't be part of a text")
	}
	b.value(1, v)
	b.spend(1, int(all)*len(s)+int(length))
	b.current = -1
	return s
}

// operand is what an operator that became a hook is called with.
func (b *budget) operand(v any) any {
	b.lookAround(v)
	return v
}

// leaf charges a value as often as the operators around it may go over it.
func (b *budget) leaf(weight float64, v any) any {
	b.value(int(weight), v)
	return v
}

// ordered also refuses text that JavaScript orders otherwise.
func (b *budget) ordered(weight float64, v any) any {
	if s, ok := v.(string); ok && astral(s) {
		fail(errOrder)
	}
	return b.leaf(weight, v)
}

func (b *budget) get(base string, v any, names ...string) any {
	for _, n := range names {
		m, ok := v.(map[string]any)
		if !ok {
			failf("%s is %s, not an object: it has no property %s", orValue(base), kind(v), n)
		}
		base += "." + n
		if v, ok = m[n]; !ok {
			fail(&UndefinedError{Name: strings.TrimPrefix(base, ".")})
		}
	}
	b.value(1, v)
	return v
}

func orValue(base string) string {
	if base == "" {
		return "a value"
	}
	return base
}

// function is what is called.
func function(v any) any {
	if kind(v) != "function" {
		failf("%s is not a function", kind(v))
	}
	return v
}

// named is the argument of defined: hooks aren't.
func named(name string) string {
	if reserved(name) {
		failf("the name %s is reserved", brief(name))
	}
	return name
}

// object makes an object of members whose value was not deleted.
func object(members []any) any {
	out := make(map[string]any, len(members))
	for _, m := range members {
		member, _ := m.(map[string]any)
		v, ok := member["val"]
		if !ok {
			continue
		}
		key, _ := member["key"].(string)
		if _, twice := out[key]; twice {
			failf("two keys come out as %s", brief(key))
		}
		out[key] = v
	}
	return out
}

func (b *budget) bind(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		failf("$let wants an object, found %s", kind(v))
	}
	for _, k := range sortedKeys(m) {
		if !variable.MatchString(k) || !bindable(k) {
			failf("$let can't bind the name %s", brief(k))
		}
	}
	nodes, _, err := size(v)
	if err != nil {
		fail(err)
	}
	b.inContext += nodes
	b.lookAround(v)
	return v
}

// entries are the turns of a $map; an object's in any order.
func (b *budget) entries(v any, first, second string) any {
	m, ok := v.(map[string]any)
	if !ok {
		return b.items(v, first, second)
	}
	b.loops = append(b.loops, v)
	turns := make([]any, 0, len(m))
	for _, k := range sortedKeys(m) {
		if second == "" {
			turns = append(turns, map[string]any{first: map[string]any{"key": k, "val": m[k]}})
			continue
		}
		turn := map[string]any{first: m[k]}
		turn[second] = k
		turns = append(turns, turn)
	}
	return turns
}

// items are the turns of a loop over a list.
func (b *budget) items(v any, first, second string) any {
	list, ok := v.([]any)
	if !ok {
		failf("a loop wants a list, found %s", kind(v))
	}
	b.loops = append(b.loops, v)
	turns := make([]any, len(list))
	for i, e := range list {
		turn := map[string]any{first: e}
		if second != "" {
			turn[second] = float64(i)
		}
		turns[i] = turn
	}
	return turns
}

func (b *budget) next(turn any, nodes, bytes float64) any {
	b.spend(int(nodes)+1, int(bytes))
	b.lookAround(turn)
	return turn
}

// looped ends a loop and gives what it went over.
func (b *budget) looped() any {
	v := b.loops[len(b.loops)-1]
	b.loops = b.loops[:len(b.loops)-1]
	return v
}

func (b *budget) mapped(results []any) any {
	if _, isList := b.looped().([]any); isList {
		return results
	}
	out := map[string]any{}
	for _, r := range results {
		m, ok := r.(map[string]any)
		if !ok {
			failf("$map over an object wants objects from each turn, found %s", kind(r))
		}
		for k, v := range m {
			if _, twice := out[k]; twice {
				failf("$map over an object yields key %s twice: which one counts depends on the object's order", brief(k))
			}
			out[k] = v
		}
	}
	return out
}

// found is a list of the first element for which the result holds, or of none.
func (b *budget) found(results []any) any {
	list, _ := b.looped().([]any)
	for i, r := range results {
		if truthy(r) {
			return []any{list[i]}
		}
	}
	return []any{}
}

func (b *budget) sorted(keys []any) any {
	list, _ := b.looped().([]any)
	return sortBy(list, keys)
}

func (b *budget) json(v any) string {
	s, err := stringify(v)
	if err != nil {
		fail(err)
	}
	b.spend(1, len(s))
	return s
}
