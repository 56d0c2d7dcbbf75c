package trace

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// checkDockerImage: a docker payload's image comes from a task that the chain
// has, with the digest that the worker recorded, or is of a kind that policy
// allows for such tasks.
func checkDockerImage(c *chain, l *link) {
	if l.node.impl != graph.DockerWorker {
		return
	}
	checkSameImage(c, l)
	o := l.node.decision
	if o == nil || o.product == nil {
		return
	}
	const at = "/payload/image"
	d := l.node.task.Definition()
	image, err := graph.ImageOf(d)
	switch {
	case err != nil:
		l.add(Finding{Rule: RuleDockerImageTask, Path: at, Got: brief(d.Payload["image"]), Message: "the docker image can't be read: " + err.Error()})
	case image.Kind == graph.ImagePrebuilt:
		checkPrebuiltImage(l, o, image)
	case image.Kind == graph.ImageOfTask:
		checkTaskImage(l, image)
	case image.Kind == graph.ImageIndexed:
		checkIndexedImage(c, l, o, image)
	}
}

func checkPrebuiltImage(l *link, o *origin, image graph.Image) {
	const at = "/payload/image"
	if !o.product.PrebuiltImages.Allows(string(l.node.kind)) {
		l.add(Finding{
			Rule: RulePrebuiltImage, Path: at, Got: clipText(image.Reference), Want: "an image that a task of the chain built",
			Message: fmt.Sprintf("product %s allows no prebuilt image for %s", o.product.Name, l.node.kind.noun()),
		})
	}
	if !image.Pinned() {
		l.add(Finding{
			Rule: RuleInputUnpinned, Severity: o.unpinned(), Path: at, Got: clipText(image.Reference), Want: "…@sha256:…",
			Message: "the task names its docker image by a tag, which a registry may move to another image at any time",
			Hint:    "add the image's digest to its name",
		})
	}
}

func checkTaskImage(l *link, image graph.Image) {
	cot, _ := l.node.task.Definition().Extra["chainOfTrust"].(map[string]any)
	inputs, _ := cot["inputs"].(map[string]any)
	declared, _ := inputs["docker-image"].(string)
	if used := image.Task.String(); declared != used {
		l.add(Finding{
			Rule: RuleDockerImageTask, Path: "/extra/chainOfTrust/inputs/docker-image", Want: used, Got: orNil(declared),
			Message: "the image that runs is not of the task that the chain of trust inputs name",
		})
	}
	for _, in := range l.inputs {
		if in.edge.Reason == graph.EdgeImage {
			checkImageHash(l, in)
		}
	}
}

func checkIndexedImage(c *chain, l *link, o *origin, image graph.Image) {
	if !o.product.IndexedImages.Allows(string(l.node.kind)) {
		l.add(Finding{
			Rule: RuleIndexedImage, Path: "/payload/image", Want: "an image by task id", Got: clipText(image.Namespace),
			Message: fmt.Sprintf("product %s allows no indexed image for %s", o.product.Name, l.node.kind.noun()),
		})
	}
	if c.anyRestricted() {
		l.add(indexedBesideRestricted(image.Namespace))
	}
	for _, in := range l.inputs {
		if in.edge.Reason == graph.EdgeImage {
			checkImageHash(l, in)
		}
	}
}

// checkImageHash holds the digest that the worker recorded against the image
// task's document.
func checkImageHash(l *link, in input) {
	if in.pinned || l.doc == nil || len(in.runs) == 0 {
		return // pinned, or findings elsewhere say why nothing is known
	}
	f := Finding{Rule: RuleDockerImageHash, Path: "/environment/imageArtifactHash"}
	recorded := l.doc.Asserted.ImageArtifactHash
	if recorded == "" {
		f.Message = "no worker recorded which image ran"
		f.Want = "sha256:… of " + in.edge.Artifact
		f.Hint = "run the task in an unprivileged docker container: there its worker records it, and nobody inside can change that"
		l.add(f)
		return
	}
	var want []string
	for _, r := range in.runs {
		if r.doc == nil {
			return // the image task's own findings say why
		}
		if h, ok := r.doc.Artifacts[in.edge.Artifact]; ok && h.SHA256 != nil {
			want = append(want, "sha256:"+hex.EncodeToString(h.SHA256))
		}
	}
	f.Want, f.Got = orNil(strings.Join(want, " or ")), clipText(recorded)
	f.Message = fmt.Sprintf("the image that ran is not %s of %s", in.edge.Artifact, in.edge.Task)
	l.add(f)
}

// checkSameImage: Docker's id for an image (imageHash) is no digest of any
// artifact, so it is compared only between runs in one and the same image. Runs
// in one image artifact must agree; what a registry serves may have changed.
func checkSameImage(c *chain, l *link) {
	if l.doc == nil || l.doc.Asserted.ImageHash == "" {
		return
	}
	severity, image := SeverityError, l.doc.Asserted.ImageArtifactHash
	if image == "" {
		i, err := graph.ImageOf(l.node.task.Definition())
		if err != nil || i.Kind != graph.ImagePrebuilt {
			return
		}
		severity, image = SeverityWarning, i.Reference
	}
	key := string(severity) + " " + image
	first, ok := c.images[key]
	if !ok {
		c.images[key] = l
		return
	}
	if want, got := first.doc.Asserted.ImageHash, l.doc.Asserted.ImageHash; want != got {
		f := otherImageID(first.ref().String(), image, want, got)
		f.Severity = severity
		l.add(f)
	}
}

// recordedImage is the digest of the image artifact that the worker recorded.
func recordedImage(l *link) []byte {
	if l.doc == nil {
		return nil
	}
	text, ok := strings.CutPrefix(l.doc.Asserted.ImageArtifactHash, "sha256:")
	sum, err := hex.DecodeString(text)
	if !ok || err != nil || len(sum) != 32 {
		return nil
	}
	return sum
}

// checkDockerImagePool: tasks whose output runs as an image, whatever else they
// are, are built in pools that policy names for that.
func checkDockerImagePool(_ *chain, l *link) {
	o := l.node.decision
	if o == nil || o.product == nil || l.node.kind != KindDockerImage && !l.node.usedAsImage {
		return
	}
	if pool := l.node.task.Pool; !o.product.IsDockerImagePool(pool) {
		l.add(Finding{
			Rule: RuleDockerImagePool, Path: "/workerType", Want: poolNames(o.product.DockerImagePools), Got: pool.String(),
			Message: fmt.Sprintf("the task's output runs as a docker image, but product %s builds none in this pool", o.product.Name),
		})
	}
}
