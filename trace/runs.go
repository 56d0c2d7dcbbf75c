package trace

import (
	"context"
	"fmt"
	"slices"

	"github.com/mozilla-releng/cot/graph"
)

// targetLink decides which run of a target is verified.
func (c *chain) targetLink(t RunTarget) *link {
	n := c.nodes[t.Task]
	if n.task == nil {
		return c.looseLink(n, true)
	}
	run, finding := selectRun(&n.task.Task, t.Run)
	if finding != nil {
		n.add(*finding)
	}
	if run == nil {
		return c.looseLink(n, true)
	}
	l, _ := c.linkFor(n, *run)
	l.target = true
	return l
}

// selectRun takes the named run, else the newest completed one. A run that is
// not completed is still given, with the finding, if it ended.
func selectRun(t *graph.Task, named *graph.RunID) (*graph.Run, *Finding) {
	if named != nil {
		run, ok := t.Run(*named)
		if !ok {
			return nil, &Finding{
				Rule: RuleRunNotCompleted, Message: fmt.Sprintf("task %s has no run %s", t.ID, *named),
				Want: "run " + named.String(), Got: runNumbers(t),
			}
		}
		if run.State != graph.Completed {
			return endedRun(run), notCompleted(t, run)
		}
		return &run, nil
	}
	if done := t.CompletedRuns(); len(done) > 0 {
		run := done[0]
		if last := t.Runs[len(t.Runs)-1]; last.ID != run.ID {
			return &run, &Finding{
				Rule: RuleRunNotCompleted, Severity: SeverityWarning,
				Message: fmt.Sprintf("run %s is verified; a later run %s is %s", run.ID, last.ID, last.State),
				Hint:    "name the run (TASK_ID/RUN_ID) to be explicit",
			}
		}
		return &run, nil
	}
	if len(t.Runs) == 0 {
		return nil, &Finding{
			Rule: RuleRunNotCompleted, Message: fmt.Sprintf("task %s has no run yet", t.ID), Want: "a completed run",
			Got: string(t.State), Heals: t.State.Open(), Hint: waitHint(t.State),
		}
	}
	last := t.Runs[len(t.Runs)-1]
	return endedRun(last), notCompleted(t, last)
}

func endedRun(r graph.Run) *graph.Run {
	if r.State.Open() || r.Resolved.IsZero() {
		return nil
	}
	return &r
}

// runNumbers says which runs a task has; they are numbered from 0.
func runNumbers(t *graph.Task) string {
	switch n := len(t.Runs); n {
	case 0:
		return "no run"
	case 1:
		return "run 0"
	default:
		return fmt.Sprintf("runs 0 to %d", n-1)
	}
}

func notCompleted(t *graph.Task, r graph.Run) *Finding {
	f := &Finding{
		Rule: RuleRunNotCompleted, Message: fmt.Sprintf("run %s of task %s is not completed", r.ID, t.ID),
		Want: string(graph.Completed), Got: ended(r), Heals: r.State.Open(),
	}
	if f.Heals {
		f.Hint = waitHint(r.State)
	} else {
		f.Hint = "workers sign failed tasks too; rerun the task, or name a completed run"
	}
	return f
}

// ended is a run's state, with the queue's reason where it says more.
func ended(r graph.Run) string {
	if r.Reason == "" || r.Reason == string(r.State) {
		return string(r.State)
	}
	return fmt.Sprintf("%s (%s)", r.State, r.Reason)
}

// linkFor gives the link of a node's run, and whether it is new.
func (c *chain) linkFor(n *node, run graph.Run) (*link, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ref := graph.RunRef{Task: n.id, Run: run.ID}
	if l, ok := c.links[ref]; ok {
		return l, false
	}
	l := &link{node: n, run: run, hasRun: true, madeBy: n.madeBy}
	c.links[ref] = l
	c.seen = append(c.seen, l)
	n.links = append(n.links, l)
	return l, true
}

