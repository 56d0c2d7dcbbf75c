package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/trace"
)

// Group is what was found with one cause: errors of one rule in one place. A
// task that creates others stands for itself, whatever else failed alike:
// everything that it made rests on it.
type Group struct {
	Rule  trace.Rule
	Path  string // the place, with a * for numbers and no deeper than two steps; empty if it has none
	Heals bool   // trying again later may help
	// Derived: it follows from something else, which the report has no finding
	// of its own about.
	Derived bool
	// First is the first such finding, and On says what it is about, fit for a
	// terminal; empty for the request as a whole.
	First trace.Finding
	On    string
	// Findings counts them.
	Findings int
	// Tasks are the places in the report of the tasks at fault; none if it is
	// about artifacts or the request.
	Tasks []int
	// Others are what else it is about: artifacts.
	Others []string
	// Resting counts the tasks that rest on those and are not at fault here.
	Resting int
}

// maxGroups bounds how many places are kept apart; what comes later is grouped
// by rule alone. Names in a definition are its author's choice.
const maxGroups = 100

// Groups gives the causes of a report's verdict. The one of the first line
// (Refusal) is first; then come those that stay before those that may heal, and
// of either the ones that concern most tasks. What follows from another finding is
// folded into its cause. Equal reports give equal groups.
func Groups(r *trace.Report) []Group {
	n := newNeeds(r)
	all := map[groupKey]*Group{}
	var order []*Group
	for _, f := range n.causes(r, findings(r, trace.SeverityError)) {
		key := keyOf(r, f)
		if all[key] == nil && len(all) >= maxGroups {
			key.path, key.task = "", -1
		}
		g := all[key]
		if g == nil {
			g = &Group{Rule: f.Rule, Path: key.path, Heals: f.Heals, Derived: f.Derived(), First: f.Finding, On: f.on}
			all[key] = g
			order = append(order, g)
		}
		g.add(f)
	}
	out := make([]Group, 0, len(order))
	for _, g := range order {
		resting := n.restingOn(g.Tasks)
		for _, i := range g.Tasks {
			resting[i] = false
		}
		for _, rests := range resting {
			if rests {
				g.Resting++
			}
		}
		out = append(out, *g)
	}
	if len(out) > 1 {
		slices.SortStableFunc(out[1:], func(a, b Group) int {
			return cmp.Or(cmp.Compare(a.class(), b.class()), cmp.Compare(b.Resting+len(b.Tasks), a.Resting+len(a.Tasks)))
		})
	}
	return out
}

// groupKey tells groups apart. task is -1 where alike tasks are one group.
type groupKey struct {
	rule           trace.Rule
	path           string
	task           int
	derived, heals bool
}

// causes leaves out what follows from a finding on the same task, or on one that it
// rests on, and where a chain leads if that is said of the task's parent, too. The
// first stays: it is the one of the first line.
func (n *needs) causes(r *trace.Report, errs []subject) []subject {
	fault := map[int]bool{}
	for _, f := range errs {
		if f.task >= 0 && !f.Derived() {
			fault[f.task] = true
		}
	}
	faulty := n.restingOn(keys(fault))
	said := n.saidOfParents(r, errs)
	var out []subject
	for i, f := range errs {
		if i == 0 || f.task < 0 || !(f.Derived() && faulty[f.task]) && !said(f) {
			out = append(out, f)
		}
	}
	return out
}

// saying is a finding on where a chain leads, as the parent and all that it made
// have it.
type saying struct {
	rule               trace.Rule
	message, want, got string
}

func sayingOf(f subject) saying { return saying{f.Rule, f.Message, shown(f.Want), shown(f.Got)} }

// saidOfParents tells of a task's finding whether it is such a one that a parent
// has, too, on which the task rests.
func (n *needs) saidOfParents(r *trace.Report, errs []subject) func(f subject) bool {
	leads := func(f subject) bool {
		return f.Rule == trace.RuleTreeUnexpected || f.Rule == trace.RuleProductMismatch
	}
	parents := map[saying][]int{}
	for _, f := range errs {
		if leads(f) && !f.Derived() && keyOf(r, f).task >= 0 {
			parents[sayingOf(f)] = append(parents[sayingOf(f)], f.task)
		}
	}
	said := map[saying][]bool{}
	for s, tasks := range parents {
		said[s] = n.restingOn(tasks)
		for _, i := range tasks { // its own it keeps
			said[s][i] = false
		}
	}
	return func(f subject) bool {
		if !leads(f) {
			return false
		}
		of := said[sayingOf(f)]
		return of != nil && of[f.task]
	}
}

