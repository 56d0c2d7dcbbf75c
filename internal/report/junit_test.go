package report

import (
	"bytes"
	"encoding/xml"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mozilla-releng/cot/trace"
)

func junitOf(t *testing.T, r *trace.Report) junitSuites {
	t.Helper()
	var a, b bytes.Buffer
	if err := JUnit(&a, r); err != nil {
		t.Fatal(err)
	}
	if err := JUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same report is written in two ways")
	}
	if !utf8.Valid(a.Bytes()) {
		t.Error("not UTF-8")
	}
	fitsXSD(t, a.Bytes())
	var out junitSuites
	if err := xml.Unmarshal(a.Bytes(), &out); err != nil {
		t.Fatalf("%v\n%s", err, a.String())
	}
	var sum junitSuites
	for _, s := range out.Suites {
		again := junitSuite{}
		for _, c := range s.Cases {
			again.add(c)
		}
		if again.Tests != s.Tests || again.Failures != s.Failures || again.Errors != s.Errors || again.Skipped != s.Skipped {
			t.Errorf("suite %s miscounts its cases", s.Name)
		}
		sum.Tests, sum.Failures, sum.Errors = sum.Tests+s.Tests, sum.Failures+s.Failures, sum.Errors+s.Errors
	}
	if sum.Tests != out.Tests || sum.Failures != out.Failures || sum.Errors != out.Errors {
		t.Error("the suites are not counted right")
	}
	return out
}

// fitsXSD holds the text to the schema with libxml2, where that is at hand.
func fitsXSD(t *testing.T, text []byte) {
	t.Helper()
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("xmllint is missing: run .ci/deps")
		}
		t.Log("xmllint is missing: the schema was not applied")
		return
	}
	cmd := exec.CommandContext(t.Context(), xmllint, "--nonet", "--noout", "--schema", "testdata/junit.xsd", "-")
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, text)
	}
}

func TestJUnitHasACaseForEachTask(t *testing.T) {
	got := junitOf(t, good())
	if got.Tests != 3 || got.Failures+got.Errors != 0 || len(got.Suites) != 3 {
		t.Errorf("tests %d, failures %d, errors %d in %d suites", got.Tests, got.Failures, got.Errors, len(got.Suites))
	}
	c := got.Suites[0].Cases[0]
	if c.Name != "build-linux64/opt "+buildID+"/0" || c.Class != "build" || !strings.HasPrefix(c.Out, "warning input-unpinned at /payload/mounts/0") {
		t.Errorf("the build's case is %+v", c)
	}

	got = junitOf(t, refused())
	f := got.Suites[0].Cases[0].Failure
	if got.Failures != 1 || got.Errors != 0 || f == nil {
		t.Fatalf("an untrusted task is no failure: %+v", got)
	}
	if f.Type != "differs-from-task-graph" || f.Message != "the definition differs from its entry in the parent's task-graph.json" {
		t.Errorf("the failure is %+v", f)
	}
	for _, want := range []string{"at /payload/env/MOZ_X", "expected {\"a\":12345678901234567890}", "what to do: ", "HTTP 503"} {
		if !strings.Contains(f.Text, want) {
			t.Errorf("the failure lacks %q:\n%s", want, f.Text)
		}
	}
	if got := junitOf(t, undetermined()); got.Errors != 1 || got.Failures != 0 || got.Suites[0].Cases[0].Error == nil {
		t.Errorf("an undetermined task is no error: %+v", got)
	}
	if got := junitOf(t, accepting()); got.Errors+got.Failures != 0 || !strings.Contains(got.Suites[1].Cases[0].Out, "accepted by --accept-untrusted-tree") {
		t.Errorf("what was accepted is not told: %+v", got)
	}
}

func TestJUnitSkipsWhatIsListed(t *testing.T) {
	r := good()
	for status, skipped := range map[string]int{"judged": 0, "unsigned": 1, "failed": 1, "unfinished": 1} {
		r.Tasks[0].Status = status
		got := junitOf(t, r)
		if n := got.Suites[0].Skipped; n != skipped {
			t.Errorf("%s: %d skipped, want %d", status, n, skipped)
		}
	}
	// One that had to hold is not skipped, whatever its status.
	r = refused()
	r.Tasks[0].Status = "failed"
	if got := junitOf(t, r); got.Failures != 1 || got.Suites[0].Skipped != 0 {
		t.Errorf("a task at fault is skipped: %+v", got)
	}
}

