package html

import (
	"slices"
	"strconv"

	"github.com/mozilla-releng/cot/trace"
)

// links knows how a report's tasks hang together, by their places in it.
type links struct {
	r       *trace.Report
	parents []int    // of each task the one that created it; -1 if the report has none
	inputs  [][]link // of each task what it takes, in report order
}

// link is an input of a task.
type link struct {
	to int // -1 if the report has no such task
	in *trace.Input
}

func newLinks(r *trace.Report) *links {
	l := &links{r: r, parents: make([]int, len(r.Tasks)), inputs: make([][]link, len(r.Tasks))}
	runs, tasks := map[string]int{}, map[string]int{}
	for i := len(r.Tasks) - 1; i >= 0; i-- { // of several runs the first counts
		t := &r.Tasks[i]
		runs[ref(t.TaskID, t.RunID)], tasks[t.TaskID] = i, i
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		l.parents[i] = -1
		if p, ok := tasks[t.Parent]; ok && t.Parent != t.TaskID {
			l.parents[i] = p
		}
		for j := range t.Inputs {
			in := &t.Inputs[j]
			to, ok := runs[ref(in.TaskID, in.RunID)]
			if !ok {
				to, ok = tasks[in.TaskID]
			}
			if !ok {
				to = -1
			}
			l.inputs[i] = append(l.inputs[i], link{to, in})
		}
	}
	return l
}

// step is a task on a way through the graph.
type step struct {
	task int
	why  string // how the one before needs it; empty at the beginning
}

const createdBy = "created by"

// way goes from a target to a task, the shortest way, and from there along those
// that created it. found tells whether a target rests on the task at all; if not
// the way begins at the task.
func (l *links) way(from []int, to int) (way []step, found bool) {
	before := make([]step, len(l.parents)) // the step that leads to each task
	seen := make([]bool, len(l.parents))
	queue := append([]int(nil), from...)
	for _, i := range from {
		seen[i], before[i] = true, step{task: -1}
	}
	visit := func(i, on int, why string) {
		if on >= 0 && !seen[on] {
			seen[on], before[on] = true, step{i, why}
			queue = append(queue, on)
		}
	}
	for len(queue) > 0 && !seen[to] {
		i := queue[0]
		queue = queue[1:]
		visit(i, l.parents[i], createdBy)
		for _, in := range l.inputs[i] {
			visit(i, in.to, in.in.Reason)
		}
	}
	if found = seen[to]; found {
		for i := to; i >= 0; i = before[i].task {
			way = append(way, step{i, before[i].why})
		}
		slices.Reverse(way)
	} else {
		way = []step{{task: to}}
	}
	on := map[int]bool{}
	for _, s := range way {
		on[s.task] = true
	}
	for i := l.parents[to]; i >= 0 && !on[i]; i = l.parents[i] {
		on[i] = true
		way = append(way, step{i, createdBy})
	}
	return way, found
}

// targets are the places of what the caller named; of a report that names none of
// its tasks, the first.
func (l *links) targets() []int {
	named := map[string]bool{ref(l.r.Target.TaskID, l.r.Target.RunID): true}
	for _, t := range l.r.Target.Tasks {
		named[t] = true
	}
	delete(named, "")
	var out []int
	for i := range l.r.Tasks {
		t := &l.r.Tasks[i]
		if named[t.TaskID] || named[ref(t.TaskID, t.RunID)] {
			out = append(out, i)
		}
	}
	if len(out) == 0 && len(l.r.Tasks) > 0 {
		out = []int{0}
	}
	return out
}

// ref is TASK_ID/RUN_ID, or TASK_ID alone where no run is known.
func ref(id string, run *int) string {
	if run == nil {
		return id
	}
	return id + "/" + strconv.Itoa(*run)
}
