package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
)

// locate finds the tasks that index paths name, and gives the targets that have
// one. What the index can't say is a finding about the request, and the other
// targets are judged all the same.
func (c *chain) locate(ctx context.Context, targets []RunTarget) ([]RunTarget, error) {
	failed := make([]error, len(targets))
	out := slices.Clone(targets)
	g, gctx := errgroup.WithContext(ctx)
	for i := range out {
		ns := out[i].Namespace
		if ns == "" {
			continue
		}
		if c.v.sources.Index == nil {
			return nil, errors.New("trace: a target is named by an index path, which needs the index")
		}
		if !slices.Contains(c.namespaces, ns) {
			c.namespaces = append(c.namespaces, ns)
		}
		g.Go(safe(func() error {
			failed[i] = c.slotted(gctx, func() (err error) {
				out[i].Task, err = c.v.sources.Index.FindTask(gctx, ns)
				return err
			})
			return gctx.Err()
		}))
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	kept := out[:0]
	for i, t := range out {
		if failed[i] == nil {
			kept = append(kept, t)
			continue
		}
		c.findings = append(c.findings, unavailable(RuleIndexedInput, failed[i], "the task at index path "+t.Namespace).withDefaults())
	}
	return kept, nil
}

// checkRoutes holds every target that an index path named to its own
// definition: only a task that has that route is what the path stands for.
func (c *chain) checkRoutes(targets []RunTarget) {
	done := map[string]bool{}
	for _, t := range targets {
		n := c.nodes[t.Task]
		if t.Namespace == "" || n == nil || n.task == nil || done[t.Namespace] {
			continue
		}
		done[t.Namespace] = true
		if route := "index." + t.Namespace; !slices.Contains(n.task.Definition().Routes, route) {
			n.add(Finding{
				Rule: RuleIndexedInput, Path: "/routes", Want: route, Got: n.task.Definition().Routes,
				Message: fmt.Sprintf("index path %s holds this task, whose definition does not have that route", t.Namespace),
				Hint:    "name the task that you mean by its task id; find out who wrote that index path",
			})
		}
	}
}

// checkThen: as of an earlier time, a run that was resolved later is not
// completed.
func checkThen(c *chain, l *link) {
	at := c.v.options.At
	if at.IsZero() || !l.hasRun || !l.run.Resolved.After(at) {
		return
	}
	l.add(Finding{
		Rule: RuleRunNotCompleted, Want: "completed by " + stamp(at), Got: fmt.Sprintf("%s at %s", l.run.State, stamp(l.run.Resolved)),
		Message: fmt.Sprintf("run %s of task %s was not completed as of the time that is judged for", l.run.ID, l.node.id),
		Hint:    "name a run that was, as TASK_ID/RUN_ID, or a later time",
	})
}
