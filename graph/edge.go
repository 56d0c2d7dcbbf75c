package graph

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"sort"
	"strings"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

// EdgeReason says why one task's output reaches another.
type EdgeReason string

// Reasons for an edge. EdgeParent is that of the task that created the other;
// all others are inputs.
const (
	EdgeParent   EdgeReason = "parent"
	EdgeDeclared EdgeReason = "chain-of-trust-input" // extra.chainOfTrust.inputs
	EdgeUpstream EdgeReason = "upstream-artifact"    // payload.upstreamArtifacts
	EdgeImage    EdgeReason = "docker-image"         // payload.image
	EdgeFetch    EdgeReason = "fetch"                // MOZ_FETCHES
	EdgeMount    EdgeReason = "mount"                // payload.mounts
	EdgeContext  EdgeReason = "image-context"        // CONTEXT_TASK_ID, PARENT_TASK_ID
)

// Edge is one way in which another task's output reaches a task.
type Edge struct {
	Reason    EdgeReason
	Task      TaskID // zero where Namespace names the task
	Namespace string // index path, without the leading "index."
	Run       *RunID // where the definition names a run
	Artifact  string // empty where the definition names none
	SHA256    []byte // the digest that the worker checked, where the definition has one
	Path      string // JSON Pointer to where the definition says so
	// Stated is what the definition says the other task is: taskType of
	// upstreamArtifacts, the name of a chain of trust input. A claim.
	Stated string
}

// ParentOf is the task that created the task: extra.parent, else taskGroupId.
// A decision task is its own parent.
func ParentOf(id TaskID, d *Definition) (TaskID, error) {
	if v, ok := d.Extra["parent"]; ok {
		s, _ := v.(string)
		parent, err := ParseTaskID(s)
		if err != nil {
			return TaskID{}, fmt.Errorf("/extra/parent: %w", err)
		}
		return parent, nil
	}
	if d.TaskGroupID.IsZero() {
		return id, nil
	}
	return d.TaskGroupID, nil
}

// Inputs finds the inputs that the definition says the task takes, in a stable
// order. What can't be read is a problem: an input may hide in it. rootURL
// tells which mounted URLs are this deployment's artifacts.
func Inputs(d *Definition, rootURL string) ([]Edge, []error) {
	f := finder{rootURL: rootURL}
	f.declared(d)
	f.upstream(d)
	f.image(d)
	f.fetches(d)
	f.mounts(d)
	for _, name := range []string{"CONTEXT_TASK_ID", "PARENT_TASK_ID"} {
		if s, ok := d.Env(name); ok && s != "" {
			e := Edge{Reason: EdgeContext, Path: "/payload/env/" + name}
			if name == "CONTEXT_TASK_ID" {
				e.Artifact, _ = d.Env("CONTEXT_PATH")
			}
			f.add(e, s)
		}
	}
	return f.edges, f.problems
}

// InputError is an input that can't be read, and the JSON Pointer to it.
type InputError struct{ Path, Detail string }

func (e *InputError) Error() string { return e.Path + ": " + e.Detail }

type finder struct {
	rootURL  string
	edges    []Edge
	problems []error
}

func (f *finder) problem(path, format string, args ...any) {
	f.problems = append(f.problems, &InputError{Path: path, Detail: fmt.Sprintf(format, args...)})
}

func (f *finder) add(e Edge, task string) {
	id, err := ParseTaskID(task)
	if err != nil {
		f.problem(e.Path, "%v", err)
		return
	}
	e.Task = id
	f.edges = append(f.edges, e)
}

// member gives m[key] as an object; anything else that is there is a problem.
func (f *finder) member(m map[string]any, at, key string) map[string]any {
	v, ok := m[key]
	if !ok || v == nil {
		return nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		f.problem(strictjson.Pointer(at, key), "want an object, found %s", strictjson.Kind(v))
	}
	return o
}

func (f *finder) list(m map[string]any, at, key string) []any {
	v, ok := m[key]
	if !ok || v == nil {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		f.problem(strictjson.Pointer(at, key), "want an array, found %s", strictjson.Kind(v))
	}
	return l
}

func (f *finder) declared(d *Definition) {
	at := "/extra/chainOfTrust"
	inputs := f.member(f.member(d.Extra, "/extra", "chainOfTrust"), at, "inputs")
	names := make([]string, 0, len(inputs))
	for name := range inputs {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		s, _ := inputs[name].(string)
		f.add(Edge{Reason: EdgeDeclared, Path: strictjson.Pointer(at, "inputs", name), Stated: name}, s)
	}
}

func (f *finder) upstream(d *Definition) {
	for i, v := range f.list(d.Payload, "/payload", "upstreamArtifacts") {
		at := fmt.Sprintf("/payload/upstreamArtifacts/%d", i)
		m, ok := v.(map[string]any)
		if !ok {
			f.problem(at, "want an object, found %s", strictjson.Kind(v))
			continue
		}
		task, _ := m["taskId"].(string)
		stated, _ := m["taskType"].(string)
		paths := f.list(m, at, "paths")
		if len(paths) == 0 {
			f.add(Edge{Reason: EdgeUpstream, Path: at, Stated: stated}, task)
		}
		for j, p := range paths {
			name, ok := p.(string)
			if !ok {
				f.problem(fmt.Sprintf("%s/paths/%d", at, j), "want a string, found %s", strictjson.Kind(p))
				continue
			}
			f.add(Edge{Reason: EdgeUpstream, Artifact: name, Path: fmt.Sprintf("%s/paths/%d", at, j), Stated: stated}, task)
		}
	}
}

