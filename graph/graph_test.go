package graph_test

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

const (
	idA = "AAAAAAAAQAAAAAAAAAAAAA"
	idB = "BBBBBBBBQBBBBBBBBBBBBA"
)

func TestParseIDs(t *testing.T) {
	for s, ok := range map[string]bool{
		idA: true, "a-_Z90AAQAAAAAAAAAAAAA": true, "": false, idA + "A": false, idA[1:]: false,
		"AAAAAAAAQAAAAAAAAAAA/A": false, "AAAAAAAAQAAAAAAAAAAA.A": false, idA + "\n": false,
	} {
		if _, err := graph.ParseTaskID(s); (err == nil) != ok {
			t.Errorf("ParseTaskID(%q): %v", s, err)
		}
	}
	for s, ok := range map[string]bool{"0": true, "12": true, "01": false, "-1": false, "+1": false, "": false, "1e3": false, "99999": false} {
		if _, err := graph.ParseRunID(s); (err == nil) != ok {
			t.Errorf("ParseRunID(%q): %v", s, err)
		}
	}
	for s, ok := range map[string]bool{"gecko-3/b-linux": true, "gecko-3": false, "a/b/c": false, "/b": false, "a/": false, "a /b": false} {
		if _, err := graph.ParseWorkerPool(s); (err == nil) != ok {
			t.Errorf("ParseWorkerPool(%q): %v", s, err)
		}
	}
}

func TestPoolPattern(t *testing.T) {
	pool := graph.WorkerPool{Provisioner: "gecko-3", WorkerType: "b-linux"}
	for s, want := range map[string]bool{
		"gecko-3/*": true, "gecko-*/b-*": true, "*/*": true, "gecko-3/b-linux": true,
		"gecko-1/*": false, "gecko-3/b": false, "ecko-3/*": false,
	} {
		p, err := graph.ParsePoolPattern(s)
		if err != nil || p.Match(pool) != want {
			t.Errorf("%q matches %s: %v, %v", s, pool, p.Match(pool), err)
		}
	}
	for _, s := range []string{"*", "a/b/c", "gecko-3/.*", ""} {
		if _, err := graph.ParsePoolPattern(s); err == nil {
			t.Errorf("%q is accepted as a pattern", s)
		}
	}
	if (graph.PoolPattern{}).Match(pool) {
		t.Error("the zero pattern matches")
	}
}

