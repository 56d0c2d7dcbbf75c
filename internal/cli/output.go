package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mozilla-releng/cot/internal/inputs"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// deliver writes the report where the flags say and, for a person, to stderr.
// results tells whether text is this command's result and so goes to stdout.
func (c *common) deliver(s IO, name string, r *trace.Report, results bool) error {
	render := func(w io.Writer, color bool) error {
		if c.format == "json" {
			return report.JSON(w, r)
		}
		return report.Text(w, r, c.textOptions(color))
	}
	toStdout := c.output == "" && (c.format == "json" || results)
	var failed error // the verdict is said all the same
	switch {
	case c.output != "":
		failed = writeFile(c.output, func(w io.Writer) error { return render(w, false) })
	case toStdout:
		failed = render(s.Stdout, s.colors(s.Stdout))
	}
	if failed != nil {
		failed = fmt.Errorf("write the report: %w", failed)
	}
	textOnStdout := toStdout && c.format == "text"
	switch {
	case c.quiet || textOnStdout:
		if refusal := report.Refusal(r); refusal != "" {
			fmt.Fprintf(s.Stderr, "%s: %s\n", name, refusal)
		}
		return failed
	default:
		return errors.Join(report.Text(s.Stderr, r, c.textOptions(s.colors(s.Stderr))), failed)
	}
}

// checkOutput refuses a report's place that can't be one, before any work.
func checkOutput(name string) error {
	if name == "" {
		return nil
	}
	dir := filepath.Dir(name)
	if info, err := os.Stat(dir); err != nil {
		return usagef("--output: %w", err)
	} else if !info.IsDir() {
		return usagef("--output %s: %s is not a directory", name, dir)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return usagef("--output %s is a directory", name)
	}
	return nil
}

// checkOverwrite refuses a report in the place of an input.
func (r *downloadRun) checkOverwrite(items []inputs.Item) error {
	if r.output == "" {
		return nil
	}
	out, err := realPath(r.output)
	if err != nil {
		return usagef("--output: %w", err)
	}
	for _, it := range items {
		in, err := realPath(filepath.Join(r.dest, filepath.FromSlash(it.Path)))
		if err == nil && strings.EqualFold(in, out) {
			return usagef("--output %s is where %s goes: the report would replace it", r.output, it.Source)
		}
	}
	return nil
}

// writeFile puts a file in its place when all of it is written, or leaves what
// was there. "-" is no special name here.
func writeFile(name string, write func(io.Writer) error) (err error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	// A pipe or a device can't be replaced, and must not be.
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return os.WriteFile(name, b.Bytes(), 0o644)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".cot-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b.Bytes())
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
