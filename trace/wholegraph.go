package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mozilla-releng/cot/graph"
)

// GraphTarget names whole graphs to verify.
type GraphTarget struct {
	Groups []graph.TaskID
	// Self is the task that this verification runs in. It and what depends on it
	// need not be finished, whatever RequireFinished says. Zero: none.
	Self graph.TaskID
	// RequireFinished: a task of the groups that may still run is an error.
	RequireFinished bool
	// Shard: only this part of the groups' tasks is judged, and what they rest on.
	// Nil: all are.
	Shard *Part

	besides []graph.TaskID           // what else this verification runs in
	only    func(w *wholeGraph) part // which tasks of the groups are judged; nil: Shard says
}

// part tells whether a task is one of those that are judged.
type part func(graph.TaskID) bool

// maxGraphGroups bounds the groups that are looked at together.
const maxGraphGroups = 100

// wholeGraph is what a chain knows of the graphs that it is about.
type wholeGraph struct {
	target   GraphTarget
	groups   []*graph.Group
	member   map[graph.TaskID]bool // of the groups
	listed   []*placedTask         // they, and the tasks that made groups, as found
	known    map[graph.TaskID]*placedTask
	part     part                  // nil: every task
	self     map[graph.TaskID]bool // the running task, and what depends on it
	judged   map[*link]bool
	named    map[*node]bool // instead of groups
	siblings []graph.TaskID // of a part: what waits like it
	findings []Finding      // of the request as a whole
}

// VerifyGraph judges every task of the groups, and all that they depend on. What
// is wrong is in the report; the error is for a cancelled context or a call that
// asks for nothing.
func (v *Verifier) VerifyGraph(ctx context.Context, t GraphTarget) (*Report, error) {
	switch {
	case len(t.Groups) == 0:
		return nil, errors.New("nothing to verify")
	case v.options.Scope != ScopeTree:
		return nil, errors.New("trace: whole graphs are traced to their trees, not by signatures alone")
	case v.sources.Groups == nil:
		return nil, errors.New("trace: whole graphs need the task groups' listings")
	}
	c := newChain(v)
	c.whole = newWholeGraph(t)
	if err := c.listGroups(ctx); err != nil {
		return nil, err
	}
	if err := c.judgeGraph(ctx); err != nil {
		return nil, err
	}
	return c.report(nil), nil
}

func newWholeGraph(t GraphTarget) *wholeGraph {
	return &wholeGraph{
		target: t, member: map[graph.TaskID]bool{}, known: map[graph.TaskID]*placedTask{},
		self: map[graph.TaskID]bool{}, judged: map[*link]bool{}, named: map[*node]bool{},
	}
}

// gatherAll finds the targets and all that they depend on, as a whole graph that
// has them instead of groups.
func (c *chain) gatherAll(ctx context.Context, g *errgroup.Group, targets []RunTarget) error {
	c.whole = newWholeGraph(GraphTarget{})
	level := c.enqueue(nil, targetIDs(targets), 0)
	if err := c.load(ctx, level); err != nil {
		return err
	}
	for _, t := range targets {
		n := c.nodes[t.Task]
		c.whole.named[n], c.whole.member[t.Task] = true, true
		c.targets = append(c.targets, c.targetLink(t))
	}
	return c.close(ctx, g, level)
}

// judgeGraph judges what is listed.
func (c *chain) judgeGraph(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	if err := c.close(gctx, g, c.enterListed()); err != nil {
		return errors.Join(g.Wait(), err)
	}
	c.decideKinds()
	c.findOrigins()
	c.searchParents(gctx, g)
	if err := g.Wait(); err != nil {
		return err
	}
	return c.judge(ctx)
}

