package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/internal/keystore"
)

const certsExitCodes = `Exit codes:
  0    done (verify: verified)
  1    failed (verify: untrusted), or an internal error
  2    usage error, or a file of the caller's that is not what it should be
  75   a service could not be reached: try again later
  128+n  ended by signal n`

const certsLong = `The CA of workers' certificates, and the worker's side of it. A CA is a plain
directory; the root's key is kept elsewhere. A worker's certificate holds one
SPIFFE ID, which names the worker pool, or the worker, that it signs for.

` + certsExitCodes

const certsExamples = `  # once: a root, its key on a medium of its own, and an intermediate
  cot-certs init --ca ca --root-url https://tc.example.org --root-key /media/root.key

  # on the worker: a key that never leaves it, and a request
  cot-certs csr --new-key worker.key --root-url https://tc.example.org \
                --worker-pool gecko-3/b-linux -o worker.csr

  # on the CA: the certificate
  cot-certs issue --ca ca --csr worker.csr --worker-pool gecko-3/b-linux -o worker.pem

  # on the worker, after each task
  cot-certs sign --key worker.key --cert worker.pem chain-of-trust.json`

// certsRun is one run of cot-certs.
type certsRun struct {
	IO
	name string
	code int
}

// Certs is cot-certs.
func Certs(ctx context.Context, s IO) int {
	const name = "cot-certs"
	return guarded(ctx, name, s, func() (int, error) {
		c := &certsRun{IO: s, name: name}
		root := newCommand(s, name+" COMMAND [flags]", "A CA for workers' certificates")
		root.Long, root.Example = certsLong, certsExamples
		root.RunE = func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q (%s --help lists them)", args[0], name)
			}
			return usagef("name a command (%s --help lists them)", name)
		}
		root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
			return usagef("%w (%s --help lists the flags)", err, cmd.CommandPath())
		})
		root.AddCommand(
			c.initCommand(), c.csrCommand(), c.issueCommand(), c.revokeCommand(), c.crlCommand(),
			c.signCommand(), c.inspectCommand(), c.verifyCommand(),
		)
		err := execute(ctx, root)
		return c.code, c.classify(err)
	})
}

// command is one of the subcommands. want is the number of arguments, -1 any.
func (c *certsRun) command(use, short, long, examples string, want int, run func(ctx context.Context, args []string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: examples,
		SilenceErrors: true, SilenceUsage: true, DisableFlagsInUseLine: true, DisableAutoGenTag: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if want >= 0 && len(args) != want {
				return usagef("%d arguments, want %d: %s", len(args), want, cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), args) },
	}
	cmd.Flags().SortFlags = false
	return cmd
}

// classify makes what is wrong with the caller's own files a usage error.
func (c *certsRun) classify(err error) error {
	var unsupported *keystore.UnsupportedError
	if errors.As(err, &unsupported) || errors.Is(err, keystore.ErrSecretInURI) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return usage(err)
	}
	return err
}

// note tells a person something.
func (c *certsRun) note(format string, args ...any) {
	say(c.Stderr, c.name, fmt.Sprintf(format, args...))
}
