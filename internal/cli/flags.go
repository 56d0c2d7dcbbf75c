package cli

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mozilla-releng/cot/internal/evidence"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

// common are the flags that every verifying command has.
type common struct {
	policy, rootURL      string
	expectTree           string
	expectProduct        string
	acceptUntrustedTree  bool
	acceptUnsignedPools  bool
	jobs                 int
	format, output       string
	verbose, quiet, demo bool
	progress             string
	cacheDir             string

	formats []string // that the command writes; the first is the default
	signing signingFlags
	explain bool   // write the chain as a tree
	inTask  bool   // this runs in a task
	below   string // where artifacts are written, as the caller named it

	policyParts []evidence.File // what the loaded policy consists of
}

// What flags with a few values take.
var (
	reportFormats = []string{"text", "json"}
	graphFormats  = []string{"text", "json", "html", "junit", "dot", "vsa", "svr"}
	progresses    = []string{"auto", "plain", "none"}
	verifies      = []string{string(trace.ScopeTree), string(trace.ScopeSignature)}
)

func (c *common) register(cmd *cobra.Command) {
	if c.formats == nil {
		c.formats = reportFormats
	}
	f := cmd.Flags()
	f.StringVar(&c.policy, "policy", "", "policy `FILE`, or a built-in one's name (default: built in, by root URL)")
	f.StringVar(&c.rootURL, "root-url", "", "`URL` of the deployment (default: $TASKCLUSTER_ROOT_URL, then the policy's, then Firefox-CI)")
	f.StringVar(&c.expectTree, "tree", "", "the chain must lead to `REPO[@REV]`")
	f.StringVar(&c.expectProduct, "product", "", "the chain must be of the product `NAME`")
	f.BoolVar(&c.acceptUntrustedTree, "accept-untrusted-tree", false, "accept a try push, a fork or a pull request (verdict: accepted)")
	f.BoolVar(&c.acceptUnsignedPools, "accept-unsigned-pools", false, "accept worker pools without a published key (verdict: accepted)")
	f.IntVarP(&c.jobs, "jobs", "j", 8, "fetch `N` artifacts at once, and four times as many small documents")
	f.StringVar(&c.format, "format", "text", "`FORMAT` of the report: "+orList(c.formats))
	f.StringVarP(&c.output, "output", "o", "", "write the report to `FILE`, all of it or nothing")
	f.BoolVarP(&c.verbose, "verbose", "v", false, "say everything")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "say only why something failed")
	f.StringVar(&c.cacheDir, "cache-dir", "", "keep artifacts, signed documents, CRLs and answers of GitHub in `DIR`, which nobody else may write")
	f.StringVar(&c.progress, "progress", "auto", "`HOW`: auto, plain or none; bars on a terminal, a line now and then in a log")
	f.SortFlags = false
	for _, flag := range []string{"root-url", "tree", "product"} {
		completeNothing(cmd, flag)
	}
	completeValues(cmd, "format", c.formats)
	completeValues(cmd, "progress", progresses)
}

// check refuses values that no command understands.
func (c *common) check(s IO) error {
	c.inTask = s.env("TASK_ID") != ""
	switch {
	case !slices.Contains(c.formats, c.format) && slices.Contains(graphFormats, c.format):
		return usagef("--format %s: only cot-verify-graph TASK_ID writes it; want %s", c.format, orList(c.formats))
	case !slices.Contains(c.formats, c.format):
		return usagef("--format %q: want %s", c.format, orList(c.formats))
	case c.signing.file != "" && c.format != "vsa" && c.format != "svr":
		return usagef("--sign signs statements: use it with --format vsa or svr")
	case !slices.Contains(progresses, c.progress):
		return usagef("--progress %q: want auto, plain or none", c.progress)
	case c.jobs < 1 || c.jobs > maxJobs:
		return usagef("--jobs %d: want 1 to %d", c.jobs, maxJobs)
	case c.verbose && c.quiet:
		return usagef("--verbose and --quiet contradict each other")
	}
	return c.checkPlace("--output", c.output)
}

