package cli

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/inputs"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/policy"
)

// downloadFlags are cot-download's.
type downloadFlags struct {
	common
	dest                      string
	fetches, mounts, upstream string
	verify                    string
	printMounts, checkOnly    bool
	maxArtifactSize           string
	report                    string
}

const downloadExamples = `  # two artifacts of a task, into the current directory
  cot-download VvYf2QH0QxqAqMmUTo5vHw:public/build/target.tar.xz \
               'VvYf2QH0QxqAqMmUTo5vHw:public/build/*.json'

  # the job of "fetch-content task-artifacts": MOZ_FETCHES into MOZ_FETCHES_DIR
  cot-download

  # what a generic-worker task mounts, pinned to what is verified now
  cot-download --mounts mounts.yml --print-mounts

  # the chains were verified by a task of this graph: rely on its report
  cot-download --report Hn1ZXTzXTkmcWZwrYOKyRQ:public/cot.json \
               VvYf2QH0QxqAqMmUTo5vHw:public/build/target.tar.xz

  # a scriptworker task's own inputs, with a record of what was verified
  cot-download --upstream task -d work/cot --format json -o public/cot-report.json`

const exitCodes = `Exit codes:
  0    verified (signed or accepted, where just that was asked for)
  1    untrusted, or an internal error
  2    usage or policy error
  75   undetermined: try again later
  128+n  ended by signal n`

// Download is cot-download.
func Download(ctx context.Context, s IO) int {
	const name = "cot-download"
	return guarded(ctx, name, s, func() (int, error) {
		f := &downloadFlags{}
		code := exitOK
		cmd := newCommand(s, name+" [flags] [TASK_ID[/RUN_ID]:ARTIFACT[=PATH] ...]", "Verified inputs for a task")
		cmd.Long = `Fetches artifacts of Taskcluster tasks, but only those that trusted workers made
from a commit in a trusted repository. Nothing is written before the chain of
trust of every input is verified.

` + exitCodes
		cmd.Example = downloadExamples
		f.registerDownload(cmd)
		cmd.RunE = func(_ *cobra.Command, args []string) (err error) {
			if f.demo {
				code, err = demoDownload(ctx, s)
				return err
			}
			code, err = f.run(ctx, s, name, args)
			return err
		}
		err := execute(ctx, cmd)
		return code, err
	})
}

func (f *downloadFlags) registerDownload(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&f.dest, "dest", "d", "", "write below `DIR` (default: $MOZ_FETCHES_DIR, then .)")
	fs.StringVar(&f.fetches, "fetches", "", "inputs from MOZ_FETCHES JSON: `FILE`, - or env")
	fs.StringVar(&f.mounts, "mounts", "", "inputs from generic-worker mounts: `FILE`, - or task")
	fs.StringVar(&f.upstream, "upstream", "", "inputs from scriptworker upstreamArtifacts: `FILE`, - or task")
	fs.StringVar(&f.verify, "verify", "tree", "`WHAT` must hold: tree (the whole chain) or signature (that a trusted worker made it, of whatever source)")
	fs.StringVar(&f.report, "report", "", "rely on the report that a task published, `TASK_ID[/RUN_ID]:ARTIFACT`, for the chains that it found verified")
	fs.BoolVar(&f.printMounts, "print-mounts", false, "write the mounts back, pinned by sha256; fetch nothing")
	fs.BoolVar(&f.checkOnly, "check-only", false, "verify what is on disk; fetch nothing")
	fs.StringVar(&f.maxArtifactSize, "max-artifact-size", "", "refuse artifacts larger than `SIZE`, like 2GiB")
	f.register(cmd)
	completeValues(cmd, "verify", verifies)
	completeNothing(cmd, "report")
	fs.BoolVar(&f.demo, "demo", false, "show a verified and a refused download in an embedded Taskcluster")
}

// downloadRun is one run of cot-download.
type downloadRun struct {
	*downloadFlags
	s          IO
	name       string
	dest       string // absolute
	maxSize    int64
	policy     *policy.Policy
	root       string
	deployment *deployment
	options    trace.Options
	reliesOn   *trace.ReportRef // --report
	request    *request
	show       progress
}

func (f *downloadFlags) run(ctx context.Context, s IO, name string, args []string) (int, error) {
	r := &downloadRun{downloadFlags: f, s: s, name: name}
	if err := r.prepare(args); err != nil {
		return 0, err
	}
	r.show = f.newProgress(s, name)
	defer r.show.stop()
	var err error
	if r.deployment, err = f.connect(s, r.policy, r.root, r.show); err != nil {
		return 0, err
	}
	defer r.deployment.close()
	reader := inputs.Reader{RootURL: r.root, Dest: r.dest}
	if r.request, err = f.collect(ctx, s, r.deployment, reader, args); err != nil {
		return 0, err
	}
	return r.verifyAndFetch(ctx)
}

