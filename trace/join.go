package trace

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// entry is a run, as all parts together have it.
type entry struct {
	task  Task
	link  ShardLink
	rests map[*entry]bool
	place int  // in the report
	old   bool // of a task that was judged just now: what a part saw of it before
}

// joint is a report that is being joined from others.
type joint struct {
	entries  map[string]*entry // by Task.ref
	read     []Artifact        // whose bytes some part read
	order    []*entry
	findings []Finding // of the request as a whole
}

// join makes one report of the parts', of that on their tasks, and of what was
// judged while the groups were listed again.
func (m *merge) join(own *Report, live *chain) *Report {
	w := live.whole
	r := live.report(nil)
	j := &joint{entries: map[string]*entry{}}
	fresh := map[string]bool{} // tasks that were judged just now
	for i := range r.Tasks {
		fresh[r.Tasks[i].TaskID] = true
	}
	for _, p := range m.parts {
		j.addRead(p.Report)
		j.add(p.Report, p.Shard.Links, func(t *Task) bool {
			id, err := graph.ParseTaskID(t.TaskID)
			return err == nil && w.self[id] && fresh[t.TaskID]
		})
	}
	now := func(*Task) bool { return false }
	j.add(r, live.shardLinks(r, live.allLinks()), now)
	if len(m.members) > 0 {
		j.add(own, m.tasks.shardLinks(own, m.tasks.allLinks()), now)
	}
	j.prune()
	m.checkMembers(j, live)
	j.checkDuplicates()
	j.checkRestricted()
	j.checkIndexed()
	j.checkImages()
	j.checkInputs()

	r.Findings = append(r.Findings, j.findings...)
	signed := map[graph.TaskID]bool{}
	for _, e := range j.order {
		if id, err := graph.ParseTaskID(e.task.TaskID); err == nil && !e.task.Listed && e.task.RunID != nil {
			signed[id] = true
		}
	}
	for _, g := range w.groups {
		if f := nothingJudged(g, signed); f != nil {
			r.AddFinding(*f)
		}
	}
	if len(m.target.Files) > 0 {
		f := refusal("nobody vouches for reports that are files of the caller's", "let the tasks publish them, and name those: TASK_ID:ARTIFACT")
		f.Heals, f.Got = true, len(m.target.Files)
		r.AddFinding(f)
	}
	j.into(r, w)
	r.Artifacts = append(r.Artifacts, j.read...)
	m.note(r, w)
	r.Conclude()
	return r
}

// add takes up what a report says; old tells what others say again.
func (j *joint) add(r *Report, links []ShardLink, old func(*Task) bool) {
	at := make([]*entry, len(r.Tasks))
	for i := range r.Tasks {
		t := &r.Tasks[i]
		e := j.entries[t.ref()]
		if e == nil {
			e = &entry{rests: map[*entry]bool{}, old: true}
			j.entries[t.ref()] = e
			j.order = append(j.order, e)
			e.task, e.link = *t, links[i]
			e.task.Findings = slices.Clone(t.Findings)
		} else {
			j.unite(e, t, &links[i])
		}
		e.old = e.old && old(t)
		at[i] = e
	}
	for i, e := range at {
		for _, on := range r.Tasks[i].rests {
			if at[on] != e {
				e.rests[at[on]] = true
			}
		}
	}
}

// addRead takes up which artifacts a part read, each once. What one part found wrong
// is wrong.
func (j *joint) addRead(r *Report) {
	at := make(map[artifactKey]int, len(j.read))
	for i, a := range j.read {
		at[a.key()] = i
	}
	for _, a := range r.Artifacts {
		i, known := at[a.key()]
		switch {
		case !known:
			j.read = append(j.read, a)
		case len(j.read[i].Findings) == 0:
			j.read[i] = a
		}
	}
}

