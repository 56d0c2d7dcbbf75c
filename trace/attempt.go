package trace

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/internal/render"
)

// closest is the least that was wrong of what was tried.
type closest struct {
	rank     int // 0: nothing tried
	findings []Finding
}

// Ranks of what an attempt came to, worst first.
const (
	noTask = iota + 1
	notRendered
	unvouchedValue
	differs
)

func (b *closest) offer(rank int, findings ...Finding) {
	if rank > b.rank || rank == b.rank && len(findings) < len(b.findings) {
		b.rank, b.findings = rank, findings
	}
}

// try renders the template in one context after the other until one of the
// tasks that it yields is the task. If none is, the findings are about the
// closest; if not all could be tried, about why.
func (c *chain) try(ctx context.Context, n *node, template map[string]any, attempts iter.Seq2[attempt, *Finding]) (*attempt, []Finding) {
	var best closest
	tried := 0
	for a, finding := range attempts {
		if finding != nil {
			return nil, []Finding{*finding}
		}
		if tried++; tried > maxAttempts {
			break
		}
		findings, ok, slow := c.tryOne(ctx, n, template, a, &best)
		if ok {
			return &a, findings
		}
		if slow || ctx.Err() != nil {
			break
		}
	}
	if best.rank == 0 {
		best.offer(noTask, Finding{
			Rule: RuleContextUnvouched, Path: "/extra/tasks_for", Got: tasksForOf(n),
			Message: fmt.Sprintf("nothing vouches for an event that %s at %s could have been rendered for", TemplateName, n.decision.tree),
		})
	}
	return nil, best.findings
}

// tryOne renders one attempt and compares. It is ok if the task is one of those
// that the template yields; the findings are then warnings. A template that took
// too long is slow.
func (c *chain) tryOne(ctx context.Context, n *node, template map[string]any, a attempt, best *closest) (warnings []Finding, ok, slow bool) {
	ctx, cancel := context.WithTimeout(ctx, renderTime)
	defer cancel()
	tasks, err := renderTasks(ctx, template, a, a.context)
	if err != nil {
		best.offer(c.renderFailure(n, a, err))
		return nil, false, ctx.Err() != nil
	}
	if len(tasks) == 0 {
		best.offer(noTask, Finding{
			Rule: RuleDiffersFromTree, Message: fmt.Sprintf("%s at %s asks for no task for this event", TemplateName, n.decision.tree),
		})
	}
	for i, def := range tasks {
		diffs := compareWithTree(n, def, a)
		if delay, ok := serviceDelay(n, def, a.adds); ok && len(diffs) > 0 {
			// The service stamped the task a moment after it rendered it.
			later := maps.Clone(a.context)
			later["now"] = n.task.Created.Add(-delay).UTC().Format(queueTime)
			if again, err := renderTasks(ctx, template, a, later); err == nil && len(again) == len(tasks) {
				a.context, def = later, again[i]
				diffs = compareWithTree(n, def, a)
			}
		}
		if len(diffs) > 0 {
			best.offer(differs, append(diffs, a.doubts...)...)
			continue
		}
		used, finding := c.usedClaims(ctx, template, a, i, def)
		if finding != nil {
			best.offer(differs, *finding)
			continue
		}
		if len(used) > 0 {
			return []Finding{claimed(used)}, true, false
		}
		return nil, true, false
	}
	return nil, false, ctx.Err() != nil
}

// renderTasks gives the definitions that a template yields.
func renderTasks(ctx context.Context, template map[string]any, a attempt, values render.Context) ([]map[string]any, error) {
	var whole any = template
	if a.wrap != nil {
		whole = a.wrap(template)
	}
	rendered, err := render.Render(ctx, whole, values)
	if err != nil {
		return nil, err
	}
	top, _ := rendered.(map[string]any)
	list, _ := top["tasks"].([]any)
	var out []map[string]any
	for _, t := range list {
		if def, ok := t.(map[string]any); ok {
			out = append(out, def)
		}
	}
	return out, nil
}

// renderFailure tells a value that nothing vouches for from a broken template.
func (c *chain) renderFailure(n *node, a attempt, err error) (int, Finding) {
	var undefined *render.UndefinedError
	if errors.As(err, &undefined) && ofService(undefined.Name) {
		if a.refused != nil && undefined.Name == "event.pusher" {
			return unvouchedValue, *a.refused
		}
		return unvouchedValue, Finding{
			Rule: RuleContextUnvouched, Got: clipText(undefined.Name),
			Message: fmt.Sprintf("%s at %s uses a value of the event that nothing vouches for", TemplateName, n.decision.tree),
			Hint:    "docs/events.md lists the values that a template may use",
		}
	}
	return notRendered, Finding{
		Rule: RuleTemplateError, Message: fmt.Sprintf("%s at %s can't be rendered: %v", TemplateName, n.decision.tree, err),
	}
}

// serviceValues are what some service gives to some template.
var serviceValues = []string{
	"event", "push", "repository", "cron", "action", "input", "parameters", "taskGroupId", "clientId", "firedBy", "payload",
}

// ofService tells whether some service could give a value of that name.
func ofService(name string) bool {
	return strings.Contains(name, ".") || slices.Contains(serviceValues, name)
}

// usedClaims tells which claims the task really rests on: with another value in
// their place the template would have asked for another task. One that reaches
// more than it may is a finding.
func (c *chain) usedClaims(ctx context.Context, template map[string]any, a attempt, i int, def map[string]any) ([]claim, *Finding) {
	var used []claim
	for _, cl := range a.claims {
		tasks, err := renderTasks(ctx, template, a, cl.without(a.context))
		if err == nil && len(tasks) > i && len(differences(def, tasks[i])) == 0 {
			continue
		}
		if cl.aside && (err != nil || len(tasks) <= i || !sameButAside(def, tasks[i])) {
			return nil, &Finding{
				Rule: RuleContextUnvouched, Path: cl.at, Got: cl.value,
				Message: fmt.Sprintf("the task's own word for %s reaches more than what people read of it", cl.name()),
			}
		}
		used = append(used, cl)
	}
	return used, nil
}

// maxServiceDelay bounds how long the GitHub service takes from rendering a
// template to stamping the task.
const maxServiceDelay = time.Minute

// serviceDelay is how much later than the template's "now" the GitHub service
// stamped a task whose template gives no created. The deadline tells it.
func serviceDelay(n *node, def map[string]any, adds service) (time.Duration, bool) {
	if _, named := def["created"]; named || adds != gitHubService {
		return 0, false
	}
	text, _ := def["deadline"].(string)
	want, err := time.Parse(time.RFC3339, text)
	got := n.task.Definition().Deadline
	if err != nil || got.IsZero() {
		return 0, false
	}
	delay := want.Sub(got)
	return delay, delay != 0 && delay.Abs() <= maxServiceDelay
}
