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
	o := l.node.decision
	if o == nil || o.product == nil {
		return
	}
	const at = "/payload/image"
	switch image := l.node.task.Definition.Payload["image"].(type) {
	case string:
		if !o.product.PrebuiltImages.Allows(string(l.node.kind)) {
			l.add(Finding{
				Rule: RulePrebuiltImage, Path: at, Got: clipText(image), Want: "an image that a task of the chain built",
				Message: fmt.Sprintf("product %s allows no prebuilt image for a task of kind %s", o.product.Name, l.node.kind),
			})
		}
	case map[string]any:
		switch image["type"] {
		case "task-image":
			checkTaskImage(l, image)
		case "indexed-image":
			checkIndexedImage(c, l, o, image)
		default:
			l.add(Finding{Rule: RuleDockerImageTask, Path: at + "/type", Want: "task-image or indexed-image", Got: brief(image["type"]), Message: "unknown type of docker image"})
		}
	default:
		l.add(Finding{Rule: RuleDockerImageTask, Path: at, Want: "a string or an object", Got: brief(image), Message: "the docker image can't be read"})
	}
}

func checkTaskImage(l *link, image map[string]any) {
	cot, _ := l.node.task.Definition.Extra["chainOfTrust"].(map[string]any)
	inputs, _ := cot["inputs"].(map[string]any)
	declared, _ := inputs["docker-image"].(string)
	used, _ := image["taskId"].(string)
	if declared != used {
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

func checkIndexedImage(c *chain, l *link, o *origin, image map[string]any) {
	if !o.product.IndexedImages.Allows(string(l.node.kind)) {
		l.add(Finding{
			Rule: RuleIndexedImage, Path: "/payload/image", Got: brief(image["namespace"]),
			Message: fmt.Sprintf("product %s allows no indexed image for a task of kind %s", o.product.Name, l.node.kind),
		})
	}
	if c.anyRestricted() {
		l.add(Finding{
			Rule: RuleIndexedImage, Path: "/payload/image", Got: brief(image["namespace"]),
			Message: "indexed images are never allowed in a chain with restricted scopes: whoever may write the index chooses the image",
		})
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
		f.Hint = "workers record it for docker payloads; for privileged containers it does not count"
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
	if pool := l.node.task.Definition.Pool; !o.product.IsDockerImagePool(pool) {
		l.add(Finding{
			Rule: RuleDockerImagePool, Path: "/workerType", Want: poolNames(o.product.DockerImagePools), Got: pool.String(),
			Message: fmt.Sprintf("the task's output runs as a docker image, but product %s builds none in this pool", o.product.Name),
		})
	}
}
