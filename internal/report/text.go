package report

import (
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/trace"
)

// TextOptions shape the text, never what it claims.
type TextOptions struct {
	Color   bool   // ANSI colours
	Verbose bool   // every warning, every task, every artifact
	Dest    string // where artifacts' paths begin, with slashes
}

// Lists longer than these are cut unless the text is verbose.
const (
	briefTasks     = 12
	briefArtifacts = 20
	briefFindings  = 10
	briefTrees     = 10
	briefNotes     = 50
)

// Text writes the report for a person. The first line is the verdict and, if
// it is not good, the first reason; what to do about it comes next.
func Text(w io.Writer, r *trace.Report, o TextOptions) error {
	t := &text{o: o}
	if r.Verdict.OK() {
		t.success(r)
	} else {
		t.refusal(r)
	}
	t.warnings(r)
	t.footer(r)
	_, err := io.WriteString(w, t.b.String())
	return err
}

type text struct {
	b strings.Builder
	o TextOptions
}

func (t *text) printf(format string, args ...any) { fmt.Fprintf(&t.b, format, args...) }

const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

func (t *text) color(code, s string) string {
	if !t.o.Color {
		return s
	}
	return code + s + reset
}

func (t *text) success(r *trace.Report) {
	t.printf("%s: %s\n", t.color(green+bold, string(r.Verdict)), claim(r))
	t.trees(r)
	if t.large(r) {
		t.overview(r)
	} else {
		t.tasks(r)
	}
	t.artifacts(r)
}

// claim says what the verdict covers.
func claim(r *trace.Report) string {
	what := count(len(r.Tasks)-listed(r), "task")
	if n := listed(r); n > 0 {
		what += fmt.Sprintf(", and %d only listed", n)
	}
	if n := len(r.Artifacts); n > 0 {
		what = count(n, "artifact") + ", " + what
	}
	what = part(r) + what
	switch {
	case len(r.Tasks) == 0 && len(r.Artifacts) == 0 && r.Shard != nil:
		return part(r) + "which has no task"
	case len(r.Tasks) == 0 && len(r.Artifacts) == 0:
		return "no task's artifact was asked for"
	case r.Verdict == trace.Signed:
		return what + "; signatures only, the tree was not asked for"
	case r.Verdict == trace.Accepted && len(r.Accepted) > 0:
		return what + "; accepted by " + Clean(strings.Join(r.Accepted, ", "))
	}
	return what
}

// listed counts the tasks that a whole graph only lists: no verdict is about them.
func listed(r *trace.Report) int {
	n := 0
	for i := range r.Tasks {
		if r.Tasks[i].Listed {
			n++
		}
	}
	return n
}

// part names the part of its groups that a report is about; empty: all.
func part(r *trace.Report) string {
	if r.Shard == nil {
		return ""
	}
	return r.Shard.String() + " alone, "
}

