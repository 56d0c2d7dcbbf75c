package trace_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

var pinnedUbuntu = "ubuntu@sha256:" + strings.Repeat("a", 64)

func prebuiltAllowed(p string) string {
	return strings.Replace(p, "prebuiltImages: [decision, action, docker-image]", "prebuiltImages: any", 1)
}

// runIn has a task run in an image that no task built.
func runIn(t *fixtures.Task, image any) {
	both(t, func(d fixtures.Object) {
		object(d, "payload")["image"] = image
		delete(object(d, "extra"), "chainOfTrust")
	})
	t.Last().Document.Image, t.Last().Document.ImageHash = nil, ""
}

func named(image string) fixtures.Object {
	return fixtures.Object{"type": "docker-image", "name": image}
}

// newerImage is another task with the route and name of Build's image.
func newerImage(w *served) *fixtures.Task {
	t := w.Graph.DockerImage("debian12-amd64-build")
	t.Artifact(fixtures.ImageName).Content = fixtures.Random(99, 41_000)
	return t
}

// indexed has Build run in an image that policy lets it find by the index, and
// in which the index has another task than the one whose image it ran.
func indexed(edit func(w *served)) func(*served) {
	return func(w *served) {
		w.policy = indexedImagesAllowed
		indexedImage(w)
		edit(w)
	}
}

// powerful gives a task's container power over the host, perhaps.
func powerful(of func(*served) *fixtures.Task, member string, value any) func(*served) {
	return func(w *served) { both(of(w), func(d fixtures.Object) { object(d, "payload")[member] = value }) }
}

var imageAttacks = []attack{
	// Prebuilt images.
	{name: "a prebuilt image in the other spelling", target: build, edit: func(w *served) { runIn(w.Build, named(pinnedUbuntu)) }, rule: trace.RulePrebuiltImage},
	{name: "a prebuilt image in a docker payload that generic-worker runs", target: d2g, edit: func(w *served) { runIn(w.D2G, pinnedUbuntu) }, rule: trace.RulePrebuiltImage},
	{name: "an image by tag where policy wants pins", target: toolchain, edit: onlyImage("ubuntu:24.04"), rule: trace.RuleInputUnpinned},
	{name: "an image by tag in the other spelling where policy wants pins", target: toolchain, edit: onlyImage(named("ubuntu:24.04")), rule: trace.RuleInputUnpinned},
	{name: "a task image with an index path beside", target: build, edit: func(w *served) {
		w.Index[imagePath] = w.Image
		both(w.Build, func(d fixtures.Object) { object(d, "payload", "image")["namespace"] = imagePath })
	}, rule: trace.RuleDockerImageTask},

	// Indexed images.
	{name: "an indexed image of a task without that route", target: build, edit: indexed(func(w *served) {
		w.Index[imagePath] = w.Graph.DockerImage("other")
	}), rule: trace.RuleIndexedInput},
	{name: "an indexed image that is newer than the one that ran", target: build, edit: indexed(func(w *served) {
		w.Index[imagePath] = newerImage(w)
	}), rule: trace.RuleDockerImageHash},
	{name: "an indexed image that no worker recorded", target: build, edit: indexed(func(w *served) {
		document(w).Image = nil
	}), rule: trace.RuleDockerImageHash},
	{name: "an indexed image in a privileged container", target: build, edit: indexed(func(w *served) {
		powerful(build, "capabilities", fixtures.Object{"privileged": true})(w)
	}), rule: trace.RuleDockerImageHash},
	{name: "an indexed image of an index path that names nothing", target: build, edit: indexed(func(w *served) {
		delete(w.Index, imagePath)
	}), rule: trace.RuleIndexedInput},
	{name: "an indexed image whose task has a broken document", target: build, edit: indexed(func(w *served) {
		w.Image.Last().Document.Key = w.Keys.Foreign
	}), rule: trace.RuleSignatureInvalid},
	{name: "an indexed image built in another pool", target: build, edit: indexed(func(w *served) {
		both(w.Image, func(d fixtures.Object) { move(d, "b-linux") })
	}), rule: trace.RuleDockerImagePool},
	{name: "an indexed image for a kind that policy does not allow it", target: build, edit: indexed(func(w *served) {
		w.policy = indexedImagesFor("docker-image")
	}), rule: trace.RuleIndexedImage},

	// The digest of the image that ran.
	{name: "an image other than the task's, run by generic-worker", target: d2g, edit: func(w *served) {
		w.D2G.Last().Document.Image = newerImage(w).Artifact(fixtures.ImageName)
	}, rule: trace.RuleDockerImageHash},
	{name: "no recorded image of a docker payload that generic-worker ran", target: d2g, edit: func(w *served) {
		w.D2G.Last().Document.Image = nil
	}, rule: trace.RuleDockerImageHash},
	{name: "a privileged container that generic-worker runs", target: d2g, edit: powerful(d2g, "capabilities", fixtures.Object{"privileged": true}), rule: trace.RuleDockerImageHash},
	{name: "a container that is privileged in another way of saying so", target: build, edit: powerful(build, "capabilities", fixtures.Object{"privileged": "yes"}), rule: trace.RuleDockerImageHash},
	{name: "capabilities that can't be read", target: build, edit: powerful(build, "capabilities", []any{"privileged"}), rule: trace.RuleDockerImageHash},
	{name: "a container without seccomp", target: build, edit: powerful(build, "capabilities", fixtures.Object{"disableSeccomp": true}), rule: trace.RuleDockerImageHash},
	{name: "docker in docker", target: build, edit: powerful(build, "features", fixtures.Object{"chainOfTrust": true, "dind": true}), rule: trace.RuleDockerImageHash},
	{name: "two ids of one image", target: build, edit: func(w *served) {
		document(w).ImageHash = "sha256:" + strings.Repeat("0", 64)
	}, rule: trace.RuleDockerImageHash},
	{name: "two ids of one image, one of them recorded by generic-worker", target: d2g, edit: func(w *served) {
		w.D2G.Last().Document.ImageHash = "sha256:" + strings.Repeat("0", 64)
	}, rule: trace.RuleDockerImageHash},

	// Who builds images.
	{name: "a task that says it builds images, in another pool", target: build, edit: func(w *served) {
		both(w.Fetch, func(d fixtures.Object) { object(d, "tags")["kind"] = "docker-image" })
	}, rule: trace.RuleDockerImagePool},
	{name: "a prebuilt image of a task that only runs where images are built", target: build, edit: func(w *served) {
		runIn(w.Fetch, pinnedUbuntu)
		both(w.Fetch, func(d fixtures.Object) { move(d, "images") })
	}, rule: trace.RulePrebuiltImage},
}

