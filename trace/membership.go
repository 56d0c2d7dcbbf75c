package trace

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// createdTolerance is how far a task's created may lie outside the run of its
// parent: the bound that the queue itself enforces on new tasks.
const createdTolerance = 15 * time.Minute

// membership checks that the children of a parent are what the parent's task
// graph says. Each completed run of the parent published a graph of its own;
// the newest that has the child decides.
func (c *chain) membership(ctx context.Context, parent *node) error {
	var children []*node
	for _, n := range c.order {
		if n.task != nil && n.parent == parent.id && !n.creates() {
			children = append(children, n)
		}
	}
	if len(children) == 0 {
		return nil
	}
	missing := children
	var searched []string
	unknown := false // a run whose graph could not be looked at
	for _, run := range c.parentRuns(parent) {
		l, g, err := c.taskGraphOf(ctx, parent, run, missing)
		if err != nil {
			return err
		}
		if g == nil {
			unknown = true
			continue
		}
		searched = append(searched, fmt.Sprintf("run %s (%d tasks)", run.ID, g.size))
		missing = c.match(l, g, missing)
		if len(missing) == 0 {
			return nil
		}
	}
	for _, n := range missing {
		f := Finding{
			Rule: RuleNotInTaskGraph, Path: "/" + n.id.String(),
			Message: fmt.Sprintf("the task is in no task graph of its parent %s", parent.id),
			Want:    "an entry for " + n.id.String(), Got: strings.Join(searched, ", "),
			Hint: "don't use it: use the task of that name that the parent scheduled; if an action made this one, its extra.parent must name that action",
		}
		if unknown {
			f.Message = fmt.Sprintf("the task graph of its parent %s could not be checked for this task (see there)", parent.id)
			f.Want, f.Got, f.Hint, f.derived = nil, nil, "see what is wrong with "+parent.id.String(), true
		}
		if runs := parent.task.Runs; len(runs) > 0 && runs[len(runs)-1].State.Open() {
			f.Heals, f.Hint = true, "the parent is still running and has published no task graph yet: wait until it has completed"
		}
		n.add(f)
	}
	return nil
}

// parentRuns are the runs that can have created tasks, newest first.
func (c *chain) parentRuns(parent *node) []graph.Run {
	runs := parent.task.CompletedRuns()
	if len(runs) > 0 {
		return runs
	}
	for _, l := range c.linksOf(parent) {
		runs = append(runs, l.run)
	}
	return runs
}

// taskGraphOf reads a run's task graph, vouched for by that run's document. A
// nil graph means that findings on the run's link say why.
func (c *chain) taskGraphOf(ctx context.Context, parent *node, run graph.Run, children []*node) (*link, *taskGraph, error) {
	l, err := c.readyLink(ctx, parent, run)
	if err != nil {
		return l, nil, err
	}
	digests, finding := l.digests(TaskGraphName)
	if finding != nil {
		if !finding.derived {
			finding.Hint = "see whether that is the task that made this one: a decision or action task publishes what it created in " + TaskGraphName
		}
		l.add(*finding)
		return l, nil, nil
	}
	want := make(map[graph.TaskID]*node, len(children))
	for _, n := range children {
		want[n.id] = n
	}
	var g *taskGraph
	var readErr error
	var sums [][]byte
	for _, afresh := range []bool{false, true} {
		body, err := c.openVouched(ctx, l.ref(), TaskGraphName, digests, c.v.policy.Limits.MaxTaskGraphBytes, afresh)
		if err != nil {
			l.add(noTaskGraph(l, err))
			return l, nil, ctx.Err()
		}
		g, sums, readErr = readTaskGraph(body, digests, want)
		if !body.finish(sums != nil && allMatch(digests, sums)) {
			break
		}
	}
	var u *graph.UnavailableError
	err = readErr
	switch {
	case ctx.Err() != nil:
		return l, nil, ctx.Err()
	case errors.Is(err, errDigest):
		for i, d := range digests {
			if !d.Matches(sums[i]) {
				l.add(*wrongDigest(l, TaskGraphName, d, sums[i]))
			}
		}
		return l, nil, nil
	case errors.As(err, &u):
		l.add(noTaskGraph(l, err))
		return l, nil, nil
	case err != nil:
		l.add(Finding{Rule: RuleNotInTaskGraph, Message: fmt.Sprintf("%s: %v", l.ref(), err)})
		return l, nil, nil
	}
	c.v.event("task-graph", parent.id, fmt.Sprintf("%d tasks", g.size))
	return l, g, nil
}

func noTaskGraph(l *link, err error) Finding {
	f := unavailable(RuleArtifactUnavailable, err, TaskGraphName+" of "+l.ref().String())
	if f.Got == string(graph.TooLarge) {
		f.Hint = "raise limits.maxTaskGraphBytes in the policy, if the graph is genuine"
	}
	return f
}

