package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/trace"
)

// Bounds of one test case's text.
const (
	junitErrors   = 50
	junitWarnings = 20
)

// JUnit writes the report as JUnit XML, in the form that Jenkins' junit-10.xsd
// describes and other readers take: a suite for each task group, or for each kind
// of task where all are of one group, and a case for each task. A task that is
// untrusted is a failure, one that is undetermined an error, one that is only
// listed is skipped. Times are left out: nothing here was timed. Whatever the
// verdict, a report that does not hold has a failure or an error.
func JUnit(w io.Writer, r *trace.Report) error {
	out := junitSuites{Name: junitName(r)}
	at := map[string]int{}
	suite := func(name string) *junitSuite {
		i, ok := at[name]
		if !ok {
			i = len(out.Suites)
			at[name] = i
			out.Suites = append(out.Suites, junitSuite{
				Name: name, Timestamp: r.VerifiedAt.UTC().Format(time.DateOnly + "T" + time.TimeOnly), Properties: junitProperties(r),
			})
		}
		return &out.Suites[i]
	}
	name := suiteNames(r)
	causes := newCauses(r)
	for i := range r.Tasks {
		suite(name(&r.Tasks[i])).add(junitTask(r, i, causes))
	}
	for _, a := range r.Artifacts {
		c := junitCase{Class: "artifact", Name: clip(Clean(fmt.Sprintf("%s of %s/%d", a.Name, a.TaskID, a.RunID)), maxShown)}
		c.judge(a.Verdict, a.Findings, "the task that made it does not hold")
		suite("artifacts").add(c)
	}
	if len(r.Findings) > 0 {
		c := junitCase{Class: "request", Name: "the request as a whole"}
		c.judge(verdictOf(r.Findings), r.Findings, "")
		suite("request").add(c)
	}
	for _, s := range out.Suites {
		out.Tests, out.Failures, out.Errors = out.Tests+s.Tests, out.Failures+s.Failures, out.Errors+s.Errors
	}
	if !r.Verdict.OK() && out.Failures+out.Errors == 0 {
		c := junitCase{Class: "request", Name: "verdict"}
		c.judge(r.Verdict, nil, Refusal(r))
		suite("request").add(c)
		out.Tests, out.Failures, out.Errors = out.Tests+1, out.Failures+count1(c.Failure), out.Errors+count1(c.Error)
	}
	b, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(append([]byte(xml.Header), b...), '\n'))
	return err
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string       `xml:"name,attr"`
	Class   string       `xml:"classname,attr"`
	Skipped *junitResult `xml:"skipped"`
	Error   *junitResult `xml:"error"`
	Failure *junitResult `xml:"failure"`
	Out     string       `xml:"system-out,omitempty"`
}

type junitResult struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	s.Failures += count1(c.Failure)
	s.Errors += count1(c.Error)
	s.Skipped += count1(c.Skipped)
}

func count1(r *junitResult) int {
	if r == nil {
		return 0
	}
	return 1
}

// suiteNames says which suite a task belongs to.
func suiteNames(r *trace.Report) func(*trace.Task) string {
	of := func(t *trace.Task) string { return t.Group }
	for i := range r.Tasks {
		if of(&r.Tasks[i]) != of(&r.Tasks[0]) {
			return func(t *trace.Task) string { return suiteName("task group", of(t)) }
		}
	}
	return func(t *trace.Task) string { return suiteName("kind", t.Type) }
}

func suiteName(what, name string) string {
	if name == "" {
		return "no " + what
	}
	return what + " " + clip(Clean(name), maxShown)
}

func junitName(r *trace.Report) string {
	verdict := string(r.Verdict)
	if verdict == "" {
		verdict = "not checked"
	}
	if r.Shard != nil {
		verdict += ", " + r.Shard.String()
	}
	return "chain of trust: " + Clean(verdict)
}

