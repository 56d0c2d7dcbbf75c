package inputs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/graph"
)

const mountsYAML = `# what the task needs
- file: image.tar  # unpacked by hand
  format: zst
  content:
    taskId: ` + taskA + `
    artifact: public/image.tar.zst
- cacheName: checkouts
  directory: build
- directory: toolchain
  format: tar.xz
  content: {namespace: gecko.v2.x.latest, artifact: public/t.tar.xz}
- file: run-task
  content:
    url: ` + root + `/api/queue/v1/task/` + taskB + `/artifacts/public%2Frun-task
- cacheName: preloaded
  directory: pre
  format: tar.gz
  content:
    url: ` + root + `/api/index/v1/task/project.x/artifacts/public/pre.tar.gz
- {file: note.txt, content: {raw: "on"}}
- {file: b64, content: {base64: aGVsbG8=}}
- file: pinned
  content: {url: "https://elsewhere.example/x?y", sha256: SHA}
- file: run
  content:
    url: ` + root + `/api/queue/v1/task/` + taskB + `/runs/2/artifacts/public/x
    sha256: SHA
`

func withSHA(s string) []byte { return []byte(strings.ReplaceAll(s, "SHA", sha)) }

func TestMounts(t *testing.T) {
	m, err := reader.Mounts("mounts", withSHA(mountsYAML))
	if err != nil {
		t.Fatal(err)
	}
	want := []Input{
		{Source: "mounts/0", Task: id(t, taskA), Names: Name("public/image.tar.zst"), Place: Place{"image.tar", Exact, Decompress, "zst"}},
		{Source: "mounts/2", Namespace: "gecko.v2.x.latest", Names: Name("public/t.tar.xz"), Place: Place{"toolchain", Tree, Extract, "tar.xz"}},
		{Source: "mounts/3", Task: id(t, taskB), Names: Name("public/run-task"), Place: Place{"run-task", Exact, Keep, ""}},
		{Source: "mounts/4", Namespace: "project.x", Names: Name("public/pre.tar.gz"), Place: Place{"pre", Tree, Extract, "tar.gz"}},
		{Source: "mounts/5", Literal: []byte("on"), Place: Place{"note.txt", Exact, Keep, ""}},
		{Source: "mounts/6", Literal: []byte("aGVsbG8="), Place: Place{"b64", Exact, Keep, ""}},
		{Source: "mounts/7", URL: "https://elsewhere.example/x?y", SHA256: sha, Place: Place{"pinned", Exact, Keep, ""}},
		{Source: "mounts/8", Task: id(t, taskB), Run: run(2), SHA256: sha, Names: Name("public/x"), Place: Place{"run", Exact, Keep, ""}},
	}
	if diff := cmp.Diff(want, m.Inputs, cmp.Comparer(samePattern), cmp.AllowUnexported(graph.TaskID{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMountsRefused(t *testing.T) {
	content := `{taskId: ` + taskA + `, artifact: public/a}`
	for in, want := range map[string]string{
		`{file: x}`:                    "want a list",
		`[{content: ` + content + `}]`: "want a mount",
		`[{file: x}]`:                  `"content" is missing`,
		`[{directory: x, content: ` + content + `}]`:                                                           `"format" is missing`,
		`[{cacheName: c, directory: d, content: ` + content + `}]`:                                             `"format" is missing`,
		`[{cacheName: c, directory: d, format: zip}]`:                                                          `"content" is missing`,
		`[{file: x, directory: y, format: zip, content: ` + content + `}]`:                                     `unknown key "file"`,
		`[{file: x, format: tar.gz, content: ` + content + `}]`:                                                `format "tar.gz"`,
		`[{directory: x, format: gz, content: ` + content + `}]`:                                               `format "gz"`,
		`[{file: ../x, content: ` + content + `}]`:                                                             "outside the destination",
		`[{file: /etc/passwd, content: ` + content + `}]`:                                                      "outside the destination",
		`[{file: ., content: ` + content + `}]`:                                                                "is a directory",
		`[{file: x, content: {}}]`:                                                                             `"namespace" and "artifact"`,
		`[{file: x, content: {taskId: ` + taskA + `}}]`:                                                        `"artifact" is missing`,
		`[{file: x, content: {taskId: ` + taskA + `, artifact: a, url: u}}]`:                                   `unknown key "url"`,
		`[{file: x, content: {taskId: ` + taskA + `, artifact: a, sha256: ABC}}]`:                              "64 lower-case hex digits",
		`[{file: x, content: {taskId: ` + taskA + `, artifact: a, sha256: ""}}]`:                               "64 lower-case hex digits",
		`[{file: x, content: {namespace: a, artifact: a, sha256: SHA}}]`:                                       `unknown key "sha256"`,
		`[{file: x, content: {namespace: a/../b, artifact: a}}]`:                                               "index path",
		`[{file: x, content: {base64: "*"}}]`:                                                                  "not base64",
		`[{file: x, content: {raw: "` + strings.Repeat("x", maxInline+1) + `"}}]`:                              "more than",
		`[{file: x, content: {url: "https://elsewhere.example/x"}}]`:                                           "or a sha256",
		`[{file: x, content: {url: "http://elsewhere.example/x", sha256: SHA}}]`:                               "want https",
		`[{file: x, content: {url: "https://u:p@elsewhere.example", sha256: SHA}}]`:                            "without user",
		`[{file: x, content: {url: "file:///etc/passwd", sha256: SHA}}]`:                                       "without user",
		`[{file: x, content: {url: "` + root + `/api/queue/v1/task/evil/artifacts/a"}}]`:                       "no artifact route",
		`[{file: x, content: {url: "` + root + `.evil.example/api/queue/v1/task/` + taskA + `/artifacts/a"}}]`: "or a sha256",
		`[{file: x, content: {url: "` + root + `/api/queue/v1/task/` + taskA + `/artifacts/%1b"}}]`:            "no artifact route",
		`[{file: x, content: {url: "` + root + `/api/queue/v1/task/` + taskA + `/artifact-content/a"}}]`:       "no artifact route",
		`[{file: x, content: {url: "` + root + `/api/queue/v1/task/` + taskA + `/artifacts/a?bewit=x"}}]`:      "no artifact route",
		`[{file: x, file: y, content: ` + content + `}]`:                                                       "twice",
		`[{"file": "x", "file": "y", "content": {"raw": ""}}]`:                                                 "duplicate",
	} {
		_, err := reader.Mounts("mounts", withSHA(in))
		wantError(t, err, want)
	}
}

func TestMountWithoutContentWantsNothing(t *testing.T) {
	m, err := reader.Mounts("mounts", []byte(`[{"cacheName": "c", "directory": "d"}]`))
	if err != nil || len(m.Inputs) != 0 {
		t.Errorf("%v, %v", m, err)
	}
}

func TestPinnedYAMLKeepsTheDocument(t *testing.T) {
	m, err := reader.Mounts("mounts", withSHA(mountsYAML))
	if err != nil {
		t.Fatal(err)
	}
	pins := make([]Pin, len(m.Inputs))
	for i := range pins {
		pins[i] = Pin{id(t, taskA), strings.Repeat("1", 64)} // digits alone: must stay text
	}
	pins[2].Task, pins[7].Task = id(t, taskB), id(t, taskB)
	out, deps, err := m.Pinned(pins)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]graph.TaskID{id(t, taskA)}, deps, cmp.AllowUnexported(graph.TaskID{})); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(out), "# what the task needs") || !strings.Contains(string(out), "# unpacked by hand") {
		t.Errorf("comments are lost:\n%s", out)
	}
	again, err := reader.Mounts("mounts", out)
	if err != nil {
		t.Fatalf("what is written can't be read: %v\n%s", err, out)
	}
	for i, in := range again.Inputs {
		want := m.Inputs[i]
		if want.IsArtifact() && (in.SHA256 != pins[i].SHA256) && want.Namespace == "" {
			t.Errorf("%s: sha256 %q", in.Source, in.SHA256)
		}
		if in.Place != want.Place || in.Names.String() != want.Names.String() {
			t.Errorf("%s changed: %v", in.Source, in)
		}
	}
	if again.Inputs[1].Task != id(t, taskA) || again.Inputs[1].Namespace != "" {
		t.Errorf("indexed content is not pinned to its task:\n%s", out)
	}
}

func TestPinnedJSON(t *testing.T) {
	m, err := reader.Mounts("mounts", []byte(`[{"file": "x", "content": {"namespace": "a.b", "artifact": "public/a"}}, {"cacheName": "c", "directory": "d"}]`))
	if err != nil {
		t.Fatal(err)
	}
	out, deps, err := m.Pinned([]Pin{{id(t, taskB), sha}})
	if err != nil {
		t.Fatal(err)
	}
	want := `[
  {
    "content": {
      "artifact": "public/a",
      "sha256": "` + sha + `",
      "taskId": "` + taskB + `"
    },
    "file": "x"
  },
  {
    "cacheName": "c",
    "directory": "d"
  }
]
`
	if diff := cmp.Diff(want, string(out)); diff != "" || len(deps) != 1 {
		t.Errorf("dependencies %v (-want +got):\n%s", deps, diff)
	}
}

func TestPinnedWithoutDigestIsRefused(t *testing.T) {
	m, err := reader.Mounts("mounts", []byte(`[{"file": "x", "content": {"taskId": "`+taskA+`", "artifact": "public/a"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Pinned([]Pin{{Task: id(t, taskA)}}); err == nil {
		t.Error("a mount is pinned to nothing")
	}
	if _, _, err := m.Pinned(nil); err == nil {
		t.Error("pins are missing")
	}
}

// Mounts that share content by an alias must not share a pin.
func TestPinnedAliases(t *testing.T) {
	m, err := reader.Mounts("mounts", []byte("- file: x\n  content: &c {namespace: a.b, artifact: public/a}\n- file: y\n  content: *c\n"))
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := m.Pinned([]Pin{{id(t, taskA), sha}, {id(t, taskB), sha}})
	if err != nil {
		t.Fatal(err)
	}
	again, err := reader.Mounts("mounts", out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if again.Inputs[0].Task != id(t, taskA) || again.Inputs[1].Task != id(t, taskB) {
		t.Errorf("pins are mixed up:\n%s", out)
	}
}

// However the deployment's URL is spelled, a sha256 beside it does not stand in
// for the chain of the task that made it.
func TestMountedArtifactWithSHA256(t *testing.T) {
	sum := strings.Repeat("0", 64)
	mount := func(url string) string {
		return `[{"file": "x", "content": {"url": "` + url + `", "sha256": "` + sum + `"}}]`
	}
	const route = "/v1/task/" + taskA + "/artifacts/public/a"
	for _, url := range []string{root + "/api/queue" + route, root + ":443/api/queue" + route, strings.ToUpper(root) + "/api/queue" + route} {
		m, err := (Reader{RootURL: root}).Mounts("mounts", []byte(mount(url)))
		if err != nil || m.Inputs[0].Task.String() != taskA || m.Inputs[0].URL != "" {
			t.Errorf("%s: %+v, %v", url, m, err)
		}
	}
	for _, url := range []string{root + "/API/queue" + route, "http" + strings.TrimPrefix(root, "https") + "/api/queue" + route} {
		if _, err := (Reader{RootURL: root}).Mounts("mounts", []byte(mount(url))); err == nil {
			t.Errorf("%s is taken by its sha256 alone", url)
		}
	}
}

// A merge brings the namespace back, or is left without what it names: such
// mounts are refused, not written half pinned.
func TestPinnedYAMLThatSharesPartsIsWholeOrRefused(t *testing.T) {
	for yaml, pinned := range map[string]bool{
		"- file: x\n  content: &c {namespace: a.b, artifact: public/a}\n- file: y\n  content: {<<: *c}\n":                       false,
		"- file: x\n  content: {<<: {namespace: a.b}, artifact: public/a}\n":                                                    false,
		"- &m\n  file: x\n  content: {namespace: a.b, artifact: public/a}\n- {<<: *m, file: y, content: {raw: ''}}\n":           false,
		"- file: x\n  content: {<<: {artifact: public/a}, namespace: a.b}\n":                                                    true,
		"- file: x\n  content: {namespace: a.b, artifact: public/a}\n- &m {file: y, content: {raw: ''}}\n- {<<: *m, file: z}\n": true,
	} {
		m, err := reader.Mounts("mounts", []byte(yaml))
		if err != nil {
			t.Fatalf("%s%v", yaml, err)
		}
		pins := make([]Pin, len(m.Inputs))
		for i := range pins {
			pins[i] = Pin{id(t, taskA), sha}
		}
		out, _, err := m.Pinned(pins)
		if (err == nil) != pinned {
			t.Errorf("%serror %v, written:\n%s", yaml, err, out)
		}
	}
}

func TestURLsInMessagesHaveNoSecrets(t *testing.T) {
	for _, url := range []string{
		"https://user:secret@example.org/x", "https://example.org/x?sig=secret", "http://example.org/x?sig=secret", "https://example.org/x#secret", "https://user:secret@%zz/",
	} {
		for _, pin := range []string{"", `, "sha256": "` + sha + `"`} {
			_, err := reader.Mounts("mounts", []byte(`[{"file": "x", "content": {"url": "`+url+`"`+pin+`}}]`))
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Error(err)
			}
		}
	}
	_, err := reader.Mounts("mounts", []byte(`[{"file": "x", "content": {"url": "https://example.org/x?sig=secret"}}]`))
	wantError(t, err, "https://example.org/x?...")
}