func TestJUnitSuitesAreGroups(t *testing.T) {
	r := crowd(20)
	if got := junitOf(t, r); len(got.Suites) != 3 || got.Suites[0].Name != "kind build" {
		t.Errorf("suites of one group: %+v", got.Suites)
	}
	r.Tasks[3].Group = imageID
	got := junitOf(t, r)
	if len(got.Suites) != 2 || got.Suites[0].Name != "task group "+decisionID || got.Suites[1].Name != "task group "+imageID {
		t.Errorf("suites of two groups: %d", len(got.Suites))
	}
}

func TestJUnitSaysWhatATaskRestsOn(t *testing.T) {
	r := failed(crowd(3), 4, trace.Finding{Rule: "differs-from-tree"})
	for i := range r.Tasks {
		r.Tasks[i].Verdict = trace.Untrusted
	}
	got := junitOf(t, r)
	if f := got.Suites[0].Cases[1].Failure; got.Failures != 5 || f.Type != "rests-on" ||
		f.Message != "rests on task "+decisionID+"/1 (Gecko Decision Task), which does not hold: differs-from-tree" {
		t.Errorf("%d failures, of a build: %+v", got.Failures, f)
	}
}

// Whatever is wrong, something fails.
func TestJUnitNeverPassesWhatDoesNotHold(t *testing.T) {
	for name, r := range map[string]*trace.Report{
		"zero":                   {},
		"no tasks":               {Verdict: trace.Untrusted},
		"tasks without findings": {Verdict: trace.Untrusted, Tasks: good().Tasks},
		"the request": {
			Verdict: trace.Untrusted, Tasks: good().Tasks,
			Findings: []trace.Finding{{Rule: "product-mismatch", Severity: trace.SeverityError, Message: "m"}},
		},
		"an artifact": {
			Verdict: trace.Untrusted, Tasks: good().Tasks,
			Artifacts: []trace.Artifact{{
				Name: "a", TaskID: buildID, Verdict: trace.Untrusted,
				Findings: []trace.Finding{{Rule: "artifact-hash", Severity: trace.SeverityError, Message: "m"}},
			}},
		},
	} {
		if got := junitOf(t, r); got.Failures != 1 {
			t.Errorf("%s: %d failures, want 1", name, got.Failures)
		}
		r.Verdict, r.Findings = trace.Verified, nil
		for i := range r.Artifacts {
			r.Artifacts[i].Verdict, r.Artifacts[i].Findings = trace.Verified, nil
		}
		if got := junitOf(t, r); got.Failures+got.Errors != 0 {
			t.Errorf("%s, but verified: fails", name)
		}
	}
	if got := junitOf(t, &trace.Report{Verdict: trace.Undetermined}); got.Errors != 1 {
		t.Errorf("undetermined without tasks: %d errors, want 1", got.Errors)
	}
}

func TestJUnitOfHostileNames(t *testing.T) {
	const hostile = "]]></failure></testcase><testcase name='x'/>\x00\x01\x0b\x1b[2J\xff\xc0\x80\ud7ff\ufffe\uffff\u202e&amp;&bogus;<!--\r\n\"'"
	r := refused()
	r.Tasks[0].Name, r.Tasks[0].Type, r.Tasks[0].Group = hostile, hostile, hostile
	r.Tasks[0].Findings[1].Rule, r.Tasks[0].Findings[1].Message, r.Tasks[0].Findings[1].Got = "differs-from-tree", hostile, hostile
	r.Tasks[1].Findings = []trace.Finding{{Rule: "x", Severity: trace.SeverityWarning, Message: hostile}}
	r.Tasks[1].Status, r.Policy.Relaxed, r.Policy.Name, r.RootURL = hostile, []string{hostile}, hostile, hostile
	got := junitOf(t, r)
	if got.Tests != 2 || len(got.Suites) != 2 || len(got.Suites[0].Cases) != 1 {
		t.Errorf("a name broke out: %+v", got)
	}
	if name := got.Suites[0].Cases[0].Name; !strings.Contains(name, "]]></failure>") {
		t.Errorf("the name is not kept: %s", name)
	}
}

func TestJUnitIsBounded(t *testing.T) {
	r := good()
	for range 3000 {
		r.Tasks[0].Findings = append(r.Tasks[0].Findings, r.Tasks[0].Findings[0])
		failed(r, 1, trace.Finding{Rule: "cot-missing"})
	}
	got := junitOf(t, r)
	if n := strings.Count(got.Suites[0].Cases[0].Out, "\n"); n != junitWarnings {
		t.Errorf("%d lines of warnings", n)
	}
	if n := strings.Count(got.Suites[1].Cases[0].Failure.Text, "\n"); n != 2*junitErrors {
		t.Errorf("%d lines of errors", n)
	}
}
