package graph

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

// ImageKind says where a docker image comes from. The zero value is no image.
type ImageKind string

// Kinds of images. A prebuilt one is a registry's; "docker-image" is its other
// spelling.
const (
	ImagePrebuilt ImageKind = "prebuilt"
	ImageOfTask   ImageKind = "task-image"
	ImageIndexed  ImageKind = "indexed-image"
)

// Image is what a docker payload says it runs in.
type Image struct {
	Kind      ImageKind
	Reference string // of a registry
	Task      TaskID // the task that made it
	Namespace string // index path, without the leading "index."
	Artifact  string // of the task, or of the one that the index names
}

// ImageOf reads payload.image in each form that the docker payload's schema
// has. A payload without image has the zero Image; a form that the schema lacks
// is an error, for nobody can tell what a worker makes of it.
func ImageOf(d *Definition) (Image, error) {
	switch v := d.Payload["image"].(type) {
	case nil:
		return Image{}, nil
	case string:
		if v == "" {
			return Image{}, nil
		}
		return Image{Kind: ImagePrebuilt, Reference: v}, nil
	case map[string]any:
		return imageObject(v)
	default:
		return Image{}, fmt.Errorf("want a string or an object, found %s", strictjson.Kind(v))
	}
}

// imageMembers are the members that an image has beside its type: all of them,
// and no other.
var imageMembers = map[string][]string{
	"docker-image":  {"name"},
	"task-image":    {"taskId", "path"},
	"indexed-image": {"namespace", "path"},
}

func imageObject(m map[string]any) (Image, error) {
	kind, _ := m["type"].(string)
	names, ok := imageMembers[kind]
	if !ok {
		return Image{}, fmt.Errorf("want type docker-image, task-image or indexed-image, found %q", clip(kind))
	}
	if len(m) > len(names)+1 {
		return Image{}, fmt.Errorf("a %s has nothing but type, %q", kind, names)
	}
	r := reader{m: m}
	text := map[string]string{}
	for _, name := range names {
		if text[name] = r.text(name); text[name] == "" && len(r.errs) == 0 {
			r.fail("/" + name + " is missing")
		}
	}
	if len(r.errs) > 0 {
		return Image{}, errors.Join(r.errs...)
	}
	if kind == "docker-image" {
		return Image{Kind: ImagePrebuilt, Reference: text["name"]}, nil
	}
	i := Image{Kind: ImageKind(kind), Namespace: text["namespace"], Artifact: text["path"]}
	if kind == "task-image" {
		id, err := ParseTaskID(text["taskId"])
		if err != nil {
			return Image{}, fmt.Errorf("/taskId: %w", err)
		}
		i.Task = id
	}
	return i, nil
}

var digestReference = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)

// Pinned tells whether the reference of a prebuilt image names its content. A
// tag does not: a registry may move it.
func (i Image) Pinned() bool { return digestReference.MatchString(i.Reference) }

// String is the image as a report names it.
func (i Image) String() string {
	switch i.Kind {
	case ImageOfTask:
		return i.Task.String() + ":" + i.Artifact
	case ImageIndexed:
		return "index:" + i.Namespace + ":" + i.Artifact
	}
	return i.Reference
}
