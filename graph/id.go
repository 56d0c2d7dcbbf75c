package graph

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// TaskID names a task: a slugid, 22 characters of URL-safe base64
// (Taskcluster's "taskId"). The zero value names none.
type TaskID struct{ s string }

var taskIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// ParseTaskID reads a task id.
func ParseTaskID(s string) (TaskID, error) {
	if !taskIDPattern.MatchString(s) {
		return TaskID{}, fmt.Errorf("%q is not a task id: want 22 letters, digits, - or _", clip(s))
	}
	return TaskID{s}, nil
}

func (id TaskID) String() string { return id.s }

// IsZero tells whether id names no task.
func (id TaskID) IsZero() bool { return id.s == "" }

// MarshalText writes the id for JSON.
func (id TaskID) MarshalText() ([]byte, error) { return []byte(id.s), nil }

// RunID numbers a run of a task, from 0.
type RunID int

// ParseRunID reads a run number in decimal, without sign or leading zeros.
func ParseRunID(s string) (RunID, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%q is not a run number", clip(s))
	}
	return RunID(n), nil
}

func (r RunID) String() string { return strconv.Itoa(int(r)) }

// RunRef names one run of one task, "TASK_ID/RUN_ID".
type RunRef struct {
	Task TaskID
	Run  RunID
}

func (r RunRef) String() string { return r.Task.String() + "/" + r.Run.String() }

// WorkerPool names a group of workers, "provisionerId/workerType"
// (Taskcluster's "workerPoolId" and "taskQueueId").
type WorkerPool struct{ Provisioner, WorkerType string }

var poolPartPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// ParseWorkerPool reads "provisionerId/workerType".
func ParseWorkerPool(s string) (WorkerPool, error) {
	p, t, ok := strings.Cut(s, "/")
	if !ok || !poolPartPattern.MatchString(p) || !poolPartPattern.MatchString(t) {
		return WorkerPool{}, fmt.Errorf("%q is not a worker pool: want provisionerId/workerType", clip(s))
	}
	return WorkerPool{p, t}, nil
}

func (p WorkerPool) String() string { return p.Provisioner + "/" + p.WorkerType }

// IsZero tells whether p names no pool.
func (p WorkerPool) IsZero() bool { return p == WorkerPool{} }

// maxArtifactName is the queue's bound.
const maxArtifactName = 1024

// CheckArtifactName refuses what the queue refuses: a name is 1 to 1024
// printable ASCII characters. It says nothing about being a safe path.
func CheckArtifactName(s string) error {
	if s == "" || len(s) > maxArtifactName || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return fmt.Errorf("%q is not an artifact name: want 1 to 1024 printable ASCII characters", clip(s))
	}
	return nil
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}