var imageTwins = []twin{
	{"a prebuilt image in the other spelling where policy allows it", build, func(w *served) {
		w.policy = prebuiltAllowed
		runIn(w.Build, named(pinnedUbuntu))
	}},
	{"a prebuilt image that generic-worker runs where policy allows it", d2g, func(w *served) {
		w.policy = prebuiltAllowed
		runIn(w.D2G, pinnedUbuntu)
	}},
	{"an image by digest where policy wants pins", toolchain, onlyImage(pinnedUbuntu)},
	{"an image by digest in the other spelling where policy wants pins", toolchain, onlyImage(named(pinnedUbuntu))},
	{"an indexed image that is the newer one that ran", build, indexed(func(w *served) {
		t := newerImage(w)
		w.Index[imagePath], document(w).Image = t, t.Artifact(fixtures.ImageName)
		document(w).ImageHash = ""
	})},
	{"an indexed image for a kind that policy allows it", build, indexed(func(w *served) { w.policy = indexedImagesFor("task") })},
	{"a container that is not privileged", build, powerful(build, "capabilities", fixtures.Object{"privileged": false, "devices": fixtures.Object{"kvm": true}})},
	{"a container that generic-worker runs and that is not privileged", d2g, powerful(d2g, "capabilities", fixtures.Object{"privileged": false})},
	{"no docker in docker", build, powerful(build, "features", fixtures.Object{"chainOfTrust": true, "dind": false})},
	{"no id of the image", build, func(w *served) { document(w).ImageHash = "" }},
	{"a task that says it builds images, in a pool for that", build, func(w *served) {
		both(w.Fetch, func(d fixtures.Object) {
			object(d, "tags")["kind"] = "docker-image"
			move(d, "images")
		})
	}},
	{"a fetch task that runs where images are built", build, func(w *served) {
		both(w.Fetch, func(d fixtures.Object) { move(d, "images") })
	}},
}

