package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/policy"
)

// maxChainTasks bounds a chain: what is followed for trust, not a whole graph.
const maxChainTasks = 10_000

// maxIndexedInputs bounds the index paths that one task takes inputs from.
const maxIndexedInputs = 1000

// chain is one verification under way. gather fills it, judge looks at it.
type chain struct {
	v       *Verifier
	targets []*link

	nodes map[graph.TaskID]*node
	order []*node // as found: targets first

	mu    sync.Mutex // guards links while documents are fetched
	links map[graph.RunRef]*link
	seen  []*link // as found
	loose []*link // links without a run

	rests map[*link][]*link // what each link rests on, once that is decided
	feeds map[*link][]*policy.Product

	projectsMu  sync.Mutex
	projectList *policy.Projects
}

func newChain(v *Verifier) *chain {
	return &chain{v: v, nodes: map[graph.TaskID]*node{}, links: map[graph.RunRef]*link{}}
}

// gather loads the targets, what they depend on for trust, level by level, and
// every run's document. Documents are fetched while the next level is found.
func (c *chain) gather(ctx context.Context, targets []RunTarget) error {
	docs, dctx := errgroup.WithContext(ctx)
	docs.SetLimit(c.v.options.Jobs)
	level := c.enqueue(nil, targetIDs(targets), 0)
	if err := c.load(ctx, level); err != nil {
		return err
	}
	for _, t := range targets {
		l := c.targetLink(t)
		c.targets = append(c.targets, l)
		if l.hasRun {
			c.fetch(dctx, docs, l)
		}
	}
	for depth := 1; c.v.options.Scope == ScopeTree && len(level) > 0; depth++ {
		next, err := c.expand(ctx, level, depth)
		if err != nil {
			return err
		}
		for _, l := range c.connect() {
			c.fetch(dctx, docs, l)
		}
		level = next
	}
	if err := docs.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func targetIDs(targets []RunTarget) []graph.TaskID {
	var ids []graph.TaskID
	for _, t := range targets {
		ids = append(ids, t.Task)
	}
	return ids
}

// enqueue adds nodes that are not there yet.
func (c *chain) enqueue(level []*node, ids []graph.TaskID, depth int) []*node {
	for _, id := range ids {
		if _, known := c.nodes[id]; known {
			continue
		}
		n := &node{id: id, depth: depth}
		c.nodes[id] = n
		c.order = append(c.order, n)
		level = append(level, n)
	}
	return level
}

// load asks the queue for a level of tasks.
func (c *chain) load(ctx context.Context, level []*node) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.v.options.Jobs)
	for _, n := range level {
		g.Go(safe(func() error {
			task, err := c.v.sources.Tasks.Task(gctx, n.id)
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				n.add(unavailable(RuleEvidenceUnavailable, err, "the task's definition and status"))
				return nil
			}
			c.v.event("task", n.id, task.Definition.Name)
			n.task = task
			n.impl = graph.ImplementationOf(task.Definition, c.v.policy.IsScriptworker)
			return nil
		}))
	}
	return g.Wait()
}

// expand finds a level's parents and inputs and loads those that are new. In a
// chain that is too long the tasks beyond the bound are not followed.
func (c *chain) expand(ctx context.Context, level []*node, depth int) ([]*node, error) {
	var next []*node
	for _, n := range level {
		if n.task == nil {
			continue
		}
		n.expanded = true
		parent, err := graph.ParentOf(n.id, n.task.Definition)
		if err != nil {
			n.add(Finding{Rule: RuleNotInTaskGraph, Message: "the task does not name its parent: " + err.Error(), Path: "/extra/parent"})
		}
		n.parent = parent
		edges, problems := graph.Inputs(n.task.Definition, c.v.policy.RootURL)
		for _, p := range problems {
			n.add(Finding{Rule: RuleUndeclaredInput, Message: "an input that can't be read, so nobody can tell what the task took: " + p.Error()})
		}
		if err := c.find(ctx, n, edges); err != nil {
			return nil, err
		}
		var ids []graph.TaskID
		if !parent.IsZero() {
			ids = append(ids, parent)
		}
		for _, e := range n.edges {
			if !e.Task.IsZero() {
				ids = append(ids, e.Task)
			}
		}
		if g := n.task.Definition.TaskGroupID; !g.IsZero() {
			ids = append(ids, g)
		}
		before := len(next)
		next = c.enqueue(next, ids, depth)
		if depth > c.v.policy.Limits.MaxChainLength && len(next) > before {
			n.add(Finding{
				Rule: RuleChainTooLong, Message: "the chain is longer than policy allows; what lies beyond this task was not looked at",
				Want: fmt.Sprintf("at most %d links", c.v.policy.Limits.MaxChainLength), Got: fmt.Sprintf("%d or more", depth),
				Hint: "limits.maxChainLength in the policy",
			})
			c.drop(next[before:])
			next = next[:before]
		}
	}
	if len(c.order) > maxChainTasks {
		n := level[0]
		n.add(Finding{
			Rule: RuleChainTooLong, Message: "the chain has too many tasks", Want: fmt.Sprintf("at most %d", maxChainTasks),
			Got: fmt.Sprintf("%d or more", len(c.order)),
		})
		c.drop(next)
		return nil, nil
	}
	return next, c.load(ctx, next)
}

