package html

import (
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// Bounds of what is shown of one cause.
const (
	maxExamples = 5 // tasks
	maxShown    = 6 // findings
)

// cause is what failed in one way: a report.Group, fit for the page.
type cause struct {
	Rule, Page        string
	Mark, Class, Kind string
	Findings          []shown
	MoreFindings      int
	Tasks             []place
	MoreTasks         int
	Others            []string
	MoreOthers        int
	Resting           string
	Usual, Next       string
}

// shown is one finding.
type shown struct {
	On, Message, Path string
	Evidence          []line
}

// causes says of each rule what usually is behind it where it comes first.
func (p *page) causes(r *trace.Report, groups []report.Group) {
	told := map[trace.Rule]bool{}
	for i, g := range groups {
		if i == maxCauses {
			p.MoreCause = len(groups) - i
			return
		}
		c := cause{
			Rule: report.Line(string(g.Rule), maxName), Page: report.Page(g.Rule), Mark: "✗", Class: "bad",
			Next: report.Advice(g.First),
		}
		if !told[g.Rule] {
			told[g.Rule], c.Usual = true, report.Cause(g.Rule)
		}
		switch {
		case g.Derived:
			c.Kind = "follows from what else failed"
		case g.Heals:
			c.Kind, c.Mark, c.Class = "trying again may help", "?", "warn"
		}
		for _, at := range g.Tasks[:min(len(g.Tasks), maxExamples)] {
			c.Tasks = append(c.Tasks, newPlace(&r.Tasks[at]))
		}
		c.MoreTasks = len(g.Tasks) - len(c.Tasks)
		c.Others = cleaned(g.Others[:min(len(g.Others), maxExamples)])
		c.MoreOthers = len(g.Others) - len(c.Others)
		switch {
		case g.Resting == 1:
			c.Resting = "1 task rests on it"
		case g.Resting > 1 && len(g.Tasks) == 1:
			c.Resting = grouped(g.Resting) + " tasks rest on it"
		case g.Resting > 1:
			c.Resting = grouped(g.Resting) + " tasks rest on them"
		}
		c.Findings = shownOf(r, g)
		c.MoreFindings = g.Findings - len(c.Findings)
		p.Causes = append(p.Causes, c)
	}
}

// shownOf gives the first findings of a group.
func shownOf(r *trace.Report, g report.Group) []shown {
	if len(g.Tasks) == 0 {
		return []shown{newShown("", g.First)}
	}
	var out []shown
	for _, at := range g.Tasks {
		t := &r.Tasks[at]
		for _, f := range t.Findings {
			if len(out) == maxShown {
				return out
			}
			if f.Severity != trace.SeverityError || f.Accepted != "" || f.Rule != g.Rule || f.Heals != g.Heals ||
				f.Derived() != g.Derived || !within(g.Path, f.Path) {
				continue
			}
			on := ""
			if len(g.Tasks) > 1 {
				on = report.Line(t.Name, maxName) + " " + report.Line(ref(t.TaskID, t.RunID), maxName)
			}
			out = append(out, newShown(on, f))
		}
	}
	return out
}

// within tells whether a JSON Pointer is at a group's place, or below it.
func within(place, pointer string) bool {
	if place == "" {
		return true
	}
	steps := strings.Split(pointer, "/")
	for i, want := range strings.Split(place, "/") {
		if i >= len(steps) || want != steps[i] && want != "*" {
			return false
		}
	}
	return true
}

func newShown(on string, f trace.Finding) shown {
	return shown{
		On: on, Message: report.Line(f.Message, maxMessage), Path: report.Line(f.Path, maxLine), Evidence: evidenceOf(f),
	}
}

// warning counts the warnings of one rule, or what one flag accepted of it.
type warning struct {
	Rule, Page, Accepted string
	Findings, Tasks      int
	About                string // how many, in words
	First                shown
	Next                 string
}

// warnings are what was accepted, then all others, each in the order of rules'
// first findings.
func (p *page) warnings(r *trace.Report) {
	type key struct {
		rule     trace.Rule
		accepted string
	}
	at := map[key]*warning{}
	var order []*warning
	add := func(f trace.Finding, on string, first bool) bool {
		if f.Severity != trace.SeverityWarning && f.Accepted == "" {
			return false
		}
		k := key{f.Rule, f.Accepted}
		w := at[k]
		if w == nil {
			w = &warning{
				Rule: report.Line(string(f.Rule), maxName), Page: report.Page(f.Rule), Accepted: report.Line(f.Accepted, maxName),
				First: newShown(on, f), Next: report.Advice(f),
			}
			at[k], order = w, append(order, w)
		}
		w.Findings++
		if first {
			w.Tasks++
		}
		return true
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		seen := map[key]bool{}
		for _, f := range t.Findings {
			k := key{f.Rule, f.Accepted}
			if add(f, report.Line(t.Name, maxName)+" "+report.Line(ref(t.TaskID, t.RunID), maxName), !seen[k]) {
				seen[k] = true
			}
		}
	}
	for i := range r.Artifacts {
		a := &r.Artifacts[i]
		for _, f := range a.Findings {
			add(f, report.Line(a.Name, maxName), false)
		}
	}
	for _, f := range r.Findings {
		add(f, "", false)
	}
	slices.SortStableFunc(order, func(a, b *warning) int {
		return flag(b.Accepted != "") - flag(a.Accepted != "")
	})
	for _, w := range order {
		w.About = counted(w.Findings, "finding")
		if w.Tasks > 0 {
			w.About += " on " + counted(w.Tasks, "task")
		}
		w.About += "."
		p.Warnings = append(p.Warnings, *w)
	}
}
