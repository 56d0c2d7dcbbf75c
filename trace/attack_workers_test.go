package trace_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

func inPayload(of func(*served) *fixtures.Task, member string, value any) func(*served) {
	return powerful(of, member, value)
}

func feature(of func(*served) *fixtures.Task, name string, value any) func(*served) {
	return func(w *served) {
		both(of(w), func(d fixtures.Object) { object(d, "payload", "features")[name] = value })
	}
}

func envOf(of func(*served) *fixtures.Task, name string, value any) func(*served) {
	return func(w *served) { both(of(w), func(d fixtures.Object) { object(d, "payload", "env")[name] = value }) }
}

// states changes what Signing says that its first upstream task is.
func states(taskType any) func(*served) {
	return func(w *served) {
		both(w.Signing, func(d fixtures.Object) {
			object(d, "payload")["upstreamArtifacts"].([]any)[0].(fixtures.Object)["taskType"] = taskType
		})
	}
}

// input gives Build another chain of trust input of that name.
func input(name string, of func(*served) *fixtures.Task) func(*served) {
	return func(w *served) {
		both(w.Build, func(d fixtures.Object) { object(d, "extra", "chainOfTrust", "inputs")[name] = of(w).ID })
	}
}

// again signs what Signing signed, and says that it is of that type.
func again(w *served, taskType string) {
	w.Signing = w.Graph.Signing("again/opt", nil, fixtures.Upstream{Task: w.Signing})
	states(taskType)(w)
}

func image(w *served) *fixtures.Task { return w.Image }
func fetch(w *served) *fixtures.Task { return w.Fetch }

var workerAttacks = []attack{
	// Somebody at the keyboard.
	{name: "an interactive docker payload that generic-worker runs", target: d2g, edit: feature(d2g, "interactive", true), rule: trace.RuleInteractive},
	{name: "interactive as text", target: generic, edit: feature(generic, "interactive", "false"), rule: trace.RuleInteractive},
	{name: "interactive as a number", target: generic, edit: feature(generic, "interactive", 1), rule: trace.RuleInteractive},
	{name: "interactive as an object", target: generic, edit: feature(generic, "interactive", fixtures.Object{}), rule: trace.RuleInteractive},
	{name: "features that can't be read", target: generic, edit: inPayload(generic, "features", []any{"interactive"}), rule: trace.RuleInteractive},
	{name: "an interactive environment", target: build, edit: envOf(build, "TASKCLUSTER_INTERACTIVE", "true"), rule: trace.RuleInteractive},
	{name: "an interactive environment, whatever it says", target: build, edit: envOf(build, "TASKCLUSTER_INTERACTIVE", "0"), rule: trace.RuleInteractive},
	{name: "an interactive environment of a docker payload that generic-worker runs", target: d2g, edit: envOf(d2g, "TASKCLUSTER_INTERACTIVE", "true"), rule: trace.RuleInteractive},
	{name: "remote desktop as an object", target: generic, edit: inPayload(generic, "rdpInfo", fixtures.Object{}), rule: trace.RuleInteractive},
	{name: "a scope for remote desktop", target: generic, edit: func(w *served) {
		grant(w.GenericBuild, "generic-worker:allow-rdp:gecko-3/b-win2022")
	}, rule: trace.RuleInteractive},

	// The rights of the worker.
	{name: "a task run as the current user", target: generic, edit: feature(generic, "runTaskAsCurrentUser", true), rule: trace.RuleRunAsCurrentUser},
	{name: "a task run as the current user, in other words", target: generic, edit: feature(generic, "runTaskAsCurrentUser", "yes"), rule: trace.RuleRunAsCurrentUser},
	{name: "a task run as administrator", target: generic, edit: feature(generic, "runAsAdministrator", true), rule: trace.RuleRunAsCurrentUser},
	{name: "a scope to run as the current user", target: generic, edit: func(w *served) {
		grant(w.GenericBuild, "generic-worker:run-task-as-current-user:gecko-3/b-win2022")
	}, rule: trace.RuleRunAsCurrentUser},

	// A payload for several kinds of workers.
	{name: "mounts in a docker payload", target: d2g, edit: inPayload(d2g, "mounts", []any{}), rule: trace.RuleWorkerImplementation},
	{name: "user groups in a docker payload", target: build, edit: inPayload(build, "osGroups", []any{}), rule: trace.RuleWorkerImplementation},
	{name: "an image in a scriptworker's payload", target: signing, edit: inPayload(signing, "image", pinnedUbuntu), rule: trace.RuleWorkerImplementation},
	{name: "mounts in a scriptworker's payload", target: signing, edit: inPayload(signing, "mounts", []any{}), rule: trace.RuleWorkerImplementation},

	// What a task states its inputs to be.
	{name: "a build stated as a docker-image", target: signing, edit: states("docker-image"), rule: trace.RuleTaskType},
	{name: "a build stated as a decision", target: signing, edit: states("decision"), rule: trace.RuleTaskType},
	{name: "a build stated as a scriptworker's", target: signing, edit: states("beetmover"), rule: trace.RuleTaskType},
	{name: "a scriptworker's task stated as a docker-image", target: signing, edit: func(w *served) { again(w, "docker-image") }, rule: trace.RuleTaskType},
	{name: "a fetch task in the place of a docker-image", target: build, edit: func(w *served) {
		runIn(w.Build, pinnedUbuntu)
		w.policy = prebuiltAllowed
		both(w.Build, func(d fixtures.Object) {
			object(d, "extra")["chainOfTrust"] = fixtures.Object{"inputs": fixtures.Object{"docker-image": w.Fetch.ID}}
		})
	}, rule: trace.RuleTaskType},
	{name: "a docker-image stated as a build", target: build, edit: input("build", image), rule: trace.RuleTaskType},
	{name: "a fetch task stated as a parent", target: build, edit: input("parent", fetch), rule: trace.RuleTaskType},
	{name: "a decision stated as a build", target: build, edit: input("build", decision), rule: trace.RuleTaskType},
}

