package main

import (
	"slices"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// plannable tells whether an edit can reach the build's entry too.
func plannable(c *chain) bool { return inGraph(c) && docker(c) }

// prebuilt tells whether policy lets builds run in images that no task made.
func prebuilt(c *chain) bool { return app(c) && docker(c) }

// runsIn has the build run in an image that is not the image task's.
func runsIn(image any) func(*chain) {
	return func(c *chain) {
		both(c.build, func(d fixtures.Object) {
			object(d, "payload")["image"] = image
			delete(object(d, "extra"), "chainOfTrust")
		})
		c.build.Last().Document.Image, c.build.Last().Document.ImageHash = nil, ""
	}
}

// indexed is an image that the index names.
func indexed(c *chain) {
	path := "indexed.image"
	c.world.Index[path] = c.image
	runsIn(fixtures.Object{"type": "indexed-image", "namespace": path, "path": fixtures.ImageName})(c)
}

// fetches has the build take an artifact of another task of its graph.
func fetches(c *chain, declared bool) *fixtures.Task {
	input := c.parent().Graph().FetchTask("parity", "sources.tar.xz", c.image)
	both(c.build, func(d fixtures.Object) {
		object(d, "payload", "env")["MOZ_FETCHES"] = fixtures.Fetches(fixtures.Fetch{Task: input, Artifact: "public/sources.tar.xz"})
		if declared {
			d["dependencies"] = added(d["dependencies"], input.ID)
		}
	})
	return input
}

// mount is what GenericBuild's toolchain mount holds.
func mount(d fixtures.Object) fixtures.Object {
	return object(object(d, "payload")["mounts"].([]any)[1].(fixtures.Object), "content")
}

var digest = "sha256:" + strings.Repeat("0", 64)

var inputAttacks = []attack{
	{
		name: "an image other than the image task's", on: docker,
		edit: inDocument(func(d fixtures.Object) { object(d, "environment")["imageArtifactHash"] = digest }), rules: rules(trace.RuleDockerImageHash),
	},
	{
		name: "no record of the image", on: docker,
		edit: inDocument(func(d fixtures.Object) { delete(object(d, "environment"), "imageArtifactHash") }), rules: rules(trace.RuleDockerImageHash),
	},
	{
		name: "a record of the image by a privileged container", on: plannable,
		edit: planned(func(d fixtures.Object) {
			object(d, "payload")["capabilities"] = fixtures.Object{"privileged": true}
		}),
		rules: rules(trace.RuleDockerImageHash),
		why:   "who has power over the host can make it record any image",
	},
	{
		name: "an image of another task than declared", on: plannable,
		edit: func(c *chain) {
			both(c.build, func(d fixtures.Object) { object(d, "extra", "chainOfTrust", "inputs")["docker-image"] = c.decision.ID })
		},
		rules: rules(trace.RuleDockerImageTask),
	},
	{
		name: "an image that is not declared", on: plannable,
		edit: planned(func(d fixtures.Object) { delete(object(d, "extra"), "chainOfTrust") }), rules: rules(trace.RuleDockerImageTask),
	},
	{
		name: "an image built in another pool", on: plannable,
		edit:  func(c *chain) { both(c.image, func(d fixtures.Object) { move(d, "b-linux") }) },
		rules: rules(trace.RuleDockerImagePool),
	},
	{
		name: "an image built in another pool, and declared a build too", on: plannable,
		edit: func(c *chain) {
			both(c.image, func(d fixtures.Object) { move(d, "b-linux") })
			both(c.build, func(d fixtures.Object) { object(d, "extra", "chainOfTrust", "inputs")["build"] = c.image.ID })
		},
		rules: rules(trace.RuleDockerImagePool),
		why:   "what a task is follows from its use; scriptworker believes the first name that another task gives it",
	},
	{
		name: "a prebuilt image where policy has none", on: all(plannable, not(prebuilt)), edit: runsIn("ubuntu:24.04"), rules: rules(trace.RulePrebuiltImage),
	},
	{name: "an indexed image", on: plannable, edit: indexed, rules: rules(trace.RuleIndexedImage), why: "whoever writes the index chooses the image"},
	{
		name: "an image of a kind that nobody knows", on: plannable,
		edit: runsIn(fixtures.Object{"type": "mystery", "path": fixtures.ImageName}), rules: rules(trace.RuleDockerImageTask, trace.RulePrebuiltImage),
	},
	{
		name: "an input that is no dependency", on: plannable, edit: func(c *chain) { fetches(c, false) }, rules: rules(trace.RuleUndeclaredInput),
		why: "an input that is fetched is an input, declared or not",
	},
	{
		name: "an input whose document has a key that nobody has", on: all(plannable, keyed),
		edit:  func(c *chain) { fetches(c, true).Last().Document.Key = c.world.Keys.Foreign },
		rules: rules(trace.RuleSignatureInvalid),
		why:   "scriptworker follows images and what a task declares for it, not what builds fetch",
	},
	{
		name: "an input that is in no task graph", on: plannable,
		edit: func(c *chain) { fetches(c, true).Entry.Hidden = true }, rules: rules(trace.RuleNotInTaskGraph),
		why: "scriptworker follows images and what a task declares for it, not what builds fetch",
	},
	{
		name: "an input that failed", on: plannable,
		edit: func(c *chain) { fetches(c, true).Last().Resolve(fixtures.Failed, "failed") }, rules: rules(trace.RuleRunNotCompleted),
		why: "scriptworker follows images and what a task declares for it, not what builds fetch",
	},
	{
		name: "fetches that can't be read", on: plannable,
		edit: planned(func(d fixtures.Object) { object(d, "payload", "env")["MOZ_FETCHES"] = "[{" }), rules: rules(trace.RuleUndeclaredInput),
		why: "inputs that nobody can name can't be verified",
	},
	{
		name: "an input that ran again while it was used", on: plannable,
		edit: func(c *chain) {
			again := fetches(c, true).Rerun()
			again.Scheduled = c.build.Last().Started.Add(time.Second)
			again.Started, again.Resolved = again.Scheduled.Add(time.Second), again.Scheduled.Add(2*time.Second)
			again.Resolve(fixtures.Failed, "failed")
		},
		rules: rules(trace.RuleRunAmbiguous),
		why:   "which of two runs the build took nobody recorded, so both must verify",
	},
	{
		name: "a mount of a task that is no dependency", on: on(genericPush),
		edit: planned(func(d fixtures.Object) { d["dependencies"] = []any{} }), rules: rules(trace.RuleUndeclaredInput),
		why: "an input that is mounted is an input, declared or not",
	},
	{
		name: "a mount by an index path of a task that has no such route", on: on(genericPush),
		edit: func(c *chain) {
			c.world.Index["mallory.latest"] = c.image
			both(c.build, func(d fixtures.Object) {
				delete(mount(d), "taskId")
				mount(d)["namespace"] = "mallory.latest"
			})
		},
		rules: rules(trace.RuleIndexedInput),
		why:   "whoever writes the index chooses the input",
	},
	{
		name: "a mount with a digest that no document has", on: on(genericPush),
		edit: planned(func(d fixtures.Object) { mount(d)["sha256"] = strings.Repeat("0", 64) }), rules: rules(trace.RuleArtifactHash),
		why: "the worker can only have taken other bytes than those that are vouched for",
	},
	{
		name: "an artifact that storage changed", bytes: true, on: signed, edit: func(c *chain) { c.build.Artifact(artifact).FlipStored(7) },
		rules: rules(trace.RuleArtifactHash),
	},
	{
		name: "upstream artifacts of a task that is no dependency", on: signed,
		edit: func(c *chain) {
			both(c.signing, func(d fixtures.Object) {
				d["dependencies"] = slices.DeleteFunc(slices.Clone(d["dependencies"].([]any)), func(id any) bool { return id == c.build.ID })
			})
		},
		rules: rules(trace.RuleUndeclaredInput),
		why:   "an input that is taken is an input, declared or not",
	},
}
