package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mozilla-releng/cot/internal/inputs"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/internal/report/html"
	"github.com/mozilla-releng/cot/trace"
)

// deliver writes the report where the flags say and, for a person, to stderr.
// results tells whether text is this command's result and so goes to stdout.
func (c *common) deliver(s IO, name string, r *trace.Report, results bool) error {
	asText, asJSON := report.Text, report.JSON
	if c.explain {
		asText, asJSON = report.Explain, report.ExplainJSON
	}
	render := func(w io.Writer, color bool) error {
		switch c.format {
		case "json":
			return asJSON(w, r)
		case "junit":
			return report.JUnit(w, r)
		case "dot":
			return report.DOT(w, r)
		case "html":
			return html.Write(w, r)
		case "vsa":
			return c.attest(w, r, report.VSA)
		case "svr":
			return c.attest(w, r, report.SVR)
		}
		return asText(w, r, c.textOptions(color))
	}
	// Text is for a person, who may not want to hear of success.
	toStdout := c.output == "" && (c.format != "text" || results && !c.quiet)
	var failed error // the verdict is said all the same
	switch {
	case c.output != "":
		failed = c.writeOutput(func(w io.Writer) error { return render(w, false) })
	case toStdout:
		failed = render(s.Stdout, s.colors(s.Stdout))
	}
	var none *report.UnattestableError
	switch {
	case errors.As(failed, &none) && exitCodeOf(r) == exitOK:
		failed = usage(none)
	case none != nil: // the exit code stays the verdict's
		defer say(s.Stderr, name, none.Error())
		failed = nil
	case failed != nil:
		failed = c.unwritten(s, failed)
	}
	textOnStdout := toStdout && c.format == "text"
	switch {
	case textOnStdout && sameReader(s): // who has read it
		return failed
	case c.quiet || textOnStdout:
		if refusal := report.Refusal(r); refusal != "" {
			fmt.Fprintf(s.Stderr, "%s: %s\n", name, refusal)
		}
		if rest := report.Distrusted(r); rest != "" {
			fmt.Fprintf(s.Stderr, "%s: distrusted: %s\n", name, rest)
		}
		return failed
	default:
		return errors.Join(asText(s.Stderr, r, c.textOptions(s.colors(s.Stderr))), failed)
	}
}

// unwritten says that a report is not where it should be; a finished one is
// rescued.
func (c *common) unwritten(s IO, err error) error {
	var lost *unwrittenError
	if errors.As(err, &lost) {
		err = c.rescue(s, lost)
	}
	return fmt.Errorf("write the report: %w", err)
}

// checkPlace refuses a place for a file that can't be one, before any work. A
// directory that is to be made below the destination need not be there yet.
func (c *common) checkPlace(flag, name string) error {
	if name == "" {
		return nil
	}
	dir := filepath.Dir(name)
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return usagef("%s %s: %s is not a directory", flag, name, dir)
	case err != nil && !(errors.Is(err, fs.ErrNotExist) && c.makes(dir)):
		return usagef("%s: %w", flag, err)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return usagef("%s %s is a directory", flag, name)
	}
	return nil
}

// makes tells whether a directory for the report is made where there is none:
// below the destination, and in a task, which begins with an empty directory.
func (c *common) makes(dir string) bool { return c.inTask || c.isBelow(dir) }

// isBelow tells whether a directory is the destination or below it.
func (c *common) isBelow(dir string) bool {
	if c.below == "" {
		return false
	}
	real, err1 := realPath(dir)
	base, err2 := realPath(c.below)
	rel, err3 := filepath.Rel(base, real)
	return errors.Join(err1, err2, err3) == nil && filepath.IsLocal(rel)
}

// writeOutput writes what goes to --output.
func (c *common) writeOutput(write func(io.Writer) error) error {
	if dir := filepath.Dir(c.output); c.makes(dir) {
		_ = os.MkdirAll(dir, 0o755) // the write says what is wrong
	}
	return writeReport(c.output, write)
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

// writeReport is writeFile for what is not to be lost where it can't be written.
func writeReport(name string, write func(io.Writer) error) error {
	var unmade error
	err := writeFile(name, func(w io.Writer) error {
		watched := &watchedWriter{w: w}
		err := write(watched)
		if watched.err == nil {
			unmade = err
		}
		return err
	})
	if err == nil || unmade != nil {
		return err
	}
	return &unwrittenError{name, write, err}
}

// watchedWriter remembers that writing failed, which is another thing than that
// there is nothing to write.
type watchedWriter struct {
	w   io.Writer
	err error
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// writeFile puts a file in its place when all of it is written, or leaves what
// was there. "-" is no special name here.
func writeFile(name string, write func(io.Writer) error) (err error) {
	// A pipe or a device can't be replaced, and must not be; nor a link, as
	// /dev/stdout is one, also where it leads to a file.
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
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
	b := bufio.NewWriterSize(f, 64<<10)
	err = errors.Join(write(b), b.Flush())
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
