package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/internal/evidence"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/policy"
)

// verifyFlags are those of cot-verify-graph and its explain.
type verifyFlags struct {
	common
	groups   []string
	finished bool
	file     string
	at       timeFlag
	distrust []string
	follow   string // which dependencies; empty: the default
	taskType string
	compare  string // which artifacts' bytes are looked at; empty: the default
	shard    shardFlag
	evidence evidenceFlags
}

// verifyTargets says how targets are named.
const verifyTargets = `A target is TASK_ID, TASK_ID/RUN_ID (else the newest completed run is taken), either
with :ARTIFACT, which may have globs, index:NAMESPACE for the task that an index path
holds, or the URL of a task, a run, an artifact, an index path or a task group of the
deployment, as a browser shows it. Of a group (--group) every task is verified that
signs or whose artifacts a verified one takes, and all that these depend on; the
others are listed.`

// VerifyGraph is cot-verify-graph.
func VerifyGraph(ctx context.Context, s IO) int {
	const name = "cot-verify-graph"
	return guarded(ctx, name, s, func() (int, error) {
		f := &verifyFlags{common: common{formats: graphFormats}}
		code := exitOK
		cmd := newCommand(s, name+" [flags] TARGET...", "The chain of trust of tasks")
		cmd.Long = `Follows each task's chain of trust back to a commit in a trusted repository and
says what holds and what does not.

` + verifyTargets + `

` + exitCodes
		cmd.Example = `  # the chain of a task's newest completed run
  cot-verify-graph VvYf2QH0QxqAqMmUTo5vHw

  # of run 1, and it must come from this tree
  cot-verify-graph --tree https://hg.mozilla.org/mozilla-central VvYf2QH0QxqAqMmUTo5vHw/1

  # all that a release is about to ship
  cot-verify-graph --group fN1SbArXTPSVFNUvaOlinQ --require-finished

  # the same in three tasks at once; this is the second. Their reports make one
  cot-verify-graph --group fN1SbArXTPSVFNUvaOlinQ --shard 2/3 --format json -o public/cot.json
  cot-verify-graph merge Hn1ZXTzXTkmcWZwrYOKyRQ:public/cot.json ...

  # is this file an artifact of that task?
  cot-verify-graph --file target.tar.xz VvYf2QH0QxqAqMmUTo5vHw

  # what would not verify if this key were revoked?
  cot-verify-graph --distrust spiffe://tc.example.com/level/3 VvYf2QH0QxqAqMmUTo5vHw

  # keep what was judged, and judge it again without the network
  cot-verify-graph --group fN1SbArXTPSVFNUvaOlinQ --evidence release.cot
  cot-verify-graph --offline release.cot --evidence-sha256 "$(cut -c-64 release.cot.sha256)"

  # why is it refused? The chain as a tree
  cot-verify-graph explain VvYf2QH0QxqAqMmUTo5vHw

  # is this policy valid, and what does it trust?
  cot-verify-graph policy check policy.yml

  # for a program
  cot-verify-graph --format json -o report.json VvYf2QH0QxqAqMmUTo5vHw

  # as a page that needs no network
  cot-verify-graph --format html -o report.html VvYf2QH0QxqAqMmUTo5vHw

  # for those who rely on it: a signed statement on what the task made
  cot-verify-graph --format vsa --sign release.key -o vsa.json VvYf2QH0QxqAqMmUTo5vHw

  # as a picture
  cot-verify-graph --format dot VvYf2QH0QxqAqMmUTo5vHw | dot -Tsvg > chain.svg`
		f.registerVerify(cmd)
		cmd.Flags().Var(&f.shard, "shard", "verify part `K/N` of the groups' tasks alone; merge joins the reports")
		completeNothing(cmd, "shard")
		f.signing.register(cmd.Flags())
		cmd.Flags().BoolVar(&f.demo, "demo", false, "show a chain that holds and one that does not in an embedded Taskcluster")
		cmd.RunE = func(_ *cobra.Command, args []string) (err error) {
			if f.demo {
				code, err = demoVerifyGraph(ctx, s)
				return err
			}
			code, err = f.verifyGraph(ctx, s, name, args)
			return meant(cmd, args, err)
		}
		done := func(c int) { code = c }
		cmd.AddCommand(explainCommand(ctx, s, name, done), mergeCommand(ctx, s, name, done), policyCommand(s))
		err := execute(ctx, cmd)
		return code, err
	})
}

