package report

import "github.com/mozilla-releng/cot/trace"

// findings writes what was found on one task, by rule: errors, what the caller
// accepted, and in verbose text warnings too.
func (e *explanation) findings(indent string, list []trace.Finding) {
	kinds := []func(trace.Finding) bool{
		func(f trace.Finding) bool { return f.Severity == trace.SeverityError && !f.Derived() },
		func(f trace.Finding) bool { return f.Severity == trace.SeverityError && f.Derived() },
		func(f trace.Finding) bool { return f.Severity != trace.SeverityError && f.Accepted != "" },
		func(f trace.Finding) bool { return f.Severity != trace.SeverityError && f.Accepted == "" },
	}
	for i, is := range kinds {
		rules, of := byRule(list, is)
		if i == 3 && !e.o.Verbose {
			for _, r := range rules {
				e.warnings += len(of[r])
			}
			continue
		}
		for _, r := range rules {
			e.rule(indent, of[r])
		}
	}
}

func byRule(list []trace.Finding, is func(trace.Finding) bool) (rules []trace.Rule, of map[trace.Rule][]trace.Finding) {
	of = map[trace.Rule][]trace.Finding{}
	for _, f := range list {
		if !is(f) {
			continue
		}
		if len(of[f.Rule]) == 0 {
			rules = append(rules, f.Rule)
		}
		of[f.Rule] = append(of[f.Rule], f)
	}
	return rules, of
}

// rule writes the findings of one rule on one task. What is known of the rule is
// said the first time, what to do whenever it is something else.
func (e *explanation) rule(indent string, list []trace.Finding) {
	if !e.o.Verbose && e.explained >= briefExplained {
		e.skipped += len(list)
		return
	}
	first := list[0]
	e.printf("%s%s\n", indent, e.heading(first))
	last := ""
	for i, f := range list {
		if !e.o.Verbose && i == briefPerTaskRule {
			e.printf("%s  and %s of this rule (-v shows them)\n", indent, count(len(list)-i, "further finding"))
			break
		}
		e.explained++
		if f.Message != last {
			e.printf("%s  %s\n", indent, Clean(f.Message))
			last = f.Message
		}
		if f.Path != "" {
			e.printf("%s  at %s\n", indent, clip(Clean(f.Path), maxShown))
		}
		e.evidence(indent+"  ", f)
	}
	g, known := guides[first.Rule]
	said, before := e.told[first.Rule]
	if known && !before && first.Severity == trace.SeverityError && !first.Derived() {
		e.printf("%s  usual causes: %s\n", indent, g.cause)
	}
	if do := advice(first); first.Accepted == "" && do != said {
		e.printf("%s  what to do: %s\n", indent, Clean(do))
		e.told[first.Rule] = do
	}
	if p := page(first.Rule); p != "" && !before {
		e.printf("%s  %s\n", indent, p)
	}
}

// heading is a rule with what it means for the verdict.
func (e *explanation) heading(f trace.Finding) string {
	id := Clean(string(f.Rule))
	switch {
	case f.Accepted != "":
		return e.color(yellow, "! "+id) + " accepted by " + Clean(f.Accepted)
	case f.Severity != trace.SeverityError:
		return e.color(yellow, "! "+id) + " (warning)"
	case f.Derived():
		return e.color(red, "✗ "+id) + " (follows from what else failed)"
	case f.Heals:
		return e.color(yellow, "? "+id) + " (trying again may help)"
	}
	return e.color(red, "✗ "+id)
}

// evidence writes what was expected and found.
func (e *explanation) evidence(indent string, f trace.Finding) {
	for _, line := range Evidence(f) {
		e.printf("%s%s\n", indent, line)
	}
}
