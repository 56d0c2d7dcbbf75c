package trace_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// twin looks like one of the attacks and is none.
type twin struct {
	name   string
	target func(w *served) *fixtures.Task
	edit   func(w *served)
}

var twins = []twin{
	{"an indexed image where policy allows it", build, func(w *served) {
		w.policy = indexedImagesAllowed
		indexedImage(w)
	}},
	{"an index path that names a task with that route", generic, func(w *served) { mountByNamespace(w, toolchainPath) }},
	{"pinned inputs where policy wants pins", func(w *served) *fixtures.Task { return w.Toolchain }, func(w *served) {
		w.policy = requirePinned
		const context = "public/docker-contexts/debian12-amd64-build.tar.gz"
		w.Image.Last().Add(inputsReport(w.Decision, context, w.Decision.Artifact(context).SHA256()))
	}},
	{"a digest in a mount that the document has", generic, func(w *served) {
		sum := w.Toolchain.Artifact("public/build/clang.tar.zst").SHA256()
		both(w.GenericBuild, func(d fixtures.Object) { mountContent(d)["sha256"] = sum })
	}},
	{"an input of a product that may feed this one", build, func(w *served) {
		w.policy = twoProducts("[release]")
		takeFrom(w.Build, w.ReleaseBuild)
	}},
	{"the expected product", build, func(w *served) { w.policy, w.options.ExpectProduct = twoProducts("[]"), "firefox" }},
	{"the expected revision", build, func(w *served) {
		w.options.ExpectTree = mustTree(w.t, w.Central.URL())
		w.options.ExpectTree.Revision = mustRevision(w.t, w.Push.Revision())
	}},
	{"a pool that policy gives to its implementation", generic, func(w *served) {
		w.policy = func(p string) string { return p + "\nimplementations: {generic-worker: [gecko-3/b-win2022]}\n" }
	}},
	{"dependencies in another order", build, editDefinition(build, func(d fixtures.Object) { slices.Reverse(d["dependencies"].([]any)) })},
	{"a dependency on the task group's own task", build, func(w *served) {
		w.Build.Definition["dependencies"] = append(w.Build.Definition["dependencies"].([]any), w.Decision.ID)
	}},
	{"the task group of another decision task of the same revision", build, func(w *served) {
		w.Build.Definition["taskGroupId"] = w.Push.Decision().ID
	}},
	{"another scheduler and priority", build, editDefinition(build, func(d fixtures.Object) {
		d["schedulerId"], d["priority"], d["projectId"] = "gecko-level-3", "very-high", "none"
	})},
	{"a child created shortly after its parent's run", build, func(w *served) {
		w.Build.Recreate(w.Decision.Last().Resolved.Add(14 * time.Minute))
	}},
	{"a task graph within the policy's size", build, func(w *served) {
		w.policy = func(p string) string { return p + "\nlimits: {maxTaskGraphBytes: 1MiB, maxCotBytes: 1MiB}\n" }
	}},
	{"a later run that failed", func(w *served) *fixtures.Task { return w.D2G }, func(w *served) {
		w.D2G.Rerun().Resolve(fixtures.Failed, "failed")
	}},
	{"a source in the other scheme", build, func(w *served) {
		both(w.Build, func(d fixtures.Object) {
			m := object(d, "metadata")
			m["source"] = strings.Replace(m["source"].(string), "https://", "ssh://", 1)
		})
	}},
}

func indexedImagesAllowed(p string) string {
	return strings.Replace(p, "indexedImages: never", "indexedImages: any", 1)
}

func TestTwins(t *testing.T) {
	for _, tt := range slices.Concat(twins, imageTwins, workerTwins, inputTwins) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t)
			w.Edit(func() { tt.edit(w) })
			wantVerdict(t, w.verify(tt.target(w).ID), trace.Verified)
		})
	}
}

// Whoever writes the index chooses the image, so where a scope is restricted an
// indexed image is refused whatever policy says.
func TestIndexedImageWithRestrictedScopes(t *testing.T) {
	w := serve(t)
	w.policy = indexedImagesAllowed
	wantVerdict(t, w.verify(w.Signing.ID), trace.Verified)
	w.Edit(func() { indexedImage(w) })
	wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
	wantRefused(t, w.verify(w.Signing.ID), trace.RuleIndexedImage)
}
