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
	case errors.As(failed, &none) && r.Verdict.OK():
		failed = usage(none)
	case none != nil: // the exit code stays the verdict's
		defer say(s.Stderr, name, none.Error())
		failed = nil
	case failed != nil:
		failed = fmt.Errorf("write the report: %w", failed)
	}
	textOnStdout := toStdout && c.format == "text"
	switch {
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

// checkOutput refuses a report's place that can't be one, before any work. A
// directory that is to be made below the destination need not be there yet.
func (c *common) checkOutput() error {
	name := c.output
	if name == "" {
		return nil
	}
	dir := filepath.Dir(name)
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return usagef("--output %s: %s is not a directory", name, dir)
	case err != nil && !(errors.Is(err, fs.ErrNotExist) && c.isBelow(dir)):
		return usagef("--output: %w", err)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return usagef("--output %s is a directory", name)
	}
	return nil
}

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
	if dir := filepath.Dir(c.output); c.isBelow(dir) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return writeFile(c.output, write)
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
