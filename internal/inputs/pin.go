package inputs

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// Pin is what an input's artifact was verified to be.
type Pin struct {
	Task   graph.TaskID
	SHA256 string // lower-case hex
}

// Pinned writes the mounts back, YAML as they were read or else JSON, with the
// sha256 of each artifact; pins belong to Inputs by position, those of
// what is no artifact are not looked at. Content found by namespace becomes content of the
// task it led to, because a worker can't check a digest otherwise. It also
// gives the tasks that must be among the task's dependencies for the worker to
// accept such mounts.
func (m *Mounts) Pinned(pins []Pin) (out []byte, dependencies []graph.TaskID, err error) {
	if len(pins) != len(m.Inputs) {
		return nil, nil, errors.New("pins don't belong to these mounts")
	}
	edits := map[int]map[string]string{}
	for i, in := range m.Inputs {
		if !in.IsArtifact() {
			continue // inline, or a URL that has its sha256
		}
		if !sha256Pattern.MatchString(pins[i].SHA256) {
			return nil, nil, in.errorf("the signed document has no sha256 for %s, so a worker can't check it", in.Names)
		}
		edit := map[string]string{"sha256": pins[i].SHA256}
		if m.byURL(i) {
			edits[m.at[i]] = edit
			continue
		}
		if in.Namespace != "" {
			edit["taskId"] = pins[i].Task.String()
		}
		edits[m.at[i]] = edit
		if !slices.Contains(dependencies, pins[i].Task) {
			dependencies = append(dependencies, pins[i].Task)
		}
	}
	items := m.pinnedItems(edits)
	if m.data != nil {
		out, err = m.pinnedYAML(items, edits)
	} else {
		out, err = pinnedJSON(items)
	}
	return out, dependencies, err
}

// byURL tells whether the content has a URL: workers fetch that without
// asking for a dependency.
func (m *Mounts) byURL(i int) bool {
	mount, _ := m.items[m.at[i]].(map[string]any)
	content, _ := mount["content"].(map[string]any)
	_, ok := content["url"]
	return ok
}

func (m *Mounts) pinnedItems(edits map[int]map[string]string) []any {
	items := slices.Clone(m.items)
	for i, edit := range edits {
		mount := cloneMap(items[i])
		content := cloneMap(mount["content"])
		if edit["taskId"] != "" {
			delete(content, "namespace")
		}
		for k, v := range edit {
			content[k] = v
		}
		mount["content"] = content
		items[i] = mount
	}
	return items
}

func pinnedJSON(items []any) ([]byte, error) {
	number := func(enc *jsontext.Encoder, n strictjson.Number) error { return enc.WriteValue(jsontext.Value(n)) }
	b, err := json.Marshal(items, json.Deterministic(true), jsontext.WithIndent("  "),
		json.WithMarshalers(json.MarshalToFunc(number)))
	return append(b, '\n'), err
}

func cloneMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	out := make(map[string]any, len(m)+2)
	for k, v := range m {
		out[k] = v
	}
	return out
}

// pinnedYAML edits the document, so that comments and order stay. What is
// shared by anchors and merges can defeat that, so the result is read again: it
// must mean items.
func (m *Mounts) pinnedYAML(items []any, edits map[int]map[string]string) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Load(m.data, &doc, yaml.WithV4Defaults()); err != nil {
		return nil, err
	}
	list := resolved(doc.Content[0])
	for i, edit := range edits {
		// What an alias shares with another mount must not change there.
		mount := *resolved(list.Content[i])
		mount.Anchor, mount.Content = "", slices.Clone(mount.Content)
		found := false
		for j := 0; j+1 < len(mount.Content); j += 2 {
			if mount.Content[j].Value == "content" {
				mount.Content[j+1] = pinnedContent(resolved(mount.Content[j+1]), edit)
				found = true
			}
		}
		if !found {
			return nil, fmt.Errorf("line %d: write this mount's content out, a merged one can't be pinned", mount.Line)
		}
		list.Content[i] = &mount
	}
	out, err := encodeYAML(&doc)
	if err != nil {
		return nil, err
	}
	if got, err := render.YAML(out); err != nil || !reflect.DeepEqual(got, any(items)) {
		return nil, errors.New("these mounts share parts by anchors and can't be pinned one by one: write the parts out")
	}
	return out, nil
}

func pinnedContent(n *yaml.Node, edit map[string]string) *yaml.Node {
	content := *n
	content.Anchor, content.Content = "", nil
	for j := 0; j+1 < len(n.Content); j += 2 {
		key, value := n.Content[j], n.Content[j+1]
		switch {
		case key.Value == "sha256":
			continue
		case key.Value == "namespace" && edit["taskId"] != "":
			key = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "taskId", HeadComment: key.HeadComment}
			value = scalarNode(edit["taskId"])
		}
		content.Content = append(content.Content, key, value)
	}
	content.Content = append(content.Content, scalarNode("sha256"), scalarNode(edit["sha256"]))
	return &content
}

// scalarNode is a text; the tag makes the encoder quote what would read as
// another type, as a digest of digits alone would.
func scalarNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func encodeYAML(doc *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	enc, err := yaml.NewDumper(&b, yaml.WithIndent(2))
	if err != nil {
		return nil, err
	}
	if err := enc.Dump(doc); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}
