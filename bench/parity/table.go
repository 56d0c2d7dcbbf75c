package main

import (
	"fmt"
	"slices"
	"strings"
)

// preamble is the table's beginning; the versions and counts are filled in.
const preamble = `# Parity with scriptworker

Until now scriptworkers alone verified chains of trust: each its own, before it
runs. Here the verifier that they have inside and cot are asked about the same
chains of one virtual deployment, honest and attacked.

    make parity

makes this page, here with scriptworker %s, which it installs from PyPI into an
environment of its own. Scriptworker gets the facts that cot's policy has:
repositories, pools, scopes, keys. Its addresses are those of the deployment, and
it does not wait between attempts; what it checks is its own code. Signatures are
verified, and so is the target itself, a signing task where the level has one,
else a build.

Each case is a world of its own. An attack changes one thing, as somebody can who
may create tasks, write the index, rewrite storage, open pull requests or push a
branch, or who wrote what a task runs; keys and trusted trees are out of reach.

- **accepts**, **refuses**: what scriptworker does. **crashes**: of an exception
  that its callers do not expect, so that nothing is accepted either.
- Events in parentheses: scriptworker refuses the honest chain too, so that its
  refusal says nothing of the attack. The rest of the row is cot's.
- The rule is the one that the attack is against; more may be broken by it. Each
  has a page in [rules](rules/README.md).
- Events are named by their numbers in [the first table](#honest-chains).

Of try, pull requests and branches of level 1 nothing is accepted unless the
caller says so. Attacks on them are therefore tried with
` + "`--accept-untrusted-tree --accept-unsigned-pools`" + `; scriptworker then checks no
signatures either, as no key is published for level 1.
`

// table writes the page.
func table(version string, list []*job) string {
	var b strings.Builder
	fmt.Fprintf(&b, preamble, version)
	honest := map[int]*job{}
	for _, j := range list {
		if j.attack == nil && !j.strict {
			honest[j.chain] = j
		}
	}
	summary(&b, list, honest)
	honestTable(&b, list)
	exceptionTable(&b, list, honest)
	b.WriteString("\n## Attacks\n")
	for _, s := range sections() {
		attackTable(&b, s, list, honest)
	}
	return b.String()
}

// summary counts cases by what both do.
func summary(b *strings.Builder, list []*job, honest map[int]*job) {
	counts := map[string]int{}
	attacks := map[string]bool{}
	for _, j := range list {
		if j.attack != nil {
			attacks[j.attack.name] = true
		}
		counts[j.kind(honest)]++
	}
	fmt.Fprintf(b, "\n## Summary\n\n%d chains, %d attacks and harmless differences, %d cases.\n\n| scriptworker | cot | cases | |\n| --- | --- | --: | --- |\n",
		len(honest), len(attacks), len(list))
	for _, row := range []struct{ kind, theirs, mine, note string }{
		{"both accept", "accepts", "accepts", "the same tree, and each of scriptworker's links with the same parent"},
		{"neither", "accepts", "accepts", "what [nobody can know](#what-neither-refuses)"},
		{"both refuse", "refuses", "refuses", ""},
		{"crash", "crashes", "refuses", ""},
		{"ours alone", "accepts", "refuses", "what scriptworker misses, [below](#attacks)"},
		{"anyway", "refuses the honest chain", "refuses", ""},
		{"theirs alone", "refuses", "accepts", "[explained](#where-scriptworker-refuses-and-cot-accepts), one by one"},
	} {
		fmt.Fprintf(b, "| %s | %s | %d | %s |\n", row.theirs, row.mine, counts[row.kind], row.note)
	}
}

func (j *job) kind(honest map[int]*job) string {
	theirs, mine := j.theirs.Outcome == accepts, j.mine.trusts()
	switch {
	case theirs && mine && j.attack != nil && j.attack.neither != "":
		return "neither"
	case theirs && mine:
		return "both accept"
	case mine:
		return "theirs alone"
	case theirs:
		return "ours alone"
	case j.attack != nil && honest[j.chain].theirs.Outcome != accepts:
		return "anyway"
	case j.theirs.Outcome == crashes:
		return "crash"
	}
	return "both refuse"
}

