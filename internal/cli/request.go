package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/download"
	"github.com/mozilla-releng/cot/internal/inputs"
)

// request is everything that one call asks for.
type request struct {
	inputs []inputs.Input
	mounts *inputs.Mounts // what --mounts named; nil: nothing
	notes  []string
}

// maxVariable is Linux's bound on one variable, name and end included
// (MAX_ARG_STRLEN).
const maxVariable = 128 << 10

// sourcesOf checks which sources of inputs the flags and arguments name, before
// anything is asked for.
func (f *downloadFlags) checkSources(s IO, args []string) error {
	if _, set := s.Env("MOZ_FETCHES"); set && f.fetches == "" && f.mounts == "" && f.upstream == "" && len(args) == 0 {
		f.fetches = "env"
	}
	stdin := 0
	for _, v := range []string{f.fetches, f.mounts, f.upstream} {
		if v == "-" {
			stdin++
		}
	}
	switch {
	case stdin > 1:
		return usagef("only one of --fetches, --mounts and --upstream can read standard input")
	case f.printMounts && f.mounts == "":
		return usagef("--print-mounts needs --mounts")
	case f.printMounts && (f.fetches != "" || f.upstream != "" || len(args) > 0):
		return usagef("--print-mounts takes no inputs but --mounts")
	case f.printMounts && f.format != "text":
		return usagef("--print-mounts writes mounts, as they were given: --format is for reports")
	case f.printMounts && f.checkOnly:
		return usagef("--print-mounts and --check-only contradict each other")
	case f.fetches == "" && f.mounts == "" && f.upstream == "" && len(args) == 0:
		return usagef("nothing to fetch: name artifacts as TASK_ID:ARTIFACT, or set MOZ_FETCHES (--help has examples)")
	}
	return nil
}

// collect reads every source of inputs.
func (f *downloadFlags) collect(ctx context.Context, s IO, d *deployment, reader inputs.Reader, args []string) (*request, error) {
	q := &request{}
	for _, arg := range args {
		in, err := reader.Argument(arg)
		if err != nil {
			return nil, usage(err)
		}
		q.inputs = append(q.inputs, in)
	}
	if f.fetches != "" {
		if err := f.addFetches(s, reader, q); err != nil {
			return nil, err
		}
	}
	if f.mounts != "" {
		if err := f.addMounts(ctx, s, d, reader, q); err != nil {
			return nil, err
		}
	}
	if f.upstream != "" {
		if err := f.addUpstream(ctx, s, d, reader, q); err != nil {
			return nil, err
		}
	}
	for _, in := range q.inputs {
		if _, err := extractOf(in.Place); err != nil {
			return nil, usagef("%s: %w", in.Source, err)
		}
	}
	return q, nil
}

func (q *request) add(what string, list []inputs.Input) {
	if len(list) == 0 {
		q.notes = append(q.notes, what+" asks for nothing: there is nothing to verify and nothing to fetch")
	}
	q.inputs = append(q.inputs, list...)
}

func (f *downloadFlags) addFetches(s IO, reader inputs.Reader, q *request) error {
	name, data := f.fetches, []byte(nil)
	if name == "env" {
		name = "MOZ_FETCHES"
		v, set := s.Env(name)
		if !set {
			return usagef("--fetches env: MOZ_FETCHES is not set")
		}
		data = []byte(v)
	} else {
		var err error
		if name, data, err = readInput(s, name); err != nil {
			return err
		}
	}
	if name == "MOZ_FETCHES" && len(data) == 0 {
		return usagef("MOZ_FETCHES is set but empty: want a JSON list, [] for no inputs")
	}
	list, err := reader.Fetches(name, data)
	if err != nil {
		return usage(cutHint(name, data, err))
	}
	q.add(name, list)
	return nil
}

// cutHint adds what is likely wrong with a variable that ends too early or is
// as long as one can be.
func cutHint(name string, data []byte, err error) error {
	atLimit := len(data)+len(name)+len("=\x00") >= maxVariable
	if name != "MOZ_FETCHES" || !atLimit && !strings.Contains(err.Error(), "ends too early") {
		return err
	}
	return fmt.Errorf("%w\nMOZ_FETCHES looks cut after %d bytes: an environment variable holds at most %d, give the list with --fetches FILE",
		err, len(data), maxVariable)
}

func (f *downloadFlags) addMounts(ctx context.Context, s IO, d *deployment, reader inputs.Reader, q *request) error {
	var err error
	if f.mounts == "task" {
		var def *graph.Definition
		if def, err = ownTask(ctx, s, d, "--mounts task"); err != nil {
			return err
		}
		v, ok := def.Payload["mounts"]
		if !ok {
			return usagef("--mounts task: the task's payload has no mounts")
		}
		q.mounts, err = reader.MountsValue("payload/mounts", v)
	} else {
		var name string
		var data []byte
		if name, data, err = readInput(s, f.mounts); err != nil {
			return err
		}
		q.mounts, err = reader.Mounts(name, data)
	}
	if err != nil {
		return usage(err)
	}
	q.add("--mounts "+f.mounts, q.mounts.Inputs)
	return nil
}

func (f *downloadFlags) addUpstream(ctx context.Context, s IO, d *deployment, reader inputs.Reader, q *request) error {
	var list []inputs.Input
	var err error
	if f.upstream == "task" {
		var def *graph.Definition
		if def, err = ownTask(ctx, s, d, "--upstream task"); err != nil {
			return err
		}
		v, ok := def.Payload["upstreamArtifacts"]
		if !ok {
			return usagef("--upstream task: the task's payload has no upstreamArtifacts")
		}
		list, err = reader.UpstreamValue("payload/upstreamArtifacts", v)
	} else {
		var name string
		var data []byte
		if name, data, err = readInput(s, f.upstream); err != nil {
			return err
		}
		list, err = reader.Upstream(name, data)
	}
	if err != nil {
		return usage(err)
	}
	q.add("--upstream "+f.upstream, list)
	return nil
}

// ownTask gives the definition of the task that this command runs in.
func ownTask(ctx context.Context, s IO, d *deployment, flag string) (*graph.Definition, error) {
	id, err := graph.ParseTaskID(s.env("TASK_ID"))
	if err != nil {
		return nil, usagef("%s: $TASK_ID: %w", flag, err)
	}
	t, err := d.tasks.Task(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return t.Definition, nil
}

// readInput reads a file, or "-", and gives the name that messages use.
func readInput(s IO, name string) (string, []byte, error) {
	if name == "-" {
		data, err := readLimited(s.Stdin, inputs.MaxBytes)
		if err != nil {
			return "", nil, usagef("standard input: %w", err)
		}
		return "standard input", data, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return "", nil, usage(err)
	}
	defer f.Close()
	data, err := readLimited(io.Reader(f), inputs.MaxBytes)
	if err != nil {
		return "", nil, usagef("%s: %w", name, err)
	}
	return name, data, nil
}

// extractOf is how an input is unpacked.
func extractOf(p inputs.Place) (download.Extract, error) {
	switch p.Unpack {
	case inputs.Auto:
		return download.ByContent(), nil
	case inputs.Decompress:
		return download.Decompress(p.Format)
	case inputs.Extract:
		return download.Archive(p.Format)
	}
	return download.Extract{}, nil
}
