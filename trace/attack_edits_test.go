package trace_test

import (
	"strings"

	"github.com/mozilla-releng/cot/fixtures"
)

// object walks into nested objects.
func object(m fixtures.Object, keys ...string) fixtures.Object {
	for _, k := range keys {
		m = m[k].(fixtures.Object)
	}
	return m
}

func build(w *served) *fixtures.Task    { return w.Build }
func generic(w *served) *fixtures.Task  { return w.GenericBuild }
func signing(w *served) *fixtures.Task  { return w.Signing }
func d2g(w *served) *fixtures.Task      { return w.D2G }
func decision(w *served) *fixtures.Task { return w.Decision }

func document(w *served) *fixtures.Document { return w.Build.Last().Document }

func editDocument(f func(doc fixtures.Object)) func(*served) {
	return func(w *served) { document(w).Edit = f }
}

func editDefinition(of func(*served) *fixtures.Task, f func(def fixtures.Object)) func(*served) {
	return func(w *served) { f(of(w).Definition) }
}

func editEntry(f func(entry fixtures.Object)) func(*served) {
	return func(w *served) { w.Build.Entry.Edit = f }
}

// inDecision changes the decision task as somebody with scopes could: worker
// and queue agree on it, the tree does not.
func inDecision(f func(def fixtures.Object)) func(*served) { return editDefinition(decision, f) }

// both changes a task and its entry in the task graph alike.
func both(t *fixtures.Task, f func(def fixtures.Object)) {
	f(t.Definition)
	f(t.Entry.Task)
}

// move puts a task into another pool of its provisioner.
func move(d fixtures.Object, workerType string) {
	d["workerType"] = workerType
	if _, ok := d["taskQueueId"]; ok {
		d["taskQueueId"] = d["provisionerId"].(string) + "/" + workerType
	}
}

func grant(t *fixtures.Task, scope string) {
	both(t, func(d fixtures.Object) { d["scopes"] = append(append([]any{}, d["scopes"].([]any)...), scope) })
}

// addForm puts another form of signature beside the honest one.
func addForm(w *served, name string) {
	a := fixtures.File(name, fixtures.Bytes([]byte("x")))
	a.Unhashed = true
	w.Build.Last().Add(a)
}

const (
	toolchainPath = "gecko.cache.level-3.toolchains.v3.clang.latest"
	imagePath     = "gecko.cache.level-3.docker-images.v2.debian12-amd64-build.latest"
)

// indexedImage makes Build run in the image that the index names.
func indexedImage(w *served) {
	w.Index[imagePath] = w.Image
	both(w.Build, func(d fixtures.Object) {
		object(d, "payload")["image"] = fixtures.Object{"type": "indexed-image", "namespace": imagePath, "path": fixtures.ImageName}
	})
}

// mountContent is what GenericBuild's toolchain mount holds.
func mountContent(d fixtures.Object) fixtures.Object {
	return object(object(d, "payload")["mounts"].([]any)[1].(fixtures.Object), "content")
}

func mountByNamespace(w *served, namespace string) {
	both(w.GenericBuild, func(d fixtures.Object) {
		c := mountContent(d)
		delete(c, "taskId")
		c["namespace"] = namespace
	})
}

func requirePinned(p string) string {
	return strings.Replace(p, "    envPrefix: GECKO\n", "    envPrefix: GECKO\n    requirePinned: true\n", 1)
}

// twoProducts gives the release repositories to a product of their own. feeds
// is the list of products that may feed firefox.
func twoProducts(feeds string) func(string) string {
	return func(p string) string {
		const releases = `      - {host: hg.mozilla.org, path: "/releases/mozilla-(beta|release|esr\\d+)"}` + "\n"
		head, body, _ := strings.Cut(p, "  firefox:\n")
		firefox := strings.Replace(body, releases, "", 1)
		firefox = strings.Replace(firefox, "    envPrefix: GECKO\n", "    envPrefix: GECKO\n    inputsFrom: "+feeds+"\n", 1)
		return head + "  firefox:\n" + firefox + `  release:
    vcs: hg
    envPrefix: GECKO
    tasksFor: [hg-push]
    repositories:
` + releases + `    decisionPools: [gecko-3/decision]
    dockerImagePools: [gecko-3/images]
    prebuiltImages: [decision, action, docker-image]
`
	}
}

// takeFrom makes another task an input that the consumer declares.
func takeFrom(consumer, input *fixtures.Task) {
	both(consumer, func(d fixtures.Object) {
		object(d, "extra", "chainOfTrust", "inputs")["other"] = input.ID
		d["dependencies"] = append(append([]any{}, d["dependencies"].([]any)...), input.ID)
	})
}
