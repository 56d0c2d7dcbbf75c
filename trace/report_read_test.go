package trace_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// smallReport is a part's report with one task.
const smallReport = `{
  "apiVersion": "cot/v1", "verdict": "verified", "scope": "tree", "evidence": "live", "at": null,
  "target": {"groups": [{"taskGroupId": "A_-AAAAAQAuAAAAAAAAAAA", "tasks": 1, "sealed": null}]},
  "rootUrl": "https://tc.example.com", "verifiedAt": "2026-11-23T12:00:00Z",
  "policy": {"name": "p", "sha256": "0000000000000000000000000000000000000000000000000000000000000000", "relaxed": []},
  "tasks": [{
    "taskId": "A_-AAAAAQAuAAAAAAAAAAA", "runId": 0, "name": "x", "type": "task", "verdict": "verified", "workerPool": "a/b", "status": "judged",
    "documentSha256": "0000000000000000000000000000000000000000000000000000000000000000",
    "findings": [{"rule": "task-claimed", "severity": "warning", "message": "x", "want": 1.50, "got": {"a": [null, 12345678901234567890]}}]
  }],
  "artifacts": [],
  "shard": {"k": 1, "n": 2, "list": "0000000000000000000000000000000000000000000000000000000000000000", "tasks": ["A_-AAAAAQAuAAAAAAAAAAA"],
    "links": [{"rests": [0], "derived": [0], "artifacts": [{"name": "public/x", "sha256": "0000000000000000000000000000000000000000000000000000000000000000"}]}]},
  "summary": {"tasks": 1, "verified": 1, "untrusted": 0, "undetermined": 0, "unsigned": 0, "unpinned": 0, "findings": 1}
}`

