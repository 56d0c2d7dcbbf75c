package trace

import (
	"fmt"
	"slices"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/policy"
)

// settleListed makes what is wrong with tasks that a whole graph only lists
// warnings: they have a status, and change no verdict unless policy or the caller
// says so. A task that can't be had stays an error where a judged one needs it.
func (w *wholeGraph) settleListed(c *chain, links []*link) {
	done, needed := map[*node]bool{}, map[graph.TaskID]bool{}
	for _, l := range links {
		if !w.judged[l] {
			continue
		}
		done[l.node] = true
		if l.node.task != nil {
			needed[l.node.parent] = true
			for _, id := range l.node.task.Dependencies {
				needed[id] = true
			}
			for _, in := range l.inputs {
				needed[in.edge.Task] = true
			}
		}
	}
	for _, l := range links {
		if w.judged[l] || l.node.task == nil && (w.member[l.node.id] || needed[l.node.id]) {
			continue
		}
		l.listed = true
		w.downgrade(l, l.findings)
		if !done[l.node] {
			done[l.node] = true
			w.downgrade(l, l.node.findings)
		}
		if f := w.unsigned(c, l); f != nil {
			l.add(*f)
		}
	}
}

func (w *wholeGraph) downgrade(l *link, findings []Finding) {
	for i := range findings {
		f := &findings[i]
		if f.Rule == RuleRunNotCompleted && f.Heals && w.target.RequireFinished && w.member[l.node.id] && w.judges(l.node.id) && !w.self[l.node.id] {
			continue // the caller wants them finished
		}
		f.Severity = SeverityWarning
	}
}

// unsigned is the finding for a completed task without a document that nobody
// trusted takes anything from.
func (w *wholeGraph) unsigned(c *chain, l *link) *Finding {
	if !l.hasRun || l.run.State != graph.Completed || l.doc != nil || l.listing == nil || l.hasListedDocument() || l.node.id == w.target.Self {
		return nil
	}
	f := &Finding{
		Rule: RuleUnsignedTask, Severity: SeverityWarning, Got: l.node.task.Pool.String(),
		Message: fmt.Sprintf("%s is not signed; nothing that is judged takes anything from it", l.ref()),
		Hint:    "nothing, if what it makes is not shipped; unsignedTasks: refuse in the policy makes this an error",
	}
	if refusesUnsigned(c, l.node) {
		f.Severity, f.Hint = SeverityError, "turn on the task's chain-of-trust feature, or allow unsignedTasks in the policy"
	}
	return f
}

// refusesUnsigned tells whether policy refuses an unsigned task. What it says of
// its origin is only its word: the origin of its group counts, too, and where
// there is none, any product's.
func refusesUnsigned(c *chain, n *node) bool {
	known := false
	for _, m := range []*node{n, c.nodes[n.task.TaskGroupID]} {
		if m == nil || m.decision == nil || m.decision.product == nil {
			continue
		}
		if known = true; m.decision.product.UnsignedTasks == policy.UnsignedRefuse {
			return true
		}
	}
	return !known && slices.ContainsFunc(c.v.policy.Products, func(p *policy.Product) bool { return p.UnsignedTasks == policy.UnsignedRefuse })
}

// checkDependenciesResolved: a task runs once what it depends on is resolved as
// its "requires" says; one that ran before may have been made to.
func checkDependenciesResolved(c *chain, l *link) {
	if c.whole == nil || !l.hasRun || l.run.Scheduled.IsZero() {
		return
	}
	d := l.node.task.Definition()
	requires, _ := d.Value()["requires"].(string)
	for i, id := range d.Dependencies {
		n := c.nodes[id]
		if n == nil || n.task == nil || id == l.node.id {
			continue // its own findings say that it can't be had
		}
		if resolvedBefore(&n.task.Task, l.run, requires) {
			continue
		}
		l.add(Finding{
			Rule: RuleDependencyUnresolved, Path: fmt.Sprintf("/dependencies/%d", i), Got: id.String(),
			Want:    "a run that was " + wantedState(requires) + " before " + stamp(l.run.Scheduled),
			Message: fmt.Sprintf("the run was scheduled before %s was resolved as the task requires", n.task.Name),
			Hint:    "rerun the task now that its dependencies are resolved: somebody scheduled it by hand, or the dependency was rerun since and its first run is gone",
		})
	}
}

func resolvedBefore(t *graph.Task, run graph.Run, requires string) bool {
	for _, r := range t.Runs {
		if r.Resolved.IsZero() || r.Resolved.After(run.Scheduled.Add(createdTolerance)) {
			continue
		}
		if r.State == graph.Completed || requires == "all-resolved" {
			return true
		}
	}
	// A task without a run is resolved once it is cancelled.
	return requires == "all-resolved" && len(t.Runs) == 0 && !t.State.Open()
}

func wantedState(requires string) string {
	if requires == "all-resolved" {
		return "resolved"
	}
	return "completed"
}

// checkInputsVerified leaves a finding on every edge along which something that
// does not verify reached a task. It runs once everything else has.
func checkInputsVerified(c *chain, l *link) {
	if c.whole == nil {
		return
	}
	for _, in := range l.inputs {
		for _, r := range in.runs {
			if r.doc != nil && !hasErrors(r.findings) && !hasErrors(r.node.findings) {
				continue
			}
			l.add(Finding{
				Rule: RuleInputUnverified, Path: in.edge.Path, Got: r.ref().String(), derived: true,
				Message: fmt.Sprintf("an input (%s %s) comes from %s, which does not verify", in.edge.Reason, in.edge.Artifact, r.node.task.Name),
				Hint:    "see what is wrong with that task",
			})
		}
	}
}