// match compares children with the graph that a run of their parent published
// and gives those that it does not have.
func (c *chain) match(madeBy *link, g *taskGraph, children []*node) (missing []*node) {
	var absent []*node
	for _, n := range children {
		findings, ok := g.entries[n.id]
		if !ok {
			absent = append(absent, n)
			continue
		}
		c.made(n, madeBy)
		for _, f := range findings {
			n.add(f)
		}
	}
	return c.matchDuplicates(madeBy, g, absent)
}

// matchDuplicates: an entry with attributes.task_duplicates = N stands for N
// tasks, of which N-1 are not in the graph under their own id.
func (c *chain) matchDuplicates(madeBy *link, g *taskGraph, absent []*node) (missing []*node) {
	left := make([]int64, len(g.duplicated))
	for i, e := range g.duplicated {
		left[i] = e.duplicates - 1
	}
	sort.Slice(absent, func(i, j int) bool { return absent[i].id.String() < absent[j].id.String() })
next:
	for _, n := range absent {
		for i, e := range g.duplicated {
			if left[i] > 0 && len(compareEntry(n, e)) == 0 {
				left[i]--
				n.duplicate = &Duplicate{Of: e.id, Run: madeBy.ref().String(), Most: e.duplicates - 1}
				c.made(n, madeBy)
				continue next
			}
		}
		missing = append(missing, n)
	}
	return missing
}

// made records the run that a task was created by and checks that it can have
// been: an old parent can't adopt a new child.
func (c *chain) made(n *node, madeBy *link) {
	c.madeFrom(n, madeBy)
	created, run := n.task.Created, madeBy.run
	from, to := run.Started.Add(-createdTolerance), run.Resolved.Add(createdTolerance)
	if created.Before(from) || created.After(to) {
		n.add(Finding{
			Rule: RuleDiffersFromTaskGraph, Path: "/created",
			Message: fmt.Sprintf("the task was not created during %s, which is said to have created it", madeBy.ref()),
			Want:    from.UTC().Format(queueTime) + " to " + to.UTC().Format(queueTime), Got: created.UTC().Format(queueTime),
		})
	}
}

// compareEntry holds a task against its entry in the parent's graph. Timestamps
// of the entry are relative to created.
func compareEntry(n *node, e graphEntry) []Finding {
	d := n.task.Definition()
	resolved, err := resolveStamps(e.task, d.Value(), d.Created)
	entry, ok := resolved.(map[string]any)
	if err == nil && !ok {
		err = errors.New("a relative time stands in the place of the task")
	}
	if err != nil {
		return []Finding{{Rule: RuleDiffersFromTaskGraph, Message: "the entry in the parent's task graph is malformed: " + err.Error()}}
	}
	want, got := canonical(entry), canonical(d.Value())
	findings := compareDependencies(d, want)
	for _, k := range []string{"created", "deadline", "expires"} {
		if _, named := want[k]; !named || !isStamp(e.task[k]) {
			delete(want, k)
			delete(got, k)
		}
	}
	// taskGroupId is for the rule on task groups, dependencies were compared.
	for _, k := range []string{"schedulerId", "projectId", "taskGroupId", "dependencies"} {
		delete(want, k)
		delete(got, k)
	}
	dropQueueDefaults(got, want, d)
	for _, diff := range differences(want, got) {
		findings = append(findings, Finding{
			Rule: RuleDiffersFromTaskGraph, Path: diff.path, Want: diff.want, Got: diff.got,
			Message: fmt.Sprintf("the task differs from the entry %q in its parent's task graph", clipText(e.label)),
		})
	}
	return findings
}

func isStamp(v any) bool {
	m, ok := v.(map[string]any)
	_, rel := m["relative-datestamp"].(string)
	return ok && rel
}

// compareDependencies compares sets; the one addition allowed is the task whose
// id is the task group's.
func compareDependencies(d *graph.Definition, want map[string]any) []Finding {
	wanted := map[string]bool{}
	list, _ := want["dependencies"].([]any)
	for _, v := range list {
		if s, ok := v.(string); ok {
			wanted[s] = true
		}
	}
	var findings []Finding
	have := map[string]bool{}
	for _, id := range d.Dependencies {
		have[id.String()] = true
		if !wanted[id.String()] && id != d.TaskGroupID {
			findings = append(findings, Finding{
				Rule: RuleUndeclaredDependency, Path: "/dependencies", Got: id.String(),
				Message: "a dependency that the entry in the parent's task graph does not have",
			})
		}
	}
	for id := range wanted {
		if !have[id] {
			findings = append(findings, Finding{
				Rule: RuleUndeclaredDependency, Path: "/dependencies", Want: id,
				Message: "a dependency of the entry in the parent's task graph is missing: the task need not have waited for it",
				Hint:    "don't use the task: it lacks a dependency that its parent gave it; use the one that the decision task scheduled",
			})
		}
	}
	return findings
}
