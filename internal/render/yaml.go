package render

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Bounds on a document.
const (
	MaxTemplateBytes = 4 << 20
	maxDepth         = 200
	maxNodes         = 200_000  // after aliases are expanded
	maxTextBytes     = 16 << 20 // of all texts, after aliases are expanded
)

// YAML reads one document as js-yaml does, which the GitHub service uses:
// numbers are float64, "on" and "yes" are text, "<<" merges, a key is the text
// that JavaScript makes of it. Numbers that YAML versions read differently, a
// date and a tag are errors.
func YAML(data []byte) (any, error) {
	if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		data = append(bytes.Clone(data), '\n') // so does js-yaml, which a block scalar shows
	}
	return readYAML(data, converter{plain: jsScalar, key: jsKey})
}

// PyYAML reads one document as PyYAML's safe_load does (YAML 1.1: "on" and
// "yes" are true, 017 is 15, 1e3 is text). Keys must be text. What JSON has no
// word for (a date, a tag), a sexagesimal number and an integer that float64
// can't hold are errors.
func PyYAML(data []byte) (any, error) {
	if i := bytes.IndexByte(data, '\t'); i >= 0 {
		return nil, fmt.Errorf("line %d: a tab, which PyYAML never writes", 1+bytes.Count(data[:i], []byte("\n")))
	}
	return readYAML(data, converter{plain: pyScalar, key: pyKey, anchors: map[string]*yaml.Node{}})
}

// unprintable are the characters that no YAML has, and those that end a line
// in some.
var unprintable = regexp.MustCompile(`[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}\x{2028}\x{2029}\x{fffe}\x{ffff}]`)

