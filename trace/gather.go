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

// Bounds of the tasks that one verification looks at: what is followed for trust,
// or whole graphs.
const (
	maxChainTasks = 10_000
	maxGraphTasks = 200_000
)

// maxIndexedInputs bounds the index paths that one task takes inputs from.
const maxIndexedInputs = 1000

// chain is one verification under way. gather fills it, judge looks at it.
type chain struct {
	v       *Verifier
	targets []*link

	namespaces []string  // index paths that name targets
	findings   []Finding // of the request as a whole
	nodes      map[graph.TaskID]*node
	order      []*node // as found: targets first

	mu    sync.Mutex // guards links while documents are fetched
	links map[graph.RunRef]*link
	seen  []*link // as found
	loose []*link // links without a run

	rests map[*link][]*link // what each link rests on, once that is decided
	feeds map[*link][]*policy.Product

	images map[string]*link // the first run in each docker image, by what names its content

	projectsMu  sync.Mutex
	projectList *policy.Projects

	overruled []string // notes on types that the caller gave

	whole *wholeGraph // nil: single tasks are verified

	rooms sync.Pool     // *bytes.Buffer, to read documents into
	slots chan struct{} // one for each thing that is read at a time
}

func newChain(v *Verifier) *chain {
	return &chain{
		v: v, nodes: map[graph.TaskID]*node{}, links: map[graph.RunRef]*link{}, images: map[string]*link{},
		slots: make(chan struct{}, v.options.Jobs),
	}
}

// slotted runs f when one of the slots is free. f must not wait for another
// slot.
func (c *chain) slotted(ctx context.Context, f func() error) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gather finds the targets and what they depend on for trust, level by level.
// Every run's document, and the tree of every decision task, is read in the
// background, in the group.
func (c *chain) gather(ctx context.Context, g *errgroup.Group, targets []RunTarget) error {
	level := c.enqueue(nil, targetIDs(targets), 0)
	if err := c.load(ctx, level); err != nil {
		return err
	}
	for _, t := range targets {
		l := c.targetLink(t)
		c.targets = append(c.targets, l)
		if l.hasRun {
			c.fetch(ctx, g, l)
		}
	}
	for depth := 1; c.v.options.Scope == ScopeTree && len(level) > 0; depth++ {
		next, err := c.expand(ctx, g, level, depth)
		if err != nil {
			return err
		}
		for _, l := range c.connect() {
			c.fetch(ctx, g, l)
		}
		level = next
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
	for _, n := range level {
		if c.whole != nil && c.whole.known[n.id] != nil { // of another part
			c.settle(n, c.whole.known[n.id])
			continue
		}
		g.Go(safe(func() error {
			var task *graph.Task
			err := c.slotted(gctx, func() (err error) {
				task, err = c.v.sources.Tasks.Task(gctx, n.id)
				return err
			})
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				n.add(unavailable(RuleEvidenceUnavailable, err, "the task's definition and status"))
				return nil
			}
			c.settle(n, c.know(task))
			return nil
		}))
	}
	return g.Wait()
}

// know reads what a task says of its place in the graph. In whole graphs the
// definition does not stay decoded.
func (c *chain) know(t *graph.Task) *placedTask {
	k := &placedTask{task: newTask(t), impl: graph.ImplementationOf(t.Definition, c.v.policy.IsScriptworker), says: &origins{}}
	if image, err := graph.ImageOf(t.Definition); err == nil {
		k.image = image
	}
	k.says.parent, k.says.parentErr = graph.ParentOf(t.ID, t.Definition)
	k.says.edges, k.says.problems = graph.Inputs(t.Definition, c.v.policy.RootURL)
	k.restricted = slices.ContainsFunc(t.Definition.Scopes, c.isRestricted)
	if c.whole != nil && k.says.parent != t.ID { // of a decision task, much is asked
		k.pack()
	}
	return k
}