func (c *chain) drop(nodes []*node) {
	for _, n := range nodes {
		delete(c.nodes, n.id)
	}
	c.order = c.order[:len(c.order)-len(nodes)]
}

// find resolves edges that name an index path, several at once.
func (c *chain) find(ctx context.Context, n *node, edges []graph.Edge) error {
	var named []int
	for i, e := range edges {
		if e.Namespace != "" {
			named = append(named, i)
		}
	}
	if len(named) > maxIndexedInputs {
		n.add(Finding{
			Rule: RuleChainTooLong, Message: "the task takes inputs from too many index paths; those beyond the bound were not looked at",
			Want: fmt.Sprintf("at most %d", maxIndexedInputs), Got: len(named),
		})
		named = named[:maxIndexedInputs]
	}
	failed := make([]error, len(edges))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.v.options.Jobs)
	for _, i := range named {
		g.Go(safe(func() error {
			edges[i].Task, failed[i] = c.v.sources.Index.FindTask(gctx, edges[i].Namespace)
			return ctx.Err()
		}))
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, err := range failed {
		if err != nil {
			f := unavailable(RuleIndexedInput, err, "the task at index path "+edges[i].Namespace)
			f.Path = edges[i].Path
			n.add(f)
		}
	}
	n.edges = edges
	return nil
}

// targetLink decides which run of a target is verified.
func (c *chain) targetLink(t RunTarget) *link {
	n := c.nodes[t.Task]
	if n.task == nil {
		return c.looseLink(n, true)
	}
	run, finding := selectRun(n.task, t.Run)
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
			Got: string(t.State), Heals: t.State.Open(), Hint: "wait until the task has completed",
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
		Want: string(graph.Completed), Got: string(r.State), Heals: r.State.Open(),
	}
	if f.Heals {
		f.Hint = "wait until the task has completed"
	} else {
		f.Hint = "workers sign failed tasks too; rerun the task, or name a completed run"
	}
	return f
}

// linkFor gives the link of a node's run, and whether it is new.
func (c *chain) linkFor(n *node, run graph.Run) (*link, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ref := graph.RunRef{Task: n.id, Run: run.ID}
	if l, ok := c.links[ref]; ok {
		return l, false
	}
	l := &link{node: n, run: run, hasRun: true}
	c.links[ref] = l
	c.seen = append(c.seen, l)
	return l, true
}

// looseLink stands in the report for a task that has no run to look at.
func (c *chain) looseLink(n *node, target bool) *link {
	for _, l := range c.loose {
		if l.node == n {
			return l
		}
	}
	l := &link{node: n, target: target}
	c.loose = append(c.loose, l)
	return l
}

// isLoose tells whether the report says already that a task has no run.
func (c *chain) isLoose(n *node) bool {
	return slices.ContainsFunc(c.loose, func(l *link) bool { return l.node == n })
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
	creators := []graph.TaskID{l.node.parent, l.node.task.Definition.TaskGroupID}
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
		run, finding := selectRun(p.task, nil)
		if finding != nil && finding.Severity != SeverityWarning && !c.isLoose(p) {
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
		if e.Run == nil && !latestDuring(n.task, run, l.run) {
			continue
		}
		out = append(out, linkOf(n, run))
	}
	if len(out) == 0 {
		run, finding := selectRun(n.task, e.Run)
		if finding != nil && finding.Severity != SeverityWarning && !c.isLoose(n) {
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

func (c *chain) linksOf(n *node) []*link {
	var out []*link
	for _, l := range c.snapshot() {
		if l.node == n {
			out = append(out, l)
		}
	}
	return out
}

// fetch reads and verifies a link's document in the background.
func (c *chain) fetch(ctx context.Context, g *errgroup.Group, l *link) {
	g.Go(safe(func() error {
		if err := c.document(ctx, l); err != nil {
			return err
		}
		c.v.event("document", l.node.id, "")
		return nil
	}))
}

// unavailable turns an error of a source into a finding; what heals is always
// evidence-unavailable, for nothing is known yet.
func unavailable(rule Rule, err error, what string) Finding {
	f := Finding{Rule: rule, Message: "can't read " + what + ": " + err.Error()}
	var u *graph.UnavailableError
	if errors.As(err, &u) {
		f.Hint, f.Heals = u.Hint, u.Reason.Heals()
		f.Got = string(u.Reason)
		if f.Heals {
			f.Rule = RuleEvidenceUnavailable
			if f.Hint == "" {
				f.Hint = "try again later"
			}
		}
	}
	return f
}

// allLinks are all links in the order of the report: targets, then as found.
func (c *chain) allLinks() []*link {
	out := append(append([]*link{}, c.seen...), c.loose...)
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.target != b.target {
			return a.target
		}
		return a.node.depth < b.node.depth
	})
	return out
}
