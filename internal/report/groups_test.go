package report

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
)

// crowd is a verified report of n builds of one decision task, every tenth of
// which takes its image from the same task.
func crowd(n int) *trace.Report {
	r := good()
	build, decision := r.Tasks[0], r.Tasks[1]
	build.Findings, r.Artifacts = nil, nil
	decision.Group, build.Group = decisionID, decisionID
	image := build
	image.TaskID, image.Name, image.Type = imageID, "docker-image-debian", "docker-image"
	r.Tasks, r.Target = []trace.Task{}, trace.Target{}
	for i := range n {
		b := build
		b.TaskID, b.Name = fmt.Sprintf("B%021d", i), fmt.Sprintf("build-%d", i)
		if i%10 == 0 {
			b.Inputs = []trace.Input{{TaskID: imageID, RunID: ptr(0), Reason: "docker-image", Pinned: true}}
		}
		r.Tasks = append(r.Tasks, b)
		r.Target.Tasks = append(r.Target.Tasks, b.TaskID)
	}
	r.Tasks = append(r.Tasks, image, decision)
	r.Summary = trace.Summary{Tasks: n + 2, Verified: n + 2}
	return r
}

// failed leaves a finding on a task of the report.
func failed(r *trace.Report, i int, f trace.Finding) *trace.Report {
	if f.Severity == "" {
		f.Severity = trace.SeverityError
	}
	f.Message = "this does not hold"
	r.Verdict, r.Tasks[i].Verdict = trace.Untrusted, trace.Untrusted
	r.Tasks[i].Findings = append(r.Tasks[i].Findings, f)
	return r
}

// derived is a finding whose cause is another.
func derived(t *testing.T) trace.Finding {
	t.Helper()
	_, f := (&trace.Report{Verdict: trace.Untrusted}).Verified(graph.RunRef{}, "x")
	if !f.Derived() {
		t.Fatal("this finding is meant to follow from another")
	}
	return *f
}

