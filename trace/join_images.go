package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// imageIDPath is where a worker records Docker's id of the image that ran.
const imageIDPath = "/environment/imageHash"

// checkImages: runs in one image artifact recorded one id of it, whichever parts
// looked at them.
func (j *joint) checkImages() {
	firsts := map[string]*entry{}
	for _, e := range j.order {
		i := e.task.Image
		if i == nil || i.ArtifactHash == "" || i.Hash == "" {
			continue
		}
		first := firsts[i.ArtifactHash]
		if first == nil {
			firsts[i.ArtifactHash] = e
			continue
		}
		if want := first.task.Image.Hash; want != i.Hash && !first.otherID() && !e.otherID() {
			e.leaveUnlessListed(otherImageID(first.task.ref(), i.ArtifactHash, want, i.Hash))
		}
	}
}

// otherID tells whether a part found the run's image to have another id than
// that of another run.
func (e *entry) otherID() bool {
	return slices.ContainsFunc(e.task.Findings, func(f Finding) bool { return f.Rule == RuleDockerImageHash && f.Path == imageIDPath })
}

// otherImageID is the finding for a run whose worker recorded another id of an
// image than that of the first run in it.
func otherImageID(first, image, want, got string) Finding {
	return Finding{
		Rule: RuleDockerImageHash, Path: imageIDPath, Want: clipText(want), Got: clipText(got),
		Message: fmt.Sprintf("%s ran in the same image (%s), but its worker recorded another id for it", first, clipText(image)),
		Hint:    "rerun the task: one of the workers ran another image than its task names; if the two stay apart, their Docker engines may count ids in different ways",
	}
}

// checkIndexed: where a task has a restricted scope, none runs in an image that the
// index names, whichever part has it.
func (j *joint) checkIndexed() {
	if !slices.ContainsFunc(j.order, func(e *entry) bool { return e.task.Restricted }) {
		return
	}
	for _, e := range j.order {
		if name, is := e.task.indexedImage(); is && !hasRule(e.task.Findings, RuleIndexedImage) {
			e.leaveUnlessListed(indexedBesideRestricted(name))
		}
	}
}

// indexedImage gives what the index names the image that the run is in by.
func (t *Task) indexedImage() (name string, is bool) {
	if t.Image == nil || t.Implementation != string(graph.DockerWorker) {
		return "", false
	}
	return strings.CutPrefix(t.Image.Name, "index:")
}

func indexedBesideRestricted(image string) Finding {
	return Finding{
		Rule: RuleIndexedImage, Path: "/payload/image", Want: "an image by task id", Got: clipText(image),
		Message: "indexed images are never allowed in a chain with restricted scopes: whoever may write the index chooses the image",
	}
}

// leaveUnlessListed is leave, with what changes no verdict where the run is only
// listed.
func (e *entry) leaveUnlessListed(f Finding) {
	if e.task.Listed {
		f.Severity = SeverityWarning
	}
	e.leave(f)
}
