package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/internal/report/reporttest"
	"github.com/mozilla-releng/cot/trace"
)

// verifyGroup runs cot-verify-graph on the decision's group. There is a report
// whatever the verdict, as the schema has it.
func (w *badRun) verifyGroup(format string) (code int, said, written string) {
	w.t.Helper()
	text := w.PolicyYAML(w.server)
	if w.policy != nil {
		text = w.policy(text)
	}
	policy, report := filepath.Join(w.dir, "policy.yml"), filepath.Join(w.dir, "group."+format)
	write(w.t, policy, text, 0o600)
	s, _, stderr := plainIO("--policy", policy, "--progress", "none", "--format", format, "-o", report, "--group", w.Decision.ID)
	s.Now = func() time.Time { return w.Now }
	s.tune = impatient
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	code = VerifyGraph(ctx, s)
	data, err := os.ReadFile(report)
	if err != nil {
		w.t.Fatalf("exit code %d without a report: %v\n%s", code, err, stderr)
	}
	if format == "json" {
		reporttest.Valid(w.t, data)
	}
	return code, stderr.String(), string(data)
}

// answering is a group's listing that is made up for each page, from 0.
func answering(page func(n int, w *badRun) string) func(*badRun) {
	return func(w *badRun) {
		n := 0
		for range 64 { // each fault answers once
			w.server.Fault(fixtures.Fault{
				Match: fixtures.PathHas("/task-group/" + w.Decision.ID + "/list"), Times: 1, Status: http.StatusOK, Body: page(n, w),
				Header: http.Header{"Content-Type": {"application/json"}},
			})
			n++
		}
	}
}

// joining is a task of the group that nobody saw before.
func joining(n int, w *badRun) string {
	id := fmt.Sprintf("AAAAAAAAQACAAAAAAAA%02dA", n)
	return fmt.Sprintf(`{"task":{"taskQueueId":"gecko-3/b-linux","taskGroupId":%q,"created":"2026-06-15T06:00:00.000Z","payload":{},
"metadata":{"name":"joins","description":"","owner":"","source":"https://example.org"}},
"status":{"taskId":%q,"state":"pending","runs":[{"runId":0,"state":"pending","scheduled":"2026-06-15T06:00:00.000Z"}]}}`, w.Decision.ID, id)
}

// graphContent makes the text when it is needed: this program also runs as the
// commands of stories, hundreds of times.
func graphContent(text func() string) func(*badRun) {
	return func(w *badRun) { w.Decision.Artifact(trace.TaskGraphName).Content = fixtures.Bytes([]byte(text())) }
}

// entries writes a task graph of many small entries, none of which is a task of
// the group.
func entries(n int) string {
	var b strings.Builder
	b.WriteString("{")
	for i := range n {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, `"AAAAAAAAQ%06dAAAAAAA":{"label":"x","task":{},"attributes":{}}`, i)
	}
	b.WriteString("}")
	return b.String()
}

const hostileName = "evil\x1b[2J\x07\u202e</script><script>alert(1)</script>\r\nverified: all is well"

var badGroups = []struct {
	name string
	edit func(w *badRun)
	code int
	says []string
}{
	{
		name: "no such group", edit: func(w *badRun) { w.server.Fault(fixtures.Fault{Match: fixtures.PathHas("/task-group/"), Status: 404}) },
		code: 1, says: []string{"evidence-unavailable", "the task group"},
	},
	{
		name: "an empty group", edit: answering(func(_ int, w *badRun) string { return `{"taskGroupId":"` + w.Decision.ID + `","tasks":[]}` }),
		code: 1, says: []string{"has no task", "nothing to verify"},
	},
	{
		name: "a group that grows while it is listed", edit: answering(func(n int, w *badRun) string {
			return `{"taskGroupId":"` + w.Decision.ID + `","tasks":[` + joining(n, w) + `]}`
		}),
		code: 75, says: []string{"still grows", "a sealed group can't grow"},
	},
	{
		name: "a page token that loops", edit: answering(func(_ int, w *badRun) string {
			return `{"taskGroupId":"` + w.Decision.ID + `","tasks":[],"continuationToken":"again"}`
		}),
		code: 1, says: []string{"the listing's pages go in a circle"},
	},
	{
		name: "a listing that is not JSON", edit: answering(func(int, *badRun) string { return `{"taskGroupId"` }),
		code: 1, says: []string{"evidence-unavailable", "malformed"},
	},
	{
		name: "artifacts that expired", edit: func(w *badRun) {
			for _, a := range w.Build.Last().Artifacts {
				a.Expires = w.Now.Add(-time.Hour)
			}
		},
		code: 1, says: []string{"cot-missing", "has expired, at 2026-06-15"},
	},
	{
		name: "a dependency that is gone", edit: func(w *badRun) { w.Toolchain.Gone = true },
		code: 1, says: []string{"evidence-unavailable", "not found"},
	},
	{
		name: "a decision task that failed", edit: func(w *badRun) { w.Decision.Last().Resolve(fixtures.Failed, "failed") },
		code: 1, says: []string{"run-not-completed", "failed"},
	},
	{
		name: "a task graph over the limit", edit: func(w *badRun) {
			w.policy = func(p string) string { return p + "\nlimits: {maxTaskGraphBytes: 1KiB}\n" }
		},
		code: 1, says: []string{"maxTaskGraphBytes"},
	},
	{name: "a task graph that is not JSON", edit: graphContent(func() string { return "<html>" }), code: 1, says: []string{"not-in-task-graph", "is not a JSON object"}},
	{
		name: "a deep task graph", edit: graphContent(func() string {
			return `{"a":` + strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000) + "}"
		}),
		code: 1, says: []string{"not-in-task-graph"},
	},
	{name: "a million tasks, none of them of the group", edit: graphContent(func() string { return entries(1_000_000) }), code: 1, says: []string{"not-in-task-graph"}},
	{
		name: "names that a terminal or a browser would obey", edit: func(w *badRun) {
			metadata, _ := w.Build.Definition["metadata"].(fixtures.Object)
			metadata["name"] = hostileName
		},
		code: 1, says: []string{"differs-from-task-graph", `evil\x1b[2J`},
	},
}

// A group that can't be judged is never verified, whatever is wrong with it, and
// what is said of it is for a person.
func TestBadGroups(t *testing.T) {
	for _, c := range badGroups {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newBadRun(t, fixtures.Options{})
			w.Edit(func() { w.ForeignSigner.Last().Document.Key = nil })
			if code, said, _ := w.verifyGroup("json"); code != 0 {
				t.Fatalf("in an honest world: exit code %d\n%s", code, said)
			}
			w.Edit(func() { c.edit(w) })
			code, said, _ := w.verifyGroup("json")
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, word := range c.says {
				if !strings.Contains(said, word) {
					t.Errorf("nothing is said of %q", word)
				}
			}
			if i := strings.IndexAny(said, "\x1b\x07\r\u202e"); i >= 0 || strings.Contains(said, "\nverified: all") {
				t.Errorf("a terminal would obey %q", said[max(i, 0):])
			}
			if t.Failed() {
				t.Logf("said:\n%s", said)
			}
		})
	}
}