// orList writes "a, b or c".
func orList(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

const maxJobs = 256

// smallPerJob is how many small things (definitions, documents) are read for
// each artifact that would be.
const smallPerJob = 4

// traceOptions are what the flags ask of a verification.
func (c *common) traceOptions(scope trace.Scope) (trace.Options, error) {
	o := trace.Options{
		Scope: scope, Jobs: smallPerJob * c.jobs, ExpectProduct: c.expectProduct,
		Version: rulesVersion(), AcceptUntrustedTree: c.acceptUntrustedTree, AcceptUnsignedPools: c.acceptUnsignedPools,
	}
	if c.expectTree == "" {
		return o, nil
	}
	repo, rev := splitTree(c.expectTree)
	if rev == "" && strings.HasSuffix(c.expectTree, "@") {
		return o, usagef("--tree %s: no revision after @: want REPO or REPO@REV", c.expectTree)
	}
	var err error
	if o.ExpectTree.Repository, err = tree.ParseRepository(repo); err != nil {
		return o, usagef("--tree: %w", err)
	}
	if rev != "" {
		if o.ExpectTree.Revision, err = tree.ParseRevision(rev); err != nil {
			return o, usagef("--tree: %w", err)
		}
	}
	return o, nil
}

// splitTree splits REPO[@REV] at the last "@" that has no slash or colon after
// it; "git@host:path" has such an "@" itself.
func splitTree(s string) (repo, rev string) {
	if i := strings.LastIndexByte(s, '@'); i > 0 && !strings.ContainsAny(s[i:], "/:") {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// newCommand is a cobra command in the manner of all of ours: errors are
// returned and said by guarded, flag mistakes are usage errors.
func newCommand(s IO, use, short string) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Version: version(),
		Args: cobra.ArbitraryArgs, SilenceErrors: true, SilenceUsage: true,
		DisableFlagsInUseLine: true, DisableAutoGenTag: true,
		PreRunE: func(c *cobra.Command, _ []string) error { return refuseEmpty(c) },
	}
	c.SetArgs(slices.Clip(append([]string{}, s.Args...)))
	c.SetIn(s.Stdin)
	c.SetOut(s.Stdout)
	c.SetErr(s.Stderr)
	c.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w (%s --help lists the flags)", flagError(err), c.CommandPath())
	})
	c.InitDefaultCompletionCmd(s.Args...)
	if completion, _, err := c.Find([]string{"completion"}); err == nil && completion != c {
		strictCompletion(completion)
	}
	return c
}

// meant adds to a usage error the subcommand that its first argument may be a
// misspelling of.
func meant(c *cobra.Command, args []string, err error) error {
	var use *usageError
	if len(args) == 0 || !errors.As(err, &use) {
		return err
	}
	c.SuggestionsMinimumDistance = 2
	if like := c.SuggestionsFor(args[0]); len(like) > 0 {
		return usagef("%w; did you mean the command %s?", err, like[0])
	}
	return err
}

// refuseEmpty refuses a flag whose value is empty, as of a variable that is not
// set: it must not ask for less than was meant, such as no certain tree.
func refuseEmpty(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.Type() == "string" && f.Value.String() == "" {
			what, _ := pflag.UnquoteUsage(f)
			err = usagef("--%s is empty: give %s, or leave the flag out", f.Name, what)
		}
	})
	return err
}

// execute runs a command. It and those below it say their version by --version
// alone: where cobra adds that flag it takes -v, which is --verbose, too.
func execute(ctx context.Context, root *cobra.Command) error {
	longVersion(root)
	return root.ExecuteContext(ctx)
}

func longVersion(c *cobra.Command) {
	if c.Version != "" && c.Flags().Lookup("version") == nil {
		c.InitDefaultHelpFlag() // the order of --help
		c.Flags().Bool("version", false, "version of "+c.DisplayName())
	}
	for _, sub := range c.Commands() {
		longVersion(sub)
	}
}

// strictCompletion makes what cobra answers with help, or as any error, a usage
// error.
func strictCompletion(completion *cobra.Command) {
	var shells []string
	for _, sub := range completion.Commands() {
		shells = append(shells, sub.Name())
		sub.Args = func(c *cobra.Command, args []string) error { return usage(cobra.NoArgs(c, args)) }
	}
	completion.Args = cobra.ArbitraryArgs
	completion.RunE = func(*cobra.Command, []string) error {
		return usagef("completion: want one of %s", strings.Join(shells, ", "))
	}
}

// flagError drops the name of the function that could not read a number.
func flagError(err error) error {
	var num *strconv.NumError
	if errors.As(err, &num) {
		return errors.New(strings.Replace(err.Error(), num.Error(), num.Err.Error(), 1))
	}
	return err
}

// completeValues lets the shell complete the values of a flag.
func completeValues(cmd *cobra.Command, flag string, values []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is not registered: a mistake in this package
	}
}

// version is the module's, and the commit it was built from where that is known,
// with that of Go.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return rulesVersion() + " " + info.GoVersion
}

// rulesVersion is what two builds have in common that judge alike.
func rulesVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if rev := settings["vcs.revision"]; rev != "" && !strings.Contains(v, rev[:min(12, len(rev))]) {
		v += " " + rev
	}
	return v
}

// lines gives the lines of a text without the last line's end.
func lines(s string) iter.Seq[string] { return strings.SplitSeq(strings.TrimRight(s, "\n"), "\n") }

func (c *common) textOptions(color bool) report.TextOptions {
	return report.TextOptions{Color: color, Verbose: c.verbose, Dest: filepath.ToSlash(c.below)}
}
