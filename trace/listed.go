package trace

import (
	"fmt"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/policy"
)

// settleListed makes what is wrong with tasks that a whole graph only lists
// warnings: they have a status, and change no verdict unless policy or the caller
// says so.
func (w *wholeGraph) settleListed(links []*link) {
	done := map[*node]bool{}
	for _, l := range links {
		if w.judged[l] {
			done[l.node] = true
		}
	}
	for _, l := range links {
		if w.judged[l] || l.node.task == nil && !w.member[l.node.id] && !l.target {
			continue
		}
		l.listed = true
		w.downgrade(l, l.findings)
		if !done[l.node] {
			done[l.node] = true
			w.downgrade(l, l.node.findings)
		}
		if f := w.unsigned(l); f != nil {
			l.add(*f)
		}
	}
}

func (w *wholeGraph) downgrade(l *link, findings []Finding) {
	for i := range findings {
		f := &findings[i]
		if f.Rule == RuleRunNotCompleted && f.Heals && w.target.RequireFinished && w.member[l.node.id] && !w.self[l.node.id] {
			continue // the caller wants them finished
		}
		f.Severity = SeverityWarning
	}
}

// unsigned is the finding for a completed task without a document that nobody
// trusted takes anything from.
func (w *wholeGraph) unsigned(l *link) *Finding {
	if !l.hasRun || l.run.State != graph.Completed || l.doc != nil || l.listing == nil || l.hasListedDocument() || w.self[l.node.id] {
		return nil
	}
	f := &Finding{
		Rule: RuleUnsignedTask, Severity: SeverityWarning, Got: l.node.task.Definition.Pool.String(),
		Message: fmt.Sprintf("%s is not signed; nothing that is judged takes anything from it", l.ref()),
		Hint:    "unsignedTasks: refuse in the policy makes this an error",
	}
	if o := l.node.decision; o != nil && o.product != nil && o.product.UnsignedTasks == policy.UnsignedRefuse {
		f.Severity, f.Hint = SeverityError, "turn on the task's chain-of-trust feature, or allow unsignedTasks in the policy"
	}
	return f
}

// checkDependenciesResolved: a task runs once what it depends on is resolved as
// its "requires" says; one that ran before may have been made to.
func checkDependenciesResolved(c *chain, l *link) {
	if c.whole == nil || !l.hasRun || l.run.Scheduled.IsZero() {
		return
	}
	d := l.node.task.Definition
	requires, _ := d.Value()["requires"].(string)
	for i, id := range d.Dependencies {
		n := c.nodes[id]
		if n == nil || n.task == nil || id == l.node.id {
			continue // its own findings say that it can't be had
		}
		if resolvedBefore(n.task, l.run, requires) {
			continue
		}
		l.add(Finding{
			Rule: RuleDependencyUnresolved, Path: fmt.Sprintf("/dependencies/%d", i), Got: id.String(),
			Want:    "a run that was " + wantedState(requires) + " before " + stamp(l.run.Scheduled),
			Message: fmt.Sprintf("the run was scheduled before %s was resolved as the task requires", n.task.Definition.Name),
			Hint:    "somebody scheduled the task by hand, or the dependency was rerun since and its first run is gone",
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
				Message: fmt.Sprintf("an input (%s %s) comes from %s, which does not verify", in.edge.Reason, in.edge.Artifact, r.node.task.Definition.Name),
				Hint:    "see what is wrong with that task",
			})
		}
	}
}
