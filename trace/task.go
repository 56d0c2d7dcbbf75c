package trace

import (
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// task is what the queue says of a task. What rules ask of other tasks than the
// one that they judge is here; the whole definition is decoded again for those
// that they do judge, where it is packed.
type task struct {
	graph.Task // but for its definition

	Name         string
	Pool         graph.WorkerPool
	TaskGroupID  graph.TaskID
	Dependencies []graph.TaskID
	Created      time.Time
	TasksFor     string // extra.tasks_for
	KindTag      string // tags.kind
	// HasHost: the task's container had power over its host.
	HasHost bool

	restricted bool // it has a restricted scope

	packed  graph.Packed
	decoded *graph.Definition // nil while it is packed
}

func newTask(t *graph.Task) *task {
	d := t.Definition
	out := &task{
		Task: *t, Name: d.Name, Pool: d.Pool, TaskGroupID: d.TaskGroupID, Dependencies: d.Dependencies, Created: d.Created,
		KindTag: d.Tags["kind"], HasHost: hasHost(d), decoded: d,
	}
	out.TasksFor, _ = d.Extra["tasks_for"].(string)
	out.Task.Definition = nil
	return out
}

// Definition is the task's whole definition.
func (t *task) Definition() *graph.Definition {
	if t.decoded != nil {
		return t.decoded
	}
	return t.packed.Definition()
}

// text is the definition as the queue wrote it.
func (t *task) text() graph.Packed {
	if t.decoded != nil {
		return t.decoded.Pack()
	}
	return t.packed
}

// pack lets the decoded definition go; nobody else may use the task meanwhile.
func (t *task) pack() {
	if t.decoded != nil {
		t.packed, t.decoded = t.decoded.Pack(), nil
	}
}

// unpack decodes the definition for several uses; nobody else may use the task
// meanwhile.
func (t *task) unpack() (repack func()) {
	if t.decoded != nil {
		return func() {}
	}
	t.decoded = t.packed.Definition()
	return func() { t.decoded = nil }
}

// origins are what a definition says of where a task comes from and what it takes.
type origins struct {
	parent    graph.TaskID
	parentErr error
	edges     []graph.Edge
	problems  []error
}

// placedTask is a task with what its definition says of its place in the graph.
type placedTask struct {
	*task
	impl  graph.Implementation
	image graph.Image // zero where there is none, or none that can be read
	says  *origins
}
