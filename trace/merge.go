package trace

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// MergeTarget names the reports of all parts of a verification of whole groups.
type MergeTarget struct {
	Reports []ReportRef
	// Files are reports for which nobody vouches: what they come to is undetermined
	// at best.
	Files []ReportFile
	// Groups are those that the parts must be about; none: any.
	Groups []graph.TaskID
	// Self is the task that this verification runs in, as GraphTarget has it.
	Self graph.TaskID
	// RequireFinished as GraphTarget has it; the parts must have had it, too. So must
	// they have followed the same dependencies.
	RequireFinished bool
}

// ReportFile is a report as the caller has it.
type ReportFile struct {
	Name string
	Data []byte
}

// MaxMergedBytes bounds what the parts' reports are together.
const MaxMergedBytes = 1 << 30

// Merge joins the reports of all parts of a verification into one on all of it.
// Each part's task is judged in full, and its report's bytes are those that its
// signed document names. The groups are listed again: every task must be in the
// report of its own part, with the run that is its newest completed one now. What
// the verification itself runs in, and what depends on that, is judged here. What is
// wrong is in the report; the error is for a cancelled context or a call that asks
// for nothing.
func (v *Verifier) Merge(ctx context.Context, t MergeTarget) (*Report, error) {
	switch {
	case len(t.Reports)+len(t.Files) == 0:
		return nil, errors.New("nothing to merge")
	case len(t.Reports)+len(t.Files) > MaxShards:
		return nil, fmt.Errorf("more than %d reports to merge", MaxShards)
	case v.options.Scope != ScopeTree || v.sources.Groups == nil:
		return nil, errors.New("trace: whole graphs are traced to their trees, and need the task groups' listings")
	}
	m := &merge{v: v, target: t, tasks: newChain(v)}
	if err := m.read(ctx); err != nil {
		return nil, err
	}
	if m.ready() {
		m.compare()
	}
	own := m.ofTasks()
	if !m.ready() || len(m.members) > 0 && !own.Verdict.OK() {
		return own, nil
	}
	live, err := m.list(ctx)
	if err != nil {
		return nil, err
	}
	return m.join(own, live), nil
}

// merge is one under way.
type merge struct {
	v       *Verifier
	target  MergeTarget
	tasks   *chain // of the tasks that published the reports
	parts   []*partReport
	unfit   bool // a report can't be joined
	members []RunTarget
}

// partReport is a part's report.
type partReport struct {
	Joined
	*Report
	of map[string][]int // its tasks' places
}

func (p *partReport) name() string {
	switch {
	case p.File != "":
		return "file " + clipText(p.File)
	case p.Joined.RunID == nil:
		return p.Joined.TaskID + ":" + p.Artifact
	}
	return fmt.Sprintf("%s/%d:%s", p.Joined.TaskID, *p.Joined.RunID, p.Artifact)
}

// ready tells whether all reports can be joined as far as that was looked at.
func (m *merge) ready() bool {
	return !m.unfit && len(m.parts) == len(m.target.Reports)+len(m.target.Files)
}

// ofTasks is the report on the tasks that published the reports, and on what is
// wrong with those.
func (m *merge) ofTasks() *Report { return m.tasks.report(m.members) }

// read judges the tasks and reads their reports.
func (m *merge) read(ctx context.Context) error {
	for _, r := range m.target.Reports {
		m.members = append(m.members, r.target())
	}
	if len(m.members) > 0 {
		if err := m.tasks.follow(ctx, m.members); err != nil {
			return err
		}
	}
	var size int
	use := func(j Joined, data []byte, refuse func(Finding)) {
		if size += len(data); size > MaxMergedBytes {
			refuse(refusal(fmt.Sprintf("the reports are larger than %d bytes together", MaxMergedBytes), ""))
			return
		}
		p := &partReport{Joined: j, of: map[string][]int{}}
		sum := sha256.Sum256(data)
		p.SHA256 = hex.EncodeToString(sum[:])
		var err error
		if p.Report, err = ReadReport(data); err != nil {
			refuse(refusal(fmt.Sprintf("%s can't be joined: %v", p.name(), err), "name the artifact that cot-verify-graph --shard --format json wrote"))
			return
		}
		if f := m.v.unfit(p.Report); f != nil {
			f.Message = fmt.Sprintf("%s can't be joined: %s", p.name(), f.Message)
			refuse(*f)
			return
		}
		if p.Shard == nil {
			refuse(refusal(p.name()+" is about no part of a verification", "name reports that were made with --shard"))
			return
		}
		p.K, p.Joined.VerifiedAt = p.Shard.K, p.Report.VerifiedAt.UTC()
		for i := range p.Tasks {
			p.of[p.Tasks[i].TaskID] = append(p.of[p.Tasks[i].TaskID], i)
		}
		m.parts = append(m.parts, p)
	}
	for i, r := range m.target.Reports {
		l := m.tasks.targets[i]
		if !l.hasRun {
			continue // a finding says so
		}
		data, f := m.tasks.readVouched(ctx, l, r.Artifact, MaxReportBytes)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f != nil {
			l.add(*f)
			continue
		}
		run := int(l.run.ID)
		use(Joined{TaskID: r.Task.String(), RunID: &run, Artifact: r.Artifact}, data, l.add)
	}
	for _, f := range m.target.Files {
		use(Joined{File: f.Name}, f.Data, m.refuse)
	}
	return nil
}

// refuse leaves a finding about the request as a whole.
func (m *merge) refuse(f Finding) {
	m.tasks.findings = append(m.tasks.findings, f.withDefaults())
	m.unfit = true
}