// listGroups lists the groups, and those that release promotions in them name as
// their previous graphs.
func (c *chain) listGroups(ctx context.Context) error {
	w := c.whole
	list := func(t *graph.Task) {
		if w.known[t.ID] == nil {
			k := c.know(t)
			w.known[t.ID] = k
			w.listed = append(w.listed, k)
		}
	}
	ids := slices.Clone(w.target.Groups)
	for i := 0; i < len(ids); i++ {
		if slices.Contains(ids[:i], ids[i]) {
			continue
		}
		if len(w.listed) > c.v.maxGraphTasks {
			break // no more fit; expand says so
		}
		if len(w.groups) == maxGraphGroups {
			w.findings = append(w.findings, Finding{
				Rule: RuleChainTooLong, Message: "more task groups than are looked at together", Want: maxGraphGroups, Got: len(ids),
			})
			break
		}
		listed, err := c.v.sources.Groups.Group(ctx, ids[i])
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			w.findings = append(w.findings, unavailable(RuleEvidenceUnavailable, err, "the task group"))
			continue
		}
		if len(listed.Tasks) == 0 {
			w.findings = append(w.findings, Finding{
				Rule: RuleEvidenceUnavailable, Message: fmt.Sprintf("task group %s has no task: there is nothing to verify", listed.ID),
			})
		}
		if listed.Growing {
			w.findings = append(w.findings, Finding{
				Rule: RuleEvidenceUnavailable, Heals: true, Got: len(listed.Tasks),
				Message: fmt.Sprintf("task group %s still grows while it is listed: what joined last is not looked at", listed.ID),
				Hint:    "try again when nothing creates tasks in it any more; a sealed group can't grow",
			})
		}
		c.v.event("group", listed.ID, fmt.Sprintf("%d tasks", len(listed.Tasks)))
		w.groups = append(w.groups, listed)
		for _, t := range listed.Tasks {
			w.member[t.ID] = true
			d := t.Definition()
			list(&graph.Task{ID: t.ID, Definition: d, State: t.State, Runs: t.Runs})
			ids = w.previousGraphs(ids, t.ID, d)
		}
		if w.member[listed.ID] || len(listed.Tasks) == 0 {
			continue
		}
		// An action that makes a group is in another: its decision's.
		maker, err := c.v.sources.Tasks.Task(ctx, listed.ID)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			w.findings = append(w.findings, unavailable(RuleEvidenceUnavailable, err, "the task that made group "+listed.ID.String()))
		default:
			list(maker)
			ids = w.previousGraphs(ids, maker.ID, maker.Definition)
		}
	}
	return nil
}

// enterListed takes up the tasks that are to be judged. What made a group is no
// part's, so every part judges it.
func (c *chain) enterListed() []*node {
	w := c.whole
	tasks := make([]*task, len(w.listed))
	for i, k := range w.listed {
		tasks[i] = k.task
	}
	w.markSelf(tasks)
	switch {
	case w.target.only != nil:
		w.part = w.target.only(w)
	case w.target.Shard != nil:
		w.part = func(id graph.TaskID) bool { return !w.member[id] || w.target.Shard.Has(id) }
		w.waitForSiblings()
	}
	var level []*node
	for _, t := range w.listed {
		if w.judges(t.ID) {
			level = c.enter(level, t)
		}
	}
	return level
}

// judges tells whether a listed task is one of those that are asked for.
func (w *wholeGraph) judges(id graph.TaskID) bool { return w.part == nil || w.part(id) }

// previousGraphs adds the groups that a release promotion goes on from.
func (w *wholeGraph) previousGraphs(ids []graph.TaskID, of graph.TaskID, d *graph.Definition) []graph.TaskID {
	said, _ := d.Extra["action"].(map[string]any)
	given, _ := said["context"].(map[string]any)
	input, _ := given["input"].(map[string]any)
	list, ok := input["previous_graph_ids"].([]any)
	if v := input["previous_graph_ids"]; v != nil && !ok {
		list = []any{v}
	}
	for i, v := range list {
		s, _ := v.(string)
		id, err := graph.ParseTaskID(s)
		if err != nil {
			w.findings = append(w.findings, Finding{
				Rule: RuleActionInput, Path: fmt.Sprintf("/extra/action/context/input/previous_graph_ids/%d", i), Want: "a task group's id", Got: brief(v),
				Message: fmt.Sprintf("%s goes on from a group that can't be read", of),
			})
			continue
		}
		ids = append(ids, id)
	}
	return ids
}

// enter adds a task that is known already.
func (c *chain) enter(level []*node, k *placedTask) []*node {
	level = c.enqueue(level, []graph.TaskID{k.ID}, 0)
	if n := c.nodes[k.ID]; n.task == nil {
		c.settle(n, k)
	}
	return level
}

// close follows parents, inputs and dependencies until nothing new turns up.
// Every task on the way is a target.
func (c *chain) close(ctx context.Context, g *errgroup.Group, level []*node) error {
	for depth := 1; len(level) > 0; depth++ {
		for _, n := range level {
			if !c.whole.named[n] {
				c.targets = append(c.targets, c.graphLink(n))
			}
		}
		next, err := c.expand(ctx, g, level, depth)
		if err != nil {
			return err
		}
		c.connect()
		level = next
	}
	var tasks []*task
	for _, n := range c.order {
		if n.task != nil {
			tasks = append(tasks, n.task)
		}
	}
	c.whole.markSelf(tasks)
	c.noteTaken()
	for _, l := range c.snapshot() {
		if l.run.State == graph.Completed || l.used || c.whole.named[l.node] {
			c.fetch(ctx, g, l)
		}
	}
	return ctx.Err()
}

