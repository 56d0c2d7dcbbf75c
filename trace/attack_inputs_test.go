package trace_test

import (
	"slices"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// undeclare takes a task out of another's dependencies.
func undeclare(consumer, input *fixtures.Task) {
	both(consumer, func(d fixtures.Object) {
		d["dependencies"] = slices.DeleteFunc(slices.Clone(d["dependencies"].([]any)), func(id any) bool { return id == input.ID })
	})
}

// mountByURL has GenericBuild mount its toolchain by an artifact route.
func mountByURL(w *served, route string) {
	both(w.GenericBuild, func(d fixtures.Object) {
		c := mountContent(d)
		name := c["artifact"].(string)
		clear(c)
		c["url"] = w.server.RootURL + route + "/artifacts/" + name
	})
}

func queueRoute(w *served, run string) string {
	return "/api/queue/v1/task/" + w.Toolchain.ID + run
}

// contextOf has Build name a task as docker-image tasks do.
func contextOf(name string, of func(*served) *fixtures.Task) func(*served) {
	return func(w *served) { envOf(build, name, of(w).ID)(w) }
}

var inputAttacks = []attack{
	{name: "an image of a task that is no dependency", target: build, edit: func(w *served) { undeclare(w.Build, w.Image) }, rule: trace.RuleUndeclaredInput},
	{name: "a mount of a task that is no dependency", target: generic, edit: func(w *served) { undeclare(w.GenericBuild, w.Toolchain) }, rule: trace.RuleUndeclaredInput},
	{name: "upstream artifacts of a task that is no dependency", target: signing, edit: func(w *served) { undeclare(w.Signing, w.Build) }, rule: trace.RuleUndeclaredInput},
	{name: "a mount by URL of a task that is no dependency", target: generic, edit: func(w *served) {
		mountByURL(w, queueRoute(w, ""))
		undeclare(w.GenericBuild, w.Toolchain)
	}, rule: trace.RuleUndeclaredInput},
	{name: "a mount by URL and run of a task that is no dependency", target: generic, edit: func(w *served) {
		mountByURL(w, queueRoute(w, "/runs/0"))
		undeclare(w.GenericBuild, w.Toolchain)
	}, rule: trace.RuleUndeclaredInput},
	{name: "a mount by an index URL of a task without that route", target: generic, edit: func(w *served) {
		w.Index[toolchainPath] = w.Fetch
		mountByURL(w, "/api/index/v1/task/"+toolchainPath)
	}, rule: trace.RuleIndexedInput},
	{name: "a mount of nothing that can be read", target: generic, edit: func(w *served) {
		both(w.GenericBuild, func(d fixtures.Object) { delete(mountContent(d), "taskId") })
	}, rule: trace.RuleUndeclaredInput},
	{name: "a context of a task that is no dependency", target: build, edit: contextOf("CONTEXT_TASK_ID", generic), rule: trace.RuleUndeclaredInput},
	{name: "a parent image of a task that is no dependency", target: build, edit: contextOf("PARENT_TASK_ID", generic), rule: trace.RuleUndeclaredInput},
}

var inputTwins = []twin{
	{"a mount by URL of a dependency", generic, func(w *served) { mountByURL(w, queueRoute(w, "")) }},
	{"a mount by URL and run of a dependency", generic, func(w *served) { mountByURL(w, queueRoute(w, "/runs/0")) }},
	{"a mount by an index URL of a task with that route", generic, func(w *served) {
		w.Index[toolchainPath] = w.Toolchain
		mountByURL(w, "/api/index/v1/task/"+toolchainPath)
	}},
	{"a mount of text that the task itself has", generic, func(w *served) {
		both(w.GenericBuild, func(d fixtures.Object) {
			clear(mountContent(d))
			mountContent(d)["raw"] = "text"
		})
	}},
	{"a mount of no dependency, from elsewhere", generic, func(w *served) {
		undeclare(w.GenericBuild, w.Toolchain)
		both(w.GenericBuild, func(d fixtures.Object) {
			clear(mountContent(d))
			mountContent(d)["url"] = "https://example.org/public/build/clang.tar.zst"
		})
	}},
	{"a context of a dependency", build, contextOf("CONTEXT_TASK_ID", fetch)},
	{"a context of the parent", build, contextOf("CONTEXT_TASK_ID", decision)},
	{"a parent image of a dependency", build, contextOf("PARENT_TASK_ID", image)},
}
