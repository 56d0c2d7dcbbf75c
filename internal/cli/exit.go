package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/report"
)

// Exit codes beside those of a verdict.
const (
	exitOK           = 0
	exitUntrusted    = 1 // and whatever went wrong inside
	exitUsage        = 2
	exitUndetermined = 75
)

// usageError is the caller's mistake: flags, inputs, policy.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// guarded runs a command's body, says on stderr why it failed, and gives the
// exit code. A bug is an internal error, never a success and never a trace.
func guarded(ctx context.Context, name string, s IO, body func() (int, error)) (code int) {
	defer func() {
		if r := recover(); r != nil {
			code = exitUntrusted
			say(s.Stderr, name, fmt.Sprintf("internal error: %v; please report it", r))
		}
	}()
	code, err := body()
	if err == nil {
		return code
	}
	if ctx.Err() != nil {
		var sig *signalError
		if errors.As(context.Cause(ctx), &sig) {
			say(s.Stderr, name, "stopped by "+sig.Error()+": nothing unfinished is left behind")
			return sig.code()
		}
		say(s.Stderr, name, "stopped: "+context.Cause(ctx).Error())
		return 128 + int(syscall.SIGINT)
	}
	say(s.Stderr, name, err.Error())
	return codeOf(err)
}

// codeOf is the exit code for an error that ended a command.
func codeOf(err error) int {
	var use *usageError
	var unavailable *graph.UnavailableError
	switch {
	case errors.As(err, &use):
		return exitUsage
	case errors.As(err, &unavailable) && unavailable.Reason.Heals():
		return exitUndetermined
	}
	return exitUntrusted
}

// say writes a message, line by line, with nothing in it that a terminal obeys.
func say(w io.Writer, name, message string) {
	for line := range lines(message) {
		fmt.Fprintf(w, "%s: %s\n", name, report.Clean(line))
	}
}
