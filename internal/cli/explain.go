package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// explainCommand is "cot-verify-graph explain". done is told its exit code.
func explainCommand(ctx context.Context, s IO, name string, done func(code int)) *cobra.Command {
	f := &verifyFlags{common: common{explain: true}}
	cmd := newCommand(s, "explain [flags] TARGET...", "The chain as a tree that a person can follow")
	cmd.Long = `Verifies as ` + name + ` does and writes the chain as a tree: each task with its
signer, its tree and its verdict, below it the task that created it and its
inputs, and under each failed rule the evidence, what usually causes it, and
what to do. A task that is needed in several places stands there once. Long
chains are cut to what matters; -v shows all of them.

` + verifyTargets + `

` + exitCodes
	cmd.Example = `  # why is this task refused?
  cot-verify-graph explain VvYf2QH0QxqAqMmUTo5vHw

  # all of its chain, every warning too
  cot-verify-graph explain -v VvYf2QH0QxqAqMmUTo5vHw/1

  # the same for a program: the report, with the chain, causes and advice
  cot-verify-graph explain --format json -o explained.json VvYf2QH0QxqAqMmUTo5vHw`
	f.registerVerify(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		code, err := f.verifyGraph(ctx, s, name, args)
		done(code)
		return err
	}
	return cmd
}
