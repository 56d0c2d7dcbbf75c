package html

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// Bounds of what the page shows without its script.
const (
	maxWay       = 40
	maxCauses    = 50
	maxKinds     = 30
	maxSigners   = 200
	maxArtifacts = 100
	maxTasks     = 100
	maxTrees     = 10
	maxGroups    = 20
)

// page is what the template shows. Its texts are clean.
type page struct {
	Policy string
	Style  template.CSS
	Script template.JS
	Data   template.JS

	Title     string
	Verdict   verdict
	Good      bool
	Says      string // what a good verdict covers, or the first reason of a bad one
	Next      string
	NextPage  string
	Relaxed   []string
	Accepted  []string
	Notes     []string
	Facts     []fact
	Trees     []string
	MoreTrees int

	Way       []place
	WayTree   *trace.Tree
	WayAbout  string // what the way leads to, and past how many it goes
	Artifact  *artifact
	Causes    []cause
	MoreCause int
	Warnings  []warning

	Kinds     []kind
	Total     kind
	Signers   []signer
	MoreSigns int
	Artifacts []artifact
	MoreArts  int
	Tasks     []place
	MoreTasks int
}

// verdict is a word with a mark, so that no colour is needed to read it.
type verdict struct{ Word, Mark, Class string }

func verdictOf(v trace.Verdict) verdict {
	switch {
	case v == trace.Accepted:
		return verdict{word(v), "!", "warn"}
	case v.OK():
		return verdict{word(v), "✓", "ok"}
	case v == trace.Undetermined:
		return verdict{word(v), "?", "warn"}
	}
	return verdict{word(v), "✗", "bad"}
}

type fact struct {
	Name, Text string
	Mono       bool
}

// place is a task on the way, or of the list.
type place struct {
	Why, Name, Ref, Type, Pool, Signer, Status string
	Verdict                                    verdict
	Fault                                      bool // the first finding is about it
	Errors                                     int
	Skipped                                    int // tasks left out before it
}

type artifact struct {
	Name, Ref, SHA256, Size, Path string
	Verdict                       verdict
}

type signer struct {
	Method, Identity, KeyID, Certificate, Expires, Left string
	Class                                               string
	Tasks                                               int
	Share                                               string
}

// kind counts tasks.
type kind struct {
	Name                                                      string
	Tasks, Hold, Accepted, Open, Untrusted, Listed, NotSigned int
}

func newPage(r *trace.Report) (*page, error) {
	l := newLinks(r)
	encoded, err := encode(l)
	if err != nil {
		return nil, err
	}
	p := &page{
		Policy: policy(), Style: template.CSS(style), Script: template.JS(script()), Data: template.JS(encoded), //nolint:gosec // ours, and escaped JSON
		Verdict: verdictOf(r.Verdict), Good: r.Verdict.OK(), Facts: facts(r),
		Relaxed: cleaned(r.Policy.Relaxed), Accepted: cleaned(r.Accepted), Notes: cleaned(r.Notes),
	}
	p.Title = p.Verdict.Word + ": " + target(r)
	if r.Shard != nil {
		p.Title = p.Verdict.Word + ": " + r.Shard.String() + " alone, " + target(r)
	}
	groups := report.Groups(r)
	if r.Verdict.OK() {
		p.Says = report.Claim(r)
	} else {
		p.Says = report.Reason(r)
	}
	if len(groups) > 0 {
		p.Next, p.NextPage = report.Advice(groups[0].First), report.Page(groups[0].Rule)
	}
	p.trees(r)
	p.way(l, groups)
	p.causes(r, groups)
	p.warnings(r)
	p.kinds(r)
	p.signers(r)
	p.artifacts(r)
	p.tasks(r)
	return p, nil
}

func cleaned(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, report.Line(s, maxMessage))
	}
	return out
}

// target names what was asked for.
func target(r *trace.Report) string {
	groups := r.Target.Groups
	switch {
	case len(groups) == 1:
		return "task group " + report.Line(groups[0].ID, maxName)
	case len(groups) > 1:
		return fmt.Sprintf("task group %s and %s more", report.Line(groups[0].ID, maxName), grouped(len(groups)-1))
	case r.Target.TaskID != "":
		return report.Line(ref(r.Target.TaskID, r.Target.RunID), maxName)
	case len(r.Target.Tasks) == 1:
		return report.Line(r.Target.Tasks[0], maxName)
	case len(r.Target.Tasks) > 1:
		return fmt.Sprintf("%s and %s more", report.Line(r.Target.Tasks[0], maxName), grouped(len(r.Target.Tasks)-1))
	case len(r.Tasks) > 0:
		return report.Line(ref(r.Tasks[0].TaskID, r.Tasks[0].RunID), maxName)
	}
	return "nothing"
}