// settle gives a node its task.
func (c *chain) settle(n *node, k *placedTask) {
	c.v.event("task", n.id, k.Name)
	n.task, n.impl, n.image, n.says = k.task, k.impl, k.image, k.says
}

// expand finds a level's parents and inputs and loads those that are new. In a
// chain that is too long the tasks beyond the bound are not followed.
func (c *chain) expand(ctx context.Context, g *errgroup.Group, level []*node, depth int) ([]*node, error) {
	var next []*node
	for _, n := range level {
		if n.task == nil {
			continue
		}
		n.expanded = true
		says := n.says
		n.says = nil
		if err := says.parentErr; err != nil {
			n.add(Finding{Rule: RuleNotInTaskGraph, Message: "the task does not name its parent: " + err.Error(), Path: "/extra/parent"})
		}
		parent := says.parent
		n.parent = parent
		if parent == n.id {
			n.own, n.ownFindings = originOf(c.v.policy, n)
			g.Go(safe(func() error {
				_, _ = c.template(ctx, n.own) // whoever needs it finds it there
				return ctx.Err()
			}))
		}
		for _, p := range says.problems {
			n.add(unreadableInput(p))
		}
		if err := c.find(ctx, n, says.edges); err != nil {
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
		if g := n.task.TaskGroupID; !g.IsZero() {
			ids = append(ids, g)
		}
		if c.whole != nil && c.v.options.Dependencies != DependenciesTrust {
			ids = append(ids, n.task.Dependencies...)
		}
		before := len(next)
		next = c.enqueue(next, ids, depth)
		if depth > c.v.policy.Limits.MaxChainLength && len(next) > before {
			n.add(Finding{
				Rule: RuleChainTooLong, Message: "the chain is longer than policy allows; what lies beyond this task was not looked at",
				Want: fmt.Sprintf("a length of at most %d", c.v.policy.Limits.MaxChainLength), Got: fmt.Sprintf("%d or more", depth),
				Hint: "raise limits.maxChainLength in the policy, if the chain is genuine",
			})
			c.drop(next[before:])
			next = next[:before]
		}
	}
	most := c.v.maxChainTasks
	if c.whole != nil {
		most = c.v.maxGraphTasks
	}
	if len(c.order) > most {
		// Of the chain as a whole: whose tasks they are is nobody's to choose.
		c.findings = append(c.findings, Finding{
			Rule: RuleChainTooLong, Message: "the chain has too many tasks", Want: fmt.Sprintf("at most %d", most), Got: fmt.Sprintf("%d or more", len(c.order)),
			Hint: "name fewer targets at a time",
		}.withDefaults())
		c.drop(next)
		return nil, nil
	}
	return next, c.load(ctx, next)
}

func unreadableInput(err error) Finding {
	f := Finding{
		Rule: RuleUndeclaredInput, Message: "an input that can't be read, so nobody can tell what the task took: " + err.Error(),
		Hint: "correct what the task states there, in the graph that makes it",
	}
	var at *graph.InputError
	if errors.As(err, &at) {
		f.Path = at.Path
		f.Message = "an input that can't be read, so nobody can tell what the task took: " + at.Detail
	}
	return f
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
	for _, i := range named {
		g.Go(safe(func() error {
			failed[i] = c.slotted(gctx, func() (err error) {
				edges[i].Task, err = c.v.sources.Index.FindTask(gctx, edges[i].Namespace)
				return err
			})
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
// evidence-unavailable, for nothing is known yet, and so is what an archive was
// not asked when it was made.
func unavailable(rule Rule, err error, what string) Finding {
	f := Finding{Rule: rule, Message: "can't read " + what + ": " + err.Error()}
	var u *graph.UnavailableError
	if errors.As(err, &u) {
		f.Hint, f.Heals = u.Hint, u.Reason.Heals()
		f.Got = string(u.Reason)
		if u.Reason == graph.NotRecorded {
			f.Rule = RuleEvidenceUnavailable
		}
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
