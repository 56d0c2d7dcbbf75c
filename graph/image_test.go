package graph_test

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

// Every form of the docker payload's schema is read, and its task is an input.
func TestImages(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for name, c := range map[string]struct {
		image  any
		kind   graph.ImageKind
		text   string
		pinned bool
		inputs int
	}{
		"none":               {nil, "", "", false, 0},
		"empty":              {"", "", "", false, 0},
		"a tag":              {"ubuntu:24.04", graph.ImagePrebuilt, "ubuntu:24.04", false, 0},
		"a digest":           {"ubuntu" + digest, graph.ImagePrebuilt, "ubuntu" + digest, true, 0},
		"a tag and a digest": {"ubuntu:24.04" + digest, graph.ImagePrebuilt, "ubuntu:24.04" + digest, true, 0},
		"a short digest":     {"ubuntu@sha256:aa", graph.ImagePrebuilt, "ubuntu@sha256:aa", false, 0},
		"named":              {map[string]any{"type": "docker-image", "name": "ubuntu:24.04"}, graph.ImagePrebuilt, "ubuntu:24.04", false, 0},
		"named by digest":    {map[string]any{"type": "docker-image", "name": "ubuntu" + digest}, graph.ImagePrebuilt, "ubuntu" + digest, true, 0},
		"a task's":           {map[string]any{"type": "task-image", "taskId": idA, "path": "public/i"}, graph.ImageOfTask, idA + ":public/i", false, 1},
		"indexed":            {map[string]any{"type": "indexed-image", "namespace": "a.b", "path": "public/i"}, graph.ImageIndexed, "index:a.b:public/i", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := definition(t, "")
			d.Payload["image"] = c.image
			i, err := graph.ImageOf(d)
			if err != nil || i.Kind != c.kind || i.String() != c.text || i.Pinned() != c.pinned {
				t.Errorf("%+v %q pinned %v, %v", i, i, i.Pinned(), err)
			}
			edges, problems := graph.Inputs(d, "https://tc.example.org")
			if len(edges) != c.inputs || len(problems) != 0 {
				t.Errorf("%d inputs, want %d; problems: %v", len(edges), c.inputs, problems)
			}
		})
	}
}

func TestImagesThatCannotBeRead(t *testing.T) {
	task := func(edit func(m map[string]any)) map[string]any {
		m := map[string]any{"type": "task-image", "taskId": idA, "path": "public/i"}
		edit(m)
		return m
	}
	for name, image := range map[string]any{
		"a number":             7,
		"no type":              task(func(m map[string]any) { delete(m, "type") }),
		"an unknown type":      task(func(m map[string]any) { m["type"] = "mystery" }),
		"no path":              task(func(m map[string]any) { delete(m, "path") }),
		"an empty path":        task(func(m map[string]any) { m["path"] = "" }),
		"a path that is a map": task(func(m map[string]any) { m["path"] = map[string]any{} }),
		"no task":              task(func(m map[string]any) { delete(m, "taskId") }),
		"a task that is none":  task(func(m map[string]any) { m["taskId"] = "mallory" }),
		"a task and an index":  task(func(m map[string]any) { m["namespace"] = "a.b" }),
		"a name without text":  map[string]any{"type": "docker-image", "name": nil},
	} {
		d := definition(t, "")
		d.Payload["image"] = image
		if i, err := graph.ImageOf(d); err == nil {
			t.Errorf("%s: read as %+v", name, i)
		}
		if _, problems := graph.Inputs(d, "https://tc.example.org"); len(problems) != 1 {
			t.Errorf("%s: problems %v, want one", name, problems)
		}
	}
	d := definition(t, "")
	d.Payload["image"] = task(func(map[string]any) {}) // the accepted twin
	if _, err := graph.ImageOf(d); err != nil {
		t.Error(err)
	}
}
