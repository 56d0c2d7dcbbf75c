package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/internal/report/html"
	"github.com/mozilla-releng/cot/trace"
)

// ownGroup is what --group takes for the group of the task that this runs in.
const ownGroup = "task"

// runningTask is the task that this process runs in; zero outside of tasks.
func runningTask(s IO) (graph.TaskID, error) {
	id := s.env("TASK_ID")
	if id == "" {
		return graph.TaskID{}, nil
	}
	task, err := graph.ParseTaskID(id)
	if err != nil {
		return task, usagef("$TASK_ID: %w", err)
	}
	return task, nil
}

// runningGroup is the group of the task that this process runs in: what
// generic-worker says it is, else what the task's definition has.
func runningGroup(ctx context.Context, s IO, d *deployment) (graph.TaskID, error) {
	const flag = "--group " + ownGroup
	if s.env("TASK_ID") == "" {
		return graph.TaskID{}, usagef("%s: this is no task ($TASK_ID is not set): name the group", flag)
	}
	if v := s.env("TASK_GROUP_ID"); v != "" {
		id, err := graph.ParseTaskID(v)
		if err != nil {
			return id, usagef("%s: $TASK_GROUP_ID: %w", flag, err)
		}
		return id, nil
	}
	own, err := ownTask(ctx, s, d, flag)
	if err != nil {
		return graph.TaskID{}, err
	}
	return own.TaskGroupID, nil
}

// uploadDir is where taskgraph has a task put its artifacts; empty outside of
// tasks, and where there is no such directory.
func uploadDir(s IO) string {
	dir := s.env("UPLOAD_DIR")
	if dir == "" || s.env("TASK_ID") == "" {
		return ""
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

// Reports that a task leaves among its artifacts, where the caller names none.
const (
	taskReportJSON = "cot-report.json"
	taskReportHTML = "cot-report.html"
)

// leave writes a task's reports where its artifacts go, unless the caller said
// where they should be.
func (c *common) leave(s IO, name string, r *trace.Report) error {
	dir := uploadDir(s)
	if dir == "" || c.output != "" || c.explain {
		return nil
	}
	var failed error
	for _, f := range []struct {
		name  string
		write func(io.Writer, *trace.Report) error
	}{{taskReportJSON, report.JSON}, {taskReportHTML, html.Write}} {
		path := filepath.Join(dir, f.name)
		if err := writeReport(path, func(w io.Writer) error { return f.write(w, r) }); err != nil {
			failed = errors.Join(failed, c.unwritten(s, err)) // the other may find its place
		} else if !c.quiet {
			say(s.Stderr, name, fmt.Sprintf("the report is in %s", path))
		}
	}
	return failed
}