// readyLink gives the link of a node's run with its document read.
func (c *chain) readyLink(ctx context.Context, n *node, run graph.Run) (*link, error) {
	l, _ := c.linkFor(n, run)
	return l, c.document(ctx, l)
}

// looseLink stands in the report for a task that has no run to look at.
func (c *chain) looseLink(n *node, target bool) *link {
	if n.loose == nil {
		n.loose = &link{node: n, target: target}
		c.loose = append(c.loose, n.loose)
	}
	return n.loose
}

// connect decides which runs of their parents and inputs the links depend on
// that were not asked before, and gives the links that are new.
func (c *chain) connect() []*link {
	var fresh []*link
	linkOf := func(n *node, run graph.Run) *link {
		l, isNew := c.linkFor(n, run)
		if isNew {
			fresh = append(fresh, l)
		}
		l.used = true
		return l
	}
	for again := true; again; {
		again = false
		for _, l := range c.snapshot() {
			if l.connected || !l.node.expanded {
				continue
			}
			l.connected, again = true, true
			c.connectLink(l, linkOf)
		}
	}
	return fresh
}

func (c *chain) connectLink(l *link, linkOf func(*node, graph.Run) *link) {
	creators := []graph.TaskID{l.node.parent, l.node.task.TaskGroupID}
	for _, id := range creators {
		p := c.nodes[id]
		if p == nil || p == l.node {
			continue
		}
		if p.task == nil {
			c.looseLink(p, false)
			continue
		}
		if len(c.linksOf(p)) > 0 {
			continue
		}
		run, finding := selectRun(&p.task.Task, nil)
		if finding != nil && finding.Severity != SeverityWarning && p.loose == nil {
			p.add(*finding)
		}
		if run == nil {
			c.looseLink(p, false)
			continue
		}
		linkOf(p, *run)
	}
	for _, e := range l.node.edges {
		in := input{edge: e}
		if n := c.nodes[e.Task]; n != nil {
			if n.task == nil {
				c.looseLink(n, false)
			} else {
				in.runs = c.inputRuns(l, n, e, linkOf)
			}
		}
		l.inputs = append(l.inputs, in)
	}
}

// inputRuns are the runs that the edge may have read: the one it names, else
// each that was the latest at some moment of the consumer's run.
func (c *chain) inputRuns(l *link, n *node, e graph.Edge, linkOf func(*node, graph.Run) *link) []*link {
	var out []*link
	for _, run := range n.task.Runs {
		if e.Run != nil && run.ID != *e.Run {
			continue
		}
		if e.Run == nil && !latestDuring(&n.task.Task, run, l.run) {
			continue
		}
		out = append(out, linkOf(n, run))
	}
	if len(out) == 0 {
		run, finding := selectRun(&n.task.Task, e.Run)
		if finding != nil && finding.Severity != SeverityWarning && n.loose == nil {
			n.add(*finding)
		}
		if run != nil {
			return []*link{linkOf(n, *run)}
		}
		c.looseLink(n, false)
	}
	return out
}

// latestDuring tells whether run was its task's latest at some moment of the
// consumer's run. A run is the latest from when it was scheduled until the next
// one is.
func latestDuring(t *graph.Task, run, consumer graph.Run) bool {
	if !consumer.Resolved.IsZero() && run.Scheduled.After(consumer.Resolved) {
		return false
	}
	if next, ok := t.Run(run.ID + 1); ok && !consumer.Started.IsZero() && !next.Scheduled.After(consumer.Started) {
		return false
	}
	return true
}

func (c *chain) snapshot() []*link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*link{}, c.seen...)
}

// madeFrom records the run whose artifacts a task was created from.
func (c *chain) madeFrom(n *node, by *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.madeBy = by
	for _, l := range n.links {
		l.madeBy = by
	}
}

func (c *chain) linksOf(n *node) []*link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(n.links)
}
