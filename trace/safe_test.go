package trace_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
)

type panicking struct{}

func (panicking) Task(context.Context, graph.TaskID) (*graph.Task, error) { panic("a bug") }

func (panicking) Artifacts(context.Context, graph.RunRef) (map[string]graph.Artifact, error) {
	panic("a bug")
}

func (panicking) Open(context.Context, graph.RunRef, string, int64) (io.ReadCloser, error) {
	panic("a bug")
}

// A bug on a goroutine is an error of the run, never the end of the process.
func TestPanicIsAnError(t *testing.T) {
	w := serve(t)
	v, err := trace.New(w.parsePolicy(), trace.Sources{Tasks: panicking{}, Artifacts: panicking{}}, time.Now(), trace.Options{Scope: trace.ScopeSignature})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := v.Verify(t.Context(), []trace.RunTarget{{Task: mustRun(t, w.Build.ID+"/0").Task}}); err == nil {
		t.Errorf("a report came of it: %s", r.Verdict)
	}
}
