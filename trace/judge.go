package trace

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mozilla-releng/cot/graph"
)

// check is one rule, or a few that look at the same place. Adding a rule is
// adding a file with a function of this kind and its name to the list below.
type check func(c *chain, l *link)

// linkChecks look at what gather found; they fetch nothing.
var linkChecks = []check{
	checkThen,
	checkRunAmbiguous,
	checkWorkerImplementation,
	checkInteractive,
	checkRunAsCurrentUser,
	checkTaskType,
	checkInputsSeen,
	checkInputsDeclared,
	checkIndexedInputs,
	checkPins,
	checkDockerImage,
	checkDockerImagePool,
	checkOrigin,
	checkSource,
	checkProduct,
	checkRestrictedScopes,
	checkTaskGroup,
	checkExpectations,
	checkDependenciesResolved,
	checkEstablished, // last
}

// searchParents rebuilds every task that creates others from its tree, and
// looks up what it created in its task graph.
func (c *chain) searchParents(ctx context.Context, g *errgroup.Group) {
	for _, n := range c.order {
		if n.task == nil || !n.creates() {
			continue
		}
		g.Go(safe(func() error { return c.rebuild(ctx, n) }))
		g.Go(safe(func() error { return c.membership(ctx, n) }))
	}
}

// judge gathers what the parents brought up, and runs every rule on every link.
func (c *chain) judge(ctx context.Context) error {
	for _, n := range c.order {
		if o := n.decision; o != nil && o.decision == n {
			for _, f := range o.findings {
				n.add(f)
			}
		}
	}
	if err := c.followInputs(ctx); err != nil {
		return err
	}
	if err := c.readInputsReports(ctx); err != nil {
		return err
	}
	for _, l := range c.allLinks() {
		if l.node.task != nil {
			c.pin(l)
		}
	}
	c.prune()
	c.feeds = c.fed()
	for _, l := range c.allLinks() {
		if l.node.task == nil {
			continue
		}
		repack := l.node.task.unpack()
		for _, check := range linkChecks {
			check(c, l)
		}
		repack()
	}
	if c.whole != nil {
		c.whole.choose(c)
		links := c.allLinks()
		for _, l := range links {
			if c.whole.judged[l] && l.node.task != nil {
				checkInputsVerified(c, l)
			}
		}
		c.whole.settleListed(c, links)
	}
	return ctx.Err()
}

// followInputs looks at the inputs of runs that came in while parents were searched.
func (c *chain) followInputs(ctx context.Context) error {
	for {
		fresh := c.connect()
		if len(fresh) == 0 {
			return nil
		}
		g, gctx := errgroup.WithContext(ctx)
		for _, l := range fresh {
			c.fetch(gctx, g, l)
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
}

// decideKinds says what each task is, once. What a task says of itself can only
// subject it to more rules: an "action" must be rebuilt from the tree.
func (c *chain) decideKinds() {
	for _, n := range c.order {
		if n.task == nil {
			continue
		}
		if p := c.nodes[n.parent]; p != nil {
			p.usedAsParent = true
		}
		if g := c.nodes[n.task.TaskGroupID]; g != nil {
			g.usedAsParent = true
		}
		for _, e := range n.edges {
			if m := c.nodes[e.Task]; m != nil && e.Reason == graph.EdgeImage {
				m.usedAsImage = true
			}
		}
	}
	for _, n := range c.order {
		if n.task != nil {
			n.kind = kindOf(n)
		}
	}
}

func kindOf(n *node) Kind {
	tasksFor := n.task.TasksFor
	switch {
	case n.parent == n.id:
		return KindDecision
	case n.usedAsParent, tasksFor == "action", tasksFor == "pr-action":
		return KindAction
	case n.impl == graph.Scriptworker:
		return KindScriptworker
	case n.usedAsImage, n.task.KindTag == "docker-image":
		return KindDockerImage
	}
	return KindTask
}

// findOrigins follows parents to decision tasks. Parents that cycle, or end
// where nothing is known, leave a task without an origin.
func (c *chain) findOrigins() {
	for _, n := range c.order {
		for _, f := range n.ownFindings {
			n.add(f)
		}
	}
	for _, n := range c.order {
		if n.task == nil {
			continue
		}
		at, seen := n, map[*node]bool{}
		for at != nil && at.task != nil && !seen[at] && at.kind != KindDecision {
			seen[at] = true
			at = c.nodes[at.parent]
		}
		switch {
		case at == nil || at.task == nil:
			n.add(Finding{
				Rule: RuleNotInTaskGraph, Message: "the chain of parents does not reach a decision task: one of them could not be had",
				Got: n.parent.String(), derived: true,
			})
		case seen[at]:
			n.add(Finding{
				Rule: RuleChainTooLong, Message: "the parents of this task form a circle and never reach a decision task",
				Got: n.parent.String(), Hint: "don't use it: no honest graph has a circle",
			})
		default:
			n.decision = at.own
		}
	}
}

// prune drops the runs that nothing depends on after all: those that an input
// turned out not to be pinned to, and those of parents that made nothing here.
func (c *chain) prune() {
	c.rests = c.restsOn()
	keep := c.reach(c.targets)
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.seen[:0]
	for _, l := range c.seen {
		if keep[l] {
			kept = append(kept, l)
		}
	}
	c.seen = kept
}

// restsOn gives the links that each link rests on: the runs of its inputs, and
// of the parent and the group's task that made it.
func (c *chain) restsOn() map[*link][]*link {
	all, of := c.allLinks(), map[*node][]*link{}
	for _, l := range all {
		of[l.node] = append(of[l.node], l)
	}
	out := map[*link][]*link{}
	for _, l := range all {
		if l.node.task == nil {
			continue
		}
		for _, in := range l.inputs {
			out[l] = append(out[l], in.runs...)
			if n := c.nodes[in.edge.Task]; len(in.runs) == 0 && n != nil {
				out[l] = append(out[l], of[n]...)
			}
		}
		for _, id := range []graph.TaskID{l.node.parent, l.node.task.TaskGroupID} {
			p := c.nodes[id]
			switch {
			case p == nil || p == l.node:
			case l.madeBy != nil && l.madeBy.node == p:
				out[l] = append(out[l], l.madeBy)
			default:
				out[l] = append(out[l], of[p]...)
			}
		}
	}
	return out
}

// reach gives the links and all that they rest on.
func (c *chain) reach(from []*link) map[*link]bool {
	found := map[*link]bool{}
	for next := slices.Clone(from); len(next) > 0; {
		l := next[len(next)-1]
		next = next[:len(next)-1]
		if !found[l] {
			found[l] = true
			next = append(next, c.rests[l]...)
		}
	}
	return found
}
