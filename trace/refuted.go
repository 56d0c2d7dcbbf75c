package trace

import "strings"

// refuted marks what follows from a worker's having signed another definition than
// the queue's. What the queue says there is nobody's word, so that it differs from
// tree and task graph, too, is no cause of its own. The cause is an error that never
// heals, and stays in the same list: no verdict gets better by this.
func refuted(list []Finding) []Finding {
	var signed []string // places of the definition
	for _, f := range list {
		if f.Rule == RuleCotTaskDefinition && f.Severity == SeverityError && !f.Heals && !f.derived {
			signed = append(signed, strings.TrimPrefix(f.Path, "/task"))
		}
	}
	for i := range list {
		f := &list[i]
		if f.Rule != RuleDiffersFromTaskGraph && f.Rule != RuleDiffersFromTree && f.Rule != RuleUndeclaredDependency && f.Rule != RuleSourceMismatch {
			continue
		}
		for _, at := range signed {
			if within(at, f.Path) || within(f.Path, at) {
				f.derived = true
			}
		}
	}
	return list
}

// within tells whether a JSON Pointer leads to a place or to one inside it.
func within(pointer, place string) bool {
	return pointer == place || strings.HasPrefix(pointer, place+"/")
}
