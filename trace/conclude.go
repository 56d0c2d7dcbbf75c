package trace

import (
	"encoding/hex"
	"fmt"
	"slices"
	"sort"

	"github.com/mozilla-releng/cot/graph"
)

// APIVersion is the version of the report's schema.
const APIVersion = "cot/v1"

// vouched is what a link's verified document says of its artifacts.
type vouched struct {
	names []string
	link  *link            // nil in a report that was joined from others
	given []SharedArtifact // there, what they say; it is not for use
}

// report makes the report of what was gathered and judged.
func (c *chain) report(targets []RunTarget) *Report {
	p := c.v.policy
	r := &Report{
		APIVersion: APIVersion, Version: c.v.options.Version, Scope: c.v.options.Scope, Evidence: EvidenceLive, RootURL: p.RootURL, VerifiedAt: c.v.ran.UTC(),
		Policy:    PolicyInfo{Name: p.Name, SHA256: p.SHA256, Relaxed: append([]string{}, p.Relaxed...)},
		Tasks:     []Task{},
		Artifacts: []Artifact{},
		documents: map[graph.RunRef]*vouched{},
		runs:      map[string]graph.RunRef{},
	}
	if at := c.v.options.At; !at.IsZero() {
		at = at.UTC()
		r.At = &at
	}
	if c.v.options.Archive {
		r.Evidence = EvidenceRecorded
	}
	r.Target, r.Findings = c.target(), c.findings
	if c.whole != nil {
		c.whole.describe(r)
		if len(c.whole.groups) > 0 && c.v.followedInGroups() == DependenciesTrust {
			r.Notes = append(r.Notes, "of what the groups' tasks depend on, only parents and inputs were followed")
		}
	}
	links := c.allLinks()
	at := make(map[*link]int, len(links))
	for i, l := range links {
		at[l] = i
	}
	r.Notes = append(r.Notes, c.overruled...)
	for _, l := range links {
		t := c.reportLink(l)
		for _, on := range c.rests[l] {
			if i, ok := at[on]; ok {
				t.rests = append(t.rests, i)
			}
		}
		r.Tasks = append(r.Tasks, t)
		if c.keep(l) == nil && l.doc != nil && l.target && !l.listed && (c.whole == nil || c.whole.member[l.node.id] && c.whole.judges(l.node.id)) {
			r.documents[l.ref()] = &vouched{names: sortedNames(l), link: l}
		}
	}
	for i, l := range c.targets { // one per target, in their order
		if i < len(targets) && l.hasRun {
			r.runs[targetKey(targets[i])] = l.ref()
		}
	}
	r.taken = takenBy(links)
	r.Signers = signerUses(func(yield func([]SignerUse) bool) {
		for _, l := range links {
			if !yield(signersOf(l)) {
				return
			}
		}
	})
	if c.whole != nil && c.whole.target.Shard != nil {
		c.describeShard(r, links)
	}
	if c.v.options.Scope == ScopeTree {
		r.Notes = append(r.Notes, "what a task's own script fetched is out of reach of this verification")
	}
	r.Conclude()
	return r
}

func (c *chain) target() Target {
	t := Target{Product: c.v.options.ExpectProduct, Namespaces: c.namespaces}
	if want := c.v.options.ExpectTree; !want.Repository.IsZero() {
		t.Tree = want.String()
	}
	named := c.targets
	if c.whole != nil {
		named = slices.DeleteFunc(slices.Clone(named), func(l *link) bool { return !c.whole.named[l.node] })
	}
	links := distinct(named)
	if len(links) == 0 {
		return t
	}
	if len(links) == 1 {
		l := links[0]
		t.TaskID = l.node.id.String()
		if l.hasRun {
			run := int(l.run.ID)
			t.RunID = &run
		}
		return t
	}
	for _, l := range links {
		name := l.node.id.String()
		if l.hasRun {
			name = l.ref().String()
		}
		t.Tasks = append(t.Tasks, name)
	}
	return t
}

