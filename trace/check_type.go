package trace

import (
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// class is how coarsely stated types are compared: the names that honest graphs
// use are loose.
type class string

const (
	classParent       class = "decision or action"
	classImage        class = "docker-image"
	classScriptworker class = "scriptworker"
	classOther        class = "any other"
)

// statedClass is the class of a stated type. Unknown words are of no class of
// their own.
func statedClass(stated string) class {
	switch stated {
	case "decision", "action", "parent":
		return classParent
	case "docker-image":
		return classImage
	case "scriptworker", "balrog", "beetmover", "bouncer", "pushapk", "shipit", "signing":
		return classScriptworker
	}
	return classOther
}

// class is that of a kind.
func (k Kind) class() class {
	switch k {
	case KindDecision, KindAction:
		return classParent
	case KindDockerImage:
		return classImage
	case KindScriptworker:
		return classScriptworker
	}
	return classOther
}

// noun names a task of the kind.
func (k Kind) noun() string {
	switch k {
	case KindTask:
		return "an ordinary task"
	case KindAction:
		return "an action task"
	}
	return "a " + string(k) + " task"
}

// checkTaskType: where a task states what one of its inputs is, that is not of
// another class than what the input turned out to be. Which rules hold for the
// input follows from the latter alone.
func checkTaskType(c *chain, l *link) {
	said := map[string]bool{}
	for _, e := range l.node.edges {
		n := c.nodes[e.Task]
		if e.Stated == "" || n == nil || n.task == nil || typeFits(statedClass(e.Stated), n.kind.class()) {
			continue
		}
		at := e.Path
		if e.Reason == graph.EdgeUpstream {
			at, _, _ = strings.Cut(at, "/paths/")
			at += "/taskType"
		}
		if said[at] {
			continue
		}
		said[at] = true
		l.add(Finding{
			Rule: RuleTaskType, Path: at, Want: string(n.kind), Got: clipText(e.Stated),
			Message: fmt.Sprintf("the task says that its input %s is of type %s, but it is %s", e.Task, clipText(e.Stated), n.kind.noun()),
		})
	}
}

// typeFits compares classes. Of what a scriptworker made, honest graphs also
// say what it is made of: "repackage" for a signed repackage.
func typeFits(stated, derived class) bool {
	return stated == derived || stated == classOther && derived == classScriptworker
}

// overruleKinds makes the named tasks what the caller says that they are. A type
// decides which rules hold, so what creates tasks stays what it is, and nothing
// becomes a decision task by being called one.
func (c *chain) overruleKinds() {
	asked := c.v.options.TaskType
	if asked == "" {
		return
	}
	done := map[*node]bool{}
	for _, l := range c.targets {
		n := l.node
		if n.task == nil || done[n] || n.depth > 0 {
			continue
		}
		done[n] = true
		switch {
		case n.kind == asked:
		case n.creates(), asked == KindDecision:
			n.add(Finding{
				Rule: RuleTaskType, Want: string(asked), Got: string(n.kind),
				Message: fmt.Sprintf("the caller says that this is %s, but it is %s", asked.noun(), n.kind.noun()),
				Hint:    "leave out --task-type: which tasks create others is known for sure",
			})
		default:
			c.overruled = append(c.overruled, fmt.Sprintf("%s is judged as %s, because --task-type says so; it looks like %s", n.id, asked.noun(), n.kind.noun()))
			n.looks, n.kind = n.kind, asked
		}
	}
}
