package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func everyAttack() []attack {
	var out []attack
	for _, s := range sections() {
		out = append(out, s.attacks...)
	}
	return out
}

// Each attack can be made on a chain: one that finds nothing to change panics.
func TestAttacksCanBeMade(t *testing.T) {
	names := map[string]bool{}
	for _, a := range everyAttack() {
		if names[a.name] {
			t.Errorf("two attacks %q", a.name)
		}
		names[a.name] = true
		list := chains()
		i := slices.IndexFunc(list, a.applies)
		if i < 0 {
			t.Errorf("%q is made on no chain", a.name)
			continue
		}
		a.edit(list[i])
		if a.refused() && a.neither != "" {
			t.Errorf("%q: refused, and by neither", a.name)
		}
		for _, r := range a.rules {
			if _, err := os.Stat(filepath.Join("../../docs/rules", string(r)+".md")); err != nil {
				t.Errorf("%q: %v", a.name, err)
			}
		}
	}
}

func TestEventsHaveTheirAttacks(t *testing.T) {
	for _, name := range []string{
		"an altered command", "another variable", "another scope", "a changed template", "a revision that is nowhere", "a flipped signature",
	} {
		i := slices.IndexFunc(everyAttack(), func(a attack) bool { return a.name == name })
		if i < 0 {
			t.Errorf("no attack %q", name)
			continue
		}
		a := everyAttack()[i]
		for _, c := range chains() {
			exempt := name == "a changed template" && c.event == "action of a small tree" ||
				name == "a revision that is nowhere" && c.began("github-release") ||
				name == "a flipped signature" && !c.keyed()
			if a.applies(c) == exempt {
				t.Errorf("%s: %q applies: %v", c.event, name, !exempt)
			}
		}
	}
}

// judged is a case as both might answer it.
func judged(a *attack, theirs, mine string, rules ...string) *job {
	return &job{attack: a, section: "S", theirs: its{Outcome: theirs}, mine: ours{Verdict: mine, Rules: rules}, linked: true}
}

func strict(theirs, mine string, rules ...string) *job {
	j := judged(nil, theirs, mine, rules...)
	j.strict = true
	return j
}

func TestProblems(t *testing.T) {
	attacked := &attack{name: "x", rules: rules("interactive"), why: "w"}
	silent := &attack{name: "y", rules: rules("interactive")}
	fine := &attack{name: "z"}
	good := judged(nil, accepts, "verified")
	apart := judged(nil, accepts, "verified")
	apart.linked = false
	tagged := &attack{name: "another priority of what the event started"}
	for name, c := range map[string]struct {
		list []*job
		want string // part of the first problem; empty: none
	}{
		"both accept an honest chain":            {[]*job{good}, ""},
		"they accept different chains":           {[]*job{apart}, "different chains"},
		"cot refuses an honest chain":            {[]*job{judged(nil, accepts, "untrusted", "cot-missing")}, "refuses what it should not"},
		"scriptworker alone refuses":             {[]*job{judged(nil, refuses, "verified")}, "scriptworker refuses, and cot accepts"},
		"scriptworker alone crashes":             {[]*job{judged(nil, crashes, "verified")}, "scriptworker refuses, and cot accepts"},
		"scriptworker alone refuses, explained":  {[]*job{good, judged(tagged, refuses, "verified")}, ""},
		"cot alone refuses an attack, explained": {[]*job{good, judged(attacked, accepts, "untrusted", "interactive")}, ""},
		"cot alone refuses an attack":            {[]*job{good, judged(silent, accepts, "untrusted", "interactive")}, "nothing says why"},
		"both refuse an attack":                  {[]*job{good, judged(silent, refuses, "untrusted", "interactive")}, ""},
		"undetermined is not accepted":           {[]*job{good, judged(silent, refuses, "undetermined", "interactive")}, ""},
		"cot refuses by another rule":            {[]*job{good, judged(silent, refuses, "untrusted", "cot-missing")}, "by none of the rules against it"},
		"cot accepts an attack":                  {[]*job{good, judged(silent, accepts, "accepted")}, "cot accepts an attack"},
		"an explanation of what never happens":   {[]*job{good, judged(attacked, refuses, "untrusted", "interactive")}, "nothing is to be explained"},
		"cot refuses what is harmless":           {[]*job{good, judged(fine, accepts, "untrusted", "cot-missing")}, "refuses what it should not"},
		"a contribution that nobody accepts":     {[]*job{good, strict(refuses, "untrusted", "untrusted-contribution")}, ""},
		"a contribution refused for its pools":   {[]*job{good, strict(refuses, "untrusted", "signer-unauthorized")}, "by none of the rules against it"},
		"a contribution accepted unasked":        {[]*job{good, strict(refuses, "verified")}, "cot accepts an attack"},
		"both accept what is harmless":           {[]*job{good, judged(fine, accepts, "verified")}, ""},
	} {
		got := problems(c.list)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) == 0 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: problems %q, want %q", name, got, c.want)
		}
	}
}

// Chains that scriptworker refuses anyway stand beside the others.
func TestRows(t *testing.T) {
	a := &attack{name: "x", rules: rules("interactive"), why: "w"}
	at := func(chain int, j *job) *job { j.chain = chain; return j }
	honest := map[int]*job{
		0: judged(nil, accepts, "verified"), 1: judged(nil, accepts, "verified"), 2: judged(nil, refuses, "verified"), 3: judged(nil, accepts, "verified"),
	}
	var got []string
	for _, r := range rows("x", []*job{
		at(0, judged(a, accepts, "untrusted", "cot-missing", "interactive")), at(1, judged(a, refuses, "untrusted", "interactive")),
		at(2, judged(a, refuses, "untrusted", "interactive")), at(3, judged(a, accepts, "untrusted", "interactive")),
	}, honest) {
		got = append(got, numbers(r.events)+"("+numbers(r.anyway)+") "+r.theirs+" "+r.mine+" "+r.why)
	}
	const mine = "untrusted: [`interactive`](rules/interactive.md)"
	if want := []string{"1, 4(3) accepts " + mine + " w", "2() refuses " + mine + " "}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNumbers(t *testing.T) {
	for want, list := range map[string][]int{"": nil, "3": {3}, "1, 2": {1, 2}, "1–3, 5": {5, 2, 1, 3, 3}, "7, 9–12": {7, 9, 10, 11, 12}} {
		if got := numbers(list); got != want {
			t.Errorf("%v: %q, want %q", list, got, want)
		}
	}
}