// prune drops what is old, unless something else rests on it.
func (j *joint) prune() {
	keep := map[*entry]bool{}
	var next []*entry
	for _, e := range j.order {
		if !e.old {
			next = append(next, e)
		}
	}
	for len(next) > 0 {
		e := next[len(next)-1]
		next = next[:len(next)-1]
		if keep[e] {
			continue
		}
		keep[e] = true
		for on := range e.rests {
			next = append(next, on)
		}
	}
	j.order = slices.DeleteFunc(j.order, func(e *entry) bool { return !keep[e] })
	maps.DeleteFunc(j.entries, func(_ string, e *entry) bool { return !keep[e] })
}

// unite puts together what two say of a run. What is wrong in either is wrong.
func (j *joint) unite(e *entry, t *Task, l *ShardLink) {
	if a, b := e.task.DocumentSHA256, t.DocumentSHA256; a != "" && b != "" && a != b {
		f := refusal(fmt.Sprintf("two parts saw different documents of %s", t.ref()), "don't use it: the document was replaced between them; then rerun the parts")
		f.Want, f.Got = a, b
		j.findings = append(j.findings, f.withDefaults())
	}
	switch {
	case e.task.Listed && !t.Listed: // what was judged says the same, and more
		known := e.link
		e.task, e.link = *t, *l
		e.task.Findings = slices.Clone(t.Findings)
		l = &known
	case !e.task.Listed && t.Listed:
	default:
		for _, f := range t.Findings {
			if !slices.ContainsFunc(e.task.Findings, f.same) {
				e.task.Findings = append(e.task.Findings, f)
			}
		}
	}
	if e.task.DocumentSHA256 == "" && t.DocumentSHA256 != "" {
		e.task.DocumentSHA256, e.task.Signer, e.task.Status, e.task.Image = t.DocumentSHA256, t.Signer, t.Status, t.Image
	}
	if kindRank(t.Type) < kindRank(e.task.Type) { // only some of them saw how it is used
		e.task.Type = t.Type
	}
	if !slices.EqualFunc(e.task.Inputs, t.Inputs, Input.same) {
		for _, in := range t.Inputs {
			if !slices.ContainsFunc(e.task.Inputs, in.same) {
				e.task.Inputs = append(slices.Clip(e.task.Inputs), in)
			}
		}
	}
	if e.link.Signers == nil {
		e.link.Signers = l.Signers
	}
	if e.link.Artifacts == nil {
		e.link.Artifacts = l.Artifacts
	}
	if e.link.Duplicate == nil {
		e.link.Duplicate = l.Duplicate
	}
	e.task.Restricted = e.task.Restricted || t.Restricted
}

// same tells whether two say the same of one run.
func (f Finding) same(g Finding) bool {
	return f.Rule == g.Rule && f.Severity == g.Severity && f.Path == g.Path && f.Message == g.Message && f.Heals == g.Heals && f.Accepted == g.Accepted
}

func (in Input) same(other Input) bool {
	run := (in.RunID == nil) == (other.RunID == nil) && (in.RunID == nil || *in.RunID == *other.RunID)
	return run && in.TaskID == other.TaskID && in.Reason == other.Reason && in.Artifact == other.Artifact && in.Pinned == other.Pinned
}

// kindRank orders kinds as kindOf decides them.
func kindRank(kind string) int {
	order := []string{string(KindDecision), string(KindAction), string(KindScriptworker), string(KindDockerImage)}
	if i := slices.Index(order, kind); i >= 0 {
		return i
	}
	return len(order)
}

// leave adds a finding to a run.
func (e *entry) leave(f Finding) {
	if f = f.withDefaults(); !slices.ContainsFunc(e.task.Findings, f.same) {
		e.task.Findings = append(e.task.Findings, f)
	}
}

