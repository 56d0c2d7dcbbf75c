package trace

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace/tree"
)

// TemplateName is the file that says which tasks an event starts.
const TemplateName = ".taskcluster.yml"

// renderTime bounds how long a template may take.
const renderTime = 20 * time.Second

// rebuild renders a parent from the tree and compares it with the runtime
// definition. Whatever is named as a parent passes here, whatever else it is.
func (c *chain) rebuild(ctx context.Context, n *node) error {
	o := n.decision
	if o == nil || o.product == nil {
		return nil // the rule that left it so has said why
	}
	d := n.task.Definition()
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
	tasksFor := tasksForOf(n)
	if !slices.Contains(o.product.TasksFor, tasksFor) {
		n.add(Finding{
			Rule: RuleTasksFor, Path: "/extra/tasks_for", Got: orElse(tasksFor, "no extra.tasks_for"), Want: strings.Join(o.product.TasksFor, ", "),
			Message: fmt.Sprintf("product %s has no tasks started for this", o.product.Name),
		})
		return nil
	}
	ev, ok := events(o.product.VCS, tasksFor)
	if !ok {
		n.add(Finding{
			Rule: RuleTasksFor, Path: "/extra/tasks_for", Got: tasksFor,
			Message: fmt.Sprintf("tasks started for %s on %s can't be rebuilt by this version, so they are not trusted", tasksFor, o.product.VCS),
		})
		return nil
	}
	template, finding := c.template(ctx, o)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case finding != nil:
		n.add(*finding)
		return nil
	case template == nil:
		return nil // a finding says why
	}
	made, findings := c.try(ctx, n, template, ev.attempts(ctx, c, n))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, f := range findings {
		n.add(f)
	}
	if made != nil {
		n.rebuilt = true
		c.madeFrom(n, made.madeBy)
	}
	c.v.event("tree", n.id, o.tree.String())
	return nil
}

// template settles where the origin's commit is, and reads the file that says
// which tasks an event starts, once. It is nil without a finding where nothing
// may be read, or where the origin's own findings say why not.
func (c *chain) template(ctx context.Context, o *origin) (map[string]any, *Finding) {
	o.read.Do(func() {
		if o.product == nil {
			return
		}
		// Nothing is asked of a contribution that nobody accepts.
		ev, ok := events(o.product.VCS, tasksForOf(o.decision))
		if !ok || !o.hostKnown || o.contribution && !c.v.options.AcceptUntrustedTree {
			return
		}
		o.findings = ev.locate(ctx, c, o)
		o.located = len(o.findings) == 0 && !o.tree.Revision.IsZero()
		if c.mayRead(o) {
			o.template, o.unreadable = c.readTemplate(ctx, o.tree)
		}
	})
	return o.template, o.unreadable
}

// mayRead tells whether anything is read from the origin's tree: its commit is
// known to be there, and trusted, or the caller accepts what is not.
func (c *chain) mayRead(o *origin) bool {
	return o.located && (!o.contribution || c.v.options.AcceptUntrustedTree)
}

func (c *chain) readTemplate(ctx context.Context, t tree.Tree) (map[string]any, *Finding) {
	data, err := c.v.sources.VCS.File(ctx, t, TemplateName, render.MaxTemplateBytes)
	if err != nil {
		f := unavailable(RuleTemplateError, err, TemplateName+" at "+t.String())
		return nil, &f
	}
	v, err := render.YAML(data)
	if err != nil {
		return nil, &Finding{Rule: RuleTemplateError, Message: fmt.Sprintf("%s at %s: %v", TemplateName, t, err)}
	}
	top, ok := v.(map[string]any)
	if !ok {
		return nil, &Finding{
			Rule: RuleTemplateError, Message: fmt.Sprintf("%s at %s is no mapping", TemplateName, t), Got: strictjson.Kind(v),
		}
	}
	if version, isNumber := top["version"].(float64); isNumber && version != 1 {
		return nil, &Finding{
			Rule: RuleTemplateError, Path: "/version", Want: 1, Got: version,
			Message: fmt.Sprintf("%s at %s has a version that can't be rendered here", TemplateName, t),
		}
	}
	return top, nil
}

func poolNames(ps []graph.PoolPattern) string {
	var names []string
	for _, p := range ps {
		names = append(names, p.String())
	}
	return strings.Join(names, ", ")
}