// graphLink is the run of a task that a whole graph looks at: the newest
// completed one.
func (c *chain) graphLink(n *node) *link {
	if n.task == nil {
		return c.looseLink(n, true)
	}
	run, finding := selectRun(&n.task.Task, nil)
	if finding != nil && n.loose == nil {
		n.add(*finding)
	}
	if run == nil {
		return c.looseLink(n, true)
	}
	l, _ := c.linkFor(n, *run)
	l.target = true
	return l
}

// markSelf finds the running task, what else its verification runs in, and what
// depends on them.
func (w *wholeGraph) markSelf(tasks []*task) {
	next := slices.Clone(w.target.besides)
	if !w.target.Self.IsZero() {
		next = append(next, w.target.Self)
	}
	if len(next) == 0 {
		return
	}
	users := map[graph.TaskID][]graph.TaskID{}
	for _, t := range tasks {
		for _, id := range t.Dependencies {
			users[id] = append(users[id], t.ID)
		}
	}
	for seen := map[graph.TaskID]bool{}; len(next) > 0; {
		id := next[len(next)-1]
		next = next[:len(next)-1]
		if !seen[id] {
			seen[id], w.self[id] = true, true
			next = append(next, users[id]...)
		}
	}
}

// waitForSiblings: a part does not wait for the other parts' tasks, nor they for
// it. They are what those tasks wait for that wait for this one; whether all of it
// is finished, merge tells.
func (w *wholeGraph) waitForSiblings() {
	for _, t := range w.listed {
		if !w.self[t.ID] || t.ID == w.target.Self {
			continue
		}
		w.siblings = append(w.siblings, t.Dependencies...)
	}
	for _, id := range w.siblings {
		w.self[id] = true
	}
}

// choose decides which links are judged: completed runs with a document, and all
// that those rest on. The others are listed.
func (w *wholeGraph) choose(c *chain) {
	var from []*link
	for _, l := range c.targets {
		switch {
		case w.named[l.node]:
			from = append(from, l)
		case !l.hasRun, l.run.State != graph.Completed, l.node.impl == graph.BuiltIn:
		case l.doc != nil, l.listing == nil, l.hasListedDocument(): // without a listing nobody knows
			from = append(from, l)
		}
	}
	w.judged = c.reach(from)
	signed := map[graph.TaskID]bool{}
	for l := range w.judged {
		signed[l.node.id] = true
	}
	for _, g := range w.groups {
		w.settleGroup(c, g, signed)
	}
}

// settleGroup: of each group something is judged, and what may still run is an
// error if the caller says so.
func (w *wholeGraph) settleGroup(c *chain, g *graph.Group, signed map[graph.TaskID]bool) {
	for _, t := range g.Tasks {
		if !t.State.Open() || !w.judges(t.ID) {
			continue
		}
		if n := c.nodes[t.ID]; w.target.RequireFinished && !w.self[t.ID] && n.loose == nil { // a completed run stands for it
			n.add(Finding{
				Rule: RuleRunNotCompleted, Heals: true, Want: "a task that is finished", Got: string(t.State),
				Message: "the task is run again, and may still make other artifacts",
				Hint:    "wait until it is finished",
			})
		}
	}
	if w.part != nil { // merge looks at a group as a whole
		return
	}
	if f := nothingJudged(g, signed); f != nil {
		w.findings = append(w.findings, *f)
	}
}

// nothingJudged is the finding for a group in which nothing is signed.
func nothingJudged(g *graph.Group, signed map[graph.TaskID]bool) *Finding {
	open := false
	for _, t := range g.Tasks {
		if signed[t.ID] {
			return nil
		}
		open = open || t.State.Open()
	}
	if len(g.Tasks) == 0 { // another finding says so
		return nil
	}
	return &Finding{
		Rule: RuleEvidenceUnavailable, Heals: open, Want: "a task that signs", Got: fmt.Sprintf("%d tasks, none of them signed", len(g.Tasks)),
		Message: fmt.Sprintf("nothing in task group %s can be verified", g.ID),
		Hint:    "turn on the chain-of-trust feature in the tasks that ship, or wait until one is completed",
	}
}

// followedInGroups are the dependencies that are followed of groups' tasks; empty:
// all.
func (v *Verifier) followedInGroups() Dependencies {
	if v.options.Dependencies == DependenciesTrust {
		return DependenciesTrust
	}
	return ""
}

// describe says in the report which groups it is about.
func (w *wholeGraph) describe(r *Report) {
	for _, g := range w.groups {
		out := Group{ID: g.ID.String(), Tasks: len(g.Tasks), Growing: g.Growing}
		if !g.Sealed.IsZero() {
			at := g.Sealed.UTC()
			out.Sealed = &at
		} else {
			r.Notes = append(r.Notes, fmt.Sprintf("task group %s is not sealed: tasks may join it after this", g.ID))
		}
		r.Target.Groups = append(r.Target.Groups, out)
	}
	for _, f := range w.findings {
		r.AddFinding(f)
	}
}