func TestOneBrokenDecisionTaskIsOneGroup(t *testing.T) {
	const n = 500
	r := crowd(n)
	if got := Groups(r); len(got) != 0 {
		t.Fatalf("a report that holds has groups: %+v", got)
	}
	for i := range n + 1 { // everything that the decision task made
		failed(r, i, derived(t))
	}
	failed(r, n+1, trace.Finding{Rule: "differs-from-tree", Path: "/payload/command/3"})
	got := Groups(r)
	if len(got) != 1 {
		t.Fatalf("%d groups, want 1: %+v", len(got), got)
	}
	g := got[0]
	if g.Rule != "differs-from-tree" || g.Path != "/payload/command" || g.Resting != n+1 || g.Findings != 1 || !reflect.DeepEqual(g.Tasks, []int{n + 1}) {
		t.Errorf("the group is %+v", g)
	}
	text := texted(t, r, TextOptions{})
	if n := strings.Count(text, "\n"); n > 15 {
		t.Errorf("the text has %d lines:\n%s", n, text)
	}
	for _, want := range []string{
		"untrusted: task " + decisionID + "/1 (Gecko Decision Task): differs-from-tree at /payload/command/3: ",
		"502 tasks: 502 untrusted",
		"by kind: 500 build, 1 decision, 1 docker-image",
		"differs-from-tree at /payload/command: task " + decisionID + "/1 (Gecko Decision Task); and 501 tasks rest on it\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
}

// What follows from something that the report has no finding on is not lost.
func TestDerivedFindingWithoutCauseStays(t *testing.T) {
	r := crowd(20)
	failed(r, 3, derived(t))
	if got := Groups(r); len(got) != 1 || !got[0].Derived || !reflect.DeepEqual(got[0].Tasks, []int{3}) {
		t.Errorf("groups: %+v", got)
	}
	failed(r, 20, trace.Finding{Rule: "docker-image-task"}) // task 3 takes nothing from it
	if got := Groups(r); len(got) != 2 {
		t.Errorf("a finding was folded into what its task does not rest on: %+v", got)
	}
	r.Tasks[3].Inputs = []trace.Input{{TaskID: imageID, RunID: ptr(0), Reason: "fetch"}}
	if got := Groups(r); len(got) != 1 || got[0].Resting != 3 { // tasks 0, 10 and 3
		t.Errorf("a finding was not folded into its cause: %+v", got)
	}
}

func TestGroupsAreByRulePlaceAndTask(t *testing.T) {
	r := crowd(40)
	for _, i := range []int{5, 6, 7, 8} {
		failed(r, i, trace.Finding{Rule: "signature-invalid"})
		failed(r, i, trace.Finding{Rule: "differs-from-task-graph", Path: fmt.Sprintf("/dependencies/%d", i)})
	}
	failed(r, 6, trace.Finding{Rule: "differs-from-task-graph", Path: "/payload/env/A"})
	failed(r, 40, trace.Finding{Rule: "signature-invalid"})
	failed(r, 9, trace.Finding{Rule: "evidence-unavailable", Heals: true})
	failed(r, 10, trace.Finding{Rule: "interactive", Severity: trace.SeverityWarning})
	r.Findings = []trace.Finding{{Rule: "product-mismatch", Severity: trace.SeverityError, Message: "of another product"}}
	got := Groups(r)
	type row struct {
		rule, path             string
		tasks, findings, rests int
	}
	var rows []row
	for _, g := range got {
		rows = append(rows, row{string(g.Rule), g.Path, len(g.Tasks), g.Findings, g.Resting})
	}
	want := []row{
		{"signature-invalid", "", 5, 5, 4}, // and the four that take the image
		{"differs-from-task-graph", "/dependencies/*", 4, 4, 0},
		{"differs-from-task-graph", "/payload/env", 1, 1, 0},
		{"product-mismatch", "", 0, 1, 0},
		{"evidence-unavailable", "", 1, 1, 0},
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("groups:\n%+v\nwant\n%+v", rows, want)
	}
	if refusal := Refusal(r); !strings.Contains(refusal, got[0].On+": "+string(got[0].Rule)) {
		t.Errorf("the first group is not that of the first line %q", refusal)
	}
	// Two decision tasks are two causes, two builds are one.
	r = crowd(3)
	r.Tasks[0].Type, r.Tasks[1].Type = "decision", "action"
	for i := range 3 {
		failed(r, i, trace.Finding{Rule: "cot-missing"})
	}
	failed(r, 3, trace.Finding{Rule: "cot-missing"})
	if got := Groups(r); len(got) != 3 {
		t.Errorf("%d groups, want one for each task that creates others and one for the rest: %+v", len(got), got)
	}
}

// Names in definitions can't make the list of groups longer.
func TestGroupsAreBounded(t *testing.T) {
	r := crowd(3 * maxGroups)
	for i := range 3 * maxGroups {
		failed(r, i, trace.Finding{Rule: "differs-from-task-graph", Path: fmt.Sprintf("/extra/%dx", i)})
	}
	got := Groups(r)
	if len(got) != maxGroups+1 {
		t.Fatalf("%d groups, want %d", len(got), maxGroups+1)
	}
	tasks := 0
	for _, g := range got {
		tasks += len(g.Tasks)
	}
	if tasks != 3*maxGroups {
		t.Errorf("the groups have %d tasks, want all %d", tasks, 3*maxGroups)
	}
	text := texted(t, r, TextOptions{})
	if n := strings.Count(text, "\n"); n > 35 {
		t.Errorf("the text has %d lines:\n%s", n, text)
	}
	if verbose := texted(t, r, TextOptions{Verbose: true}); strings.Count(verbose, "differs-from-task-graph at") < 3*maxGroups {
		t.Error("-v does not list every finding")
	}
}

func TestLargeGraphThatHolds(t *testing.T) {
	text := texted(t, crowd(5000), TextOptions{})
	if n := strings.Count(text, "\n"); n > 10 {
		t.Errorf("the text has %d lines:\n%s", n, text)
	}
	if want := "verified: 5002 tasks\n"; !strings.HasPrefix(text, want) || !strings.Contains(text, "5002 tasks: 5002 verified") {
		t.Errorf("the text is:\n%s", text)
	}
	if small := texted(t, crowd(3), TextOptions{}); !strings.Contains(small, "build-2") || strings.Contains(small, "by kind") {
		t.Errorf("a small graph's tasks are not listed:\n%s", small)
	}
}

func texted(t *testing.T, r *trace.Report, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What is only listed is not what a verdict is about.
func TestListedTasksAreNotClaimed(t *testing.T) {
	r := crowd(20)
	r.Target = trace.Target{Groups: []trace.Group{{ID: decisionID, Tasks: 22}}}
	if text := texted(t, r, TextOptions{}); !strings.HasPrefix(text, "verified: 22 tasks\n") || !strings.Contains(text, "task group "+decisionID+", 22 tasks\n") {
		t.Errorf("the text is:\n%s", text)
	}
	r.Tasks[3].Listed, r.Tasks[4].Listed = true, true
	if text := texted(t, r, TextOptions{}); !strings.HasPrefix(text, "verified: 20 tasks, and 2 only listed\n") {
		t.Errorf("the text is:\n%s", text)
	}
}

func TestRefusalWithoutTasksHasNoChain(t *testing.T) {
	r := refused()
	if text := texted(t, r, TextOptions{}); !strings.Contains(text, "chain:\n") {
		t.Errorf("the text is:\n%s", text)
	}
	r.Findings, r.Tasks = r.Tasks[0].Findings, nil
	if text := texted(t, r, TextOptions{}); strings.Contains(text, "chain:") {
		t.Errorf("the text is:\n%s", text)
	}
}

// Where a chain leads is found on each of its tasks, and is one cause.
func TestAnUnexpectedTreeIsOneGroup(t *testing.T) {
	const n = 20
	elsewhere := func(tree string) trace.Finding {
		return trace.Finding{Rule: trace.RuleTreeUnexpected, Message: "the chain leads elsewhere", Want: "a", Got: tree}
	}
	graph := func() *trace.Report { // as of a group: what creates tasks comes first
		r := crowd(n)
		slices.Reverse(r.Tasks)
		for i := range r.Tasks {
			failed(r, i, elsewhere("b"))
		}
		return r
	}
	r := graph()
	if got := Groups(r); len(got) != 1 || !reflect.DeepEqual(got[0].Tasks, []int{0}) || got[0].Resting != n+1 {
		t.Errorf("groups: %+v", got)
	}
	r.Tasks[3].Findings = nil
	failed(r, 3, elsewhere("c")) // not what is said of its parent
	if got := Groups(r); len(got) != 2 || !reflect.DeepEqual(got[1].Tasks, []int{3}) {
		t.Errorf("groups: %+v", got)
	}
	r = graph()
	slices.Reverse(r.Tasks) // a task is asked for: the first line is about it
	if got := Groups(r); len(got) != 2 || !reflect.DeepEqual(got[0].Tasks, []int{0}) || !reflect.DeepEqual(got[1].Tasks, []int{n + 1}) {
		t.Errorf("groups: %+v", got)
	}
	r = crowd(n)
	for i := range n + 2 { // a rule that is of each task itself
		failed(r, i, trace.Finding{Rule: "interactive", Message: "somebody can log in"})
	}
	if got := Groups(r); len(got) != 2 {
		t.Errorf("groups: %+v", got)
	}
}
