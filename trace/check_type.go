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
