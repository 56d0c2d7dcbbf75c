package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/mozilla-releng/cot/internal/keystore"
)

// Bounds of a passphrase.
const (
	maxPassphrase    = 4096
	minNewPassphrase = 8
)

// passphrase gives the passphrase of a key that exists: the first line of a
// file, or what a person types.
func (c *certsRun) passphrase(ctx context.Context, file string) keystore.Passphrase {
	return func(what string) ([]byte, error) {
		if file != "" {
			return c.passphraseFrom(file)
		}
		return c.prompt(ctx, "Passphrase of "+what+": ", "--passphrase-file FILE or one like it")
	}
}

// newPassphrase gives the passphrase for a key to be made. A person types it
// twice.
func (c *certsRun) newPassphrase(ctx context.Context, file, what string) ([]byte, error) {
	var p []byte
	var err error
	if file != "" {
		p, err = c.passphraseFrom(file)
	} else {
		p, err = c.prompt(ctx, "New passphrase of "+what+": ", "a file with the passphrase")
	}
	if err != nil {
		return nil, err
	}
	if len(p) < minNewPassphrase {
		return nil, usagef("the passphrase has %d bytes: want at least %d", len(p), minNewPassphrase)
	}
	if file != "" {
		return p, nil
	}
	again, err := c.prompt(ctx, "Once more: ", "")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(p, again) {
		return nil, usagef("the two passphrases differ")
	}
	return p, nil
}

// passphraseFrom reads the first line of a file that only its user can read, or
// of a pipe.
func (c *certsRun) passphraseFrom(file string) ([]byte, error) {
	var data []byte
	var err error
	info, statErr := os.Stat(file)
	if file != "-" && statErr == nil && info.Mode().IsRegular() {
		data, err = keystore.ReadPrivate(file, maxPassphrase)
	} else {
		data, err = c.readFile(file, maxPassphrase)
	}
	if err != nil {
		return nil, usagef("passphrase: %w", err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return nil, usagef("passphrase: the first line of %s is empty", file)
	}
	return line, nil
}

// prompt asks a person on the terminal. instead says what to give where there
// is none.
func (c *certsRun) prompt(ctx context.Context, question, instead string) ([]byte, error) {
	f, ok := c.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, usagef("a passphrase is needed and standard input is no terminal: give %s", instead)
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	fmt.Fprint(c.Stderr, question)
	type answer struct {
		text []byte
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(int(f.Fd()))
		typed <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(int(f.Fd()), before)
		fmt.Fprintln(c.Stderr)
		return nil, ctx.Err()
	case a := <-typed:
		fmt.Fprintln(c.Stderr)
		if a.err != nil {
			return nil, usagef("passphrase: %w", a.err)
		}
		return a.text, nil
	}
}
