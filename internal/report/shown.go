package report

import (
	"strings"

	"github.com/mozilla-releng/cot/trace"
)

// What follows is for renderers in packages of their own: clean, bounded text.

// Reason is what Refusal says, without the verdict: task, rule, place, expected,
// found. It is empty for a verdict that is good.
func Reason(r *trace.Report) string {
	_, reason, _ := strings.Cut(Refusal(r), ": ")
	return reason
}

// Claim says what a verdict covers.
func Claim(r *trace.Report) string { return claim(r) }

// Advice says what to do about a finding.
func Advice(f trace.Finding) string { return Clean(advice(f)) }

// Cause says what usually is behind a rule's findings; empty for an unknown rule.
func Cause(r trace.Rule) string { return guides[r].cause }

// Page is the address of a rule's page; empty for what can't be a rule's id.
func Page(r trace.Rule) string { return page(r) }

// Evidence gives what was expected and found, line by line: lines of "-" were
// expected, lines of "+" were found. Of long values it is the part that differs.
func Evidence(f trace.Finding) []string {
	switch {
	case f.Want == nil && f.Got == nil:
		return nil
	case f.Want == nil && f.Severity != trace.SeverityError:
		return []string{"found " + shown(f.Got)}
	}
	return diff(f.Want, f.Got)
}

// Line makes foreign text one clean line of about n bytes at most.
func Line(s string, n int) string { return clip(Clean(s), n) }
