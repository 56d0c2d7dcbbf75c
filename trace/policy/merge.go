package policy

import (
	"fmt"
	"slices"
	"strings"
)

// extend puts a policy over the built-in one that it extends: first the
// removed paths go, then maps merge key by key and all else replaces. It gives
// the base as a policy, nil where there is none, and the merged nodes.
func (b *builder) extend(top *node) (*Policy, *node) {
	f := fields{&b.problems, top, ""}
	if !f.isMapping() {
		return nil, top
	}
	extends, remove := top.get("extends"), top.get("remove")
	if extends == nil {
		if remove != nil {
			b.say(remove, "remove", "there is nothing to remove from", "it needs extends")
		}
		return nil, top
	}
	name := f.text("extends")
	if name == "" {
		return nil, top
	}
	text, ok := BuiltinText(name)
	if !ok {
		b.add(extends, "extends", "a built-in policy: "+strings.Join(Builtins(), ", "), quoted(name), didYouMean(name, Builtins()))
		return nil, top
	}
	// What names and dates the policy is its own, never the base's.
	b.apiVersion(f)
	f.need("name")
	b.source("extends "+name, text)
	base, err := Parse(name, text, nil)
	if err != nil {
		b.say(extends, "extends", err.Error(), "")
		return nil, top
	}
	r := &reader{file: name}
	under := r.read(text, MaxFileBytes)
	for i, path := range f.elements("remove") {
		at := fmt.Sprintf("remove[%d]", i)
		if s, ok := b.asText(path, at); ok {
			b.remove(under, path, at, s)
		}
	}
	return base, merge(under, without(top, "extends", "remove"))
}

// remove deletes the value at a dotted path, like products.xpi. Keys may have
// dots themselves, so every way to read the path is tried.
func (b *builder) remove(under, n *node, at, path string) {
	found := resolve(under, path)
	switch {
	case len(found) == 0:
		hint := ""
		if parent, last := deepest(under, path); parent != nil {
			hint = didYouMean(last, keysOf(parent))
		}
		b.add(n, at, "the path of a key of what is extended", quoted(path), hint)
	case len(found) > 1:
		b.say(n, at, quoted(path)+" can be read in more than one way", "")
	default:
		m := found[0].in
		m.pairs = slices.DeleteFunc(slices.Clone(m.pairs), func(p pair) bool { return p.key.value == found[0].key })
	}
}

// place is a key in a mapping.
type place struct {
	in  *node
	key string
}

func resolve(n *node, path string) []place {
	var out []place
	for _, p := range n.pairs {
		if p.key.value == path {
			out = append(out, place{n, path})
		} else if rest, ok := strings.CutPrefix(path, p.key.value+"."); ok {
			out = append(out, resolve(p.value, rest)...)
		}
	}
	return out
}

// deepest follows a path as far as it goes: the mapping, and what it lacks.
func deepest(n *node, path string) (*node, string) {
	for _, p := range n.pairs {
		if rest, ok := strings.CutPrefix(path, p.key.value+"."); ok && p.value.kind == mapping {
			return deepest(p.value, rest)
		}
	}
	return n, path
}

func keysOf(n *node) []string {
	out := make([]string, len(n.pairs))
	for i, p := range n.pairs {
		out[i] = p.key.value
	}
	return out
}

func without(n *node, keys ...string) *node {
	out := *n
	out.pairs = slices.DeleteFunc(slices.Clone(n.pairs), func(p pair) bool { return slices.Contains(keys, p.key.value) })
	return &out
}

func merge(under, over *node) *node {
	if under.kind != mapping || over.kind != mapping {
		return over
	}
	out := *over
	out.pairs = slices.Clone(over.pairs)
	for i, p := range out.pairs {
		if below := under.get(p.key.value); below != nil {
			out.pairs[i].value = merge(below, p.value)
		}
	}
	for _, p := range under.pairs {
		if over.get(p.key.value) == nil {
			out.pairs = append(out.pairs, p)
		}
	}
	return &out
}