func honestTable(b *strings.Builder, list []*job) {
	b.WriteString("\n## Honest chains\n\nLinks are counted as scriptworker has them, and as cot has them, which also follows\nwhat builds fetch and the decision tasks that an action goes back to.\n\n" +
		"| | event | scriptworker | cot | tree | links |\n| --: | --- | --- | --- | --- | --- |\n")
	for _, j := range list {
		if j.attack != nil {
			continue
		}
		if j.strict {
			fmt.Fprintf(b, "| | – nothing accepted | %s | %s: %s | | |\n", j.theirs.Outcome, j.mine.Verdict, codes([]string{j.rule()}))
			continue
		}
		agreement, links := "", "–"
		if j.theirs.Outcome == accepts {
			agreement, links = "the same", fmt.Sprint(len(j.theirs.Links))
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s | %s, %d |\n", j.chain+1, chains()[j.chain].event, j.theirs.Outcome, j.mine.Verdict, agreement, links, len(j.mine.Tasks))
	}
}

func exceptionTable(b *strings.Builder, list []*job, honest map[int]*job) {
	b.WriteString("\n## Where scriptworker refuses and cot accepts\n\n| what | events | why it is right |\n| --- | --- | --- |\n")
	events := map[string][]int{}
	var order []string
	for _, j := range list {
		if j.kind(honest) != "theirs alone" {
			continue
		}
		key := j.exceptionKey(honest)
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
		events[key] = append(events[key], j.chain+1)
	}
	for _, key := range order {
		fmt.Fprintf(b, "| %s | %s | %s |\n", key, numbers(events[key]), exceptions[key])
	}
}

// row is how an attack ended, and on which chains.
type row struct {
	theirs, mine, why string
	events            []int
	anyway            []int // which scriptworker refuses without the attack too
}

// attackTable has a row for each attack, and for each way in which it ended.
func attackTable(b *strings.Builder, s section, list []*job, honest map[int]*job) {
	fmt.Fprintf(b, "\n### %s\n\n| what | events | scriptworker | cot | why |\n| --- | --- | --- | --- | --- |\n", s.title)
	for _, a := range s.attacks {
		for _, r := range rows(a.name, list, honest) {
			events := numbers(r.events)
			if len(r.anyway) > 0 {
				events = strings.TrimSpace(events + " (" + numbers(r.anyway) + ")")
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", a.name, events, r.theirs, r.mine, r.why)
		}
	}
}

// rows gathers the cases of one attack. Those that scriptworker refuses anyway
// join the first row with what cot does.
func rows(name string, list []*job, honest map[int]*job) []*row {
	var out []*row
	find := func(same func(r *row) bool, otherwise row) *row {
		if i := slices.IndexFunc(out, same); i >= 0 {
			return out[i]
		}
		out = append(out, &otherwise)
		return &otherwise
	}
	var later []*job
	for _, j := range list {
		if j.attack == nil || j.attack.name != name {
			continue
		}
		if honest[j.chain].theirs.Outcome != accepts {
			later = append(later, j)
			continue
		}
		want := j.row(honest)
		r := find(func(r *row) bool { return r.theirs == want.theirs && r.mine == want.mine && r.why == want.why }, want)
		r.events = append(r.events, j.chain+1)
	}
	for _, j := range later {
		want := row{mine: j.row(honest).mine}
		r := find(func(r *row) bool { return r.mine == want.mine }, want)
		r.anyway = append(r.anyway, j.chain+1)
	}
	return out
}

// row is what a case's row says beside the events.
func (j *job) row(honest map[int]*job) row {
	r := row{theirs: j.theirs.Outcome, mine: j.mine.Verdict}
	if r.theirs == crashes {
		r.theirs += ": " + j.theirs.Exception
	}
	if rule := j.rule(); rule != "" {
		r.mine += ": " + codes([]string{rule})
	} else if r.mine == honest[j.chain].mine.Verdict {
		r.mine = "as the honest chain"
	}
	switch j.kind(honest) {
	case "neither":
		r.why = j.attack.neither
	case "ours alone":
		r.why = j.attack.why
	case "theirs alone":
		r.why = "[see above](#where-scriptworker-refuses-and-cot-accepts)"
	}
	return r
}

// codes writes rules with their pages.
func codes(rules []string) string {
	var out []string
	for _, r := range rules {
		out = append(out, fmt.Sprintf("[`%s`](rules/%s.md)", r, r))
	}
	return strings.Join(out, ", ")
}

// numbers writes ascending numbers, runs of three and more as ranges.
func numbers(list []int) string {
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	var out []string
	for i := 0; i < len(list); {
		end := i
		for end+1 < len(list) && list[end+1] == list[end]+1 {
			end++
		}
		if end-i < 2 {
			end = i
			out = append(out, fmt.Sprint(list[i]))
		} else {
			out = append(out, fmt.Sprintf("%d–%d", list[i], list[end]))
		}
		i = end + 1
	}
	return strings.Join(out, ", ")
}
