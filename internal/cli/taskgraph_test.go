package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mozilla-releng/cot/internal/render"
)

// documentedYAML is the block of docs/taskgraph.md with that number, from 0,
// below a heading.
func documentedYAML(t *testing.T, heading string, number int) any {
	t.Helper()
	page, err := os.ReadFile("../../docs/taskgraph.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(section, -1)
	if len(blocks) <= number {
		t.Fatalf("docs/taskgraph.md has %d blocks below %q", len(blocks), heading)
	}
	v, err := render.YAML([]byte(blocks[number][1]))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// documentedTask renders a definition of docs/taskgraph.md.
func documentedTask(t *testing.T, heading string, number int, values map[string]any) map[string]any {
	t.Helper()
	out, err := render.Render(context.Background(), documentedYAML(t, heading, number), render.Context(values))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(render.Plain(out))
	if err != nil {
		t.Fatal(err)
	}
	var task map[string]any
	if err := json.Unmarshal(data, &task); err != nil {
		t.Fatal(err)
	}
	return task
}

// documentedTasks are all definitions of the page.
var documentedTasks = []struct {
	heading string
	number  int
}{
	{"A preamble", 0},
	{"A mount", 0},
	{"A verification task per phase", 0},
	{"Shards and a merge", 0},
	{"Shards and a merge", 1},
	{"Verify once, rely often", 0},
}

// anyTasks are values for what the page's definitions name.
func anyTasks() map[string]any {
	values := map[string]any{"now": "2026-06-15T06:00:00.000Z", "shard": "1", "programSHA256": strings.Repeat("0", 64)}
	for i, name := range []string{"decision", "image", "build", "programs", "shard1", "shard2", "shard3", "shard4", "verify"} {
		values[name] = fmt.Sprintf("AAAAAAAAQACAAAAAAAAA%dA", i)
	}
	return values
}

// officialSchemas compiles Taskcluster's own schemas, which come with its client.
func officialSchemas(t *testing.T) func(name string, value any) error {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/taskcluster/taskcluster/v44").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "generated", "references.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files []struct {
		Filename string          `json:"filename"`
		Content  json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(data, &files); err != nil {
		t.Fatal(err)
	}
	const root = "https://schemas.test/"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft6)
	c.AssertFormat()
	for _, f := range files {
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(f.Content))
		if err != nil {
			t.Fatal(err)
		}
		if object, ok := schema.(map[string]any); ok {
			delete(object, "$schema") // Taskcluster's own, which restricts how schemas are written
			delete(object, "$id")
		}
		if err := c.AddResource(root+f.Filename, schema); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string, value any) error {
		schema, err := c.Compile(root + "schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
}

// payloadSchema is the schema of the worker that a payload is for.
func payloadSchema(task map[string]any) string {
	payload, _ := task["payload"].(map[string]any)
	if _, docker := payload["image"]; docker {
		return "docker-worker/v1/payload.json"
	}
	return "generic-worker/multiuser_posix.json"
}

// What the page shows can be created, and run by the workers.
func TestDocumentedTasksFitTheOfficialSchemas(t *testing.T) {
	validate := officialSchemas(t)
	for _, d := range documentedTasks {
		task := documentedTask(t, d.heading, d.number, anyTasks())
		if err := validate("queue/v1/create-task-request.json", task); err != nil {
			t.Errorf("%s: %v", d.heading, err)
		}
		payload := task["payload"].(map[string]any)
		if err := validate(payloadSchema(task), payload); err != nil {
			t.Errorf("%s: payload: %v", d.heading, err)
		}
		// The schemas do refuse what is no task.
		payload["features"] = "all"
		delete(task, "metadata")
		if validate("queue/v1/create-task-request.json", task) == nil || validate(payloadSchema(task), payload) == nil {
			t.Errorf("%s: a task without metadata, or a payload with other features, fits", d.heading)
		}
	}
}

// taskgraphTasks are what the real taskgraph makes of a tree with the page's
// kind, by label.
func taskgraphTasks(t *testing.T) map[string]generated {
	t.Helper()
	python, _ := pythonWith(t, "taskcluster-taskgraph with what it imports", "import taskgraph.generator")
	tree := t.TempDir()
	if err := os.CopyFS(filepath.Join(tree, "taskcluster"), os.DirFS("testdata/taskgraph")); err != nil {
		t.Fatal(err)
	}
	kind, err := json.Marshal(render.Plain(documentedYAML(t, "As a taskgraph kind", 0)))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(tree, "taskcluster", "kinds", "cot-verify")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "kind.yml"), string(kind), 0o644)
	run := func(program string, args ...string) []byte {
		var stderr bytes.Buffer
		cmd := exec.Command(program, args...)
		cmd.Dir, cmd.Stderr = tree, &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", program, err, &stderr)
		}
		return out
	}
	run("git", "init", "-q")
	run("git", "remote", "add", "origin", "https://hg.example.com/demo")
	run("git", "add", ".")
	run("git", "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x")
	var tasks map[string]generated
	if err := json.Unmarshal(run(python, "taskcluster/generate.py"), &tasks); err != nil {
		t.Fatal(err)
	}
	return tasks
}

type generated struct {
	TaskID string         `json:"taskId"`
	Task   map[string]any `json:"task"`
}

// The page's kind makes, with the real taskgraph, the shards and the merge that
// the page shows as definitions.
func TestDocumentedKind(t *testing.T) {
	validate := officialSchemas(t)
	tasks := taskgraphTasks(t)
	values := anyTasks()
	for _, n := range []string{"1", "2", "3", "4"} {
		values["shard"+n] = tasks["cot-verify-shard-"+n].TaskID
	}
	command := func(task map[string]any) string {
		list, _ := task["payload"].(map[string]any)["command"].([]any)
		return list[len(list)-1].(string)
	}
	want := map[string]string{"cot-verify-merge": command(documentedTask(t, "Shards and a merge", 1, values))}
	for _, n := range []string{"1", "2", "3", "4"} {
		values["shard"] = n
		want["cot-verify-shard-"+n] = command(documentedTask(t, "Shards and a merge", 0, values))
	}
	for label, want := range want {
		task := tasks[label].Task
		if task == nil {
			t.Errorf("taskgraph makes no %s: %d tasks", label, len(tasks))
			continue
		}
		if err := validate("queue/v1/create-task-request.json", task); err != nil {
			t.Errorf("%s: %v", label, err)
		}
		if err := validate("docker-worker/v1/payload.json", task["payload"]); err != nil {
			t.Errorf("%s: payload: %v", label, err)
		}
		if got := command(task); got != want {
			t.Errorf("%s runs\n%s\nwant\n%s", label, got, want)
		}
		if features := task["payload"].(map[string]any)["features"].(map[string]any); features["chainOfTrust"] != true {
			t.Errorf("%s: features %v", label, features)
		}
	}
}