func (f *finder) image(d *Definition) {
	const at = "/payload/image"
	i, err := ImageOf(d)
	switch {
	case err != nil:
		f.problem(at, "%v", err)
	case i.Kind == ImageOfTask, i.Kind == ImageIndexed:
		f.edges = append(f.edges, Edge{Reason: EdgeImage, Task: i.Task, Namespace: i.Namespace, Artifact: i.Artifact, Path: at})
	}
}

func (f *finder) fetches(d *Definition) {
	const at = "/payload/env/MOZ_FETCHES"
	text, ok := d.Env("MOZ_FETCHES")
	if !ok {
		if env, isMap := d.Payload["env"].(map[string]any); isMap && env["MOZ_FETCHES"] != nil {
			f.problem(at, "want a string, found %s", strictjson.Kind(env["MOZ_FETCHES"]))
		}
		return
	}
	v, err := strictjson.Parse([]byte(text), MaxDefinitionBytes)
	if err != nil {
		f.problem(at, "%v", err)
		return
	}
	list, ok := v.([]any)
	if !ok {
		f.problem(at, "want an array, found %s", strictjson.Kind(v))
		return
	}
	for i, v := range list {
		m, _ := v.(map[string]any)
		task, _ := m["task"].(string)
		e := Edge{Reason: EdgeFetch, Path: fmt.Sprintf("%s/%d", at, i)}
		e.Artifact, _ = m["artifact"].(string)
		f.add(e, task)
	}
}

func (f *finder) mounts(d *Definition) {
	for i, v := range f.list(d.Payload, "/payload", "mounts") {
		at := fmt.Sprintf("/payload/mounts/%d", i)
		m, ok := v.(map[string]any)
		if !ok {
			f.problem(at, "want an object, found %s", strictjson.Kind(v))
			continue
		}
		content := f.member(m, at, "content")
		if content == nil {
			continue
		}
		f.content(content, at+"/content")
	}
}

func (f *finder) content(content map[string]any, at string) {
	e := Edge{Reason: EdgeMount, Path: at}
	e.Artifact, _ = content["artifact"].(string)
	if s, ok := content["sha256"].(string); ok {
		sum, err := hex.DecodeString(s)
		if err != nil || len(sum) != 32 {
			f.problem(at+"/sha256", "%q is not a sha256", clip(s))
			return
		}
		e.SHA256 = sum
	}
	for _, name := range []string{"taskId", "namespace", "url", "raw", "base64"} {
		text, ok := content[name].(string)
		switch {
		case !ok:
			continue
		case name == "taskId":
			f.add(e, text)
		case name == "namespace":
			e.Namespace = text
			f.edges = append(f.edges, e)
		case name == "url":
			f.url(e, text)
		}
		return
	}
	f.problem(at, "want taskId, namespace, url, raw or base64 as a string")
}

// url adds the edge if the URL is this deployment's.
func (f *finder) url(e Edge, s string) {
	ref, ok := ParseArtifactURL(f.rootURL, s)
	switch {
	case ok:
		e.Task, e.Namespace, e.Run, e.Artifact = ref.Task, ref.Namespace, ref.Run, ref.Artifact
		f.edges = append(f.edges, e)
	case OnDeployment(f.rootURL, s):
		f.problem(e.Path+"/url", "%q is of this deployment, but no artifact route that can be read", clip(s))
	}
}

// ArtifactURL is what an artifact route of a deployment names: a task or an
// index path, and an artifact.
type ArtifactURL struct {
	Task      TaskID
	Namespace string
	Run       *RunID
	Artifact  string
}

// ParseArtifactURL reads a URL of the deployment's queue or index that serves
// an artifact. It is not ok for any other URL.
func ParseArtifactURL(rootURL, s string) (ArtifactURL, bool) {
	segments, ok := PathBelow(rootURL, s)
	if !ok || segments[0] != "api" {
		return ArtifactURL{}, false
	}
	segments = segments[1:]
	var ref ArtifactURL
	if len(segments) < 6 || segments[1] != "v1" || segments[2] != "task" {
		return ArtifactURL{}, false
	}
	tail := segments[4:]
	switch segments[0] {
	case "queue":
		id, err := ParseTaskID(segments[3])
		if err != nil {
			return ArtifactURL{}, false
		}
		ref.Task = id
		if tail[0] == "runs" && len(tail) > 3 {
			run, err := ParseRunID(tail[1])
			if err != nil {
				return ArtifactURL{}, false
			}
			ref.Run, tail = &run, tail[2:]
		}
	case "index":
		ref.Namespace = segments[3]
	default:
		return ArtifactURL{}, false
	}
	if tail[0] != "artifacts" || len(tail) < 2 {
		return ArtifactURL{}, false
	}
	ref.Artifact = strings.Join(tail[1:], "/")
	return ref, CheckArtifactName(ref.Artifact) == nil
}

// OnDeployment tells whether a URL leads to the deployment, by whatever scheme
// and spelling: what its servers make of it can't be known here.
func OnDeployment(rootURL, s string) bool {
	root, err1 := url.Parse(rootURL)
	u, err2 := url.Parse(s)
	if err1 != nil || err2 != nil {
		return err1 == nil && root.Hostname() != "" && strings.Contains(strings.ToLower(s), strings.ToLower(root.Hostname()))
	}
	return u.Scheme == root.Scheme && hostOf(u) == hostOf(root) ||
		u.Scheme != root.Scheme && name(u) == name(root)
}

func name(u *url.URL) string { return strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")) }

// hostOf is the host in lower case, without a dot at its end and without the
// scheme's own port.
func hostOf(u *url.URL) string {
	port := u.Port()
	if port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		port = ""
	}
	return name(u) + ":" + port
}
