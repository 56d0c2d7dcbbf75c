package render

import "sort"

func stable(v any) any {
	list, ok := v.([]any)
	if !ok {
		failf("$sort wants a list, found %s", kind(v))
	}
	return sortBy(list, list)
}

func sortBy(list, keys []any) any {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
		switch keys[i].(type) {
		case string, float64:
		default:
			failf("$sort wants texts or numbers to sort by, found %s", kind(keys[i]))
		}
		if kind(keys[i]) != kind(keys[0]) {
			failf("$sort can't sort texts among numbers")
		}
	}
	sort.SliceStable(order, func(i, j int) bool {
		a, b := keys[order[i]], keys[order[j]]
		if x, ok := a.(float64); ok {
			y, _ := b.(float64)
			return x < y
		}
		return lessUTF16(text(a), text(b))
	})
	out := make([]any, len(list))
	for i, at := range order {
		out[i] = list[at]
	}
	return out
}

func merge(list []any) any { return merged(list...) }

func merged(list ...any) map[string]any {
	out := map[string]any{}
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			failf("$merge wants objects, found %s", kind(e))
		}
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func mergeDeep(list []any) any {
	var out any = map[string]any{}
	for _, e := range list {
		if _, ok := e.(map[string]any); !ok {
			failf("$mergeDeep wants objects, found %s", kind(e))
		}
		out = deeper(out, e)
	}
	return out
}

// deeper prefers r; lists are joined and objects merged. Nothing is changed in
// place.
func deeper(l, r any) any {
	switch l := l.(type) {
	case []any:
		if r, ok := r.([]any); ok {
			return append(append(make([]any, 0, len(l)+len(r)), l...), r...)
		}
	case map[string]any:
		r, ok := r.(map[string]any)
		if !ok {
			break
		}
		out := merged(l, r)
		for k, v := range r {
			if lv, both := l[k]; both {
				out[k] = deeper(lv, v)
			}
		}
		return out
	}
	return r
}

func flatten(list []any) any {
	out := []any{}
	for _, e := range list {
		if inner, ok := e.([]any); ok {
			out = append(out, inner...)
		} else {
			out = append(out, e)
		}
	}
	return out
}

func flattenDeep(list []any) any { return flattened(list) }

func flattened(list []any) []any {
	out := []any{}
	for _, e := range list {
		if inner, ok := e.([]any); ok {
			out = append(out, flattened(inner)...)
		} else {
			out = append(out, e)
		}
	}
	return out
}

func reverse(list []any) any {
	out := make([]any, len(list))
	for i, e := range list {
		out[len(list)-1-i] = e
	}
	return out
}