var workerTwins = []twin{
	{"interactive switched off", generic, feature(generic, "interactive", false)},
	{"interactive switched off in a docker payload", d2g, feature(d2g, "interactive", false)},
	{"an interactive environment of nothing", build, envOf(build, "TASKCLUSTER_INTERACTIVE", "")},
	{"remote desktop of nothing", generic, inPayload(generic, "rdpInfo", "")},
	{"another scope for generic-worker", generic, func(w *served) { grant(w.GenericBuild, "generic-worker:cache:gecko-level-3-checkouts") }},
	{"a task not run as the current user", generic, feature(generic, "runTaskAsCurrentUser", false)},
	{"a task not run as administrator", generic, feature(generic, "runAsAdministrator", false)},
	{"user groups in a native payload", generic, inPayload(generic, "osGroups", []any{"Administrators"})},
	{"no mounts in a docker payload", d2g, inPayload(d2g, "mounts", nil)},
	{"a build stated as a repackage", signing, states("repackage")},
	{"a build stated as what nobody knows", signing, states("mystery")},
	{"a build without a stated type", signing, states(nil)},
	{"a signing task stated as a beetmover", signing, func(w *served) { again(w, "beetmover") }},
	{"a signed repackage stated as a repackage", signing, func(w *served) { again(w, "repackage") }},
	{"a docker-image in its place", build, func(w *served) {
		runIn(w.Build, pinnedUbuntu)
		w.policy = prebuiltAllowed
		both(w.Build, func(d fixtures.Object) {
			object(d, "extra")["chainOfTrust"] = fixtures.Object{"inputs": fixtures.Object{"docker-image": w.Image.ID}}
		})
	}},
	{"a decision stated as a parent", build, input("parent", decision)},
	{"a decision stated as an action", build, input("action", decision)},
	{"a fetch task stated as a build", build, input("build", fetch)},
}

// A type that is stated once is one finding, where it is stated, however many
// artifacts it is stated for.
func TestTaskTypeIsOneFinding(t *testing.T) {
	w := serve(t)
	w.Edit(func() {
		w.Signing = w.Graph.Signing("two/opt", nil, fixtures.Upstream{
			Task: w.Build, Paths: []string{"public/build/target.tar.bz2", "public/build/target.langpack.xpi"},
		})
		states("docker-image")(w)
	})
	var got []string
	for _, f := range w.verify(w.Signing.ID).Tasks[0].Findings {
		if f.Rule == trace.RuleTaskType {
			got = append(got, fmt.Sprint(f.Path, " ", f.Want, " ", f.Got))
		}
	}
	if want := []string{"/payload/upstreamArtifacts/0/taskType task docker-image"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
