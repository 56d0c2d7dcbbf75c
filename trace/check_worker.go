package trace

import (
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// checkWorkerImplementation: the implementation was decided by what the task
// is; a tag, scope or policy entry that says another is a contradiction.
func checkWorkerImplementation(c *chain, l *link) {
	d := l.node.task.Definition()
	claim := func(path, got string) {
		l.add(Finding{
			Rule: RuleWorkerImplementation, Path: path, Want: string(l.node.impl), Got: got,
			Message: "the task claims another worker implementation than its payload and pool have",
		})
	}
	if tag, ok := d.Tags["worker-implementation"]; ok && tag != string(l.node.impl) && known(tag) {
		claim("/tags/worker-implementation", tag)
	}
	for i, s := range d.Scopes {
		if strings.HasPrefix(s, "docker-worker:") && l.node.impl != graph.DockerWorker {
			claim(fmt.Sprintf("/scopes/%d", i), s)
		}
	}
	for _, name := range foreignMembers[l.node.impl] {
		if v := d.Payload[name]; v != nil && v != "" {
			claim(strictjson.Pointer("/payload", name), name)
		}
	}
	for impl, pools := range c.v.policy.Implementations {
		if impl != l.node.impl && graph.AnyPool(pools, d.Pool) {
			l.add(Finding{
				Rule: RuleWorkerImplementation, Path: "/workerType", Want: string(impl), Got: string(l.node.impl),
				Message: fmt.Sprintf("policy says that pool %s runs another worker implementation", d.Pool),
			})
		}
	}
}

func known(tag string) bool {
	switch graph.Implementation(tag) {
	case graph.DockerWorker, graph.GenericWorker, graph.Scriptworker:
		return true
	}
	return false
}

// foreignMembers are members of a payload that workers of an implementation
// don't know, but those of another act on.
var foreignMembers = map[graph.Implementation][]string{
	graph.DockerWorker: {"mounts", "osGroups"},
	graph.Scriptworker: {"image", "mounts", "osGroups"},
}

// checkInteractive: nobody had a shell or a desktop in the task.
func checkInteractive(_ *chain, l *link) {
	d := l.node.task.Definition()
	found := func(path string, got any) {
		l.add(Finding{
			Rule: RuleInteractive, Path: path, Got: got, Message: "somebody could have taken part in this task by hand",
			Hint: "interactive tasks vouch for nothing; run the task again without",
		})
	}
	for _, path := range [][]string{{"features", "interactive"}, {"env", "TASKCLUSTER_INTERACTIVE"}, {"rdpInfo"}} {
		if at, v, on := switchedOn(d, path...); on {
			found(at, brief(v))
		}
	}
	for i, s := range d.Scopes {
		if strings.HasPrefix(s, "generic-worker:allow-rdp:") {
			found(fmt.Sprintf("/scopes/%d", i), s)
		}
	}
}

// checkRunAsCurrentUser: the task ran as a user of its own. As the worker's user, or
// with an administrator's rights, it can read the worker's key and change what
// the worker signs.
func checkRunAsCurrentUser(_ *chain, l *link) {
	d := l.node.task.Definition()
	found := func(path string, got any) {
		l.add(Finding{
			Rule: RuleRunAsCurrentUser, Path: path, Got: got, Message: "the task had the rights of its worker, whose key signs the document",
			Hint: "nothing that such a task's worker signed can be relied on; run the task again as a user of its own",
		})
	}
	for _, feature := range []string{"runTaskAsCurrentUser", "runAsAdministrator"} {
		if at, v, on := switchedOn(d, "features", feature); on {
			found(at, brief(v))
		}
	}
	for i, s := range d.Scopes {
		if strings.HasPrefix(s, "generic-worker:run-task-as-current-user:") {
			found(fmt.Sprintf("/scopes/%d", i), s)
		}
	}
}

// switchedOn follows a path into the payload and tells whether what stands
// there may switch something on: anything but nothing, null, false and "". What
// is no object on the way there may hide it, and counts as well.
func switchedOn(d *graph.Definition, path ...string) (at string, v any, on bool) {
	at, v = "/payload", d.Payload
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			break
		}
		at, v = strictjson.Pointer(at, name), m[name]
	}
	return at, v, v != nil && v != false && v != ""
}