func (c *chain) reportLink(l *link) Task {
	t := Task{
		TaskID: l.node.id.String(), Type: string(l.node.kind), Overruled: string(l.node.looks), Status: "judged",
		Findings: refuted(append(append([]Finding{}, l.node.findings...), l.findings...)),
		Claims:   l.claims, Listed: l.listed,
	}
	if l.hasRun {
		run := int(l.run.ID)
		t.RunID = &run
	}
	if l.node.task == nil {
		t.Status = "unfinished"
		return t
	}
	d := l.node.task
	t.Name, t.WorkerPool, t.Implementation = d.Name, d.Pool.String(), string(l.node.impl)
	t.Restricted = d.restricted
	if t.Type == "" {
		t.Type = string(KindTask)
	}
	if !d.TaskGroupID.IsZero() {
		t.Group = d.TaskGroupID.String()
	}
	if !l.node.parent.IsZero() {
		t.Parent = l.node.parent.String()
	}
	if o := l.node.decision; o != nil && !o.tree.Repository.IsZero() {
		t.Tree = &Tree{Repository: o.tree.Repository.String(), Revision: o.tree.Revision.String()}
	}
	if o := l.node.decision; o != nil && o.product != nil {
		t.Product = o.product.Name
	}
	if l.relied != nil {
		t.Tree, t.Product, t.ReliesOn = l.relied.task.Tree, l.relied.task.Product, l.reliedBy.name()
	}
	switch {
	case !l.hasRun || l.run.State.Open():
		t.Status = "unfinished"
	case l.run.State != graph.Completed:
		t.Status = "failed"
	case l.doc == nil && l.listing != nil && !l.hasListedDocument(), l.doc != nil && l.doc.AcceptedUnsigned():
		t.Status = "unsigned"
	}
	if l.doc != nil {
		t.DocumentSHA256 = hex.EncodeToString(l.doc.SHA256[:])
		t.ids = restsOn(l.doc.Signers())
		s := l.doc.Signers()[0]
		at := s.SignedAt.UTC()
		t.Signer = &Signer{
			Method: string(s.Method), Identity: s.Identity, KeyID: string(s.KeyID), SignedAt: &at, TimeSource: string(s.TimeSource),
		}
	}
	t.Image = reportImage(l)
	for _, in := range l.inputs {
		t.Inputs = append(t.Inputs, reportInput(in)...)
	}
	return t
}

func reportImage(l *link) *Image {
	i := l.node.image
	if i.Kind == "" {
		return nil
	}
	out := &Image{Name: clipText(i.String())}
	if l.doc != nil {
		out.ArtifactHash, out.Hash = clipText(l.doc.Asserted.ImageArtifactHash), clipText(l.doc.Asserted.ImageHash)
	}
	return out
}

func reportInput(in input) []Input {
	base := Input{TaskID: in.edge.Task.String(), Reason: string(in.edge.Reason), Artifact: in.edge.Artifact, Pinned: in.pinned}
	if len(in.runs) == 0 {
		return []Input{base}
	}
	var out []Input
	for _, r := range in.runs {
		run := int(r.run.ID)
		i := base
		i.RunID = &run
		out = append(out, i)
	}
	return out
}

func (l *link) hasListedDocument() bool {
	_, ok := l.listing["public/chain-of-trust.json"]
	return ok || clearSignedAlone(l.listing)
}

