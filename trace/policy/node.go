package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// MaxFileBytes bounds a policy file and every file that it names.
const MaxFileBytes = 1 << 20

// maxNodes and maxDepth bound what a file's values may grow to.
const (
	maxNodes = 200_000
	maxDepth = 50
)

type kind int

const (
	scalar kind = iota
	list
	mapping
)

// node is a YAML or JSON value with the line it stands on. Names of a mapping
// are strings and unique.
type node struct {
	file string
	line int
	kind kind

	tag   string // of a scalar: !!str, !!int, …
	value string // of a scalar
	items []*node
	pairs []pair
}

type pair struct{ key, value *node }

func (n *node) get(name string) *node {
	for _, p := range n.pairs {
		if p.key.value == name {
			return p.value
		}
	}
	return nil
}

// describe is what a message says was found.
func (n *node) describe() string {
	switch n.kind {
	case list:
		return "a list"
	case mapping:
		return "a map"
	}
	switch n.tag {
	case "!!str":
		return "the text " + quoted(n.value)
	case "!!null":
		return "nothing"
	case "!!bool":
		return n.value
	case "!!timestamp":
		return "the time " + quoted(n.value)
	}
	return "the number " + n.value
}

// reader turns one file's YAML or JSON into nodes.
type reader struct {
	file    string
	aliases bool // whether anchors and aliases are allowed
	budget  int
	open    map[*yaml.Node]bool
	problems
}

// read reads exactly one document of at most limit bytes.
func (r *reader) read(data []byte, limit int) *node {
	top := &node{file: r.file}
	switch {
	case len(data) > limit:
		r.say(top, "", fmt.Sprintf("%d bytes are more than the limit of %d", len(data), limit), "")
		return nil
	case !utf8.Valid(data):
		r.say(top, "", "not valid UTF-8", "")
		return nil
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		r.syntax(err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		r.say(top, "", "expected one YAML or JSON document", "")
		return nil
	}
	r.budget, r.open = maxNodes, map[*yaml.Node]bool{}
	n := r.convert(doc.Content[0], "", 0)
	if len(r.list) > 0 {
		return nil
	}
	return n
}

func (r *reader) syntax(err error) {
	at := &node{file: r.file}
	message := err.Error()
	var le *yaml.LoadError
	if errors.As(err, &le) {
		at.line, message = le.Mark.Line, le.Message
	}
	switch {
	case strings.Contains(message, "multiple"):
		message = "more than one document"
	case strings.Contains(message, "no documents"):
		message = "the file is empty"
	default:
		message = "malformed YAML: " + message
	}
	r.say(at, "", message, "")
}

func (r *reader) convert(y *yaml.Node, path string, depth int) *node {
	n := &node{file: r.file, line: y.Line}
	if r.budget--; r.budget < 0 {
		if r.budget == -1 {
			r.say(n, path, fmt.Sprintf("more than %d values", maxNodes), "")
		}
		return n
	}
	if depth > maxDepth {
		r.say(n, path, fmt.Sprintf("nested deeper than %d", maxDepth), "")
		return n
	}
	if y.Anchor != "" && !r.aliases {
		r.say(n, path, "anchor &"+y.Anchor, "anchors and aliases are not allowed here: write the value out")
	}
	switch y.Kind {
	case yaml.ScalarNode:
		r.scalar(n, y, path)
	case yaml.SequenceNode:
		n.kind = list
		r.tagged(n, y, path, "!!seq")
		for i, c := range y.Content {
			n.items = append(n.items, r.convert(c, fmt.Sprintf("%s[%d]", path, i), depth+1))
		}
	case yaml.MappingNode:
		n.kind = mapping
		r.tagged(n, y, path, "!!map")
		r.mapping(n, y, path, depth)
	case yaml.AliasNode:
		return r.alias(n, y, path, depth)
	default:
		r.say(n, path, "not a YAML value", "")
	}
	return n
}

func (r *reader) scalar(n *node, y *yaml.Node, path string) {
	n.tag, n.value = y.ShortTag(), y.Value
	switch n.tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
		if y.Style&yaml.TaggedStyle == 0 {
			return
		}
	case "!!merge":
		n.tag = "!!str"
		return
	}
	r.say(n, path, "tag "+y.Tag, "tags are not allowed: quote what is meant as text")
}

func (r *reader) tagged(n *node, y *yaml.Node, path, tag string) {
	if y.Style&yaml.TaggedStyle != 0 || y.ShortTag() != tag {
		r.say(n, path, "tag "+y.Tag, "tags are not allowed")
	}
}

func (r *reader) mapping(n *node, y *yaml.Node, path string, depth int) {
	seen := map[string]int{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := r.convert(y.Content[i], path, depth+1)
		at := join(path, k.value)
		switch {
		case k.kind != scalar || k.tag != "!!str":
			r.add(k, path, "a text as key", k.describe(), "quote it")
			continue
		case k.value == "<<" && y.Content[i].Style == 0:
			r.say(k, path, "merge key <<", "write the values out")
			continue
		case seen[k.value] > 0:
			r.say(k, at, "duplicate key", fmt.Sprintf("it stands on line %d already", seen[k.value]))
			continue
		}
		seen[k.value] = k.line
		n.pairs = append(n.pairs, pair{k, r.convert(y.Content[i+1], at, depth+1)})
	}
}

// alias gives the value that the alias names, converted anew, so that the
// budget counts it as often as it is used.
func (r *reader) alias(n *node, y *yaml.Node, path string, depth int) *node {
	switch {
	case !r.aliases:
		r.say(n, path, "alias *"+y.Value, "anchors and aliases are not allowed here: write the value out")
		return n
	case y.Alias == nil || r.open[y.Alias]:
		r.say(n, path, "alias *"+y.Value+" names itself", "")
		return n
	}
	r.open[y.Alias] = true
	defer delete(r.open, y.Alias)
	return r.convert(y.Alias, path, depth)
}

// join makes the path of a key.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
