package trace

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// action is a task that a hook started because somebody triggered an action of
// another task's actions.json. That artifact, its digest signed by the worker of
// the task that published it, says what the hook was given; who triggered it is
// the one thing that nothing vouches for.
type action struct{ tasksFor string }

// locate is asked of decision tasks alone, and no action is one.
func (e action) locate(_ context.Context, _ *chain, o *origin) []Finding {
	return []Finding{noParent(o.decision)}
}

func noParent(n *node) Finding {
	return Finding{
		Rule: RuleTasksFor, Path: "/extra/parent", Want: "the task whose action it is", Got: n.parent.String(),
		Message: "an action acts on the graph of another task, but this one names none as its parent",
		Hint:    "don't use it: trigger the action again, by its hook; find out who created this task",
	}
}

func (e action) attempts(ctx context.Context, c *chain, n *node) iter.Seq2[attempt, *Finding] {
	parent := c.nodes[n.parent]
	if n.kind != KindAction || parent == nil || parent.task == nil || parent == n {
		return failed(noParent(n))
	}
	if ofPull := strings.HasPrefix(tasksForOf(n.decision.decision), "github-pull-request"); ofPull != (e.tasksFor == tasksForPRAction) {
		return failed(Finding{
			Rule: RuleTasksFor, Path: "/extra/tasks_for", Got: e.tasksFor,
			Message: fmt.Sprintf("the graph that it acts on was started for %s", clipText(tasksForOf(n.decision.decision))),
			Want:    "pr-action on a pull request's graph, action on any other",
			Hint:    "don't use it: trigger the action again, by the hook that the graph's actions.json names",
		})
	}
	call, finding := actionCallOf(n)
	if finding != nil {
		return failed(*finding)
	}
	if finding := c.checkActionTarget(ctx, n, call); finding != nil {
		return failed(*finding)
	}
	return func(yield func(attempt, *Finding) bool) {
		var last, healing *Finding
		offeredAny := false
		runs, early := c.parentRuns(parent), 0
		for _, run := range runs {
			if n.task.Created.Before(run.Started.Add(-createdTolerance)) {
				early++
				continue // it can't have been triggered yet
			}
			l, err := c.readyLink(ctx, parent, run)
			if err != nil {
				return
			}
			offered, finding := c.offeredActions(ctx, l, call)
			if finding != nil {
				if last = finding; finding.Heals {
					healing = finding
				}
				continue
			}
			offeredAny = true
			for _, o := range offered {
				for _, a := range e.hooks(c, n, call, o) {
					a.madeBy = l
					if !yield(a, nil) {
						return
					}
				}
			}
		}
		if early > 0 && early == len(runs) {
			last = &Finding{
				Rule: RuleContextUnvouched, Path: "/created", Got: n.task.Created.UTC().Format(queueTime),
				Want:    "after " + runs[len(runs)-1].Started.UTC().Format(queueTime),
				Message: fmt.Sprintf("the action was created before any completed run of its parent %s, whose action it is said to be", parent.id),
				Hint:    "don't use it: find out who created this task",
			}
		}
		switch {
		case healing != nil: // what could not be had may be what it was made from
			yield(attempt{}, healing)
		case last != nil && !offeredAny:
			yield(attempt{}, last)
		}
	}
}

// actionCall is what somebody asked of an action, as the action task says.
type actionCall struct {
	name, callback string
	input          any
	target         graph.TaskID // zero: the action is on the group
	client         string
	claims         claims
}

// actionCallOf reads extra.action, and where a template does not keep it, the
// variables that the action's task is run with.
func actionCallOf(n *node) (actionCall, *Finding) {
	d := n.task.Definition()
	call := actionCall{claims: claims{n: n}}
	said, _ := d.Extra["action"].(map[string]any)
	given, _ := said["context"].(map[string]any)
	call.name, _ = said["name"].(string)
	call.callback, _ = d.Env("ACTION_CALLBACK")
	if call.name == "" && call.callback == "" {
		return call, &Finding{
			Rule: RuleActionUnknown, Path: "/extra/action/name", Want: "the name of an action, or ACTION_CALLBACK",
			Message: "the task does not say which action it is",
		}
	}
	var finding *Finding
	if call.input, finding = actionValue(d, given, "input", "ACTION_INPUT"); finding != nil {
		return call, finding
	}
	target, finding := actionValue(d, given, "taskId", "ACTION_TASK_ID")
	if finding != nil {
		return call, finding
	}
	if target != nil {
		text, _ := target.(string)
		id, err := graph.ParseTaskID(text)
		if err != nil {
			return call, &Finding{Rule: RuleActionInput, Path: "/extra/action/context/taskId", Message: "the action's target is no task: " + err.Error()}
		}
		call.target = id
	}
	if who, ok := given["clientId"].(string); ok {
		if call.client, _, finding = call.claims.take("/extra/action/context/clientId", who, claimedClient, "clientId"); finding != nil {
			return call, finding
		}
		call.claims.list[len(call.claims.list)-1].aside = true
	}
	return call, nil
}

