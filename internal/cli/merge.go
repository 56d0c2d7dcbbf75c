package cli

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
)

// mergeFlags are those of cot-verify-graph merge.
type mergeFlags struct {
	common
	groups     []string
	finished   bool
	follow     string // which dependencies; empty: all
	at         timeFlag
	unverified bool
}

// mergeCommand is "cot-verify-graph merge". done is told its exit code.
func mergeCommand(ctx context.Context, s IO, name string, done func(code int)) *cobra.Command {
	f := &mergeFlags{common: common{formats: graphFormats}}
	cmd := newCommand(s, "merge [flags] TASK_ID[/RUN_ID]:ARTIFACT...", "One report of those of all parts of a group")
	cmd.Long = `Joins the reports of --shard 1/N to N/N into one on all of the groups. Each task that
published a report is verified in full, with the same policy, and its report's bytes
are those that its signed document names. The groups are listed again: all reports
must be about this very list, and each task's newest completed run must be the one
that its part has. What was given to the parts (--policy, --tree, --product, --at,
--require-finished, --dependencies, the --accept-... flags) must be given here, too.

` + exitCodes
	cmd.Example = `  # of three tasks
  cot-verify-graph merge Hn1ZXTzXTkmcWZwrYOKyRQ:public/cot.json \
      dU_pR0ydSM2QnS0XkTy1yA:public/cot.json WqYkq3h1QmCPY8wVjpGDdg/1:public/cot.json

  # one statement on all that the group made
  cot-verify-graph merge --format vsa -o vsa.json Hn1ZXTzXTkmcWZwrYOKyRQ:public/cot.json ...

  # of files: nobody vouches for them, so the verdict is undetermined at best
  cot-verify-graph merge --unverified-reports part-1.json part-2.json`
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.groups, "group", nil, "the reports must be about the task group `GROUP_ID`; repeatable (default: whatever they are about)")
	fs.BoolVar(&f.finished, "require-finished", false, "a task of the groups that may still run is an error")
	fs.StringVar(&f.follow, "dependencies", "", "follow `WHICH` dependencies, as the parts did: trust (parents and inputs) or all, the default")
	fs.Var(&f.at, "at", "judge as of `TIME`, as the parts did")
	fs.BoolVar(&f.unverified, "unverified-reports", false, "the arguments are files; the verdict is undetermined at best")
	f.register(cmd)
	completeNothing(cmd, "group")
	completeValues(cmd, "dependencies", follows)
	completeNothing(cmd, "at")
	f.signing.register(fs)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		code, err := f.merge(ctx, s, name, args)
		done(code)
		return err
	}
	return cmd
}

func (f *mergeFlags) merge(ctx context.Context, s IO, name string, args []string) (int, error) {
	if err := f.check(s); err != nil {
		return 0, err
	}
	if err := checkFollow(f.follow); err != nil {
		return 0, err
	}
	target, err := f.target(s, args)
	if err != nil {
		return 0, err
	}
	o, p, root, err := f.graphBasis(ctx, s)
	if err != nil {
		return 0, err
	}
	show := f.newProgress(s, name)
	defer show.stop()
	o.Events, o.At, o.Dependencies = show.traced, f.at.Time, trace.Dependencies(f.follow)
	d, err := f.connect(f.at.asOf(s), p, root, show)
	if err != nil {
		return 0, err
	}
	defer d.close()
	v, err := trace.New(p, d.sources, s.now(), o)
	if err != nil {
		return 0, usage(err)
	}
	rep, err := v.Merge(ctx, *target)
	if err != nil {
		return 0, err
	}
	show.stop()
	return exitCodeOf(rep), errors.Join(f.deliver(s, name, rep, true), f.leave(s, name, rep))
}

// target reads what is to be merged.
func (f *mergeFlags) target(s IO, args []string) (*trace.MergeTarget, error) {
	t := &trace.MergeTarget{RequireFinished: f.finished}
	var err error
	if t.Self, err = runningTask(s); err != nil {
		return nil, err
	}
	switch {
	case len(args) == 0:
		return nil, usagef("nothing to merge: name the reports of all parts as TASK_ID:ARTIFACT (--help has examples)")
	case len(args) > trace.MaxShards:
		return nil, usagef("%d reports: want at most %d", len(args), trace.MaxShards)
	}
	for _, g := range f.groups {
		id, err := graph.ParseTaskID(g)
		if err != nil {
			return nil, usagef("--group %w", err)
		}
		if !slices.Contains(t.Groups, id) {
			t.Groups = append(t.Groups, id)
		}
	}
	left := int64(trace.MaxMergedBytes)
	for i, arg := range args {
		if slices.Contains(args[:i], arg) {
			return nil, usagef("%s is named twice: each part has a report of its own", arg)
		}
		if f.unverified {
			file, err := readReportFile(arg, min(left, trace.MaxReportBytes))
			if err != nil {
				return nil, err
			}
			left -= int64(len(file.Data))
			t.Files = append(t.Files, *file)
			continue
		}
		ref, err := parseReportRef("report", arg)
		if err != nil {
			if _, missing := os.Stat(arg); missing == nil {
				return nil, usagef("%s is a file, for which nobody vouches: name the task that published it, or say --unverified-reports", arg)
			}
			return nil, err
		}
		t.Reports = append(t.Reports, *ref)
	}
	return t, nil
}

func readReportFile(name string, limit int64) (*trace.ReportFile, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, usage(err)
	}
	defer file.Close()
	data, err := readLimited(file, limit)
	if err != nil {
		return nil, usagef("%s: %w", name, err)
	}
	return &trace.ReportFile{Name: name, Data: data}, nil
}
