package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/trace"
)

// chainNode is a task of the report in the tree of the tasks that a target rests
// on. A task stands in the tree once, where the way to it is shortest; wherever
// else it is needed, it is referred to.
type chainNode struct {
	task   *trace.Task
	place  int // in the report
	at     int // in the tree, from the top
	up     *chainNode
	edges  []edge // all that it rests on
	below  []edge // those of them that stand below it
	others []edge // those that stand elsewhere
}

// edge leads to a task that another rests on.
type edge struct {
	to      *chainNode
	reasons []string // why: "parent", or the reasons of the report's inputs
}

// Reasons for a tree's edges that are none of an input.
const (
	reasonParent = "parent"
	reasonRest   = "task-group"
	reasonReport = "report" // that stands for the task's chain
)

// chainOf arranges a report's tasks; the roots are what the caller named. Every
// task is in it.
func chainOf(r *trace.Report) (roots []*chainNode) {
	nodes := make([]*chainNode, len(r.Tasks))
	runs, tasks := map[string]*chainNode{}, map[string][]*chainNode{}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		n := &chainNode{task: t, place: i}
		nodes[i] = n
		runs[runKey(t.TaskID, t.RunID)] = n
		tasks[t.TaskID] = append(tasks[t.TaskID], n)
	}
	find := func(id string, run *int) []*chainNode {
		if n := runs[runKey(id, run)]; run != nil && n != nil {
			return []*chainNode{n}
		}
		return tasks[id]
	}
	for _, n := range nodes {
		if n.task.Parent != n.task.TaskID {
			n.rest(tasks[n.task.Parent], reasonParent)
		}
		if run, _, ok := strings.Cut(n.task.ReliesOn, ":"); ok && runs[run] != nil {
			n.rest([]*chainNode{runs[run]}, reasonReport)
		}
		for _, in := range n.task.Inputs {
			n.rest(find(in.TaskID, in.RunID), in.Reason)
		}
	}
	for _, n := range nodes {
		if named(r.Target, n.task) {
			roots = append(roots, n)
		}
	}
	if len(roots) == 0 && len(nodes) > 0 {
		roots = nodes[:1]
	}
	reached := map[*chainNode]bool{}
	arrange(roots, reached)
	for _, n := range nodes { // nothing is left out
		if !reached[n] {
			n.up = roots[0]
			n.up.below = append(n.up.below, edge{n, []string{reasonRest}})
			arrange([]*chainNode{n}, reached)
		}
	}
	at := 0
	walk(roots, func(n *chainNode) { n.at, at = at, at+1 })
	return roots
}

// rest adds edges; of two to one task, one is kept with both reasons.
func (n *chainNode) rest(on []*chainNode, reason string) {
	for _, to := range on {
		if to == n {
			continue
		}
		i := slices.IndexFunc(n.edges, func(e edge) bool { return e.to == to })
		switch {
		case i < 0:
			n.edges = append(n.edges, edge{to, []string{reason}})
		case !slices.Contains(n.edges[i].reasons, reason):
			n.edges[i].reasons = append(n.edges[i].reasons, reason)
		}
	}
}

// arrange hangs each task that is not reached yet below the first that needs it,
// nearest ones first.
func arrange(roots []*chainNode, reached map[*chainNode]bool) {
	queue := slices.Clone(roots)
	for _, n := range roots {
		reached[n] = true
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, e := range n.edges {
			if reached[e.to] {
				n.others = append(n.others, e)
				continue
			}
			reached[e.to] = true
			e.to.up = n
			n.below = append(n.below, e)
			queue = append(queue, e.to)
		}
	}
}

// walk visits a tree from the top, each task before what is below it.
func walk(roots []*chainNode, visit func(*chainNode)) {
	for _, n := range roots {
		visit(n)
		for _, e := range n.below {
			walk([]*chainNode{e.to}, visit)
		}
	}
}

func named(target trace.Target, t *trace.Task) bool {
	if target.TaskID != "" {
		return target.TaskID == t.TaskID && (target.RunID == nil || runKey(t.TaskID, target.RunID) == runKey(t.TaskID, t.RunID))
	}
	return slices.Contains(target.Tasks, t.TaskID) || slices.Contains(target.Tasks, runKey(t.TaskID, t.RunID))
}

func runKey(id string, run *int) string {
	if run == nil {
		return id
	}
	return fmt.Sprintf("%s/%d", id, *run)
}