func TestMalformedReports(t *testing.T) {
	r, err := trace.ReadReport([]byte(smallReport))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Tasks[0].Findings[0].Derived() {
		t.Error("the finding is not a derived one any more")
	}
	r.Conclude() // it rests on itself
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil || !strings.Contains(b.String(), "12345678901234567890") || !strings.Contains(b.String(), "1.50") {
		t.Errorf("%v: %s", err, b.String())
	}
	first := func(o fixtures.Object) fixtures.Object { return o["tasks"].([]any)[0].(fixtures.Object) }
	link := func(o fixtures.Object) fixtures.Object {
		return object(o, "shard")["links"].([]any)[0].(fixtures.Object)
	}
	for name, change := range map[string]func(o fixtures.Object){
		"a task's id":            func(o fixtures.Object) { first(o)["taskId"] = "x" },
		"a task's parent":        func(o fixtures.Object) { first(o)["parent"] = "x" },
		"a task's group":         func(o fixtures.Object) { first(o)["group"] = "../x" },
		"a run":                  func(o fixtures.Object) { first(o)["runId"] = -1 },
		"a run that is too high": func(o fixtures.Object) { first(o)["runId"] = 1 << 16 },
		"a run in words":         func(o fixtures.Object) { first(o)["runId"] = "0" },
		"a status":               func(o fixtures.Object) { first(o)["status"] = "fine" },
		"a document's digest":    func(o fixtures.Object) { first(o)["documentSha256"] = strings.Repeat("G", 64) },
		"an input's task":        func(o fixtures.Object) { first(o)["inputs"] = []any{fixtures.Object{"taskId": "x"}} },
		"a rule":                 func(o fixtures.Object) { first(o)["findings"].([]any)[0].(fixtures.Object)["rule"] = "A rule" },
		"a severity":             func(o fixtures.Object) { first(o)["findings"].([]any)[0].(fixtures.Object)["severity"] = "" },
		"an accepted error": func(o fixtures.Object) {
			f := first(o)["findings"].([]any)[0].(fixtures.Object)
			f["severity"], f["accepted"], first(o)["verdict"], o["verdict"] = "error", "--x", "untrusted", "untrusted"
		},
		"an error of the request": func(o fixtures.Object) {
			o["findings"] = []any{fixtures.Object{"rule": "x", "severity": "error", "message": "x"}}
		},
		"an error of an artifact": func(o fixtures.Object) {
			o["artifacts"] = []any{fixtures.Object{"verdict": "verified", "findings": []any{fixtures.Object{"rule": "x", "severity": "error", "message": "x"}}}}
		},
		"the scope":            func(o fixtures.Object) { o["scope"] = "all" },
		"the evidence":         func(o fixtures.Object) { o["evidence"] = "" },
		"the policy's digest":  func(o fixtures.Object) { object(o, "policy")["sha256"] = "" },
		"the time":             func(o fixtures.Object) { delete(o, "verifiedAt") },
		"the part":             func(o fixtures.Object) { object(o, "shard")["k"] = 3 },
		"the listing's digest": func(o fixtures.Object) { object(o, "shard")["list"] = "x" },
		"a part's task":        func(o fixtures.Object) { object(o, "shard")["tasks"] = []any{"x"} },
		"a part's task twice": func(o fixtures.Object) {
			list := object(o, "shard")
			list["tasks"] = append(list["tasks"].([]any), list["tasks"].([]any)...)
		},
		"rests on nothing":       func(o fixtures.Object) { link(o)["rests"] = []any{1} },
		"rests before the first": func(o fixtures.Object) { link(o)["rests"] = []any{-1} },
		"follows from nothing":   func(o fixtures.Object) { link(o)["derived"] = []any{1} },
		"listed with an error": func(o fixtures.Object) {
			first(o)["listed"], first(o)["verdict"], o["verdict"] = true, "untrusted", "untrusted"
			first(o)["findings"].([]any)[0].(fixtures.Object)["severity"] = "error"
			delete(link(o), "artifacts")
		},
		"what was compared":        func(o fixtures.Object) { object(o, "shard")["compared"] = "none" },
		"what was followed":        func(o fixtures.Object) { object(o, "shard")["dependencies"] = "none" },
		"listed and good":          func(o fixtures.Object) { first(o)["listed"] = true },
		"an artifact's digest":     func(o fixtures.Object) { link(o)["artifacts"] = []any{fixtures.Object{"name": "public/x"}} },
		"an artifact's name":       func(o fixtures.Object) { link(o)["artifacts"].([]any)[0].(fixtures.Object)["name"] = "\n" },
		"artifacts of no document": func(o fixtures.Object) { delete(first(o), "documentSha256") },
		"a duplicate of nothing":   func(o fixtures.Object) { link(o)["duplicate"] = fixtures.Object{"of": "x", "run": "x", "most": 0} },
	} {
		if _, err := trace.ReadReport(edited(t, []byte(smallReport), change)); err == nil {
			t.Errorf("%s: read all the same", name)
		}
	}
	for name, text := range map[string]string{
		"a name twice":    strings.Replace(smallReport, `"scope": "tree",`, `"scope": "tree", "scope": "tree",`, 1),
		"something after": smallReport + "{}",
		"bad UTF-8":       strings.Replace(smallReport, `"name": "p"`, "\"name\": \"\xff\"", 1),
		"nothing":         "",
		"a list":          "[]",
		"null":            "null",
	} {
		if _, err := trace.ReadReport([]byte(text)); err == nil {
			t.Errorf("%s: read all the same", name)
		}
	}
}

// Whatever is read can be judged and written, and is read again.
func FuzzReadReport(f *testing.F) {
	f.Add([]byte(smallReport))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := trace.ReadReport(data)
		if err != nil {
			return
		}
		r.Conclude()
		var b bytes.Buffer
		if err := report.JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		if _, err := trace.ReadReport(b.Bytes()); err != nil && !strings.Contains(err.Error(), "listed") {
			t.Fatalf("%v: %s", err, b.String())
		}
	})
}
