package trace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mozilla-releng/cot/graph"
)

// ReportRef names a report that a task published as an artifact.
type ReportRef struct {
	Task     graph.TaskID
	Run      *graph.RunID // nil: the newest completed one
	Artifact string
}

func (r ReportRef) target() RunTarget { return RunTarget{Task: r.Task, Run: r.Run} }

// reliance is a report that can be relied on, and where it came from.
type reliance struct {
	from   graph.RunRef
	what   string // its artifact
	sum    [sha256.Size]byte
	report *Report
	covers map[graph.RunRef]covered
}

// name is TASK_ID/RUN_ID:ARTIFACT.
func (r *reliance) name() string { return fmt.Sprintf("%s:%s", r.from, r.what) }

// VerifyRelying judges the targets as Verify does, but relies on a report for
// what it covers. The task that published the report is itself judged in full, and
// the report's bytes are those that its signed document names. Of a run that the
// report found verified, under this very policy and by the same program, only the
// signature, the document and the caller's expectations are checked again. A report
// that can't be relied on is an error, whatever the targets are.
func (v *Verifier) VerifyRelying(ctx context.Context, targets []RunTarget, on ReportRef) (*Report, error) {
	switch {
	case len(targets) == 0:
		return nil, errors.New("nothing to verify")
	case v.options.Scope != ScopeTree:
		return nil, errors.New("signatures alone need no report: what one stands for is the way to the tree")
	case !v.options.At.IsZero():
		return nil, errors.New("a report is about its own time, so it can't be relied on as of another")
	}
	c := newChain(v)
	targets, err := c.locate(ctx, targets)
	if err != nil {
		return nil, err
	}
	namespaces, unlocated := c.namespaces, c.findings
	if err := c.follow(ctx, []RunTarget{on.target()}); err != nil {
		return nil, err
	}
	rel, err := c.relyOn(ctx, on.Artifact)
	if err != nil {
		return nil, err
	}
	if rel == nil { // the report says why
		r := c.report([]RunTarget{on.target()})
		r.Target = v.requested(targets, namespaces)
		return r, nil
	}
	covered, rest, err := c.divide(ctx, rel, targets)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		document := c.targets[0].doc.SHA256
		c = newChain(v)
		c.namespaces, c.findings = namespaces, unlocated
		if err := c.follow(ctx, append([]RunTarget{on.target()}, rest...)); err != nil {
			return nil, err
		}
		if d := c.targets[0].doc; d == nil || d.SHA256 != document {
			c.targets[0].add(refusal("the report's task has another document than a moment ago", ""))
		}
	}
	return c.relied(ctx, rel, targets, covered)
}

// relyOn reads the report of the chain's only target. Nil: findings say why it
// can't be relied on.
func (c *chain) relyOn(ctx context.Context, name string) (*reliance, error) {
	if !c.report([]RunTarget{{}}).Verdict.OK() {
		return nil, ctx.Err()
	}
	l := c.targets[0]
	data, finding := c.readVouched(ctx, l, name, MaxReportBytes)
	if finding != nil {
		l.add(*finding)
		return nil, ctx.Err()
	}
	rel := &reliance{from: l.ref(), what: name, sum: sha256.Sum256(data)}
	var err error
	if rel.report, err = ReadReport(data); err != nil {
		l.add(refusal(fmt.Sprintf("%s can't be relied on: %v", rel.name(), err), "name the artifact that cot-verify-graph --format json wrote"))
		return nil, nil
	}
	if f := c.v.unfit(rel.report); f != nil {
		f.Message = fmt.Sprintf("%s can't be relied on: %s", rel.name(), f.Message)
		l.add(*f)
		return nil, nil
	}
	rel.covers = rel.report.covers()
	return rel, nil
}

func refusal(message, hint string) Finding {
	return Finding{Rule: RuleReportRefused, Message: message, Hint: hint}
}

