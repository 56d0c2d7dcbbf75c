package cli

import (
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/inputs"
	"github.com/mozilla-releng/cot/trace"
)

// parseReportRef reads TASK_ID[/RUN_ID]:ARTIFACT, the whole name of a report that
// a task published.
func parseReportRef(flag, s string) (*trace.ReportRef, error) {
	ref, name, ok := strings.Cut(s, ":")
	if !ok {
		return nil, usagef("%s %q: want TASK_ID[/RUN_ID]:ARTIFACT, a report that a task published", flag, s)
	}
	task, run, err := inputs.RunTarget(ref)
	if err != nil {
		return nil, usagef("%s: %w", flag, err)
	}
	if err := graph.CheckArtifactName(name); err != nil {
		return nil, usagef("%s: %w", flag, err)
	}
	return &trace.ReportRef{Task: task, Run: run, Artifact: name}, nil
}