func (f *verifyFlags) registerVerify(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.groups, "group", nil, "verify all of the task group `GROUP_ID`, or in a task of its own (task); repeatable")
	fs.BoolVar(&f.finished, "require-finished", false, "a task of the groups that may still run is an error")
	fs.Func("file", "is the file at `PATH` an artifact of the target?", func(s string) error {
		if f.file = s; s == "" { // a variable that is not set must not ask for less
			return errors.New("want the path of a file")
		}
		return nil
	})
	fs.StringVar(&f.follow, "dependencies", "", "follow `WHICH` dependencies: trust (parents and inputs) or all that are declared; default: trust, for groups all")
	fs.StringVar(&f.taskType, "task-type", "", "the targets are of `TYPE`, where detection is wrong: "+orList(taskTypes()))
	fs.StringVar(&f.compare, "artifacts", "", "read artifacts and compare them with what was signed: `WHICH` is none, inputs (what a task took from another) or all (also what the targets made); default: none, for groups inputs")
	fs.Var(&f.at, "at", "judge as of `TIME`, like 2026-01-02T15:04:05Z")
	fs.StringArrayVar(&f.distrust, "distrust", nil, "say what would not verify without `ID`: a key id, a SPIFFE ID or ISSUER_KEY_ID:SERIAL; repeatable")
	f.evidence.register(fs)
	f.register(cmd)
	completeValues(cmd, "group", []string{ownGroup})
	completeValues(cmd, "dependencies", follows)
	completeValues(cmd, "task-type", taskTypes())
	completeValues(cmd, "artifacts", compares)
	completeNothing(cmd, "evidence-sha256")
	completeNothing(cmd, "evidence-identity")
	completeNothing(cmd, "at")
	completeNothing(cmd, "distrust")
}

var follows = []string{string(trace.DependenciesTrust), string(trace.DependenciesAll)}

func checkFollow(asked string) error {
	if asked != "" && !slices.Contains(follows, asked) {
		return usagef("--dependencies %q: want %s", asked, orList(follows))
	}
	return nil
}

func taskTypes() []string {
	var out []string
	for _, k := range trace.Kinds() {
		out = append(out, string(k))
	}
	return out
}

// completeNothing keeps the shell from completing a flag's value by file names.
func completeNothing(cmd *cobra.Command, flag string) { completeValues(cmd, flag, nil) }