// unfit says why a report does not answer what this verifier would ask.
func (v *Verifier) unfit(r *Report) *Finding {
	differ := func(path, what, want, got, hint string) *Finding {
		f := refusal("it is "+what, hint)
		f.Path, f.Want, f.Got = path, want, clipText(got)
		return &f
	}
	switch {
	case r.Version != v.options.Version:
		return differ("/version", "of another version of this program", v.options.Version, r.Version, "verify with the version that relies on it")
	case r.Scope != ScopeTree:
		return differ("/scope", "about signatures alone", string(ScopeTree), string(r.Scope), "verify without --verify signature")
	case r.Evidence != "live":
		return differ("/evidence", "about recorded evidence", "live", r.Evidence, "verify what the queue has, not a bundle")
	case v.options.At.IsZero() && r.At != nil:
		return differ("/at", "as of another time", "null", stamp(*r.At), "verify without --at")
	case !v.options.At.IsZero() && (r.At == nil || !r.At.Equal(v.options.At)):
		return differ("/at", "as of another time", stamp(v.options.At), atText(r), "verify every part with the same --at")
	case r.RootURL != v.policy.RootURL:
		return differ("/rootUrl", "about another deployment", v.policy.RootURL, r.RootURL, "")
	case r.Policy.SHA256 != v.policy.SHA256:
		return differ("/policy/sha256", "by another policy", v.policy.SHA256, r.Policy.SHA256, "verify by the very policy that relies on it: every file of it counts")
	case r.Distrusted != nil:
		return differ("/distrusted", "an answer to what would be without some keys", "none", "--distrust", "verify without --distrust")
	case r.VerifiedAt.After(v.ran.Add(createdTolerance)):
		return differ("/verifiedAt", "of the future", "before "+stamp(v.ran), r.madeAt(), "one of the two machines' clocks is wrong")
	}
	for _, flag := range r.acceptedBy() {
		if !slices.Contains(v.accepts(), flag) {
			return differ("/accepted", "of a caller who accepted what this one does not", "none", flag, "add "+clipText(flag)+", if that is what you want")
		}
	}
	if hasErrors(r.Findings) {
		f := refusal("what it is about was not looked at as a whole", "see the findings in that report")
		for _, g := range r.Findings {
			if g.Severity == SeverityError {
				f.Path, f.Got = "/findings", clipText(g.Message)
				break
			}
		}
		return &f
	}
	return nil
}

func atText(r *Report) string {
	if r.At == nil {
		return "null"
	}
	return stamp(*r.At)
}

// accepts are the flags that the caller gave.
func (v *Verifier) accepts() []string {
	var out []string
	if v.options.AcceptUntrustedTree {
		out = append(out, FlagAcceptUntrustedTree)
	}
	if v.options.AcceptUnsignedPools {
		out = append(out, FlagAcceptUnsignedPools)
	}
	return out
}

