package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/internal/report/reporttest"
	"github.com/mozilla-releng/cot/trace"
)

const imageID = "IIIIIIIIIIIIIIIIIIIIIA"

// chained is a build whose image and fetch come from tasks of one decision task.
func chained() *trace.Report {
	r := good()
	image, fetch := r.Tasks[0], r.Tasks[0]
	image.TaskID, image.Name, image.Type, image.Findings = imageID, "docker-image-debian", "docker-image", nil
	fetch.TaskID, fetch.Name, fetch.Findings = "FFFFFFFFFFFFFFFFFFFFFA", "fetch-sources", nil
	fetch.Inputs = []trace.Input{{TaskID: imageID, RunID: ptr(0), Reason: "docker-image"}}
	r.Tasks[0].Inputs = []trace.Input{
		{TaskID: imageID, RunID: ptr(0), Reason: "chain-of-trust-input"},
		{TaskID: imageID, RunID: ptr(0), Reason: "docker-image", Artifact: "public/image.tar.zst"},
		{TaskID: fetch.TaskID, Reason: "fetch"},
	}
	r.Tasks, r.Artifacts = append(r.Tasks, image, fetch), nil
	r.Summary = trace.Summary{Tasks: 4, Verified: 4, Findings: 1}
	return r
}

// failing is chained with an image that its parent's graph has otherwise, and
// two inputs that rest on it.
func failing() *trace.Report {
	r := chained()
	r.Verdict = trace.Untrusted
	for _, i := range []int{0, 2, 3} {
		r.Tasks[i].Verdict = trace.Untrusted
	}
	r.Tasks[2].Findings = []trace.Finding{
		{
			Rule: "differs-from-task-graph", Severity: trace.SeverityError, Path: "/payload/command",
			Message: "the definition differs from its entry", Want: []any{"run", "build"}, Got: []any{"run", "evil\x1b[2J", "build"},
		},
		{
			Rule: "differs-from-task-graph", Severity: trace.SeverityError, Path: "/payload/env/X",
			Message: "the definition differs from its entry", Got: "1",
		},
		{Rule: "evidence-unavailable", Severity: trace.SeverityError, Message: "pushlog: server error", Heals: true, Hint: "try again later"},
		{Rule: "untrusted-contribution", Severity: trace.SeverityWarning, Message: "a try push", Accepted: "--accept-untrusted-tree"},
	}
	return r
}

func explained(t *testing.T, r *trace.Report, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Explain(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExplainGolden(t *testing.T) {
	for name, make := range map[string]func() *trace.Report{"explained-verified": chained, "explained-untrusted": failing} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".txt", []byte(explained(t, make(), TextOptions{})))
		})
	}
	var b bytes.Buffer
	if err := ExplainJSON(&b, failing()); err != nil {
		t.Fatal(err)
	}
	reporttest.Valid(t, b.Bytes())
	golden(t, "explained-untrusted.json", b.Bytes())
}

// The first lines are those of the plain command.
func TestExplainBeginsAsThePlainText(t *testing.T) {
	for name, make := range reports {
		if !make().Verdict.OK() {
			var plain bytes.Buffer
			if err := Text(&plain, make(), TextOptions{}); err != nil {
				t.Fatal(err)
			}
			want := strings.Join(strings.SplitAfterN(plain.String(), "\n", 3)[:2], "")
			if got := explained(t, make(), TextOptions{}); !strings.HasPrefix(got, want) {
				t.Errorf("%s: want\n%sfound\n%s", name, want, got)
			}
		}
	}
}

func TestEveryTaskIsExplainedOnce(t *testing.T) {
	text := explained(t, chained(), TextOptions{})
	for _, task := range chained().Tasks {
		if n := strings.Count(text, "✓ "+task.Name+"  "+task.TaskID); n != 1 {
			t.Errorf("%s stands there %d times", task.Name, n)
		}
	}
	if !strings.Contains(text, "  also rests on Gecko Decision Task, docker-image-debian\n") {
		t.Errorf("the second use of the image is not referred to:\n%s", text)
	}
	verbose := explained(t, chained(), TextOptions{Verbose: true})
	if want := "also rests on Gecko Decision Task " + decisionID + "/1 (created by, above), docker-image-debian " + imageID + "/0 (docker-image, above)\n"; !strings.Contains(verbose, want) {
		t.Errorf("not said in full: %s\n%s", want, verbose)
	}
	r := chained()
	r.Tasks[1].Name = r.Tasks[2].Name // which of the two is it?
	if text := explained(t, r, TextOptions{}); !strings.Contains(text, "also rests on docker-image-debian "+decisionID+"/1, docker-image-debian "+imageID+"/0\n") {
		t.Errorf("two tasks of one name are not told apart:\n%s", text)
	}
}

// The tree stands at each task unless all are of the one at the top.
func TestTreesAreExplainedWhereTheyDiffer(t *testing.T) {
	other := chained()
	other.Tasks[3].Tree = &trace.Tree{Repository: "https://hg.mozilla.org/try", Revision: revision}
	lacking := chained()
	lacking.Tasks[3].Tree = nil
	for name, tt := range map[string]struct {
		report *trace.Report
		o      TextOptions
		trees  int
	}{
		"one": {chained(), TextOptions{}, 0}, "one, verbose": {chained(), TextOptions{Verbose: true}, 4},
		"two": {other, TextOptions{}, 4}, "none of one task": {lacking, TextOptions{}, 3},
	} {
		text := explained(t, tt.report, tt.o)
		if n := strings.Count(text, "; from hg.mozilla.org/"); n != tt.trees || !strings.Contains(text, "\n  made from https://hg.mozilla.org/mozilla-central at "+revision+"\n") {
			t.Errorf("%s: %d tasks have their tree, want %d:\n%s", name, n, tt.trees, text)
		}
	}
}

