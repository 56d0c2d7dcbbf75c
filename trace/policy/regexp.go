package policy

import (
	re2 "regexp/syntax"
	"slices"
)

// mayBegin tells whether a text that a pattern matches as a whole may begin with
// prefix. Where it is unclear, as with assertions like \b, it is true.
func mayBegin(pattern, prefix string) bool {
	re, err := re2.Parse(pattern, re2.Perl)
	if err != nil {
		return true
	}
	prog, err := re2.Compile(re.Simplify())
	if err != nil {
		return true
	}
	at := reach(prog, nil, prog.Start)
	for _, r := range prefix {
		var next []int
		for _, pc := range at {
			if i := &prog.Inst[pc]; consumes(i.Op) && i.MatchRune(r) {
				next = reach(prog, next, int(i.Out))
			}
		}
		at = next
	}
	return len(at) > 0
}

func consumes(op re2.InstOp) bool {
	switch op {
	case re2.InstRune, re2.InstRune1, re2.InstRuneAny, re2.InstRuneAnyNotNL:
		return true
	}
	return false
}

// reach adds the states that one leads to without another character.
func reach(prog *re2.Prog, states []int, from int) []int {
	seen := map[int]bool{}
	for todo := []int{from}; len(todo) > 0; {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch i := prog.Inst[pc]; i.Op {
		case re2.InstAlt, re2.InstAltMatch:
			todo = append(todo, int(i.Out), int(i.Arg))
		case re2.InstCapture, re2.InstNop, re2.InstEmptyWidth:
			todo = append(todo, int(i.Out))
		case re2.InstFail:
		default:
			if !slices.Contains(states, pc) {
				states = append(states, pc)
			}
		}
	}
	return states
}