// checkMembers: each task of the groups is in the report of its part, as it is now.
func (m *merge) checkMembers(j *joint, live *chain) {
	w := live.whole
	byPart := map[int]*partReport{}
	for _, p := range m.parts {
		byPart[p.K] = p
	}
	for _, t := range w.listed {
		if !w.member[t.ID] || w.self[t.ID] { // those were judged just now
			continue
		}
		p := byPart[partOf(t.ID, m.parts[0].Shard.N)]
		places := p.of[t.ID.String()]
		var e *entry
		for _, i := range places {
			if found := j.entries[p.Tasks[i].ref()]; e == nil || found != nil && found.task.RunID != nil {
				e = found
			}
		}
		if e == nil {
			_, said := slices.BinarySearch(p.Shard.Tasks, t.ID.String())
			f := refusal(fmt.Sprintf("%s of %s does not have task %s", p.name(), p.Shard.Part, t.ID), "rerun the part's task, and merge again")
			if !said { // it joined since
				f.Rule, f.Heals = RuleReportOutdated, true
			}
			j.findings = append(j.findings, f.withDefaults())
			continue
		}
		if done := t.CompletedRuns(); len(done) > 0 {
			ref := graph.RunRef{Task: t.ID, Run: done[0].ID}
			// A part may have the run from when it was still going on: as an input.
			if !slices.ContainsFunc(places, func(i int) bool { return p.Tasks[i].ref() == ref.String() && p.Tasks[i].Status != "unfinished" }) {
				e.leave(Finding{
					Rule: RuleReportOutdated, Heals: true, Want: ref.String() + ", completed", Got: e.task.ref() + ", " + e.task.Status,
					Message: fmt.Sprintf("run %s was completed since %s was verified", ref, p.Shard.Part),
					Hint:    fmt.Sprintf("rerun the task of %s, and merge again", p.Shard.Part),
				})
			}
		}
		if m.target.RequireFinished && t.State.Open() && !slices.ContainsFunc(e.task.Findings, func(f Finding) bool { return f.Rule == RuleRunNotCompleted && f.Severity == SeverityError }) {
			e.leave(Finding{
				Rule: RuleRunNotCompleted, Heals: true, Want: "a task that is finished", Got: string(t.State),
				Message: "the task is not finished", Hint: "wait until it is finished",
			})
		}
	}
}

// checkDuplicates: an entry of a task graph stands for no more tasks than it says,
// however many parts those are in.
func (j *joint) checkDuplicates() {
	of := map[string][]*entry{}
	for _, e := range j.order {
		if d := e.link.Duplicate; d != nil {
			of[d.Run+" "+d.Of] = append(of[d.Run+" "+d.Of], e)
		}
	}
	for _, list := range of {
		slices.SortFunc(list, func(a, b *entry) int { return cmp.Compare(a.task.ref(), b.task.ref()) })
		seen := map[string]bool{}
		for _, e := range list {
			seen[e.task.TaskID] = true
			if d := e.link.Duplicate; int64(len(seen)) > d.Most {
				e.leave(Finding{
					Rule: RuleNotInTaskGraph, Path: "/" + e.task.TaskID, Want: fmt.Sprintf("at most %d tasks beside entry %s", d.Most, d.Of), Got: len(seen),
					Message: fmt.Sprintf("the task is in no task graph of its parent %s, and there are more like it than the graph asks for", e.task.Parent),
					Hint:    "somebody created the task by other means than its parent",
				})
			}
		}
	}
}

// checkRestricted: where a task has a restricted scope, nothing is a contribution's,
// whichever part found that.
func (j *joint) checkRestricted() {
	var from *entry
	for _, e := range j.order {
		if from == nil && slices.ContainsFunc(e.task.Findings, func(f Finding) bool { return f.Rule == RuleUntrustedContrib }) {
			from = e
		}
	}
	for _, e := range j.order {
		if from == nil || !e.task.Restricted || e.task.Listed || hasRule(e.task.Findings, RuleRestrictedScope) {
			continue
		}
		e.leave(Finding{
			Rule: RuleRestrictedScope, Path: "/scopes", Got: from.task.ref(),
			Message: fmt.Sprintf("the task has a restricted scope, but task %s comes from a contribution", from.task.TaskID),
		})
	}
}