func facts(r *trace.Report) []fact {
	var out []fact
	add := func(name, text string, mono bool) {
		if text != "" {
			out = append(out, fact{name, report.Line(text, maxMessage), mono})
		}
	}
	add("Target", target(r), true)
	for _, g := range r.Target.Groups[:min(len(r.Target.Groups), maxGroups)] {
		about := counted(g.Tasks, "task")
		if g.Sealed != nil {
			about += "; sealed since " + moment(g.Sealed)
		}
		add("Task group "+report.Line(g.ID, maxName), about, false)
	}
	if f := r.Target.File; f != nil {
		add("File", f.Path, false)
		add("File sha256", f.SHA256, true)
	}
	if r.Shard != nil {
		add("Only", r.Shard.String(), false)
	}
	add("Expected tree", r.Target.Tree, false)
	add("Expected product", r.Target.Product, false)
	add("Expected repository", r.Target.Repository, false)
	if !r.VerifiedAt.IsZero() {
		add("Verified", moment(&r.VerifiedAt), false)
	}
	add("Judged as of", moment(r.At), false)
	switch r.Scope {
	case trace.ScopeTree:
		add("Scope", "the whole chain, back to the tree", false)
	case trace.ScopeSignature:
		add("Scope", "signatures only; the tree was not asked for", false)
	default:
		add("Scope", string(r.Scope), false)
	}
	add("Evidence", r.Evidence, false)
	if b := r.Bundle; b != nil {
		add("Recorded", moment(&b.RecordedAt), false)
		add("Bundle sha256", b.SHA256, true)
		add("Vouched for by", cmp.Or(b.VouchedBy, "nobody"), false)
	}
	add("Deployment", r.RootURL, false)
	add("Policy", r.Policy.Name, false)
	add("Policy sha256", r.Policy.SHA256, true)
	return out
}

func (p *page) trees(r *trace.Report) {
	seen := map[trace.Tree]bool{}
	for i := range r.Tasks {
		if t := r.Tasks[i].Tree; t != nil && !seen[*t] {
			seen[*t] = true
			if len(p.Trees) == maxTrees {
				p.MoreTrees++
				continue
			}
			p.Trees = append(p.Trees, report.Line(t.Repository+" at "+t.Revision, maxLine))
		}
	}
}

// way shows how the artifact leads to the tree; of a report that is refused, past
// the task that is at fault first.
func (p *page) way(l *links, groups []report.Group) {
	r, from := l.r, l.targets()
	if len(from) == 0 {
		return
	}
	to, fault := from[0], -1
	if len(groups) > 0 && len(groups[0].Tasks) > 0 {
		to = groups[0].Tasks[0]
		fault = to
	}
	whole := r.Target.Groups != nil
	if whole { // no task was named: it begins where something is wrong
		if i := badArtifact(r); fault < 0 && i >= 0 {
			to = i
		}
		from = []int{to}
	}
	way, found := l.way(from, to)
	if !found {
		p.WayAbout, way[0].why = "No task that was named rests on the one that is at fault first.", "at fault first"
	} else if len(from) > 1 {
		p.WayAbout = fmt.Sprintf("One of %s that were named.", grouped(len(from)))
	}
	skipped := max(0, len(way)-maxWay)
	for i, s := range way {
		if skipped > 0 && i > 0 && i <= skipped && s.task != fault {
			continue
		}
		pl := newPlace(&r.Tasks[s.task])
		pl.Why, pl.Fault = report.Line(s.why, maxName), s.task == fault
		p.Way = append(p.Way, pl)
	}
	if len(p.Way) > 1 {
		p.Way[1].Skipped = len(way) - len(p.Way)
	}
	if t := r.Tasks[way[len(way)-1].task].Tree; t != nil {
		p.WayTree = &trace.Tree{Repository: report.Line(t.Repository, maxLine), Revision: report.Line(t.Revision, maxName)}
	}
	first := &r.Tasks[way[0].task]
	for i := range r.Artifacts {
		if a := &r.Artifacts[i]; isOf(a, first) && !(whole && a.Verdict.OK()) {
			shown := newArtifact(a)
			p.Artifact = &shown
			return
		}
	}
	if whole && len(p.Way) > 0 && p.Way[0].Why == "" {
		p.Way[0].Why = "a task of the group"
	}
}

// badArtifact is the place of the task that made the first artifact that does not
// hold; -1 if all do.
func badArtifact(r *trace.Report) int {
	for i := range r.Artifacts {
		if a := &r.Artifacts[i]; !a.Verdict.OK() {
			return slices.IndexFunc(r.Tasks, func(t trace.Task) bool { return isOf(a, &t) })
		}
	}
	return -1
}

// isOf tells whether a run of a task made an artifact.
func isOf(a *trace.Artifact, t *trace.Task) bool {
	return t.RunID != nil && a.TaskID == t.TaskID && a.RunID == *t.RunID
}