func toolchain(w *served) *fixtures.Task { return w.Toolchain }

// onlyImage makes a prebuilt image the only thing that the toolchain takes, and
// has policy want everything pinned.
func onlyImage(image any) func(*served) {
	return func(w *served) {
		w.policy = func(p string) string { return requirePinned(prebuiltAllowed(p)) }
		runIn(w.Toolchain, image)
	}
}

func indexedImagesFor(kind string) func(string) string {
	return func(p string) string {
		return strings.Replace(p, "indexedImages: never", "indexedImages: ["+kind+"]", 1)
	}
}

// warnings lists a task's warnings under a rule, "PATH GOT".
func warnings(task trace.Task, rule trace.Rule) []string {
	var out []string
	for _, f := range task.Findings {
		if f.Rule == rule && f.Severity == trace.SeverityWarning {
			out = append(out, fmt.Sprint(f.Path, " ", f.Got))
		}
	}
	return out
}

// A tag says nothing of what ran; that is a warning, and a digest is none.
func TestImageByTagIsUnpinned(t *testing.T) {
	for image, want := range map[string]int{"ubuntu": 1, "ubuntu:24.04": 1, pinnedUbuntu: 0, pinnedUbuntu[:len(pinnedUbuntu)-1]: 1} {
		for _, form := range []any{image, named(image)} {
			w := serve(t)
			w.policy = prebuiltAllowed
			w.Edit(func() { runIn(w.Toolchain, form) })
			r := w.verify(w.Toolchain.ID)
			wantVerdict(t, r, trace.Verified)
			if got := warnings(r.Tasks[0], trace.RuleInputUnpinned); len(got) != want || want == 1 && got[0] != "/payload/image "+image {
				t.Errorf("%v: warnings %q, want %d", form, got, want)
			}
			if got := r.Tasks[0].Image; got == nil || got.Name != image {
				t.Errorf("%v: the report says %+v", form, got)
			}
		}
	}
}

// What a registry serves by one name may have changed, so that two ids of it are
// a warning, and two names are compared by nobody.
func TestTwoIDsOfAPrebuiltImage(t *testing.T) {
	for other, want := range map[string]int{"ubuntu:24.04": 1, "ubuntu:24.10": 0} {
		w := serve(t)
		w.policy = prebuiltAllowed
		w.Edit(func() {
			runIn(w.Toolchain, "ubuntu:24.04")
			runIn(w.Build, other)
			w.Toolchain.Last().Document.ImageHash = "sha256:" + strings.Repeat("1", 64)
			w.Build.Last().Document.ImageHash = "sha256:" + strings.Repeat("2", 64)
		})
		r := w.verify(w.Build.ID)
		wantVerdict(t, r, trace.Verified)
		n := 0
		for _, task := range r.Tasks {
			n += len(warnings(task, trace.RuleDockerImageHash))
		}
		if n != want {
			t.Errorf("%s: %d warnings, want %d", other, n, want)
		}
	}
}

// The report has what the worker recorded of the image, where that counts.
func TestImageInTheReport(t *testing.T) {
	w := serve(t)
	r := w.verify(w.Build.ID)
	want := trace.Image{
		Name: w.Image.ID + ":" + fixtures.ImageName, ArtifactHash: "sha256:" + w.Image.Artifact(fixtures.ImageName).SHA256(),
		Hash: document(w).ImageHash,
	}
	if got := r.Tasks[0].Image; got == nil || *got != want || want.Hash == "" {
		t.Errorf("%+v, want %+v", got, want)
	}
	if r := w.verify(w.GenericBuild.ID); r.Tasks[0].Image != nil {
		t.Errorf("a native task has image %+v", r.Tasks[0].Image)
	}
	w.Edit(func() { powerful(build, "capabilities", fixtures.Object{"privileged": true})(w) })
	if got := w.verify(w.Build.ID).Tasks[0].Image; got == nil || *got != (trace.Image{Name: want.Name}) {
		t.Errorf("of a privileged container: %+v", got)
	}
}