func (f *verifyFlags) verifyGraph(ctx context.Context, s IO, name string, args []string) (int, error) {
	if err := errors.Join(f.check(s), f.checkEvidence()); err != nil {
		return 0, err
	}
	if len(args) == 0 && len(f.groups) == 0 && f.evidence.offline == "" {
		return 0, usagef("nothing to verify: name tasks as TASK_ID or TASK_ID/RUN_ID, or a group with --group, in a task its own with --group task (--help lists other ways)")
	}
	o, p, root, err := f.graphBasis(ctx, s)
	if err != nil {
		return 0, err
	}
	show := f.newProgress(s, name)
	defer show.stop()
	e, err := f.openEvidence(ctx, s, p, root, show)
	if err != nil {
		return 0, err
	}
	defer e.close()
	if e.other != nil { // nothing of it is looked at
		return exitCodeOf(e.other), f.deliver(s, name, e.other, true)
	}
	if len(args) == 0 && len(f.groups) == 0 {
		args, f.groups = e.targets()
	}
	q, err := f.ask(ctx, s, e, root, args)
	if err != nil {
		return 0, err
	}
	o.Events, o.At, o.Archive = show.traced, f.at.Time, e.bundle != nil
	o.Dependencies, o.TaskType = trace.Dependencies(f.follow), trace.Kind(f.taskType)
	// Statements are about every artifact; all other reports of a group name none.
	o.TakenOnly = q.whole() && q.shard == nil && q.compares(f.compare) != compareAll && f.format != "vsa" && f.format != "svr"
	v, err := trace.New(p, e.sources, s.now(), o)
	if err != nil {
		return 0, usage(err)
	}
	rep, err := q.verify(ctx, v, e.self, f.finished)
	if err != nil {
		return 0, err
	}
	if e.recorder != nil && p.PGP != nil {
		// Clear-signed documents count in archives alone: what judging them needs
		// is asked here, so that the bundle has it. The verdict is the live one.
		o.Archive = true
		if v, err = trace.New(p, e.sources, s.now(), o); err != nil {
			return 0, usage(err)
		}
		if _, err := q.verify(ctx, v, e.self, f.finished); err != nil {
			return 0, err
		}
	}
	e.describe(rep)
	q.answer(rep)
	if err := f.compareStored(ctx, e.live, rep, q.compares(f.compare), show); err != nil {
		return 0, err
	}
	q.conclude(rep)
	kept := e.keep(rep, evidence.About{RootURL: root, Targets: args, Groups: q.groupIDs()})
	show.stop()
	return exitCodeOf(rep), errors.Join(f.deliver(s, name, rep, true), f.leave(s, name, rep), kept)
}

// graphBasis is what verifications of graphs need before they ask anybody.
func (c *common) graphBasis(ctx context.Context, s IO) (o trace.Options, p *policy.Policy, root string, err error) {
	if o, err = c.traceOptions(trace.ScopeTree); err != nil {
		return o, nil, "", err
	}
	if err = c.signing.open(ctx, s); err != nil {
		return o, nil, "", err
	}
	p, root, err = c.loadPolicy(s, "")
	return o, p, root, err
}

// ask reads what is asked for, and refuses what does not go together.
func (f *verifyFlags) ask(ctx context.Context, s IO, e *evidenceRun, root string, args []string) (*question, error) {
	q := &question{shard: f.shard.part}
	if err := q.prepare(ctx, f); err != nil {
		return nil, err
	}
	if err := q.name(root, args); err != nil {
		return nil, err
	}
	switch {
	case f.finished && !q.whole():
		return nil, usagef("--require-finished is about task groups: name one with --group")
	case f.taskType != "" && q.whole():
		return nil, usagef("--task-type is of tasks that are named, not of groups")
	case e.bundle != nil && q.own:
		return nil, usagef("--group %s is the running task's group: name the bundle's", ownGroup)
	case e.bundle != nil && f.compare != "" && f.compare != compareNone:
		return nil, usagef("--artifacts %s: a bundle has the artifacts that judge, and no others to compare", f.compare)
	case e.bundle != nil:
		f.compare = compareNone
	}
	if err := f.checkShard(q); err != nil {
		return nil, err
	}
	if q.own {
		id, err := runningGroup(ctx, s, e.live)
		if err != nil {
			return nil, err
		}
		q.addGroup(id)
	}
	if q.groups != nil && e.live != nil && e.recorder == nil {
		e.sources.Tasks = e.live.queue // a whole graph asks for each task once, and keeps none decoded
	}
	return q, nil
}

// exitCodeOf is that of the verdict, unless something would not verify without
// what the caller distrusts.
func exitCodeOf(rep *trace.Report) int {
	if d := rep.Distrusted; d != nil && len(d.Tasks) > 0 {
		return exitUntrusted
	}
	return trace.ExitCode(rep.Verdict)
}