func newPlace(t *trace.Task) place {
	pl := place{
		Name: report.Line(t.Name, maxName), Ref: report.Line(ref(t.TaskID, t.RunID), maxName),
		Type: report.Line(t.Type, maxName), Pool: report.Line(t.WorkerPool, maxName), Verdict: verdictOf(t.Verdict),
	}
	if t.Listed {
		pl.Verdict = verdict{report.Outcome(t), "–", "dim"}
	}
	if t.Status != "judged" {
		pl.Status = report.Line(t.Status, maxName)
	}
	if s := t.Signer; s != nil && s.Method == "none" {
		pl.Signer = "no signature that can be checked"
	} else if s != nil {
		pl.Signer = strings.TrimSpace(report.Line(s.Identity, maxLine) + " " + report.Line(s.Method, maxName) + " " + short(s.KeyID))
	}
	for _, f := range t.Findings {
		if f.Severity == trace.SeverityError && f.Accepted == "" {
			pl.Errors++
		}
	}
	return pl
}

// short shows enough of a key id to compare by eye; the signers' table has all.
func short(id string) string {
	id = report.Line(id, maxName)
	if len(id) > 16 && len([]rune(id)) == len(id) {
		return id[:16] + "…"
	}
	return id
}

func (p *page) kinds(r *trace.Report) {
	at := map[string]int{}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		name := report.Line(t.Type, maxName)
		if name == "" {
			name = "unknown"
		}
		j, ok := at[name]
		switch {
		case !ok && len(p.Kinds) == maxKinds:
			p.Kinds = append(p.Kinds, kind{Name: "other kinds"})
			fallthrough
		case !ok && len(p.Kinds) > maxKinds:
			j = maxKinds
		case !ok:
			j = len(p.Kinds)
			at[name] = j
			p.Kinds = append(p.Kinds, kind{Name: name})
		}
		p.Kinds[j].count(t)
		p.Total.count(t)
	}
}

func (k *kind) count(t *trace.Task) {
	k.Tasks++
	switch {
	case t.Listed:
		k.Listed++
	case t.Verdict == trace.Accepted:
		k.Accepted++
	case t.Verdict.OK():
		k.Hold++
	case t.Verdict == trace.Undetermined:
		k.Open++
	default:
		k.Untrusted++
	}
	if t.Status == "unsigned" {
		k.NotSigned++
	}
}

// soon is how long before its end a key or certificate is pointed out.
const soon = 30 * 24 * time.Hour

func (p *page) signers(r *trace.Report) {
	for _, s := range r.Signers {
		if len(p.Signers) == maxSigners {
			p.MoreSigns = len(r.Signers) - maxSigners
			return
		}
		row := signer{
			Method: report.Line(s.Method, maxName), Identity: report.Line(s.Identity, maxLine), KeyID: report.Line(s.KeyID, maxName),
			Certificate: report.Line(s.Certificate, maxLine), Tasks: s.Tasks,
		}
		if n := len(r.Tasks); n > 0 {
			row.Share = fmt.Sprintf("%.1f %%", 100*float64(s.Tasks)/float64(n))
		}
		row.Expires, row.Left, row.Class = "no end known", "", ""
		if s.NotAfter != nil {
			row.Expires = moment(s.NotAfter)
			left := s.NotAfter.Sub(r.VerifiedAt)
			switch days := int(left.Hours() / 24); {
			case left <= 0:
				row.Left, row.Class = "✗ over", "bad"
			case left < soon:
				row.Left, row.Class = "! in "+counted(days, "day"), "warn"
			default:
				row.Left = "in " + counted(days, "day")
			}
		}
		p.Signers = append(p.Signers, row)
	}
}

func (p *page) artifacts(r *trace.Report) {
	for i := range r.Artifacts {
		if i == maxArtifacts {
			p.MoreArts = len(r.Artifacts) - i
			return
		}
		p.Artifacts = append(p.Artifacts, newArtifact(&r.Artifacts[i]))
	}
}

func newArtifact(a *trace.Artifact) artifact {
	return artifact{
		Name: report.Line(a.Name, maxLine), Ref: report.Line(ref(a.TaskID, &a.RunID), maxName), SHA256: report.Line(a.SHA256, maxName),
		Size: size(*a), Path: report.Line(a.Path, maxLine), Verdict: verdictOf(a.Verdict),
	}
}

// tasks are those that don't hold before the others.
func (p *page) tasks(r *trace.Report) {
	for _, good := range []bool{false, true} {
		for i := range r.Tasks {
			if t := &r.Tasks[i]; t.Verdict.OK() != good {
				continue
			} else if len(p.Tasks) < maxTasks {
				p.Tasks = append(p.Tasks, newPlace(t))
			} else {
				p.MoreTasks++
			}
		}
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}

// grouped writes a number as people read it: 20,000.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
