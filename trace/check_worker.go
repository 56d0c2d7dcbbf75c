package trace

import (
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// checkWorkerImplementation: the implementation was decided by what the task
// is; a tag, scope or policy entry that says another is a contradiction.
func checkWorkerImplementation(c *chain, l *link) {
	d := l.node.task.Definition
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

// checkInteractive: nobody had a shell or a desktop in the task.
func checkInteractive(_ *chain, l *link) {
	d := l.node.task.Definition
	found := func(path string, got any) {
		l.add(Finding{
			Rule: RuleInteractive, Path: path, Got: got, Message: "somebody could have taken part in this task by hand",
			Hint: "interactive tasks vouch for nothing; run the task again without",
		})
	}
	features, _ := d.Payload["features"].(map[string]any)
	if v, ok := features["interactive"]; ok && truthy(v) {
		found("/payload/features/interactive", brief(v))
	}
	env, _ := d.Payload["env"].(map[string]any)
	if v, ok := env["TASKCLUSTER_INTERACTIVE"]; ok && truthy(v) {
		found("/payload/env/TASKCLUSTER_INTERACTIVE", brief(v))
	}
	if v, ok := d.Payload["rdpInfo"]; ok && truthy(v) {
		found("/payload/rdpInfo", brief(v))
	}
	for i, s := range d.Scopes {
		if strings.HasPrefix(s, "generic-worker:allow-rdp:") {
			found(fmt.Sprintf("/scopes/%d", i), s)
		}
	}
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != "" && v != "false" && v != "0"
	}
	return true
}