func definition(t *testing.T, extra string) *graph.Definition {
	t.Helper()
	d, err := graph.ParseDefinition([]byte(`{"provisionerId":"gecko-3","workerType":"b","created":"2026-01-01T00:00:00.000Z","metadata":{"name":"x"},"payload":{}` + extra + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDefinitionIsStrict(t *testing.T) {
	definition(t, "") // the accepted twin
	for name, extra := range map[string]string{
		"two payloads":        `,"payload":{}`,
		"queue ids disagree":  `,"taskQueueId":"gecko-3/other"`,
		"scopes is text":      `,"scopes":"a"`,
		"scope is a number":   `,"scopes":[1]`,
		"bad dependency":      `,"dependencies":["x"]`,
		"bad group":           `,"taskGroupId":"x"`,
		"bad time":            `,"deadline":"tomorrow"`,
		"tags not text":       `,"tags":{"a":1}`,
		"metadata not object": `,"extra":[]`,
	} {
		text := `{"provisionerId":"gecko-3","workerType":"b","created":"2026-01-01T00:00:00.000Z","metadata":{"name":"x"},"payload":{}` + extra + `}`
		if _, err := graph.ParseDefinition([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestStatusIsForTheTask(t *testing.T) {
	id, _ := graph.ParseTaskID(idA)
	good := `{"status":{"taskId":"` + idA + `","state":"completed","runs":[{"runId":0,"state":"completed","started":"2026-01-01T00:00:00Z","resolved":"2026-01-01T00:01:00Z"}]}}`
	if _, _, err := graph.ParseStatus(id, []byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"another task":            strings.Replace(good, idA, idB, 1),
		"run numbers with a gap":  strings.Replace(good, `"runId":0`, `"runId":1`, 1),
		"unknown state of a run":  strings.Replace(good, `"runId":0,"state":"completed"`, `"runId":0,"state":"done"`, 1),
		"completed, not resolved": strings.Replace(good, `,"resolved":"2026-01-01T00:01:00Z"`, ``, 1),
		"unknown state":           strings.Replace(good, `"state":"completed","runs"`, `"state":"fine","runs"`, 1),
		"no status":               `{}`,
	} {
		if _, _, err := graph.ParseStatus(id, []byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestInputs(t *testing.T) {
	root := "https://tc.example.org"
	d := definition(t, `,"extra":{"chainOfTrust":{"inputs":{"docker-image":"`+idA+`"}}}`)
	d.Payload["image"] = map[string]any{"type": "task-image", "taskId": idA, "path": "public/image.tar.zst"}
	d.Payload["env"] = map[string]any{"MOZ_FETCHES": `[{"task":"` + idB + `","artifact":"public/a","extract":false}]`, "CONTEXT_TASK_ID": idB, "CONTEXT_PATH": "public/c"}
	d.Payload["upstreamArtifacts"] = []any{map[string]any{"taskId": idB, "paths": []any{"public/u"}}}
	d.Payload["mounts"] = []any{
		map[string]any{"file": "f", "content": map[string]any{"taskId": idB, "artifact": "public/m", "sha256": strings.Repeat("a", 64)}},
		map[string]any{"file": "g", "content": map[string]any{"url": root + "/api/queue/v1/task/" + idB + "/runs/2/artifacts/public%2Frun-task"}},
		map[string]any{"file": "h", "content": map[string]any{"namespace": "gecko.v2.x", "artifact": "public/i"}},
		map[string]any{"file": "i", "content": map[string]any{"url": "https://elsewhere.example.org/x"}},
		map[string]any{"cacheName": "c", "directory": "d"},
		map[string]any{"file": "j", "content": map[string]any{"raw": "text"}},
		map[string]any{"cacheName": "k", "directory": "k", "format": "zip", "content": map[string]any{"base64": "UEsFBg=="}},
	}
	edges, problems := graph.Inputs(d, root)
	var got []string
	for _, e := range edges {
		s := string(e.Reason) + " " + e.Task.String() + e.Namespace + " " + e.Artifact
		if e.Run != nil {
			s += " run " + e.Run.String()
		}
		if e.SHA256 != nil {
			s += " pinned"
		}
		got = append(got, s)
	}
	want := []string{
		"chain-of-trust-input " + idA + " ", "upstream-artifact " + idB + " public/u", "docker-image " + idA + " public/image.tar.zst",
		"fetch " + idB + " public/a", "mount " + idB + " public/m pinned", "mount " + idB + " public/run-task run 2",
		"mount gecko.v2.x public/i", "image-context " + idB + " public/c",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || len(problems) != 0 {
		t.Errorf("edges:\n%s\nwant:\n%s\nproblems: %v", strings.Join(got, "\n"), strings.Join(want, "\n"), problems)
	}
}

// What can't be read may hide an input.
func TestInputsThatCannotBeRead(t *testing.T) {
	for name, payload := range map[string]map[string]any{
		"fetches not JSON":      {"env": map[string]any{"MOZ_FETCHES": "["}},
		"fetches not a list":    {"env": map[string]any{"MOZ_FETCHES": "{}"}},
		"fetches not text":      {"env": map[string]any{"MOZ_FETCHES": []any{}}},
		"fetch without task":    {"env": map[string]any{"MOZ_FETCHES": "[{}]"}},
		"mounts not a list":     {"mounts": map[string]any{}},
		"mount with bad sha256": {"mounts": []any{map[string]any{"content": map[string]any{"taskId": idA, "artifact": "a", "sha256": "00"}}}},
		"mount of nothing":      {"mounts": []any{map[string]any{"content": map[string]any{"artifact": "a"}}}},
		"mount of a number":     {"mounts": []any{map[string]any{"content": map[string]any{"taskId": 7, "artifact": "a"}}}},
		"upstream not a list":   {"upstreamArtifacts": "x"},
		"upstream without task": {"upstreamArtifacts": []any{map[string]any{"paths": []any{"a"}}}},
		"image without task":    {"image": map[string]any{"type": "task-image"}},
	} {
		d := definition(t, "")
		for k, v := range payload {
			d.Payload[k] = v
		}
		if _, problems := graph.Inputs(d, "https://tc.example.org"); len(problems) == 0 {
			t.Errorf("%s: no problem found", name)
		}
	}
}

// A URL that the deployment may serve as an artifact must be read as one.
func TestMountedURLs(t *testing.T) {
	const route = "/v1/task/" + idA + "/artifacts/public/a"
	for url, want := range map[string]struct{ edges, problems int }{
		"https://tc.example.org/api/queue" + route:                                       {1, 0},
		"https://tc.example.org:443/api/queue" + route:                                   {1, 0},
		"https://tc.example.org./api/queue" + route:                                      {1, 0},
		"https://tc.example.org/api/queue/v1/task/" + idA + "/runs/0/artifacts/public/a": {1, 0},
		// The queue takes 00 for 0, express any case and a slash too many.
		"https://tc.example.org/api/queue/v1/task/" + idA + "/runs/00/artifacts/public/a": {0, 1},
		"https://tc.example.org/API/queue" + route:                                        {0, 1},
		"https://tc.example.org//api/queue" + route:                                       {0, 1},
		"http://tc.example.org/api/queue" + route:                                         {0, 1},
		"https://tc.example.org/api/queue/v1/task/" + idA + "/artifact-content/public/a":  {0, 1},
		"https://elsewhere.example.org/api/queue" + route:                                 {0, 0},
		"https://tc.example.org.evil.org/api/queue" + route:                               {0, 0},
		"https://archive.example.org/x.tar.xz":                                            {0, 0},
	} {
		d := definition(t, "")
		d.Payload["mounts"] = []any{map[string]any{"file": "f", "content": map[string]any{"url": url}}}
		edges, problems := graph.Inputs(d, "https://tc.example.org")
		if len(edges) != want.edges || len(problems) != want.problems {
			t.Errorf("%s: %d edges, %d problems, want %d and %d", url, len(edges), len(problems), want.edges, want.problems)
		}
	}
}

func TestArtifactURL(t *testing.T) {
	root := "https://tc.example.org"
	for url, ok := range map[string]bool{
		root + "/api/queue/v1/task/" + idA + "/artifacts/public/a":                    true,
		root + "/api/queue/v1/task/" + idA + "/runs/0/artifacts/public%2Fa":           true,
		root + "/api/index/v1/task/gecko.v2.latest/artifacts/public/a":                true,
		"https://tc.example.org:443/api/queue/v1/task/" + idA + "/artifacts/public/a": true,
		"https://tc.example.org./api/queue/v1/task/" + idA + "/artifacts/public/a":    true,
		"https://tc.example.org:444/api/queue/v1/task/" + idA + "/artifacts/public/a": false,
		"https://TC.example.org/api/queue/v1/task/" + idA + "/artifacts/public/a":     true,
		root + "/api/queue/v1/task/" + idA + "/status":                                false,
		root + "/api/secrets/v1/task/" + idA + "/artifacts/public/a":                  false,
		root + ".evil.org/api/queue/v1/task/" + idA + "/artifacts/public/a":           false,
		"http://tc.example.org/api/queue/v1/task/" + idA + "/artifacts/public/a":      false,
		root + "/api/queue/v1/task/x/artifacts/public/a":                              false,
	} {
		if _, got := graph.ParseArtifactURL(root, url); got != ok {
			t.Errorf("%s: %v, want %v", url, got, ok)
		}
	}
}
