package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// unwrittenError is why a report is not in its place. It is not lost by that:
// rescue puts it elsewhere.
type unwrittenError struct {
	name  string
	write func(io.Writer) error
	err   error
}

func (e *unwrittenError) Error() string { return e.err.Error() }
func (e *unwrittenError) Unwrap() error { return e.err }

// rescue writes a report that could not be written to the next best place: where
// the task's artifacts go, where temporary files do, standard output. The error
// it gives says where that is.
func (c *common) rescue(s IO, lost *unwrittenError) error {
	for _, dir := range []string{uploadDir(s), os.TempDir()} {
		if dir == "" {
			continue
		}
		if name, err := keepIn(dir, lost); err == nil {
			return fmt.Errorf("%w; it is in %s instead", lost, name)
		}
	}
	if err := lost.write(s.Stdout); err != nil {
		return errors.Join(lost, err)
	}
	return fmt.Errorf("%w; it is on standard output instead", lost)
}

// keepIn makes a file of another name for a report. It never replaces one.
func keepIn(dir string, lost *unwrittenError) (string, error) {
	f, err := os.CreateTemp(dir, "cot-report-*"+filepath.Ext(lost.name))
	if err != nil {
		return "", err
	}
	b := bufio.NewWriterSize(f, 64<<10)
	err = errors.Join(lost.write(b), b.Flush())
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