// divide tells the targets that the report covers from those that it does not.
func (c *chain) divide(ctx context.Context, rel *reliance, targets []RunTarget) (covered map[int]*graph.Task, rest []RunTarget, err error) {
	tasks := make([]*graph.Task, len(targets))
	g, gctx := errgroup.WithContext(ctx)
	for i, t := range targets {
		g.Go(safe(func() error {
			return c.slotted(gctx, func() error {
				tasks[i], _ = c.v.sources.Tasks.Task(gctx, t.Task) // without it nothing is covered
				return gctx.Err()
			})
		}))
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	covered = map[int]*graph.Task{}
	judged := c.judgedRuns()
	for i, t := range targets {
		if tasks[i] != nil {
			if run, f := selectRun(tasks[i], t.Run); run != nil && (f == nil || f.Severity == SeverityWarning) {
				ref := graph.RunRef{Task: t.Task, Run: run.ID}
				if judged[ref] != nil || c.nodes[t.Task] == nil && rel.covers[ref].task != nil {
					covered[i] = tasks[i]
					continue
				}
			}
		}
		rest = append(rest, t)
	}
	return covered, rest, nil
}

// judgedRuns are the links that are in the chain.
func (c *chain) judgedRuns() map[graph.RunRef]*link {
	out := map[graph.RunRef]*link{}
	for _, l := range c.snapshot() {
		out[l.ref()] = l
	}
	return out
}

// relied adds the covered targets to the chain of the report's task and gives the
// report on all targets.
func (c *chain) relied(ctx context.Context, rel *reliance, targets []RunTarget, covered map[int]*graph.Task) (*Report, error) {
	by, rest := c.targets[0], c.targets[1:]
	by.target = false
	c.targets = nil
	judged := c.judgedRuns()
	var links []*link
	for i, t := range targets {
		task := covered[i]
		if task == nil { // in their order
			c.targets, rest = append(c.targets, rest[0]), rest[1:]
			continue
		}
		run, warning := selectRun(task, t.Run)
		ref := graph.RunRef{Task: t.Task, Run: run.ID}
		l := judged[ref]
		switch {
		case l == nil:
			l = c.reliedLink(rel, task, *run)
			judged[ref] = l
			links = append(links, l)
			if warning != nil {
				l.node.add(*warning)
			}
		case !l.target && l.relied == nil: // it is in the chain already, and judged
			l.target = true
			checkExpectations(c, l)
		}
		l.target = true
		c.targets = append(c.targets, l)
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, l := range links {
		c.fetch(gctx, g, l)
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	c.checkRoutes(targets)
	for _, l := range links {
		checkWorkerImplementation(c, l) // it decides which keys count
		checkRelied(c, l)
		checkSameImage(c, l)
		c.rests[l] = append(c.rests[l], by)
	}
	c.checkBeside()
	if slices.Contains(c.targets, by) {
		by.target = true
	}
	r := c.report(targets)
	r.ReliesOn = &ReliesOn{
		TaskID: rel.from.Task.String(), RunID: int(rel.from.Run), Artifact: rel.what, SHA256: hex.EncodeToString(rel.sum[:]),
		VerifiedAt: rel.report.VerifiedAt.UTC(), Tasks: len(links),
	}
	return r, nil
}

// reliedLink is a run for whose chain the report stands.
func (c *chain) reliedLink(rel *reliance, task *graph.Task, run graph.Run) *link {
	n := c.nodes[task.ID]
	if n == nil {
		n = c.enqueue(nil, []graph.TaskID{task.ID}, 0)[0]
		c.settle(n, c.know(task))
		n.kind = KindTask
		if n.impl == graph.Scriptworker {
			n.kind = KindScriptworker
		}
		n.parent, _ = graph.ParentOf(n.id, task.Definition) // its link is proved by the report
	}
	l, _ := c.linkFor(n, run)
	found := rel.covers[l.ref()]
	l.relied, l.reliedBy = &found, rel
	return l
}

// checkBeside: where a task has a restricted scope, nothing comes from a contribution
// or runs in an indexed image, also where a report stands for one of the two.
func (c *chain) checkBeside() {
	var restricted []*link
	contribution := false
	for _, l := range c.allLinks() {
		if l.node.task == nil {
			continue
		}
		if l.node.task.restricted || l.relied != nil && l.relied.restricted {
			restricted = append(restricted, l)
		}
		contribution = contribution || l.node.decision != nil && l.node.decision.contribution ||
			l.relied != nil && slices.Contains(l.relied.accepted, FlagAcceptUntrustedTree)
	}
	if len(restricted) == 0 {
		return
	}
	for _, l := range restricted {
		if contribution && !hasRule(l.findings, RuleRestrictedScope) {
			l.add(Finding{
				Rule: RuleRestrictedScope, Path: "/scopes", Want: "trees that policy trusts, for every task of the chain",
				Message: "the task, or one that it rests on, has a restricted scope, but another task comes from a contribution",
				Hint:    "fetch what a contribution made by itself; --accept-untrusted-tree never allows this",
			})
		}
	}
	for _, l := range c.allLinks() {
		i := l.node.image
		itself := i.Kind == graph.ImageIndexed && l.node.impl == graph.DockerWorker
		switch {
		case hasRule(l.findings, RuleIndexedImage):
		case itself:
			l.add(indexedBesideRestricted(i.Namespace))
		case l.relied != nil && l.relied.indexed:
			l.add(indexedBesideRestricted("what " + l.reliedBy.name() + " found that it rests on"))
		}
	}
}

// checkRelied: the document is the one that the report is about, and the chain led
// where the caller expects.
func checkRelied(c *chain, l *link) {
	t := l.relied.task
	if l.doc != nil && hex.EncodeToString(l.doc.SHA256[:]) != t.DocumentSHA256 {
		f := refusal(fmt.Sprintf("%s is about another document of %s", l.reliedBy.name(), l.ref()), "don't use it: the document was replaced after it was verified")
		f.Want, f.Got = t.DocumentSHA256, hex.EncodeToString(l.doc.SHA256[:])
		l.add(f)
	}
	if want := c.v.options.ExpectTree; !want.Repository.IsZero() {
		if t.Tree.Repository != want.Repository.String() || !want.Revision.IsZero() && t.Tree.Revision != want.Revision.String() {
			l.add(Finding{
				Rule: RuleTreeUnexpected, Want: want.String(), Got: clipText(t.Tree.Repository + "@" + t.Tree.Revision),
				Message: "the chain leads to another tree than --tree says",
			})
		}
	}
	if want := c.v.options.ExpectProduct; want != "" && t.Product != want {
		l.add(Finding{Rule: RuleProductMismatch, Want: want, Got: clipText(t.Product), Message: "the chain belongs to another product than --product says"})
	}
	for _, flag := range l.relied.accepted {
		f := Finding{
			Rule: RuleUntrustedContrib, Severity: SeverityWarning, Accepted: flag,
			Message: fmt.Sprintf("%s holds only because its caller accepted what is not trusted", l.reliedBy.name()),
		}
		if flag == FlagAcceptUnsignedPools {
			f.Rule = RuleSignerUnauthorized
		}
		l.add(f)
	}
	if l.doc == nil && !hasErrors(l.findings) && !hasErrors(l.node.findings) {
		l.add(Finding{Rule: RuleEvidenceUnavailable, derived: true, Message: "no document vouches for this run"})
	}
}

// requested is the target of a report on tasks that were not looked at.
func (v *Verifier) requested(targets []RunTarget, namespaces []string) Target {
	c := newChain(v)
	c.namespaces = namespaces
	t := c.target()
	for _, target := range targets {
		t.Tasks = append(t.Tasks, target.ref())
	}
	return t
}

func (t RunTarget) ref() string {
	if t.Run == nil {
		return t.Task.String()
	}
	return graph.RunRef{Task: t.Task, Run: *t.Run}.String()
}