func keyOf(r *trace.Report, f subject) groupKey {
	key := groupKey{rule: f.Rule, path: place(f.Path), task: -1, derived: f.Derived(), heals: f.Heals}
	if f.task >= 0 {
		if t := r.Tasks[f.task].Type; t == string(trace.KindDecision) || t == string(trace.KindAction) {
			key.task = f.task
		}
	}
	return key
}

// place shortens a JSON Pointer to what alike tasks have in common.
func place(pointer string) string {
	steps := strings.SplitN(pointer, "/", 4)
	steps = steps[:min(len(steps), 3)]
	for i, s := range steps {
		if s != "" && strings.Trim(s, "0123456789") == "" {
			steps[i] = "*"
		}
	}
	return strings.Join(steps, "/")
}

func (g *Group) add(f subject) {
	g.Findings++
	switch {
	case f.task >= 0:
		if len(g.Tasks) == 0 || g.Tasks[len(g.Tasks)-1] != f.task { // findings come task by task
			g.Tasks = append(g.Tasks, f.task)
		}
	case f.on != "" && !slices.Contains(g.Others[max(0, len(g.Others)-1):], f.on):
		g.Others = append(g.Others, f.on)
	}
}

// class orders groups as findings orders what they are made of.
func (g Group) class() int {
	switch {
	case g.Derived:
		return 2
	case g.Heals:
		return 1
	}
	return 0
}

// needs knows which tasks of a report rest on which.
type needs struct {
	by [][]int // the tasks that rest on each
}

func newNeeds(r *trace.Report) *needs {
	n := &needs{by: make([][]int, len(r.Tasks))}
	runs, tasks := map[string]int{}, map[string][]int{}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		runs[runKey(t.TaskID, t.RunID)] = i
		tasks[t.TaskID] = append(tasks[t.TaskID], i)
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		for _, id := range []string{t.Parent, t.Group} {
			if id != t.TaskID {
				n.rest(i, tasks[id])
			}
		}
		for _, in := range t.Inputs {
			if on, ok := runs[runKey(in.TaskID, in.RunID)]; ok && in.RunID != nil {
				n.rest(i, []int{on})
			} else {
				n.rest(i, tasks[in.TaskID])
			}
		}
	}
	return n
}

func (n *needs) rest(i int, on []int) {
	for _, j := range on {
		if i != j && (len(n.by[j]) == 0 || n.by[j][len(n.by[j])-1] != i) {
			n.by[j] = append(n.by[j], i)
		}
	}
}

// restingOn tells of each task whether it rests on one of these, at however many
// steps, or is one.
func (n *needs) restingOn(these []int) []bool {
	found := make([]bool, len(n.by))
	for _, i := range these {
		found[i] = true
	}
	for next := slices.Clone(these); len(next) > 0; {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		for _, j := range n.by[i] {
			if !found[j] {
				found[j] = true
				next = append(next, j)
			}
		}
	}
	return found
}

func keys(set map[int]bool) []int {
	var out []int
	for i := range set {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// causes tells why a task without a finding of its own does not hold.
type causes struct {
	groups []Group
	labels []string // of each group
	of     []int    // of each task, the first group that it rests on; -1: none
}

func newCauses(r *trace.Report) *causes {
	c := &causes{groups: Groups(r), of: make([]int, len(r.Tasks))}
	for i := range c.of {
		c.of[i] = -1
	}
	n := newNeeds(r)
	for g := range c.groups {
		label := ""
		if at := c.groups[g].Tasks; len(at) > 0 {
			label = taskLabel(&r.Tasks[at[0]])
			if len(at) > 1 {
				label += fmt.Sprintf(" or %d others alike", len(at)-1)
			}
		}
		c.labels = append(c.labels, label)
		for i, rests := range n.restingOn(c.groups[g].Tasks) {
			if rests && c.of[i] < 0 {
				c.of[i] = g
			}
		}
	}
	return c
}

// why says on what a task rests that does not hold; empty if that is not known.
func (c *causes) why(task int) string {
	g := c.of[task]
	if g < 0 {
		return ""
	}
	return "rests on " + c.labels[g] + ", which does not hold: " + Clean(string(c.groups[g].Rule))
}
