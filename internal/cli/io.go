// Package cli is the commands: flags, wiring and exit codes. It reads the
// environment it is handed and writes to the streams it is handed, so that a
// command can be run within a test.
package cli

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/mozilla-releng/cot/internal/transport"
)

// IO is all that a command knows of its process. Env and the streams must be
// set; relative paths are relative to the process's directory.
type IO struct {
	Args   []string // without the command's name
	Env    func(name string) (string, bool)
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Now    func() time.Time // nil: the clock

	tune func(*transport.Config) // nil: the client's own patience
}

func (s IO) env(name string) string {
	v, _ := s.Env(name)
	return v
}

func (s IO) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// terminal tells whether w shows text to a person.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// sameReader tells whether what goes to both outputs ends up in one place: a
// terminal, or the log of a task.
func sameReader(s IO) bool {
	if terminal(s.Stdout) && terminal(s.Stderr) {
		return true
	}
	out, ok1 := s.Stdout.(*os.File)
	err, ok2 := s.Stderr.(*os.File)
	if !ok1 || !ok2 {
		return false
	}
	a, err1 := out.Stat()
	b, err2 := err.Stat()
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

// colors tells whether text on w may have colours (no-color.org).
func (s IO) colors(w io.Writer) bool {
	return terminal(w) && s.env("NO_COLOR") == "" && s.env("TERM") != "dumb"
}
