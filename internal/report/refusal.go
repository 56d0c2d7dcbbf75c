package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/trace"
)

// subject is a finding and what it was found on.
type subject struct {
	trace.Finding
	on   string // "task ID/RUN (name)", "artifact ..."; empty for the request as a whole
	task int    // its place in the report; -1 if it is about none
}

// findings gives every finding of the severity that the caller did not accept:
// first contributions, which decide what the rest is worth, then those that stay, those that may heal, then what only follows from
// others, each in report order.
func findings(r *trace.Report, severity trace.Severity) []subject {
	var first, stay, heal, derived []subject
	add := func(on string, task int, list []trace.Finding) {
		for _, f := range list {
			switch {
			case f.Severity != severity || f.Accepted != "":
			case f.Rule == trace.RuleUntrustedContrib:
				first = append(first, subject{f, on, task})
			case f.Derived():
				derived = append(derived, subject{f, on, task})
			case f.Heals:
				heal = append(heal, subject{f, on, task})
			default:
				stay = append(stay, subject{f, on, task})
			}
		}
	}
	for i := range r.Tasks {
		add(taskLabel(&r.Tasks[i]), i, r.Tasks[i].Findings)
	}
	for _, a := range r.Artifacts {
		add(fmt.Sprintf("artifact %s of %s/%d", Clean(a.Name), Clean(a.TaskID), a.RunID), -1, a.Findings)
	}
	add("", -1, r.Findings)
	return slices.Concat(first, stay, heal, derived)
}

func taskLabel(t *trace.Task) string {
	s := "task " + taskRef(t)
	if t.Name != "" {
		s += " (" + clip(Clean(t.Name), maxShown) + ")"
	}
	return s
}

func taskRef(t *trace.Task) string {
	if t.RunID == nil {
		return Clean(t.TaskID)
	}
	return fmt.Sprintf("%s/%d", Clean(t.TaskID), *t.RunID)
}

// Refusal is the one line that says why the verdict is not good: task, rule,
// place, expected, found. It is empty for a verdict that is.
func Refusal(r *trace.Report) string {
	if r.Verdict.OK() {
		return ""
	}
	verdict := string(r.Verdict)
	if verdict == "" {
		verdict = "not checked"
	}
	errs := findings(r, trace.SeverityError)
	if len(errs) == 0 {
		return verdict + ": " + part(r) + "the report names no finding; treat this as untrusted"
	}
	return verdict + ": " + part(r) + line(errs[0])
}

// line writes a finding: where, rule, pointer, message, expected, found.
func line(s subject) string {
	var b strings.Builder
	if s.on != "" {
		b.WriteString(s.on + ": ")
	}
	b.WriteString(Clean(string(s.Rule)))
	if s.Path != "" {
		b.WriteString(" at " + clip(Clean(s.Path), maxShown))
	}
	b.WriteString(": " + Clean(s.Message))
	switch {
	case s.Want != nil, s.Got != nil && s.Path != "" && s.Severity == trace.SeverityError:
		want, got := shownPair(s.Want, s.Got)
		fmt.Fprintf(&b, "; expected %s, found %s", want, got)
	case s.Got != nil:
		fmt.Fprintf(&b, "; found %s", shown(s.Got))
	}
	return b.String()
}