func hasRule(findings []Finding, rule Rule) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Rule == rule && f.Severity == SeverityError })
}

// checkInputs: what some part found untrusted reached no task that is judged.
func (j *joint) checkInputs() {
	for again := true; again; {
		again = false
		for _, e := range j.order {
			if e.task.Listed {
				continue
			}
			for _, in := range e.task.Inputs {
				again = j.checkInput(e, in) || again
			}
		}
	}
}

func (j *joint) checkInput(e *entry, in Input) (added bool) {
	if in.TaskID == "" || in.RunID == nil {
		return false // a finding of the part says so
	}
	ref := fmt.Sprintf("%s/%d", in.TaskID, *in.RunID)
	from := j.entries[ref]
	if from != nil && from.task.DocumentSHA256 != "" && !hasErrors(from.task.Findings) {
		return false
	}
	if slices.ContainsFunc(e.task.Findings, func(f Finding) bool { return f.Rule == RuleInputUnverified && f.Got == ref }) {
		return false
	}
	f := Finding{Rule: RuleInputUnverified, Got: ref, Hint: "see what is wrong with that task", derived: from != nil}
	f.Message = fmt.Sprintf("an input (%s %s) comes from %s, which does not verify", in.Reason, in.Artifact, ref)
	if from == nil {
		f.Message = fmt.Sprintf("an input (%s %s) comes from %s, which no part looked at", in.Reason, in.Artifact, ref)
	}
	e.leave(f)
	return true
}

// into writes what was joined into a report: the groups' tasks as they are listed,
// then all others.
func (j *joint) into(r *Report, w *wholeGraph) {
	listed := map[string]int{}
	for i, t := range w.listed {
		listed[t.ID.String()] = i - len(w.listed)
	}
	slices.SortStableFunc(j.order, func(a, b *entry) int { return cmp.Compare(listed[a.task.TaskID], listed[b.task.TaskID]) })
	r.Tasks = make([]Task, len(j.order))
	r.documents = map[graph.RunRef]*vouched{}
	for i, e := range j.order {
		e.place = i
	}
	for i, e := range j.order {
		t := e.task
		t.rests = nil
		for on := range e.rests {
			t.rests = append(t.rests, on.place)
		}
		slices.Sort(t.rests)
		r.Tasks[i] = t
		if id, err := graph.ParseTaskID(t.TaskID); err == nil && w.member[id] && t.RunID != nil && !t.Listed && len(e.link.Artifacts) > 0 {
			d := &vouched{given: e.link.Artifacts}
			for _, a := range d.given {
				d.names = append(d.names, a.Name)
			}
			r.documents[graph.RunRef{Task: id, Run: graph.RunID(*t.RunID)}] = d
		}
	}
	r.Signers = signerUses(func(yield func([]SignerUse) bool) {
		for _, e := range j.order {
			if !yield(e.link.Signers) {
				return
			}
		}
	})
}

// note says what the report is made of, and what is not in the parts.
func (m *merge) note(r *Report, w *wholeGraph) {
	for _, p := range m.parts {
		r.Joins = append(r.Joins, p.Joined)
	}
	slices.SortFunc(r.Joins, func(a, b Joined) int { return cmp.Compare(a.K, b.K) })
	if m.parts[0].Shard.Compared == "" {
		r.Notes = append(r.Notes, "the parts read no artifacts where they are stored: what tasks took from others was not compared with what was signed")
	}
	var own []string
	for _, id := range slices.SortedFunc(maps.Keys(w.self), compareIDs) {
		if w.member[id] {
			own = append(own, id.String())
		}
	}
	if len(own) > 0 {
		const most = 10
		more := ""
		if len(own) > most {
			own, more = own[:most], fmt.Sprintf(" and %d more", len(own)-most)
		}
		r.Notes = append(r.Notes, "what the verification itself runs in, and what depends on that, was looked at by merge; what of it is not completed is listed: "+strings.Join(own, ", ")+more)
	}
}
