package trace

import (
	"slices"

	"github.com/mozilla-releng/cot/graph"
)

// covered is what a report says of a run that it found good, and the flags without
// which it would not have.
type covered struct {
	task     *Task
	accepted []string
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
	needs := make([][]int, len(r.Tasks))
	for i := range r.Tasks {
		t := &r.Tasks[i]
		on, known := t.restsOn(r.Tasks, of)
		if needs[i] = on; !known || !t.good() {
			continue
		}
		found[i].task = t
		for _, f := range t.Findings {
			found[i].accept(f.Accepted)
		}
	}
	for changed := true; changed; {
		changed = false
		for i := range found {
			for _, on := range needs[i] {
				switch {
				case found[i].task == nil:
				case found[on].task == nil:
					found[i].task, changed = nil, true
				default:
					changed = found[i].accept(found[on].accepted...) || changed
				}
			}
		}
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

// accept adds flags, and tells whether one of them is new.
func (c *covered) accept(flags ...string) (added bool) {
	for _, f := range flags {
		if f != "" && !slices.Contains(c.accepted, f) {
			c.accepted, added = append(c.accepted, f), true
		}
	}
	return added
}

// good tells whether all was proved of a run itself that the report claims.
func (t *Task) good() bool {
	unsigned := t.Status == "unsigned" && slices.ContainsFunc(t.Findings, func(f Finding) bool { return f.Accepted == FlagAcceptUnsignedPools })
	return t.RunID != nil && (t.Status == "judged" || unsigned) && (t.Verdict == Verified || t.Verdict == Accepted) && !hasErrors(t.Findings) &&
		t.DocumentSHA256 != "" && t.Signer != nil && t.Tree != nil && t.Product != "" && t.Parent != "" && t.ReliesOn == ""
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
