package inputs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// Argument reads TASK_ID[/RUN_ID]:ARTIFACT[=PATH]. ARTIFACT may hold globs and
// ends at the first "="; without PATH the file gets the artifact's last name
// part, a PATH that ends in "/" is the directory for it.
func (r Reader) Argument(s string) (Input, error) {
	in := Input{Source: "argument " + clip(s), Place: Place{Path: ".", Naming: BaseName, Unpack: Keep}}
	ref, name, ok := strings.Cut(s, ":")
	if !ok {
		return in, in.errorf("want TASK_ID[/RUN_ID]:ARTIFACT[=PATH]")
	}
	var err error
	if in.Task, in.Run, err = RunTarget(ref); err != nil {
		return in, in.wrap(err)
	}
	name, path, hasPath := strings.Cut(name, "=")
	if err := graph.CheckArtifactName(name); err != nil {
		return in, in.wrap(err)
	}
	in.Names = Glob(name)
	if hasPath {
		isDir := strings.HasSuffix(path, "/")
		if in.Place.Path, err = r.place(path); err != nil {
			return in, in.wrap(err)
		}
		if !isDir {
			in.Place.Naming = Exact
		}
		switch {
		case !isDir && in.Names.IsGlob():
			return in, in.errorf("a glob needs a directory: end the path with a slash, =%s/", path)
		case !isDir && in.Place.Path == ".":
			return in, in.errorf("%q is a directory: end it with a slash", path)
		}
	}
	return in, in.check()
}

// RunTarget reads TASK_ID[/RUN_ID].
func RunTarget(s string) (graph.TaskID, *graph.RunID, error) {
	id, num, hasRun := strings.Cut(s, "/")
	task, err := graph.ParseTaskID(id)
	if err != nil || !hasRun {
		return task, nil, err
	}
	run, err := graph.ParseRunID(num)
	if err != nil {
		return graph.TaskID{}, nil, err
	}
	return task, &run, nil
}

// check refuses an input that can't become a file whatever its artifact is.
func (in Input) check() error {
	if !in.IsArtifact() || in.Names.IsGlob() {
		return nil
	}
	_, err := in.Place.file(in.Names.String())
	return in.wrap(err)
}

// Error says which input is wrong and why.
type Error struct {
	Source string
	Err    error
}

func (e *Error) Error() string { return e.Source + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func (in Input) errorf(format string, args ...any) error {
	return &Error{in.Source, fmt.Errorf(format, args...)}
}

func (in Input) wrap(err error) error {
	if err == nil {
		return nil
	}
	var already *Error
	if errors.As(err, &already) {
		return err
	}
	return &Error{in.Source, err}
}

func clip(s string) string {
	if len(s) > 120 {
		return s[:117] + "..."
	}
	return s
}