// trees gives the distinct trees of the report's tasks, in report order.
func trees(r *trace.Report) []string {
	var out []string
	seen := map[string]bool{}
	for _, task := range r.Tasks {
		if task.Tree == nil {
			continue
		}
		s := Clean(task.Tree.Repository + " at " + task.Tree.Revision)
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// chain lists the tasks of a refusal, if it is about any.
func (t *text) chain(r *trace.Report) {
	if len(r.Tasks) > 0 {
		t.printf("chain:\n")
		t.tasks(r)
	}
}

func (t *text) tasks(r *trace.Report) {
	for i := range r.Tasks {
		if !t.o.Verbose && i == briefTasks {
			t.printf("  and %s (-v lists them)\n", count(len(r.Tasks)-i, "further task"))
			return
		}
		t.task(&r.Tasks[i])
	}
}

func (t *text) task(task *trace.Task) {
	t.printf("  %s  %s", t.outcome(task), taskLabel(task))
	var about []string
	for _, s := range []string{task.Type, task.WorkerPool} {
		if s != "" {
			about = append(about, Clean(s))
		}
	}
	if len(about) > 0 {
		t.printf(", %s", strings.Join(about, " in "))
	}
	t.printf("\n")
	if s := task.Signer; s != nil && s.Method == "none" {
		t.printf("      no signature that can be checked\n")
	} else if s != nil {
		t.printf("      signed by %s\n", signer(s))
	} else if task.Status != "" && task.Status != "judged" && task.RunID != nil {
		t.printf("      %s\n", Clean(task.Status))
	}
	if task.ReliesOn != "" {
		t.printf("      its chain as the report %s found it\n", clip(Clean(task.ReliesOn), maxShown))
	}
	if t.o.Verbose {
		for _, c := range task.Claims {
			t.printf("      the task's own word: %s\n", Clean(c))
		}
	}
}

// signer is "docker-worker, key 92a1..., 2026-06-15T06:28:06Z by the queue".
func signer(s *trace.Signer) string {
	var parts []string
	if s.Identity != "" {
		parts = append(parts, Clean(s.Identity))
	}
	parts = append(parts, strings.TrimSpace(Clean(s.Method)+" "+short(Clean(s.KeyID))))
	if s.SignedAt != nil {
		at := s.SignedAt.UTC().Format(time.RFC3339)
		if s.TimeSource != "" {
			at += " by the " + Clean(s.TimeSource)
		}
		parts = append(parts, at)
	}
	return strings.Join(parts, ", ")
}

// outcome is a task's verdict; of one that is only listed, that.
func (t *text) outcome(task *trace.Task) string {
	if task.Listed {
		return Outcome(task)
	}
	return t.verdict(task.Verdict)
}

func (t *text) verdict(v trace.Verdict) string {
	switch {
	case v.OK():
		return t.color(green, string(v))
	case v == trace.Undetermined:
		return t.color(yellow, string(v))
	case v == "":
		return t.color(red, "not checked")
	}
	return t.color(red, string(v))
}

func (t *text) artifacts(r *trace.Report) {
	if f := r.Target.File; f != nil && len(r.Artifacts) > 0 {
		t.printf("file %s, sha256 %s, is\n", clip(Clean(f.Path), maxShown), Clean(f.SHA256))
	}
	for i, a := range r.Artifacts {
		if !t.o.Verbose && i == briefArtifacts {
			t.printf("  and %s (-v lists them)\n", count(len(r.Artifacts)-i, "further artifact"))
			return
		}
		t.printf("  %s  %s", t.verdict(a.Verdict), Clean(a.Name))
		if a.Bytes > 0 || a.Hashed {
			t.printf("  %s", Size(a.Bytes))
		}
		if sum := a.SHA256; sum != "" {
			t.printf("  sha256 %s", short(Clean(sum)))
		}
		if !a.Hashed && a.Verdict.OK() {
			t.printf(" as signed; its bytes were not read")
		}
		t.place(a)
		t.printf("\n")
	}
}

// place says where an artifact went.
func (t *text) place(a trace.Artifact) {
	if a.Path == "" {
		return
	}
	t.printf("  -> %s", Clean(path.Join(t.o.Dest, a.Path)))
	switch {
	case a.Unpacked != nil:
		t.printf(" (%s unpacked)", count(*a.Unpacked, "file"))
	case a.Kept:
		t.printf(" (kept: it was there)")
	}
}

// headline is the line that says why the verdict is not good.
func (t *text) headline(r *trace.Report) {
	verdict, rest, _ := strings.Cut(Refusal(r), ": ")
	code := red + bold
	if r.Verdict == trace.Undetermined {
		code = yellow + bold
	}
	t.printf("%s: %s\n", t.color(code, verdict), rest)
}

func (t *text) refusal(r *trace.Report) {
	t.headline(r)
	errs, following := findings(r, trace.SeverityError), 0
	if !t.o.Verbose { // what follows stands below its cause, as a number
		causes := newNeeds(r).causes(r, errs)
		errs, following = causes, len(errs)-len(causes)
	}
	if t.large(r) || !t.o.Verbose && len(errs) > briefFindings {
		t.causes(r)
		if !t.large(r) {
			t.chain(r)
		}
		t.failedArtifacts(r)
		return
	}
	for i, f := range errs {
		if i > 0 {
			t.printf("  %s %s\n", t.color(red, "also"), line(f))
		}
		if i == 0 || advice(f.Finding) != advice(errs[i-1].Finding) {
			t.printf("  %s\n", next(f.Finding))
		}
	}
	if following > 0 {
		t.printf("  and %s (-v lists what)\n", followed(following, len(errs)))
	}
	t.chain(r)
	t.failedArtifacts(r)
}

// followed says how many findings have their cause in those that are shown.
func followed(n, causes int) string {
	from, verb := "these", "follow"
	if causes == 1 {
		from = "this"
	}
	if n == 1 {
		verb = "follows"
	}
	return count(n, "more finding") + " that " + verb + " from " + from
}

// next says what to do about a finding, and where to read more.
func next(f trace.Finding) string {
	s := "what to do: " + Clean(advice(f))
	if p := page(f.Rule); p != "" {
		s += "; see " + p
	}
	return s
}

func (t *text) failedArtifacts(r *trace.Report) {
	if r.Target.File != nil { // which artifact it would be is what was asked
		t.artifacts(r)
		return
	}
	good, bad := 0, 0
	for _, a := range r.Artifacts {
		switch {
		case a.Verdict.OK():
			good++
		default:
			bad++
		}
	}
	if good+bad > 0 {
		t.printf("  %s verified, %d not\n", count(good, "artifact"), bad)
	}
}

func (t *text) warnings(r *trace.Report) {
	allowed := accepted(r)
	for i, f := range allowed {
		if !t.o.Verbose && i == briefFindings {
			t.printf("  and %s that the flags accept (-v lists them)\n", count(len(allowed)-i, "further finding"))
			break
		}
		t.printf("  %s by %s: %s\n", t.color(yellow, "accepted"), Clean(f.Accepted), line(f))
	}
	list := findings(r, trace.SeverityWarning)
	limit := briefFindings
	switch {
	case t.o.Verbose:
	case !r.Verdict.OK():
		limit = 0 // they would only hide the reason
	default:
		list = t.unpinned(list)
	}
	for i, f := range list {
		if !t.o.Verbose && i == limit {
			t.printf("  and %s (-v lists them)\n", count(len(list)-i, "warning"))
			break
		}
		t.printf("  %s %s\n", t.color(yellow, "warning"), line(f))
	}
}

// unpinned counts the inputs that nothing pins in one line, and gives the other
// findings: a graph has many of them, and they are of one kind.
func (t *text) unpinned(list []subject) (others []subject) {
	n := 0
	for _, f := range list {
		if f.Rule == trace.RuleInputUnpinned && f.Got != nil {
			n++
		} else {
			others = append(others, f)
		}
	}
	if n > 0 {
		t.printf("  %s input-unpinned: nothing shows which bytes of %s these tasks really read (-v lists them)\n",
			t.color(yellow, "warning"), count(n, "input"))
	}
	return others
}

// accepted gives what holds only because the caller said so.
func accepted(r *trace.Report) []subject {
	var out []subject
	for i := range r.Tasks {
		for _, f := range r.Tasks[i].Findings {
			if f.Accepted != "" {
				out = append(out, subject{f, taskLabel(&r.Tasks[i]), i})
			}
		}
	}
	return out
}

func (t *text) footer(r *trace.Report) {
	t.distrusted(r)
	if t.o.Verbose {
		t.signers(r)
	}
	if r.At != nil {
		asked := "today"
		if r.Bundle != nil {
			asked = "when the evidence was recorded"
		}
		t.printf("  note judged as of %s; what queue, index and version control say is of %s\n", r.At.UTC().Format(time.RFC3339), asked)
	}
	if on := r.ReliesOn; on != nil {
		t.printf("  note relies for %s on the report %s/%d:%s of %s; only signatures and documents of these were checked again\n",
			count(on.Tasks, "task"), Clean(on.TaskID), on.RunID, clip(Clean(on.Artifact), maxShown), on.VerifiedAt.UTC().Format(time.RFC3339))
	}
	if len(r.Policy.Relaxed) > 0 {
		t.printf("  %s policy is looser than the default: %s\n", t.color(yellow, "note"), Clean(strings.Join(r.Policy.Relaxed, "; ")))
	}
	for i, n := range r.Notes {
		if !t.o.Verbose && i == briefNotes {
			t.printf("  and %s (-v lists them)\n", count(len(r.Notes)-i, "further note"))
			break
		}
		t.printf("  note %s\n", Clean(n))
	}
	for i, g := range r.Target.Groups {
		if !t.o.Verbose && i == briefGroups {
			t.printf("  and %s (-v lists them)\n", count(len(r.Target.Groups)-i, "further task group"))
			break
		}
		t.printf("  task group %s, %s\n", Clean(g.ID), count(g.Tasks, "task"))
	}
	if r.Policy.Name != "" {
		t.printf("  policy %s (sha256 %s), %s\n", Clean(r.Policy.Name), short(Clean(r.Policy.SHA256)), Clean(r.RootURL))
	}
}

// short shows enough of a digest to compare by eye; the JSON has all of it.
func short(hex string) string {
	if len(hex) > 16 {
		return hex[:16] + "..."
	}
	return hex
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// trees says what the tasks are made from: cached ones of a graph may be of many
// revisions.
func (t *text) trees(r *trace.Report) {
	list := trees(r)
	for i, tree := range list {
		if !t.o.Verbose && i == briefTrees {
			t.printf("  and %s (-v lists them)\n", count(len(list)-i, "further tree"))
			return
		}
		t.printf("  %s %s\n", madeFrom(r.Verdict), tree)
	}
}

// madeFrom introduces a tree: of a chain that does not hold it is a claim.
func madeFrom(v trace.Verdict) string {
	if v.OK() {
		return "made from"
	}
	return "claims to be made from"
}