func sortedNames(l *link) []string {
	names := make([]string, 0, len(l.doc.Artifacts))
	for name := range l.doc.Artifacts {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func targetKey(t RunTarget) string {
	key := t.Task.String()
	if t.Namespace != "" {
		key = "index:" + t.Namespace
	}
	if t.Run != nil {
		key += "/" + t.Run.String()
	}
	return key
}

// Run gives the run that was looked at for a target; not ok if there is none.
func (r *Report) Run(t RunTarget) (graph.RunRef, bool) {
	ref, ok := r.runs[targetKey(t)]
	return ref, ok
}

// Names are the artifact names in a target's verified document, sorted. They
// are the task's own choice of text. Nil if no document of the run holds.
func (r *Report) Names(run graph.RunRef) []string {
	d := r.documents[run]
	if d == nil {
		return nil
	}
	return d.names
}

// Verified gives an artifact of a target for use. It refuses, with the reason,
// unless the whole report's verdict allows use and the document of that run has
// a digest that counts.
func (r *Report) Verified(run graph.RunRef, name string) (VerifiedArtifact, *Finding) {
	if !r.Verdict.OK() {
		return VerifiedArtifact{}, &Finding{
			Rule: RuleEvidenceUnavailable, Severity: SeverityError, derived: true,
			Message: fmt.Sprintf("%s of %s is not taken: the verdict is %s", name, run, r.Verdict),
		}
	}
	d := r.documents[run]
	if d == nil || d.link == nil {
		return VerifiedArtifact{}, &Finding{
			Rule: RuleCotMissing, Severity: SeverityError, Message: fmt.Sprintf("run %s was not verified", run),
		}
	}
	digests, f := d.link.digests(name)
	if f != nil {
		bad := f.withDefaults()
		return VerifiedArtifact{}, &bad
	}
	return VerifiedArtifact{named{run, name, digests}}, nil
}

// AddArtifact records what happened to an artifact. Call Conclude afterwards.
func (r *Report) AddArtifact(a Artifact) { r.Artifacts = append(r.Artifacts, a) }

// AddFinding records a finding about the request as a whole.
func (r *Report) AddFinding(f Finding) { r.Findings = append(r.Findings, f.withDefaults()) }

// Conclude derives every verdict and the summary from the findings. A report
// about nothing is untrusted: nothing to verify is a failure. What was asked
// for explicitly empty says so by NothingAsked.
func (r *Report) Conclude() {
	r.Accepted = nil
	var all []Finding
	for i := range r.Tasks {
		all = append(all, r.Tasks[i].Findings...)
	}
	all = append(all, r.Findings...)
	for _, a := range r.Artifacts {
		all = append(all, a.Findings...)
	}
	healing := heals(all)
	r.Summary = Summary{Tasks: len(r.Tasks), Findings: len(all)}
	for _, f := range all {
		if f.Accepted != "" && !slices.Contains(r.Accepted, f.Accepted) {
			r.Accepted = append(r.Accepted, f.Accepted)
		}
	}
	sort.Strings(r.Accepted)
	for i := range r.Tasks {
		t := &r.Tasks[i]
		t.Listed = t.Listed && !hasErrors(t.Findings) // with an error it does change the verdict
		switch {
		case !t.Listed:
			t.Verdict = verdictOf(t.Findings, healing, r.Scope)
		case t.Status == "unfinished":
			t.Verdict = Undetermined
		default:
			t.Verdict = Untrusted
		}
	}
	if r.Unvouched() {
		for i := range r.Tasks {
			r.Tasks[i].Verdict = Untrusted
		}
	}
	r.spread()
	for i := range r.Tasks {
		r.count(r.Tasks[i])
	}
	of := r.verdicts()
	for i := range r.Artifacts {
		a := &r.Artifacts[i]
		a.Verdict = worse(verdictOf(a.Findings, healing, r.Scope), of[taskRun{a.TaskID, a.RunID}])
		if r.Unvouched() {
			a.Verdict = Untrusted
		}
	}
	r.Verdict = verdictOf(all, healing, r.Scope)
	if len(r.Tasks) == 0 && !r.NothingAsked && r.Verdict.OK() {
		r.Verdict = Untrusted
	}
}

// spread makes no task better than what it rests on.
func (r *Report) spread() {
	users := make([][]int, len(r.Tasks))
	for i := range r.Tasks {
		for _, on := range r.Tasks[i].rests {
			users[on] = append(users[on], i)
		}
	}
	for _, v := range []Verdict{Accepted, Undetermined, Untrusted} { // the worst last
		var from []int
		for i := range r.Tasks {
			if r.Tasks[i].Verdict == v {
				from = append(from, i)
			}
		}
		for i := range reachAll(from, users) {
			r.Tasks[i].Verdict = worse(r.Tasks[i].Verdict, v)
		}
	}
}

type taskRun struct {
	task string
	run  int
}

// verdicts are those of the reported runs.
func (r *Report) verdicts() map[taskRun]Verdict {
	of := make(map[taskRun]Verdict, len(r.Tasks))
	for _, t := range r.Tasks {
		if t.RunID != nil {
			of[taskRun{t.TaskID, *t.RunID}] = t.Verdict
		}
	}
	return of
}

// worse gives the worse of two verdicts; of equals the first.
func worse(a, b Verdict) Verdict {
	if rank(b) > rank(a) {
		return b
	}
	return a
}

func rank(v Verdict) int { return slices.Index([]Verdict{Accepted, Undetermined, Untrusted}, v) }

func (r *Report) count(t Task) {
	switch {
	case t.Listed:
		r.Summary.Listed++
	case t.Verdict.OK():
		r.Summary.Verified++
	case t.Verdict == Undetermined:
		r.Summary.Undetermined++
	default:
		r.Summary.Untrusted++
	}
	if t.Status == "unsigned" {
		r.Summary.Unsigned++
	}
	for _, in := range t.Inputs {
		if !in.Pinned {
			r.Summary.Unpinned++
		}
	}
}

// heals tells whether every error that is a cause may go away by itself.
func heals(findings []Finding) bool {
	some := false
	for _, f := range findings {
		if f.Severity != SeverityError || f.derived {
			continue
		}
		if !f.Heals {
			return false
		}
		some = true
	}
	return some
}

// verdictOf judges by findings; healing says how derived ones count.
func verdictOf(findings []Finding, healing bool, scope Scope) Verdict {
	v := Verified
	if scope == ScopeSignature {
		v = Signed
	}
	for _, f := range findings {
		switch {
		case f.Severity == SeverityWarning && f.Accepted != "":
			if v == Verified || v == Signed {
				v = Accepted
			}
		case f.Severity == SeverityWarning:
		case f.Heals, f.derived && healing:
			if v != Untrusted {
				v = Undetermined
			}
		default:
			v = Untrusted
		}
	}
	return v
}

// ExitCode is the exit code that stands for a verdict; an unknown verdict is a
// failure.
func ExitCode(v Verdict) int {
	switch v {
	case Verified, Signed, Accepted:
		return 0
	case Undetermined:
		return 75
	}
	return 1
}
