// Package render turns a .taskcluster.yml and the context of an event into
// task definitions, as Taskcluster's services do: YAML 1.2 and JSON-e.
//
// Templates come from a repository and are hostile until that repository is
// known to be trusted: input, nesting, aliases and output are bounded, and
// nothing is read from the clock or the environment.
package render

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// Bounds on a template.
const (
	MaxTemplateBytes = 4 << 20
	maxDepth         = 200
	maxNodes         = 200_000 // after aliases are expanded
	// maxText bounds a text: JSON-e parses expressions by recursion, and what
	// overflows the stack ends the process.
	maxText = 64 << 10
)

// YAML reads one document as js-yaml does: mappings have text keys, numbers
// are float64, "on" and "yes" are text, "<<" merges. What YAML versions read
// differently (octal-looking numbers, dates, other tags) is an error.
func YAML(data []byte) (any, error) {
	if len(data) > MaxTemplateBytes {
		return nil, fmt.Errorf("YAML of %d bytes is larger than the limit of %d", len(data), MaxTemplateBytes)
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc, yaml.WithV4Defaults()); err != nil {
		return nil, fmt.Errorf("malformed YAML: %w", err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, fmt.Errorf("malformed YAML: want one document")
	}
	c := converter{}
	return c.value(doc.Content[0], 0)
}

type converter struct{ nodes int }

func (c *converter) value(n *yaml.Node, depth int) (any, error) {
	c.nodes++
	if depth > maxDepth || c.nodes > maxNodes {
		return nil, fmt.Errorf("line %d: YAML is too deep or too large", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, e := range n.Content {
			v, err := c.value(e, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.ScalarNode:
		return scalar(n)
	}
	return nil, fmt.Errorf("line %d: unknown kind of YAML node", n.Line)
}

func (c *converter) mapping(n *yaml.Node, depth int) (any, error) {
	m := map[string]any{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: a mapping's key must be text", k.Line)
		}
		if k.ShortTag() == "!!merge" {
			merges = append(merges, v)
			continue
		}
		if _, dup := m[k.Value]; dup {
			return nil, fmt.Errorf("line %d: key %q stands twice", k.Line, k.Value)
		}
		val, err := c.value(v, depth+1)
		if err != nil {
			return nil, err
		}
		m[k.Value] = val
	}
	for _, from := range merges {
		if err := c.merge(m, from, depth+1); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// merge adds what m lacks; of several sources the first that has a key wins.
func (c *converter) merge(m map[string]any, from *yaml.Node, depth int) error {
	v, err := c.value(from, depth)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		src, ok := e.(map[string]any)
		if !ok {
			return fmt.Errorf("line %d: << wants a mapping", from.Line)
		}
		for k, v := range src {
			if _, have := m[k]; !have {
				m[k] = v
			}
		}
	}
	return nil
}

var (
	decimalInt = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	prefixInt  = regexp.MustCompile(`^0(x[0-9a-fA-F]+|o[0-7]+)$`)
	decimal    = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

func scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!str":
		return n.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		switch n.Value {
		case "true", "True", "TRUE":
			return true, nil
		case "false", "False", "FALSE":
			return false, nil
		}
		return n.Value, nil
	case "!!int":
		if prefixInt.MatchString(n.Value) {
			v, err := strconv.ParseUint(n.Value, 0, 53)
			return float64(v), err
		}
		if decimalInt.MatchString(n.Value) {
			return number(n)
		}
	case "!!float":
		if decimal.MatchString(n.Value) {
			return number(n)
		}
	}
	return nil, fmt.Errorf("line %d: %q is read differently by different YAML versions (%s); quote it", n.Line, n.Value, n.ShortTag())
}

func number(n *yaml.Node) (any, error) {
	f, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, fmt.Errorf("line %d: %q is out of range", n.Line, n.Value)
	}
	return f, nil
}
