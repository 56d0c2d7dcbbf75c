package inputs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// list reads a JSON array.
func list(source string, data []byte) ([]any, error) {
	v, err := strictjson.Parse(bytes.TrimSpace(data), MaxBytes)
	if err != nil {
		return nil, &Error{source, err}
	}
	return array(source, v)
}

// documentList reads a JSON or YAML array and says whether it was YAML.
func documentList(source string, data []byte) (items []any, isYAML bool, err error) {
	if len(data) > MaxBytes {
		return nil, false, &Error{source, fmt.Errorf("%d bytes are more than the limit of %d", len(data), MaxBytes)}
	}
	text := bytes.TrimSpace(data)
	isJSON := bytes.HasPrefix(text, []byte("[")) // or a YAML flow list, which begins alike
	if isJSON {
		if items, err = list(source, data); err == nil {
			return items, false, nil
		}
	}
	v, yamlErr := render.YAML(data)
	if yamlErr != nil {
		if isJSON && bytes.ContainsRune(text, '"') {
			return nil, false, errors.Join(err, &Error{source, yamlErr})
		}
		return nil, false, &Error{source, yamlErr}
	}
	items, err = array(source, v)
	return items, true, err
}

func array(source string, v any) ([]any, error) {
	items, ok := v.([]any)
	if !ok {
		return nil, &Error{source, fmt.Errorf("want a list, found %s", strictjson.Kind(v))}
	}
	return items, nil
}

// members takes typed members out of an object and keeps the first misfit.
type members struct {
	m    map[string]any
	used map[string]bool
	err  error
}

func object(v any) *members {
	m, ok := v.(map[string]any)
	r := &members{m: m, used: map[string]bool{}}
	if !ok {
		r.err = fmt.Errorf("want an object, found %s", strictjson.Kind(v))
	}
	return r
}

func (r *members) has(key string) bool {
	_, ok := r.m[key]
	return ok
}

func member[T any](r *members, key, kind string, required bool) (out T) {
	r.used[key] = true
	v, ok := r.m[key]
	if !ok {
		if required {
			r.fail("%q is missing", key)
		}
		return out
	}
	out, ok = v.(T)
	if !ok {
		r.fail("%q: want %s, found %s", key, kind, strictjson.Kind(v))
	}
	return out
}

func (r *members) text(key string) string     { return member[string](r, key, "a string", true) }
func (r *members) optional(key string) string { return member[string](r, key, "a string", false) }
func (r *members) flag(key string, missing bool) bool {
	if !r.has(key) {
		r.used[key] = true
		return missing
	}
	return member[bool](r, key, "true or false", true)
}

func (r *members) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// only refuses members that nothing asked for: what they would mean is unknown.
func (r *members) only() {
	var extra []string
	for k := range r.m {
		if !r.used[k] {
			extra = append(extra, fmt.Sprintf("%q", clip(k)))
		}
	}
	if len(extra) == 0 {
		return
	}
	sort.Strings(extra)
	known := make([]string, 0, len(r.used))
	for k := range r.used {
		known = append(known, k)
	}
	slices.Sort(known)
	r.fail("unknown key %s: want %s", strings.Join(extra, ", "), strings.Join(known, ", "))
}
