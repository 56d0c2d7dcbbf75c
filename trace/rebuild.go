package trace

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/render"
)

// TemplateName is the file that says which tasks an event starts.
const TemplateName = ".taskcluster.yml"

// renderTime bounds how long a template may take.
const renderTime = 20 * time.Second

// event knows what started a task: where its template and its context come
// from. No value of a context is the task's own word unless something else
// vouches for it (docs/events.md).
type event interface {
	// contexts are the contexts that the services could have rendered with;
	// they differ only in what the services leave open.
	contexts(ctx context.Context, c *chain, n *node) ([]render.Context, []Finding)
}

// events are those that can be rebuilt, by the version control system of the
// product and extra.tasks_for.
func events(vcs, tasksFor string) (event, bool) {
	switch vcs + " " + tasksFor {
	case "hg hg-push":
		return hgPush{}, true
	}
	return nil, false
}

// rebuild renders a parent from the tree and compares it with the runtime
// definition. Whatever is named as a parent passes here, whatever else it is.
func (c *chain) rebuild(ctx context.Context, n *node) error {
	o := n.decision
	if o == nil || o.product == nil {
		return nil // the rule that left it so has said why
	}
	d := n.task.Definition
	if n.kind == KindDecision && d.TaskGroupID != n.id {
		n.add(Finding{
			Rule: RuleDiffersFromTree, Path: "/taskGroupId", Want: n.id.String(), Got: d.TaskGroupID.String(),
			Message: "a decision task must be its own task group",
		})
	}
	if !o.product.IsDecisionPool(d.Pool) {
		n.add(Finding{
			Rule: RuleDecisionPool, Path: "/workerType", Got: d.Pool.String(),
			Message: fmt.Sprintf("the task creates others, but product %s has no such decision pool", o.product.Name),
			Want:    poolNames(o.product.DecisionPools),
		})
	}
	tasksFor, _ := d.Extra["tasks_for"].(string)
	if !slices.Contains(o.product.TasksFor, tasksFor) {
		n.add(Finding{
			Rule: RuleTasksFor, Path: "/extra/tasks_for", Got: tasksFor, Want: strings.Join(o.product.TasksFor, ", "),
			Message: fmt.Sprintf("product %s has no tasks started for this", o.product.Name),
		})
		return nil
	}
	ev, ok := events(o.product.VCS, tasksFor)
	if !ok {
		n.add(Finding{
			Rule: RuleTasksFor, Path: "/extra/tasks_for", Got: tasksFor,
			Message: fmt.Sprintf("tasks started for %s on %s can't be rebuilt by this version, so they are not trusted", tasksFor, o.product.VCS),
			Want:    "hg-push",
		})
		return nil
	}
	if o.tree.Revision.IsZero() || !o.hostKnown {
		return nil
	}
	if o.contribution && !c.v.options.AcceptUntrustedTree {
		return nil // nothing is fetched from a contribution that nobody accepts
	}
	contexts, findings := ev.contexts(ctx, c, n)
	template, finding := c.template(ctx, n)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if finding != nil {
		findings = append(findings, *finding)
	}
	for _, f := range findings {
		n.add(f)
	}
	if template == nil || len(contexts) == 0 {
		return nil
	}
	same, findings := c.compareRendered(ctx, n, template, contexts)
	n.rebuilt = same
	for _, f := range findings {
		n.add(f)
	}
	c.v.event("tree", n.id, o.tree.String())
	return ctx.Err()
}

func (c *chain) template(ctx context.Context, n *node) (any, *Finding) {
	t := n.decision.tree
	data, err := c.v.sources.VCS.File(ctx, t, TemplateName, render.MaxTemplateBytes)
	if err != nil {
		f := unavailable(RuleTemplateError, err, TemplateName+" at "+t.String())
		return nil, &f
	}
	v, err := render.YAML(data)
	if err != nil {
		return nil, &Finding{Rule: RuleTemplateError, Message: fmt.Sprintf("%s at %s: %v", TemplateName, t, err)}
	}
	return v, nil
}

// compareRendered tells whether one of the tasks that the template yields is
// the task; if not, the findings are about the closest.
func (c *chain) compareRendered(ctx context.Context, n *node, template any, contexts []render.Context) (bool, []Finding) {
	rctx, cancel := context.WithTimeout(ctx, renderTime)
	defer cancel()
	var best []Finding
	for _, values := range contexts {
		rendered, err := render.Render(rctx, template, values)
		if err != nil {
			if best == nil {
				best = []Finding{{
					Rule: RuleTemplateError, Message: fmt.Sprintf("%s at %s can't be rendered: %v", TemplateName, n.decision.tree, err),
				}}
			}
			continue
		}
		top, _ := rendered.(map[string]any)
		tasks, _ := top["tasks"].([]any)
		if len(tasks) == 0 && best == nil {
			best = []Finding{{
				Rule: RuleDiffersFromTree, Message: fmt.Sprintf("%s at %s asks for no task for this event", TemplateName, n.decision.tree),
			}}
		}
		for _, t := range tasks {
			def, _ := t.(map[string]any)
			diffs := compareWithTree(n, def)
			if len(diffs) == 0 {
				return true, nil
			}
			if best == nil || best[0].Rule != RuleDiffersFromTree || len(diffs) < len(best) {
				best = diffs
			}
		}
	}
	return false, best
}

// compareWithTree ignores what the queue leaves open: its defaults and the
// priority.
func compareWithTree(n *node, def map[string]any) []Finding {
	d := n.task.Definition
	want, got := canonical(def), canonical(d.Value())
	var findings []Finding
	if id, ok := want["taskId"]; ok && id != n.id.String() {
		findings = append(findings, Finding{Rule: RuleDiffersFromTree, Path: "/taskId", Want: brief(id), Got: n.id.String(), Message: "the tree asks for another task id"})
	}
	delete(want, "taskId")
	if _, named := want["taskGroupId"]; !named {
		want["taskGroupId"] = n.id.String()
	}
	for _, k := range []string{"created", "deadline", "expires"} {
		if sameInstant(want[k], got[k]) {
			want[k] = got[k]
		}
	}
	dropQueueDefaults(got, want, d)
	for _, diff := range differences(want, got) {
		findings = append(findings, Finding{
			Rule: RuleDiffersFromTree, Path: diff.path, Want: diff.want, Got: diff.got,
			Message: fmt.Sprintf("the task differs from what %s at %s asks for", TemplateName, n.decision.tree),
			Hint:    "somebody changed the task, or it was not started by this event",
		})
	}
	return findings
}

func sameInstant(a, b any) bool {
	s, ok1 := a.(string)
	t, ok2 := b.(string)
	x, err1 := time.Parse(time.RFC3339, s)
	y, err2 := time.Parse(time.RFC3339, t)
	return ok1 && ok2 && err1 == nil && err2 == nil && x.Truncate(time.Millisecond).Equal(y.Truncate(time.Millisecond))
}

func poolNames(ps []graph.PoolPattern) string {
	var names []string
	for _, p := range ps {
		names = append(names, p.String())
	}
	return strings.Join(names, ", ")
}
