package graph

import (
	"errors"
	"fmt"
	"time"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

// MaxDefinitionBytes bounds a task definition. The queue itself refuses more
// than 1 MiB.
const MaxDefinitionBytes = 4 << 20

// Definition is a task definition (Taskcluster's "task.json"), decoded once.
// Only ParseDefinition makes one; it does not change.
type Definition struct {
	value map[string]any
	text  []byte

	Pool         WorkerPool
	TaskGroupID  TaskID // zero only in a definition that has none yet
	SchedulerID  string
	Dependencies []TaskID
	Created      time.Time
	Deadline     time.Time
	Expires      time.Time
	Scopes       []string
	Routes       []string
	Name         string // metadata.name
	Source       string // metadata.source
	Payload      map[string]any
	Extra        map[string]any
	Tags         map[string]string
}

// ParseDefinition reads the queue's answer. A definition without worker pool,
// created or payload is an error, and so is one whose known keys have other
// types than the queue's schema says. The data must not be changed afterwards.
func ParseDefinition(data []byte) (*Definition, error) {
	value, err := strictjson.ParseObject(data, MaxDefinitionBytes)
	if err != nil {
		return nil, fmt.Errorf("task definition: %w", err)
	}
	r := reader{m: value}
	d := &Definition{
		value:       value,
		text:        data,
		SchedulerID: r.text("schedulerId"),
		Created:     r.time("created"),
		Deadline:    r.time("deadline"),
		Expires:     r.time("expires"),
		Scopes:      r.texts("scopes"),
		Routes:      r.texts("routes"),
		Payload:     r.object("payload"),
		Extra:       r.object("extra"),
	}
	meta := reader{m: r.object("metadata"), at: "/metadata"}
	d.Name, d.Source = meta.text("name"), meta.text("source")
	tags := reader{m: r.object("tags"), at: "/tags"}
	d.Tags = map[string]string{}
	for k := range tags.m {
		d.Tags[k] = tags.text(k)
	}
	d.Pool = r.pool()
	for i, s := range r.texts("dependencies") {
		id, err := ParseTaskID(s)
		if err != nil {
			r.fail(fmt.Sprintf("/dependencies/%d: %v", i, err))
			continue
		}
		d.Dependencies = append(d.Dependencies, id)
	}
	if s := r.text("taskGroupId"); s != "" {
		id, err := ParseTaskID(s)
		if err != nil {
			r.fail("/taskGroupId: " + err.Error())
		}
		d.TaskGroupID = id
	}
	if d.Created.IsZero() {
		r.fail("/created is missing")
	}
	if _, ok := value["payload"]; !ok {
		r.fail("/payload is missing")
	}
	if err := errors.Join(append(append(r.errs, meta.errs...), tags.errs...)...); err != nil {
		return nil, fmt.Errorf("task definition: %w", err)
	}
	return d, nil
}

// Value is the whole definition as decoded. It must not be changed.
func (d *Definition) Value() map[string]any { return d.value }

// DependsOn tells whether id is a declared dependency.
func (d *Definition) DependsOn(id TaskID) bool {
	for _, dep := range d.Dependencies {
		if dep == id {
			return true
		}
	}
	return false
}

// Env gives payload.env[name] where it is a string.
func (d *Definition) Env(name string) (string, bool) {
	env, _ := d.Payload["env"].(map[string]any)
	s, ok := env[name].(string)
	return s, ok
}

// reader takes typed members out of an object and remembers what did not fit.
type reader struct {
	m    map[string]any
	at   string
	errs []error
}

func (r *reader) fail(msg string) { r.errs = append(r.errs, errors.New(msg)) }

func (r *reader) want(key, kind string, v any) {
	r.fail(fmt.Sprintf("%s: want %s, found %s", strictjson.Pointer(r.at, key), kind, strictjson.Kind(v)))
}

func (r *reader) text(key string) string {
	v, ok := r.m[key]
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		r.want(key, "a string", v)
	}
	return s
}

func (r *reader) texts(key string) []string {
	v, ok := r.m[key]
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		r.want(key, "an array", v)
		return nil
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			r.want(key, "an array of strings", e)
			return nil
		}
		out = append(out, s)
	}
	return out
}

func (r *reader) object(key string) map[string]any {
	v, ok := r.m[key]
	if !ok {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		r.want(key, "an object", v)
	}
	return m
}

func (r *reader) time(key string) time.Time {
	s := r.text(key)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		r.fail(fmt.Sprintf("%s: %q is not an RFC 3339 time", strictjson.Pointer(r.at, key), clip(s)))
	}
	return t
}

// pool reads taskQueueId, or provisionerId and workerType; where both forms
// stand, they must agree.
func (r *reader) pool() WorkerPool {
	queueID, split := r.text("taskQueueId"), r.text("provisionerId")+"/"+r.text("workerType")
	s := queueID
	switch {
	case queueID == "":
		s = split
	case split != "/" && split != queueID:
		r.fail(fmt.Sprintf("/taskQueueId is %q but provisionerId and workerType say %q", clip(queueID), clip(split)))
	}
	pool, err := ParseWorkerPool(s)
	if err != nil {
		r.fail(err.Error())
	}
	return pool
}