func readYAML(data []byte, c converter) (any, error) {
	if len(data) > MaxTemplateBytes {
		return nil, fmt.Errorf("YAML of %d bytes is larger than the limit of %d", len(data), MaxTemplateBytes)
	}
	if loc := unprintable.FindIndex(data); loc != nil {
		return nil, fmt.Errorf("line %d: the character %q must be escaped in a quoted text",
			1+bytes.Count(data[:loc[0]], []byte("\n")), data[loc[0]:loc[1]])
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc, yaml.WithV4Defaults()); err != nil {
		return nil, fmt.Errorf("malformed YAML: %w", err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, fmt.Errorf("malformed YAML: want one document")
	}
	return c.value(doc.Content[0], 0)
}

// A converter makes values of nodes. The YAML library only parses: what a
// plain scalar stands for is decided here.
type converter struct {
	plain func(string) (any, error)
	key   func(v any, text string) (string, error)
	// anchors is set for PyYAML, which parses less than others: an anchor
	// stands once, as do <<, a question mark and a long key in some places.
	anchors map[string]*yaml.Node
	flow    int // how many [] and {} are open
	nodes   int
	bytes   int
}

func (c *converter) value(n *yaml.Node, depth int) (any, error) {
	c.nodes++
	c.bytes += len(n.Value)
	if depth > maxDepth || c.nodes > maxNodes || c.bytes > maxTextBytes {
		return nil, fmt.Errorf("line %d: YAML is too deep or too large", n.Line)
	}
	if c.anchors != nil && n.Anchor != "" && n.Kind != yaml.AliasNode {
		if first, ok := c.anchors[n.Anchor]; ok && first != n {
			return nil, fmt.Errorf("line %d: the anchor %s stands twice", n.Line, n.Anchor)
		}
		c.anchors[n.Anchor] = n
	}
	if n.Style&yaml.FlowStyle != 0 {
		c.flow++
		defer func() { c.flow-- }()
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		if err := tagged(n, "!!seq"); err != nil {
			return nil, err
		}
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
		if err := tagged(n, "!!map"); err != nil {
			return nil, err
		}
		return c.mapping(n, depth)
	case yaml.ScalarNode:
		return c.scalar(n)
	}
	return nil, fmt.Errorf("line %d: unknown kind of YAML node", n.Line)
}

// tagged refuses a tag that isn't the one that the node has anyway.
func tagged(n *yaml.Node, allowed string) error {
	if n.Tag == "!" || n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != allowed {
		return fmt.Errorf("line %d: the tag %s is not supported", n.Line, n.ShortTag())
	}
	return nil
}

func (c *converter) scalar(n *yaml.Node) (any, error) {
	if err := tagged(n, "!!str"); err != nil {
		return nil, err
	}
	if !plain(n) {
		return n.Value, nil
	}
	if c.anchors != nil && c.flow > 0 && strings.Contains(n.Value, "?") {
		return nil, fmt.Errorf("line %d: %q has a question mark, which PyYAML takes for a key's; quote it", n.Line, n.Value)
	}
	v, err := c.plain(n.Value)
	if err != nil {
		return nil, fmt.Errorf("line %d: %q %w; quote it if it is a text", n.Line, n.Value, err)
	}
	return v, nil
}

func plain(n *yaml.Node) bool {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	return n.Kind == yaml.ScalarNode && n.Style&quoted == 0
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
		if plain(k) && k.Value == "<<" {
			if merges = append(merges, v); len(merges) > 1 && c.anchors != nil {
				return nil, fmt.Errorf("line %d: << stands twice", k.Line)
			}
			continue
		}
		if plain(k) && k.Value == "" || c.anchors != nil && len(k.Value) > 1000 {
			return nil, fmt.Errorf("line %d: a key is empty or too long", k.Line)
		}
		kv, err := c.value(k, depth)
		if err != nil {
			return nil, err
		}
		name, err := c.key(kv, k.Value)
		if err != nil {
			return nil, fmt.Errorf("line %d: key %w", k.Line, err)
		}
		if _, dup := m[name]; dup {
			return nil, fmt.Errorf("line %d: key %q stands twice", k.Line, name)
		}
		val, err := c.value(v, depth+1)
		if err != nil {
			return nil, err
		}
		m[name] = val
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
	errAmbiguous = fmt.Errorf("is read differently by different YAML versions")
	errDate      = fmt.Errorf("is a date in YAML, which JSON has no word for")
	errRange     = fmt.Errorf("is a number out of range")
	errExact     = fmt.Errorf("is an integer that JavaScript would round")
)

var (
	// js-yaml's and PyYAML's own patterns agree on these.
	date      = regexp.MustCompile(`^[0-9]{4}-([0-9]{2}-[0-9]{2}|[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:?[0-9]{2})?))?)$`)
	anyNumber = regexp.MustCompile(`^[-+]?(0[bo][0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9_]+([eE][-+]?[0-9]+)?|\.(inf|Inf|INF|nan|NaN|NAN))$`)

	jsPrefixed = regexp.MustCompile(`^0(x[0-9a-fA-F]+|o[0-7]+)$`)
	jsDecimal  = regexp.MustCompile(`^(\.[0-9]+|[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

// jsScalar resolves a plain scalar as js-yaml 4 does. Only numbers whose
// syntax every version shares are numbers; "1e3" is one, as in JavaScript.
func jsScalar(s string) (any, error) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil, nil
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	switch {
	case date.MatchString(s):
		return nil, errDate
	case jsPrefixed.MatchString(s):
		v, err := strconv.ParseUint(s, 0, 53)
		if err != nil {
			return nil, errRange
		}
		return float64(v), nil
	case jsDecimal.MatchString(s):
		return finite(s)
	case anyNumber.MatchString(s):
		return nil, errAmbiguous
	}
	return s, nil
}

// jsKey is JavaScript's text for what a key stands for.
func jsKey(v any, text string) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case float64:
		return numberText(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case nil:
		return "null", nil
	}
	return "", fmt.Errorf("%q must be text", text)
}

func finite(s string) (any, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, errRange
	}
	return f, nil
}

var (
	pyInt         = regexp.MustCompile(`^[-+]?(0b[0-1_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)$`)
	pyFloat       = regexp.MustCompile(`^([-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?)$`)
	pyUnspeakable = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	pySexagesimal = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)
)

// pyScalar resolves a plain scalar by the patterns of PyYAML's resolver.
func pyScalar(s string) (any, error) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil, nil
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true, nil
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false, nil
	case "=", "<<":
		return nil, fmt.Errorf("has a tag of its own, which PyYAML refuses")
	}
	switch {
	case date.MatchString(s):
		return nil, errDate
	case pyInt.MatchString(s):
		return pyInteger(s)
	case pyFloat.MatchString(s):
		return finite(strings.ReplaceAll(s, "_", ""))
	case pyUnspeakable.MatchString(s):
		return nil, errRange
	case pySexagesimal.MatchString(s):
		return nil, fmt.Errorf("is a sexagesimal number to PyYAML")
	}
	return s, nil
}

func pyInteger(s string) (any, error) {
	digits := strings.ReplaceAll(s, "_", "")
	sign := strings.HasPrefix(digits, "-")
	i, err := strconv.ParseUint(strings.TrimLeft(digits, "+-"), 0, 64)
	if err != nil || i > 1<<53 {
		return nil, errExact
	}
	if sign {
		return -float64(i), nil
	}
	return float64(i), nil
}

func pyKey(v any, text string) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", fmt.Errorf("%q is not text to PyYAML; quote it", text)
}
