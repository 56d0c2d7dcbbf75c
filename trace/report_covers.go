package trace

import (
	"maps"
	"slices"

	"github.com/mozilla-releng/cot/graph"
)

// covered is what a report says of a run that it found good, the flags without
// which it would not have, and what it rests on that other tasks of a chain may rule
// out.
type covered struct {
	task       *Task
	accepted   []string
	restricted bool // some task has a restricted scope
	indexed    bool // some task runs in an image that the index names
}

// acceptedBy are the flags by which something in the report was accepted, whatever
// its own list of them says.
func (r *Report) acceptedBy() []string {
	out := slices.Clone(r.Accepted)
	add := func(list []Finding) {
		for _, f := range list {
			if f.Accepted != "" && !slices.Contains(out, f.Accepted) {
				out = append(out, f.Accepted)
			}
		}
	}
	for i := range r.Tasks {
		add(r.Tasks[i].Findings)
	}
	for _, a := range r.Artifacts {
		add(a.Findings)
	}
	add(r.Findings)
	return out
}

// covers gives the runs that the report found good: judged, without an error, and
// resting on nothing but such runs, whatever the verdicts in it say.
func (r *Report) covers() map[graph.RunRef]covered {
	of := map[string][]int{}
	for i := range r.Tasks {
		of[r.Tasks[i].TaskID] = append(of[r.Tasks[i].TaskID], i)
	}
	found := make([]covered, len(r.Tasks)) // without a task: not good
	users := make([][]int, len(r.Tasks))   // what rests on each
	var bad []int
	accepting := map[string][]int{}
	var restricted, indexed []int
	for i := range r.Tasks {
		t := &r.Tasks[i]
		on, known := t.restsOn(r.Tasks, of)
		for _, at := range on {
			users[at] = append(users[at], i)
		}
		if found[i].task = t; !known || !t.good() {
			bad = append(bad, i)
		}
		if t.Restricted {
			restricted = append(restricted, i)
		}
		if _, is := t.indexedImage(); is {
			indexed = append(indexed, i)
		}
		for _, f := range t.Findings {
			if f.Accepted != "" {
				accepting[f.Accepted] = append(accepting[f.Accepted], i)
			}
		}
	}
	for i := range reachAll(bad, users) {
		found[i].task = nil
	}
	for _, flag := range slices.Sorted(maps.Keys(accepting)) {
		for i := range reachAll(accepting[flag], users) {
			found[i].accepted = append(found[i].accepted, flag)
		}
	}
	for i := range reachAll(restricted, users) {
		found[i].restricted = true
	}
	for i := range reachAll(indexed, users) {
		found[i].indexed = true
	}
	out := map[graph.RunRef]covered{}
	for _, f := range found {
		if f.task == nil {
			continue
		}
		if id, err := graph.ParseTaskID(f.task.TaskID); err == nil {
			out[graph.RunRef{Task: id, Run: graph.RunID(*f.task.RunID)}] = f
		}
	}
	return out
}

// reachAll gives the places that edges lead to, and those to begin with.
func reachAll(from []int, edges [][]int) map[int]bool {
	seen := map[int]bool{}
	for next := slices.Clone(from); len(next) > 0; {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		if !seen[i] {
			seen[i] = true
			next = append(next, edges[i]...)
		}
	}
	return seen
}

// good tells whether all was proved of a run itself that the report claims, by no
// caller's word on what it is.
func (t *Task) good() bool {
	unsigned := t.Status == "unsigned" && slices.ContainsFunc(t.Findings, func(f Finding) bool { return f.Accepted == FlagAcceptUnsignedPools })
	return t.RunID != nil && (t.Status == "judged" || unsigned) && (t.Verdict == Verified || t.Verdict == Accepted) && !hasErrors(t.Findings) &&
		t.DocumentSHA256 != "" && t.Signer != nil && t.Tree != nil && t.Product != "" && t.Parent != "" && t.ReliesOn == "" && t.Overruled == ""
}

// restsOn gives the places of the tasks that a run rests on; known is false where
// one of them is not in the report. Where the report does not say which run it
// is, every one counts.
func (t *Task) restsOn(tasks []Task, of map[string][]int) (on []int, known bool) {
	known = true
	add := func(id string, run *int) {
		found := false
		for _, i := range of[id] {
			if run == nil || tasks[i].RunID != nil && *tasks[i].RunID == *run {
				on, found = append(on, i), true
			}
		}
		known = known && found
	}
	for _, id := range []string{t.Parent, t.Group} {
		if id != t.TaskID && id != "" {
			add(id, nil)
		}
	}
	for _, in := range t.Inputs {
		add(in.TaskID, in.RunID)
	}
	return on, known
}
