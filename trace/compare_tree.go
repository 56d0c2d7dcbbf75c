package trace

import (
	"fmt"
	"slices"
	"time"
)

// compareWithTree holds a task against what the tree asks for. Free is what the
// queue leaves open (its defaults, the priority), what the service adds where the
// template says nothing, and empty values, which JSON-e drops in some versions.
func compareWithTree(n *node, def map[string]any, a attempt) []Finding {
	d := n.task.Definition()
	want, got := withoutEmpty(canonical(def)), withoutEmpty(canonical(d.Value()))
	var findings []Finding
	if id, ok := want["taskId"]; ok && id != n.id.String() {
		findings = append(findings, Finding{Rule: RuleDiffersFromTree, Path: "/taskId", Want: brief(id), Got: n.id.String(), Message: "the tree asks for another task id"})
	}
	delete(want, "taskId")
	if _, named := want["taskGroupId"]; !named {
		want["taskGroupId"] = n.id.String()
	}
	dropServiceAdditions(want, got, a.adds)
	dropQueueDefaults(got, want, d)
	if a.ownGroup {
		sameActionGroup(n, want, got)
	}
	hint := "don't use it: somebody changed the task, or another event started it; trigger it again from the tree"
	if tasksForOf(n) == "github-release" {
		hint += fmt.Sprintf("; or the tag was moved since: it is at %s now", n.decision.tree.Revision)
	}
	for _, diff := range differences(sameTimes(want, got), got) {
		findings = append(findings, Finding{
			Rule: RuleDiffersFromTree, Path: diff.path, Want: diff.want, Got: diff.got,
			Message: fmt.Sprintf("the task differs from what %s at %s asks for", TemplateName, n.decision.tree),
			Hint:    hint,
		})
	}
	return findings
}

// dropServiceAdditions removes what the creating service adds to a definition
// whose template leaves it out.
func dropServiceAdditions(want, got map[string]any, adds service) {
	free := func(keys ...string) {
		for _, k := range keys {
			if _, named := want[k]; !named {
				delete(got, k)
			}
		}
	}
	switch adds {
	case hooksService:
		free("created", "deadline", "expires")
	case gitHubService:
		free("created", "schedulerId")
		wanted, _ := want["routes"].([]any)
		routes, _ := got["routes"].([]any)
		for _, route := range []any{"checks", "statuses"} {
			if at := slices.Index(routes, route); at >= 0 && !slices.Contains(wanted, route) {
				got["routes"] = slices.Delete(slices.Clone(routes), at, at+1)
				break // the service adds one
			}
		}
		if len(wanted) == 0 {
			want["routes"] = []any{}
		}
		if list, ok := got["routes"].([]any); !ok || len(list) == 0 {
			got["routes"] = []any{}
		}
	}
}

// sameActionGroup: the tasks of an action with a permission of its own, such as a
// release promotion, are in the group of the task that it acts on, or make one of
// their own; the variable that says which may hold either. A generic action reads
// its parameters from that group, so there it must be what the template says.
func sameActionGroup(n *node, want, got map[string]any) {
	const name = "ACTION_TASK_GROUP_ID"
	env := func(def map[string]any) map[string]any {
		payload, _ := def["payload"].(map[string]any)
		e, _ := payload["env"].(map[string]any)
		return e
	}
	fits := func(v any) bool { return v == n.id.String() || v == n.parent.String() }
	if w, g := env(want), env(got); w != nil && g != nil && fits(w[name]) && fits(g[name]) {
		w[name] = g[name] // want is a copy
	}
}

// withoutEmpty is a copy without the members that hold nothing: null, {} and [].
func withoutEmpty(def map[string]any) map[string]any {
	out := make(map[string]any, len(def))
	for k, v := range def {
		v = copyWithoutEmpty(v)
		switch v := v.(type) {
		case nil:
			continue
		case map[string]any:
			if len(v) == 0 {
				continue
			}
		case []any:
			if len(v) == 0 {
				continue
			}
		}
		out[k] = v
	}
	return out
}

func copyWithoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return withoutEmpty(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copyWithoutEmpty(e)
		}
		return out
	}
	return v
}

// sameTimes gives want with got's text wherever both are the same instant: the
// services write times with and without milliseconds.
func sameTimes(want, got any) any {
	switch w := want.(type) {
	case string:
		if g, ok := got.(string); ok && sameInstant(w, g) {
			return g
		}
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return w
		}
		for k, v := range w {
			w[k] = sameTimes(v, g[k])
		}
	case []any:
		g, ok := got.([]any)
		if !ok {
			return w
		}
		for i := range min(len(w), len(g)) {
			w[i] = sameTimes(w[i], g[i])
		}
	}
	return want
}

func sameInstant(a, b string) bool {
	const shortest, longest = len("2006-01-02T15:04:05Z"), len("2006-01-02T15:04:05.000000000+00:00")
	if a == b || len(a) < shortest || len(a) > longest || len(b) < shortest || len(b) > longest {
		return a == b
	}
	x, err1 := time.Parse(time.RFC3339, a)
	y, err2 := time.Parse(time.RFC3339, b)
	return err1 == nil && err2 == nil && x.Truncate(time.Millisecond).Equal(y.Truncate(time.Millisecond))
}