// What nothing leads to is shown all the same: a task group's own task.
func TestTasksWithoutAnEdgeAreExplained(t *testing.T) {
	r := chained()
	r.Tasks[0].Inputs = nil
	text := explained(t, r, TextOptions{})
	for _, name := range []string{"besides: ✓ docker-image-debian", "besides: ✓ fetch-sources"} {
		if !strings.Contains(text, name) {
			t.Errorf("no %q in\n%s", name, text)
		}
	}
}

// many is a target with n inputs, of which the last does not hold.
func many(n int) *trace.Report {
	r := chained()
	input := r.Tasks[2]
	r.Tasks, r.Tasks[0].Inputs = r.Tasks[:2], nil
	for i := range n {
		input.TaskID, input.Name = fmt.Sprintf("N%021d", i), fmt.Sprint("input-", i)
		r.Tasks = append(r.Tasks, input)
		r.Tasks[0].Inputs = append(r.Tasks[0].Inputs, trace.Input{TaskID: input.TaskID, RunID: ptr(0), Reason: "fetch"})
	}
	last := &r.Tasks[len(r.Tasks)-1]
	r.Verdict, last.Verdict = trace.Untrusted, trace.Untrusted
	last.Findings = []trace.Finding{{Rule: "cot-missing", Severity: trace.SeverityError, Message: "no document"}}
	return r
}

func TestLongChainsAreCutToWhatMatters(t *testing.T) {
	text := explained(t, many(10_000), TextOptions{})
	if n := strings.Count(text, "\n"); n > 60 {
		t.Errorf("%d lines", n)
	}
	for _, want := range []string{"✗ input-9999", "✗ cot-missing", "further tasks, all of which hold (-v shows them)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if n := strings.Count(explained(t, many(10_000), TextOptions{Verbose: true}), "\n"); n < 20_000 {
		t.Errorf("verbose: %d lines", n)
	}
}

func TestManyFailuresAreCut(t *testing.T) {
	r := many(3000)
	for i := range r.Tasks {
		r.Tasks[i].Verdict = trace.Untrusted
		for j := range 50 {
			r.Tasks[i].Findings = append(r.Tasks[i].Findings, trace.Finding{
				Rule: trace.Rule(fmt.Sprint("rule-", j%9)), Severity: trace.SeverityError, Message: fmt.Sprint("message ", j),
			})
		}
	}
	text := explained(t, r, TextOptions{})
	if n := strings.Count(text, "\n"); n > 300 {
		t.Errorf("%d lines", n)
	}
	for _, want := range []string{"further findings (-v shows them)", "don't hold (-v shows them)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestExplainIsDeterministic(t *testing.T) {
	first := explained(t, failing(), TextOptions{Verbose: true})
	for range 20 {
		if again := explained(t, failing(), TextOptions{Verbose: true}); again != first {
			t.Fatal(again)
		}
	}
}

func TestExplainIsCleanAndColoursAreAskedFor(t *testing.T) {
	const hostile = "a\x1b[2J\x07\u202e\nverified: all is well"
	r := failing()
	for i := range r.Tasks {
		r.Tasks[i].Name, r.Tasks[i].WorkerPool, r.Tasks[i].Type, r.Tasks[i].Signer = hostile, hostile, hostile, &trace.Signer{Method: hostile, Identity: hostile, KeyID: hostile}
		r.Tasks[i].Tree = &trace.Tree{Repository: "https://" + hostile, Revision: hostile}
		for j := range r.Tasks[i].Inputs {
			r.Tasks[i].Inputs[j].Reason = hostile
		}
		r.Tasks[i].Findings = append(r.Tasks[i].Findings, trace.Finding{
			Rule: hostile, Severity: trace.SeverityError, Message: hostile, Path: hostile, Want: hostile, Got: hostile + "x", Hint: hostile, Accepted: "",
		})
	}
	text := explained(t, r, TextOptions{Verbose: true})
	if i := strings.IndexAny(text, "\x1b\x07\u202e"); i >= 0 {
		t.Errorf("%q", text[i:min(len(text), i+20)])
	}
	if strings.Contains(text, "\nverified: all is well") {
		t.Error("foreign text can begin a line")
	}
	if !strings.Contains(explained(t, failing(), TextOptions{Color: true}), red) {
		t.Error("no colour where it is asked for")
	}
}

// A report that was never concluded, or has no task, is no success either.
func TestExplainOfNothing(t *testing.T) {
	if text := explained(t, &trace.Report{}, TextOptions{}); !strings.HasPrefix(text, "not checked: ") {
		t.Error(text)
	}
	if text := explained(t, nothing(), TextOptions{}); !strings.HasPrefix(text, "verified: no task") {
		t.Error(text)
	}
}

// What a whole graph only lists is not said to be untrusted.
func TestExplainOfListedTasks(t *testing.T) {
	r := crowd(60)
	r.Tasks[3].Listed, r.Tasks[3].Verdict, r.Tasks[3].Status = true, trace.Untrusted, "failed"
	text := explained(t, r, TextOptions{Verbose: true})
	if !strings.Contains(text, "– build-3  "+r.Tasks[3].TaskID+"/0  listed") || strings.Contains(text, "✗") {
		t.Errorf("the text is:\n%s", text)
	}
	r.Tasks[3].Listed = false
	if text := explained(t, r, TextOptions{Verbose: true}); !strings.Contains(text, "✗ build-3  ") {
		t.Errorf("the text is:\n%s", text)
	}
}