// prepare checks all that can be checked without asking anybody.
func (r *downloadRun) prepare(args []string) error {
	r.below = cmp.Or(r.downloadFlags.dest, r.s.env("MOZ_FETCHES_DIR"), ".")
	if err := r.check(r.s); err != nil {
		return err
	}
	if err := r.checkSources(r.s, args); err != nil {
		return err
	}
	scope := trace.Scope(r.verify)
	if !slices.Contains(verifies, r.verify) {
		return usagef("--verify %q: want tree or signature", r.verify)
	}
	if scope == trace.ScopeSignature && (r.expectTree != "" || r.expectProduct != "") {
		return usagef("--verify signature looks at no tree: --tree and --product need --verify tree")
	}
	var err error
	if r.downloadFlags.report != "" {
		if scope == trace.ScopeSignature {
			return usagef("--report stands for the way to the tree: it needs --verify tree")
		}
		if r.reliesOn, err = parseReportRef("--report", r.downloadFlags.report); err != nil {
			return err
		}
	}
	if r.options, err = r.traceOptions(scope); err != nil {
		return err
	}
	if r.maxSize, err = parseSize(r.maxArtifactSize); err != nil {
		return usagef("--max-artifact-size: %w", err)
	}
	if r.dest, err = filepath.Abs(r.below); err != nil {
		return usagef("--dest: %w", err)
	}
	if err := checkDest(r.dest); err != nil {
		return err
	}
	written := r.dest
	if r.printMounts {
		written = "" // nothing is
	}
	r.policy, r.root, err = r.loadPolicy(r.s, written)
	return err
}

// verifyAndFetch is the command's work: one trace for every input, and only
// then the bytes.
func (r *downloadRun) verifyAndFetch(ctx context.Context) (int, error) {
	rep, located, err := r.trace(ctx)
	if err != nil {
		return 0, err
	}
	items, artifacts := r.items(ctx, rep, located)
	if err := r.checkOverwrite(items); err != nil && !r.printMounts {
		return 0, err
	}
	var pinned []byte
	if rep.Verdict.OK() {
		if r.printMounts {
			pinned, err = r.pinnedMounts(rep, items)
		} else {
			err = r.fetch(ctx, rep, items, artifacts)
		}
		if err != nil {
			return 0, err
		}
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	r.show.stop()
	if r.printMounts {
		return r.deliverMounts(rep, pinned)
	}
	return trace.ExitCode(rep.Verdict), r.deliver(r.s, r.name, rep, false)
}

// located is an input and the run that it led to.
type located struct {
	inputs.Input
	target trace.RunTarget
	run    graph.RunRef
}

// trace verifies the tasks of all inputs at once.
func (r *downloadRun) trace(ctx context.Context) (*trace.Report, []located, error) {
	var found []located
	for _, in := range r.request.inputs {
		found = append(found, located{Input: in, target: trace.RunTarget{Task: in.Task, Namespace: in.Namespace, Run: in.Run}})
	}
	targets := targetsOf(found)
	rep := r.emptyReport()
	if len(targets) > 0 {
		o := r.options
		o.Events = r.show.traced
		v, err := trace.New(r.policy, r.deployment.sources, r.s.now(), o)
		if err != nil {
			return nil, nil, usage(err)
		}
		if r.reliesOn != nil {
			rep, err = v.VerifyRelying(ctx, targets, *r.reliesOn)
		} else {
			rep, err = v.Verify(ctx, targets)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	rep.Notes = append(rep.Notes, r.request.notes...)
	for i := range found {
		if found[i].IsArtifact() {
			found[i].run, _ = rep.Run(found[i].target)
		}
	}
	return rep, found, nil
}

func targetsOf(found []located) []trace.RunTarget {
	type key struct {
		task      graph.TaskID
		namespace string
		run       graph.RunID
	}
	seen := map[key]bool{}
	var out []trace.RunTarget
	for _, l := range found {
		if !l.IsArtifact() {
			continue
		}
		k := key{l.target.Task, l.target.Namespace, -1}
		if l.target.Run != nil {
			k.run = *l.target.Run
		}
		if !seen[k] {
			seen[k] = true
			out = append(out, l.target)
		}
	}
	return out
}

// emptyReport is what there is to say where no task is asked for: no rule
// failed, because none was needed.
func (r *downloadRun) emptyReport() *trace.Report {
	rep := &trace.Report{
		APIVersion: trace.APIVersion, Version: r.options.Version, Scope: r.options.Scope, Evidence: "live",
		RootURL: r.root, VerifiedAt: r.s.now().UTC(), NothingAsked: true,
		Policy: trace.PolicyInfo{Name: r.policy.Name, SHA256: r.policy.SHA256, Relaxed: r.policy.Relaxed},
	}
	rep.Conclude()
	return rep
}
