package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Command is a command's body: it ends when ctx does, and gives the exit code.
type Command func(ctx context.Context, s IO) int

// Process runs a command as this process and gives its exit code. The first
// SIGINT, SIGTERM or SIGHUP ends it in order, with nothing left behind; the
// second kills it. A SIGHUP that is ignored, as under nohup, stays ignored.
func Process(command Command) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() {
		select {
		case sig := <-signals:
			signal.Stop(signals)
			cancel(&signalError{sig})
		case <-ctx.Done():
		}
	}()
	return command(ctx, IO{
		Args: os.Args[1:], Env: os.LookupEnv,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}

// signalError is why a context ended.
type signalError struct{ sig os.Signal }

func (e *signalError) Error() string { return e.sig.String() }

// code is the shell's exit code for a process that a signal ended.
func (e *signalError) code() int {
	if n, ok := e.sig.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return 128 + int(syscall.SIGINT)
}
