package trace

import (
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// checkRunAmbiguous: an input that the consumer's worker did not pin may come
// from any run that was the latest at some moment of the consumer's run, so
// each of them must be completed and verify.
func checkRunAmbiguous(_ *chain, l *link) {
	for _, in := range l.inputs {
		if in.pinned || len(in.runs) < 2 {
			continue
		}
		for _, r := range in.runs {
			if r.run.State == graph.Completed && r.doc != nil {
				continue
			}
			l.add(Finding{
				Rule: RuleRunAmbiguous, Path: in.edge.Path, Want: "every run that was the latest while this task ran to verify",
				Got:     fmt.Sprintf("%s (%s)", r.ref(), r.run.State),
				Message: fmt.Sprintf("the task may have read %s, which does not verify: %s was rerun meanwhile", r.ref(), in.edge.Task),
				Hint:    "rerun this task, or pin the input by sha256",
				Heals:   r.run.State.Open(), derived: r.run.State == graph.Completed,
			})
		}
	}
	// A single run that is not the newest completed one: the consumer read it
	// before it was completed, or it never was.
	for _, in := range l.inputs {
		if len(in.runs) == 1 && in.runs[0].run.State != graph.Completed {
			r := in.runs[0]
			l.add(Finding{
				Rule: RuleRunNotCompleted, Path: in.edge.Path, Want: string(graph.Completed), Got: string(r.run.State),
				Message: fmt.Sprintf("the task takes an input from %s, which is not completed", r.ref()),
				Heals:   r.run.State.Open(),
			})
		}
	}
}

// checkInputsSeen: what a task takes must come from a task that was looked at. Of a
// chain that was cut, that it was is said of the whole, and here of what it cost.
func checkInputsSeen(c *chain, l *link) {
	for _, in := range l.inputs {
		if len(in.runs) == 0 && c.nodes[in.edge.Task] == nil {
			l.add(Finding{
				Rule: RuleInputUnverified, Path: in.edge.Path, Got: in.edge.Task.String(), derived: true,
				Message: fmt.Sprintf("an input (%s %s) comes from a task that was not looked at", in.edge.Reason, in.edge.Artifact),
				Hint:    "see the finding that says why the search ended before it",
			})
		}
	}
}

// checkInputsDeclared: what a task takes must come from a dependency, its
// parent or the task of its group's id, or it need not have been there yet.
func checkInputsDeclared(_ *chain, l *link) {
	d := l.node.task.Definition()
	for _, e := range l.node.edges {
		if e.Task.IsZero() || e.Task == l.node.parent || e.Task == d.TaskGroupID || d.DependsOn(e.Task) {
			continue
		}
		f := Finding{
			Rule: RuleUndeclaredInput, Path: e.Path, Got: e.Task.String(),
			Message: fmt.Sprintf("the task takes an input (%s) from a task that it does not depend on", e.Reason),
			Want:    "a task in /dependencies, the parent or the task group's own task",
			Hint:    "add the task to dependencies",
		}
		if e.Namespace != "" {
			f.Severity = SeverityWarning
			f.Message = fmt.Sprintf("the task takes an input (%s) from whatever index path %s holds; that can't be declared", e.Reason, e.Namespace)
			f.Hint = "name the task and its digest instead"
		}
		l.add(f)
	}
}

// checkIndexedInputs: a task found by an index path counts only if its own
// vouched definition has that route; anybody with the scope can write the index.
func checkIndexedInputs(c *chain, l *link) {
	for _, e := range l.node.edges {
		n := c.nodes[e.Task]
		if e.Namespace == "" || n == nil || n.task == nil {
			continue
		}
		if route := "index." + e.Namespace; !slices.Contains(n.task.Definition().Routes, route) {
			l.add(Finding{
				Rule: RuleIndexedInput, Path: e.Path, Want: route, Got: e.Task.String(),
				Message: fmt.Sprintf("index path %s holds task %s, whose definition does not have that route", e.Namespace, e.Task),
				Hint:    "have the task name the other by its task id; find out who wrote that index path",
			})
		}
	}
}

// checkPins decides which inputs the worker pinned by a digest that can be
// checked here, and reports the others.
func checkPins(_ *chain, l *link) {
	for _, in := range l.inputs {
		if in.pinned || len(in.runs) == 0 {
			continue
		}
		l.add(Finding{
			Rule: RuleInputUnpinned, Severity: l.node.decision.unpinned(), Path: in.edge.Path, Want: "a digest", Got: in.edge.Task.String(),
			Message: fmt.Sprintf("nothing shows which bytes of this input (%s) the task really read", strings.TrimSpace(fmt.Sprint(in.edge.Reason, " ", in.edge.Artifact))),
			Hint:    "pin it: a mount with sha256, or inputs fetched by cot-download",
		})
	}
}

// unpinned is how much it weighs that an input is not pinned.
func (o *origin) unpinned() Severity {
	if o != nil && o.product != nil && o.product.RequirePinned {
		return SeverityError
	}
	return SeverityWarning
}

// pin marks the inputs whose digest the worker checked and that a verified
// document has too. It runs before the checks.
func (c *chain) pin(l *link) {
	for i := range l.inputs {
		in := &l.inputs[i]
		switch {
		case in.edge.Reason == graph.EdgeUpstream && l.node.impl == graph.Scriptworker:
			in.pinned = true // scriptworker verifies its inputs itself
		case in.edge.Reason == graph.EdgeImage:
			in.pinned = in.pinnedBy(recordedImage(l))
		case in.edge.SHA256 != nil:
			in.pinned = in.pinnedBy(in.edge.SHA256)
			if !in.pinned && documents(in.runs) {
				l.add(Finding{
					Rule: RuleArtifactHash, Path: in.edge.Path + "/sha256", Want: fmt.Sprintf("%x", in.edge.SHA256),
					Message: fmt.Sprintf("the worker read %s of %s with a digest that no signed document of that task has", in.edge.Artifact, in.edge.Task),
				})
			}
		}
		if !in.pinned && !readByWorker(in.edge) {
			in.pinned = in.reportedBy(l)
		}
	}
	// An input that the task only declares is pinned, and to the same runs, if
	// every other edge to the same task is.
	for i := range l.inputs {
		in := &l.inputs[i]
		if in.edge.Reason != graph.EdgeDeclared || in.pinned {
			continue
		}
		runs, all := []*link(nil), true
		for _, o := range l.inputs {
			if o.edge.Task == in.edge.Task && o.edge.Reason != graph.EdgeDeclared {
				runs, all = append(runs, o.runs...), all && o.pinned
			}
		}
		if all && len(runs) > 0 {
			in.pinned, in.runs = true, distinct(runs)
		}
	}
}

// distinct keeps the first of equal links.
func distinct(links []*link) []*link {
	var out []*link
	for _, l := range links {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// readByWorker tells whether the worker itself reads the input before the task's
// first command runs. What the task writes afterwards, perhaps by the hand of
// that very input, is no evidence of what was read.
func readByWorker(e graph.Edge) bool {
	return e.Reason == graph.EdgeImage || e.Reason == graph.EdgeMount
}

// pinnedBy tells whether some of the runs have the digest, and keeps only those.
func (in *input) pinnedBy(sum []byte) bool {
	var runs []*link
	for _, r := range in.runs {
		if r.hasSHA256(in.edge.Artifact, sum) {
			runs = append(runs, r)
		}
	}
	if len(runs) == 0 {
		return false
	}
	in.runs = runs
	return true
}

func (l *link) hasSHA256(name string, sum []byte) bool {
	if l.doc == nil || len(sum) == 0 {
		return false
	}
	return subtle.ConstantTimeCompare(l.doc.Artifacts[name].SHA256, sum) == 1
}

func documents(links []*link) bool {
	return slices.ContainsFunc(links, func(l *link) bool { return l.doc != nil })
}