// compare holds the parts against each other: they are those of one verification,
// each once.
func (m *merge) compare() {
	first := m.parts[0]
	differ := func(p *partReport, what string, want, got any) {
		f := refusal(fmt.Sprintf("%s and %s are no parts of one verification: %s differ", first.name(), p.name(), what), "verify every part with the same flags, and merge those")
		f.Want, f.Got = want, got
		m.refuse(f)
	}
	seen := map[int]*partReport{}
	for _, p := range m.parts {
		switch {
		case p.Shard.N != first.Shard.N:
			differ(p, "the numbers of parts", first.Shard.N, p.Shard.N)
			continue
		case groupIDs(p.Report) != groupIDs(first.Report):
			differ(p, "the groups", groupIDs(first.Report), groupIDs(p.Report))
		case p.Shard.Compared != first.Shard.Compared:
			differ(p, "what --artifacts says", first.Shard.Compared, p.Shard.Compared)
		case p.Shard.List != first.Shard.List:
			differ(p, "the listings of the groups", first.Shard.List, p.Shard.List)
		case p.Target.Tree != m.expected().Tree || p.Target.Product != m.expected().Product:
			f := refusal(p.name()+" expects another tree or product than this run", "give --tree and --product to every part and to merge")
			f.Want, f.Got = expectation(m.expected()), clipText(expectation(p.Target))
			m.refuse(f)
		case p.Shard.RequireFinished != m.target.RequireFinished:
			f := refusal(p.name()+" and this run don't agree on --require-finished", "give it to every part and to merge, or to none")
			f.Want, f.Got = m.target.RequireFinished, p.Shard.RequireFinished
			m.refuse(f)
		case p.Shard.Dependencies != m.v.followedInGroups():
			f := refusal(p.name()+" and this run don't agree on --dependencies", "give it to every part and to merge, or to none")
			f.Want, f.Got = cmp.Or(m.v.followedInGroups(), DependenciesAll), cmp.Or(p.Shard.Dependencies, DependenciesAll)
			m.refuse(f)
		}
		if other := seen[p.K]; other != nil {
			m.refuse(refusal(fmt.Sprintf("%s and %s are both %s", other.name(), p.name(), p.Shard.Part), "name the report of each part once"))
			continue
		}
		seen[p.K] = p
		for _, s := range p.Shard.Tasks {
			if id, err := graph.ParseTaskID(s); err != nil || !p.Shard.Has(id) {
				m.refuse(refusal(fmt.Sprintf("%s is said to be of %s, and is of another", clipText(s), p.Shard.Part), ""))
				break
			}
		}
	}
	var missing []string
	for k := 1; k <= first.Shard.N; k++ {
		if seen[k] == nil {
			missing = append(missing, fmt.Sprint(k))
		}
	}
	if len(missing) > 0 {
		f := refusal(fmt.Sprintf("of %d parts there is no report of %s", first.Shard.N, bounded(missing)), "name the reports of all parts")
		f.Want, f.Got = first.Shard.N, len(seen)
		m.refuse(f)
	}
}

// expected is what the caller expects of the chains.
func (m *merge) expected() Target { return newChain(m.v).target() }

// expectation writes which tree and product a caller wants.
func expectation(t Target) string {
	var parts []string
	for _, f := range []struct{ flag, value string }{{"--tree", t.Tree}, {"--product", t.Product}} {
		if f.value != "" {
			parts = append(parts, f.flag+" "+f.value)
		}
	}
	if parts == nil {
		return "neither"
	}
	return strings.Join(parts, " ")
}

func groupIDs(r *Report) string {
	var ids []string
	for _, g := range r.Target.Groups {
		ids = append(ids, clipText(g.ID))
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}

// list lists the groups as they are now, and judges what this verification runs in
// and what depends on that.
func (m *merge) list(ctx context.Context) (*chain, error) {
	t := GraphTarget{
		Groups: m.target.Groups, Self: m.target.Self, RequireFinished: m.target.RequireFinished,
		only: func(w *wholeGraph) part { return func(id graph.TaskID) bool { return w.self[id] } },
	}
	first := m.parts[0]
	for _, g := range first.Target.Groups {
		id, err := graph.ParseTaskID(g.ID)
		if err == nil && len(m.target.Groups) == 0 {
			t.Groups = append(t.Groups, id)
		}
	}
	for _, r := range m.target.Reports {
		t.besides = append(t.besides, r.Task)
	}
	c := newChain(m.v)
	c.whole = newWholeGraph(t)
	if err := c.listGroups(ctx); err != nil {
		return nil, err
	}
	now := &Report{}
	for _, g := range c.whole.groups {
		now.Target.Groups = append(now.Target.Groups, Group{ID: g.ID.String()})
	}
	switch {
	case groupIDs(now) != groupIDs(first.Report) && len(m.target.Groups) > 0:
		f := refusal("the parts are about other groups than --group says", "name the groups as for the parts")
		f.Want, f.Got = groupIDs(now), groupIDs(first.Report)
		c.whole.findings = append(c.whole.findings, f)
	case listDigest(c.whole.groups) != first.Shard.List:
		c.whole.findings = append(c.whole.findings, Finding{
			Rule: RuleReportOutdated, Heals: true, Want: first.Shard.List, Got: listDigest(c.whole.groups),
			Message: "tasks joined the groups since the parts listed them",
			Hint:    "rerun every part's task, and merge again",
		})
	}
	return c, c.judgeGraph(ctx)
}
