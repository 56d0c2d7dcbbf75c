package graph

import (
	"fmt"
	"time"

	"github.com/mozilla-releng/cot/internal/strictjson"
)

// RunState is a run's state in the queue. The zero value is not one.
type RunState string

// States of a run, and of a task, which takes its last run's and may be
// unscheduled besides.
const (
	Unscheduled RunState = "unscheduled"
	Pending     RunState = "pending"
	Running     RunState = "running"
	Completed   RunState = "completed"
	Failed      RunState = "failed"
	Exception   RunState = "exception"
)

// Open tells whether the run may still change its state.
func (s RunState) Open() bool { return s == Unscheduled || s == Pending || s == Running }

// Run is one attempt at a task (Taskcluster's task status, "runs").
type Run struct {
	ID          RunID
	State       RunState
	Reason      string // reasonResolved
	WorkerGroup string
	WorkerID    string
	Scheduled   time.Time
	Started     time.Time // zero while pending
	Resolved    time.Time // zero while not resolved
}

// Task is what the queue says of one task.
type Task struct {
	ID         TaskID
	Definition *Definition
	State      RunState
	Runs       []Run // by number, without gaps
}

// Run gives the run of that number.
func (t *Task) Run(id RunID) (Run, bool) {
	if id < 0 || int(id) >= len(t.Runs) {
		return Run{}, false
	}
	return t.Runs[id], true
}

// CompletedRuns gives the completed runs, newest first.
func (t *Task) CompletedRuns() []Run {
	var out []Run
	for i := len(t.Runs) - 1; i >= 0; i-- {
		if t.Runs[i].State == Completed {
			out = append(out, t.Runs[i])
		}
	}
	return out
}

// MaxStatusBytes bounds a task status; the queue allows 50 runs.
const MaxStatusBytes = 1 << 20

// ParseStatus reads the queue's answer to "status" ({"status": {...}}) for the
// task id; an answer for another task is an error.
func ParseStatus(id TaskID, data []byte) (RunState, []Run, error) {
	top, err := strictjson.ParseObject(data, MaxStatusBytes)
	if err != nil {
		return "", nil, fmt.Errorf("task status: %w", err)
	}
	value, _ := top["status"].(map[string]any)
	return NewStatus(id, value)
}

// NewStatus is ParseStatus for the inner object, as task group listings have it.
func NewStatus(id TaskID, value map[string]any) (RunState, []Run, error) {
	r := reader{m: value}
	if got := r.text("taskId"); got != id.String() {
		return "", nil, fmt.Errorf("task status: asked for %s, the answer is for %q", id, clip(got))
	}
	state := RunState(r.text("state"))
	list, _ := value["runs"].([]any)
	var runs []Run
	for i, e := range list {
		m, _ := e.(map[string]any)
		rr := reader{m: m, at: fmt.Sprintf("/runs/%d", i)}
		n, _ := m["runId"].(strictjson.Number)
		if num, err := n.Int(); err != nil || num != int64(i) {
			return "", nil, fmt.Errorf("task status: run %d has runId %q", i, n)
		}
		run := Run{
			ID: RunID(i), State: RunState(rr.text("state")), Reason: rr.text("reasonResolved"),
			WorkerGroup: rr.text("workerGroup"), WorkerID: rr.text("workerId"),
			Scheduled: rr.time("scheduled"), Started: rr.time("started"), Resolved: rr.time("resolved"),
		}
		switch run.State {
		case Pending, Running, Completed, Failed, Exception:
		default:
			rr.fail(fmt.Sprintf("/runs/%d/state: %q is not a run's state", i, clip(string(run.State))))
		}
		if run.State == Completed && (run.Started.IsZero() || run.Resolved.IsZero()) {
			rr.fail(fmt.Sprintf("/runs/%d is completed without started or resolved", i))
		}
		if len(rr.errs) > 0 {
			return "", nil, fmt.Errorf("task status: %w", rr.errs[0])
		}
		runs = append(runs, run)
	}
	switch state {
	case Unscheduled, Pending, Running, Completed, Failed, Exception:
	default:
		return "", nil, fmt.Errorf("task status: %q is not a task's state", clip(string(state)))
	}
	if len(r.errs) > 0 {
		return "", nil, fmt.Errorf("task status: %w", r.errs[0])
	}
	return state, runs, nil
}

// Artifacts are what is known of a run's listing.
type Artifacts struct {
	Kept  map[string]Artifact
	Names int // how many it has in all
}

// Artifact is an entry of a run's artifact listing.
type Artifact struct {
	Name    string
	Storage Storage
	Expires time.Time
}

// Storage is an artifact's storage type.
type Storage string

// Storage types of the queue. Workers hash only what is stored as S3 or Object.
const (
	S3        Storage = "s3"
	Object    Storage = "object"
	Link      Storage = "link"
	Reference Storage = "reference"
	Error     Storage = "error"
)

// Hashed tells whether workers hash artifacts of this type, so that a signed
// digest for one can be the worker's own.
func (s Storage) Hashed() bool { return s == S3 || s == Object }