// actionValue takes a value from extra.action.context, else from a variable with
// JSON in it.
func actionValue(d *graph.Definition, given map[string]any, key, variable string) (any, *Finding) {
	if v, ok := given[key]; ok {
		return v, nil
	}
	text, ok := d.Env(variable)
	if !ok {
		return nil, nil
	}
	v, err := strictjson.Parse([]byte(text), graph.MaxDefinitionBytes)
	if err != nil {
		return nil, &Finding{Rule: RuleActionInput, Path: "/payload/env/" + variable, Message: err.Error()}
	}
	return v, nil
}

// checkActionTarget: the target is in the group that the action acts on.
func (c *chain) checkActionTarget(ctx context.Context, n *node, call actionCall) *Finding {
	if call.target.IsZero() {
		return nil
	}
	const at = "/extra/action/context/taskId"
	var group graph.TaskID
	if known := c.nodes[call.target]; known != nil && known.task != nil {
		group = known.task.TaskGroupID
	} else {
		target, err := c.v.sources.Tasks.Task(ctx, call.target)
		if err != nil {
			f := unavailable(RuleActionInput, err, "the task that the action is on")
			f.Path = at
			return &f
		}
		group = target.Definition.TaskGroupID
	}
	if group == n.parent || call.target == n.parent {
		return nil
	}
	if p := c.nodes[n.parent]; p != nil && p.task != nil && p.task.TaskGroupID == group {
		return nil
	}
	return &Finding{
		Rule: RuleActionInput, Path: at, Want: "a task of group " + n.parent.String(), Got: fmt.Sprintf("%s of group %s", call.target, group),
		Message: "the action is on a task that is not in the group of its parent",
		Hint:    "don't use it: trigger the action again on a task of the graph that is meant",
	}
}

// hooks gives what the hook renders for an action that was offered. The hook's
// own template wraps the tree's (fxci-config's in_tree_actions).
func (e action) hooks(c *chain, n *node, call actionCall, o offeredAction) []attempt {
	var out []attempt
	for _, scope := range e.repoScopes(o.permission) {
		values := render.Context{
			"payload": o.payload, "taskId": n.id.String(), "now": baseContext(c, n, e.tasksFor)["now"],
			"as_slugid": render.Slugid(func(string) string { return n.id.String() }), "firedBy": "triggerHook",
			"taskcluster_root_url": c.v.policy.RootURL,
		}
		if call.client != "" {
			values["clientId"] = call.client
		}
		out = append(out, attempt{
			wrap:    func(template map[string]any) any { return hookTemplate(e.tasksFor, o.permission, scope, template) },
			context: values, claims: call.claims.list, adds: hooksService, ownGroup: o.permission != genericPermission,
		})
	}
	return out
}

// repoScopes are the scopes that hooks of this kind give an action. Hooks for
// pull requests take the repository that the request goes to; before they did,
// they named their kind.
func (e action) repoScopes(permission string) []string {
	if e.tasksFor == tasksForAction {
		return []string{"assume:repo:${payload.decision.repository.url[8:]}:action:" + permission}
	}
	return []string{
		"assume:repo:${payload.decision.repository.base_url[8:]}:action:" + permission,
		"assume:repo:${payload.decision.repository.url[8:]}:pr-action:" + permission,
	}
}

// hookTemplate is the template of an action's hook.
func hookTemplate(tasksFor, permission, scope string, template map[string]any) any {
	act := map[string]any{"repo_scope": scope, "action_perm": permission}
	for _, key := range []string{"name", "title", "description", "taskGroupId", "symbol", "cb_name"} {
		act[key] = "${payload.decision.action." + key + "}"
	}
	values := map[string]any{"tasks_for": tasksFor, "action": act, "ownTaskId": map[string]any{"$eval": "taskId"}}
	for key, from := range map[string]string{
		"push": "payload.decision.push", "repository": "payload.decision.repository", "input": "payload.user.input",
		"parameters": "payload.decision['parameters']", "taskId": "payload.user.taskId", "taskGroupId": "payload.user.taskGroupId",
	} {
		values[key] = map[string]any{"$eval": from}
	}
	tasks := template["tasks"]
	if list, ok := tasks.([]any); ok { // hooks have the first alone
		tasks = list[:min(1, len(list))]
	}
	return map[string]any{"$let": values, "in": map[string]any{"tasks": tasks}}
}
