package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/internal/inputs"
	"github.com/mozilla-releng/cot/trace"
)

// VerifyGraph is cot-verify-graph.
func VerifyGraph(ctx context.Context, s IO) int {
	const name = "cot-verify-graph"
	return guarded(ctx, name, s, func() (int, error) {
		f := &common{formats: graphFormats}
		code := exitOK
		cmd := newCommand(s, name+" [flags] TASK_ID[/RUN_ID]...", "The chain of trust of tasks")
		cmd.Long = `Follows each task's chain of trust back to a commit in a trusted repository and
says what holds and what does not.

` + exitCodes
		cmd.Example = `  # the chain of a task's newest completed run
  cot-verify-graph VvYf2QH0QxqAqMmUTo5vHw

  # of run 1, and it must come from this tree
  cot-verify-graph --tree https://hg.mozilla.org/mozilla-central VvYf2QH0QxqAqMmUTo5vHw/1

  # why is it refused? The chain as a tree
  cot-verify-graph explain VvYf2QH0QxqAqMmUTo5vHw

  # is this policy valid, and what does it trust?
  cot-verify-graph policy check policy.yml

  # for a program
  cot-verify-graph --format json -o report.json VvYf2QH0QxqAqMmUTo5vHw

  # for those who rely on it: a signed statement on what the task made
  cot-verify-graph --format vsa --sign release.key -o vsa.json VvYf2QH0QxqAqMmUTo5vHw

  # as a picture
  cot-verify-graph --format dot VvYf2QH0QxqAqMmUTo5vHw | dot -Tsvg > chain.svg`
		f.register(cmd)
		f.signing.register(cmd.Flags())
		cmd.Flags().BoolVar(&f.demo, "demo", false, "show a chain that holds and one that does not in an embedded Taskcluster")
		cmd.RunE = func(_ *cobra.Command, args []string) (err error) {
			if f.demo {
				code, err = demoVerifyGraph(ctx, s)
				return err
			}
			code, err = f.verifyGraph(ctx, s, name, args)
			return err
		}
		cmd.AddCommand(explainCommand(ctx, s, name, func(c int) { code = c }), policyCommand(s))
		err := cmd.ExecuteContext(ctx)
		return code, err
	})
}

func (c *common) verifyGraph(ctx context.Context, s IO, name string, args []string) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	if len(args) == 0 {
		return 0, usagef("nothing to verify: name tasks as TASK_ID or TASK_ID/RUN_ID")
	}
	var targets []trace.RunTarget
	for _, arg := range args {
		task, run, err := inputs.RunTarget(arg)
		if err != nil {
			return 0, usage(err)
		}
		targets = append(targets, trace.RunTarget{Task: task, Run: run})
	}
	o, err := c.traceOptions(trace.ScopeTree)
	if err != nil {
		return 0, err
	}
	if err := c.signing.open(ctx, s); err != nil {
		return 0, err
	}
	p, root, err := c.loadPolicy(s, "")
	if err != nil {
		return 0, err
	}
	show := c.newProgress(s, name)
	defer show.stop()
	d, err := c.connect(s, p, root, show)
	if err != nil {
		return 0, err
	}
	defer d.close()
	o.Events = show.traced
	v, err := trace.New(p, d.sources, s.now(), o)
	if err != nil {
		return 0, usage(err)
	}
	rep, err := v.Verify(ctx, targets)
	if err != nil {
		return 0, err
	}
	show.stop()
	return trace.ExitCode(rep.Verdict), c.deliver(s, name, rep, true)
}
