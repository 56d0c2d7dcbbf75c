package cli

import (
	"fmt"
	"io"

	"github.com/mozilla-releng/cot/internal/inputs"
	"github.com/mozilla-releng/cot/trace"
)

// pinnedMounts writes the mounts back, each with its verified sha256.
func (r *downloadRun) pinnedMounts(rep *trace.Report, items []inputs.Item) ([]byte, error) {
	bySource := map[string]inputs.Pin{}
	for _, it := range items {
		if !it.IsArtifact() {
			continue
		}
		a, f := rep.Verified(it.Run, it.Name)
		if f != nil {
			return nil, fmt.Errorf("%s: %s", it.Source, f.Message)
		}
		bySource[it.Source] = inputs.Pin{Task: it.Run.Task, SHA256: sha256Of(a)}
		rep.AddArtifact(trace.Artifact{
			TaskID: it.Run.Task.String(), RunID: int(it.Run.Run), Name: it.Name,
			SHA256: sha256Of(a), Verdict: verdictOf(r.options.Scope),
		})
	}
	rep.Conclude()
	pins := make([]inputs.Pin, len(r.request.mounts.Inputs))
	for i, in := range r.request.mounts.Inputs {
		pins[i] = bySource[in.Source]
	}
	out, dependencies, err := r.request.mounts.Pinned(pins)
	if err != nil {
		return nil, usage(err)
	}
	for _, id := range dependencies {
		rep.Notes = append(rep.Notes, fmt.Sprintf("the task needs %s among its dependencies, or the worker refuses the mount", id))
	}
	return out, nil
}

// deliverMounts writes the mounts to stdout, or to -o, unless they were
// refused; the report is for people here.
func (r *downloadRun) deliverMounts(rep *trace.Report, pinned []byte) (int, error) {
	write := func(w io.Writer) error {
		_, err := w.Write(pinned)
		return err
	}
	var err error
	switch {
	case pinned == nil:
	case r.output != "":
		err = r.writeOutput(write)
	default:
		err = write(r.s.Stdout)
	}
	if err != nil {
		return 0, fmt.Errorf("write the mounts: %w", err)
	}
	forPeople := r.common
	forPeople.output = ""
	return trace.ExitCode(rep.Verdict), forPeople.deliver(r.s, r.name, rep, false)
}