// junitProperties say what judged, and what was looser than the default.
func junitProperties(r *trace.Report) []junitProperty {
	out := []junitProperty{
		{"verdict", Clean(string(r.Verdict))},
		{"scope", Clean(string(r.Scope))},
		{"evidence", Clean(r.Evidence)},
		{"rootUrl", Clean(r.RootURL)},
		{"policy", Clean(r.Policy.Name)},
		{"policySha256", Clean(r.Policy.SHA256)},
	}
	if r.Shard != nil {
		out = append(out, junitProperty{"shard", fmt.Sprintf("%d/%d", r.Shard.K, r.Shard.N)})
	}
	if r.At != nil {
		out = append(out, junitProperty{"at", r.At.UTC().Format(time.RFC3339)})
	}
	for _, s := range r.Policy.Relaxed {
		out = append(out, junitProperty{"relaxed", Clean(s)})
	}
	for _, s := range r.Accepted {
		out = append(out, junitProperty{"accepted", Clean(s)})
	}
	return out
}

func junitTask(r *trace.Report, i int, causes *causes) junitCase {
	t := &r.Tasks[i]
	c := junitCase{Class: Clean(t.Type), Name: strings.TrimSpace(clip(Clean(t.Name), maxShown) + " " + taskRef(t))}
	if c.Class == "" {
		c.Class = "task"
	}
	verdict := t.Verdict
	if t.Listed { // its findings are warnings
		verdict = trace.Verified
	}
	c.judge(verdict, t.Findings, causes.why(i))
	if verdict.OK() && t.Status != "" && t.Status != "judged" {
		c.Skipped = &junitResult{Message: "listed, not judged: " + Clean(t.Status)}
	}
	return c
}

// judge gives a case its result. otherwise says why the verdict is not good
// where no finding does.
func (c *junitCase) judge(v trace.Verdict, list []trace.Finding, otherwise string) {
	errs, rest := junitFindings(list)
	if len(rest) > 0 {
		c.Out = bounded(rest, junitWarnings)
	}
	if v.OK() {
		return
	}
	result := &junitResult{Message: otherwise, Text: otherwise, Type: "rests-on"}
	if len(errs) > 0 {
		first := errs[0]
		result = &junitResult{Type: Clean(string(first.Rule)), Message: Clean(first.Message)}
		var lines []string
		for j, f := range errs {
			lines = append(lines, line(f))
			if j == 0 || advice(f.Finding) != advice(errs[j-1].Finding) {
				lines = append(lines, next(f.Finding))
			}
		}
		result.Text = bounded(lines, 2*junitErrors)
	} else if otherwise == "" {
		result = &junitResult{Type: "verdict", Message: "the report names no finding; treat this as untrusted"}
	}
	if v == trace.Undetermined {
		c.Error = result
	} else {
		c.Failure = result
	}
}

// junitFindings parts errors, worst first, from what else a person may want to
// know.
func junitFindings(list []trace.Finding) (errs []subject, rest []string) {
	one := &trace.Report{Findings: list}
	for _, f := range list {
		switch {
		case f.Accepted != "":
			rest = append(rest, "accepted by "+Clean(f.Accepted)+": "+line(subject{Finding: f}))
		case f.Severity != trace.SeverityError:
			rest = append(rest, "warning "+line(subject{Finding: f}))
		}
	}
	return findings(one, trace.SeverityError), rest
}

// bounded joins lines, and says how many it leaves out.
func bounded(lines []string, limit int) string {
	if len(lines) > limit {
		lines = append(lines[:limit:limit], fmt.Sprintf("and %d further lines: the JSON report has all", len(lines)-limit))
	}
	return strings.Join(lines, "\n")
}

// verdictOf is that of findings about the request.
func verdictOf(list []trace.Finding) trace.Verdict {
	v := trace.Verified
	for _, f := range list {
		switch {
		case f.Severity != trace.SeverityError || f.Accepted != "":
		case f.Heals:
			if v == trace.Verified {
				v = trace.Undetermined
			}
		default:
			v = trace.Untrusted
		}
	}
	return v
}
