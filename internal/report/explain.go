package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/trace"
)

// Bounds of what is shown unless the text is verbose. What failed first is
// always shown.
const (
	briefNodes       = 40 // tasks of the tree
	briefBelow       = 8  // tasks below one of them
	briefReferences  = 4  // tasks that stand elsewhere in the tree
	briefExplained   = 20 // findings
	briefPerTaskRule = 3  // findings of one rule on one task
)

// Explain writes the chain as a tree that a person can follow: each target, below
// it what it rests on, and under each failed rule the evidence, what usually
// causes it and what to do. The first lines are those of Text.
func Explain(w io.Writer, r *trace.Report, o TextOptions) error {
	t := &text{o: o}
	if r.Verdict.OK() {
		t.printf("%s: %s\n", t.color(green+bold, string(r.Verdict)), claim(r))
	} else {
		t.headline(r)
		if errs := findings(r, trace.SeverityError); len(errs) > 0 {
			t.printf("  %s\n", next(errs[0].Finding))
		}
	}
	t.trees(r)
	t.artifacts(r)
	e := &explanation{text: t, told: map[trace.Rule]string{}, namesakes: map[string]int{}, oneTree: len(trees(r)) == 1}
	for i := range r.Tasks {
		e.namesakes[r.Tasks[i].Name]++
		e.oneTree = e.oneTree && r.Tasks[i].Tree != nil
	}
	roots := chainOf(r)
	e.show = e.choose(roots)
	for _, n := range roots {
		t.printf("\n")
		e.node(n, "", "", "")
	}
	e.findings("", r.Findings)
	walk(roots, e.unseen)
	if e.skipped > 0 {
		t.printf("\nand %s (-v shows them)\n", count(e.skipped, "further finding"))
	}
	if n := e.warnings; n > 0 {
		t.printf("\n%s (-v shows them)\n", count(n, "warning"))
	}
	t.printf("\n")
	t.footer(r)
	_, err := io.WriteString(w, t.b.String())
	return err
}

// explanation is a tree being written.
type explanation struct {
	*text
	show              map[*chainNode]bool
	told              map[trace.Rule]string // what to do, as it was last said for the rule
	namesakes         map[string]int        // tasks of each name
	oneTree           bool                  // all tasks are of it
	explained         int
	skipped, warnings int // findings that were left out
}

// choose picks the tasks that are shown: those near the top, and before them
// those that don't hold.
func (e *explanation) choose(roots []*chainNode) map[*chainNode]bool {
	show := map[*chainNode]bool{}
	if e.o.Verbose {
		walk(roots, func(n *chainNode) { show[n] = true })
		return show
	}
	if n := firstBad(roots); n != nil {
		for ; n != nil; n = n.up {
			show[n] = true
		}
	}
	for level := slices.Clone(roots); len(level) > 0; {
		n := level[0]
		level = level[1:]
		if !show[n] && len(show) >= briefNodes {
			continue
		}
		show[n] = true
		below, shown := slices.Clone(n.below), 0
		slices.SortStableFunc(below, func(a, b edge) int { return badness(b.to.task) - badness(a.to.task) })
		for _, edge := range below {
			if shown < briefBelow || show[edge.to] {
				level, shown = append(level, edge.to), shown+1
			}
		}
	}
	return show
}

// firstBad is the task with the finding of the first line.
func firstBad(roots []*chainNode) *chainNode {
	var worst *chainNode
	weight := 0
	var all []*chainNode
	walk(roots, func(n *chainNode) { all = append(all, n) })
	slices.SortStableFunc(all, func(a, b *chainNode) int { return a.place - b.place })
	for _, n := range all {
		if b := badness(n.task); b > weight {
			worst, weight = n, b
		}
	}
	return worst
}

// badness orders tasks as findings orders what was found on them.
func badness(t *trace.Task) int {
	worst := 0
	for _, f := range t.Findings {
		switch {
		case f.Severity != trace.SeverityError || f.Accepted != "":
		case f.Derived():
			worst = max(worst, 2)
		case f.Heals:
			worst = max(worst, 3)
		default:
			return 4
		}
	}
	if worst == 0 && !t.Verdict.OK() && !t.Listed {
		return 1
	}
	return worst
}

// node writes a task and what is below it. first begins its line, rest the lines
// after that; why is the reason that it is there.
func (e *explanation) node(n *chainNode, first, rest, why string) {
	task := n.task
	if why != "" {
		why += ": "
	}
	label := clip(Clean(task.Name), maxShown)
	if label == "" {
		label = "(no name)"
	}
	e.printf("%s%s%s %s  %s  %s\n", first, why, e.mark(task), label, taskRef(task), e.outcome(task))
	shown, hidden := e.below(n)
	bar := rest
	if len(shown) > 0 || hidden != "" {
		bar += "│ "
	} else {
		bar += "  "
	}
	e.printf("%s  %s\n", bar, e.about(task))
	if s := e.elsewhere(n); s != "" {
		e.printf("%s  %s\n", bar, s)
	}
	e.findings(bar+"  ", task.Findings)
	for i, edge := range shown {
		if i == len(shown)-1 && hidden == "" {
			e.node(edge.to, rest+"└ ", rest+"  ", reasons(edge))
		} else {
			e.node(edge.to, rest+"├ ", rest+"│ ", reasons(edge))
		}
	}
	if hidden != "" {
		e.printf("%s└ %s\n", rest, hidden)
	}
}

// below gives what is shown below a task, and words for what is not.
func (e *explanation) below(n *chainNode) (shown []edge, hidden string) {
	left, bad, only := 0, 0, 0
	for _, edge := range n.below {
		if e.show[edge.to] {
			shown = append(shown, edge)
			continue
		}
		left++
		switch {
		case edge.to.task.Listed:
			only++
		case !edge.to.task.Verdict.OK():
			bad++
		}
	}
	switch {
	case left == 0:
		return shown, ""
	case bad+only == 0:
		return shown, "and " + count(left, "further task") + ", all of which hold (-v shows them)"
	case bad == 0:
		return shown, "and " + count(left, "further task") + fmt.Sprintf(", of which %d only listed (-v shows them)", only)
	}
	return shown, "and " + count(left, "further task") + ", of which " + count(bad, "task") + " don't hold (-v shows them)"
}

// unseen counts what was found on a task that is not shown.
func (e *explanation) unseen(n *chainNode) {
	if e.show[n] {
		return
	}
	for _, f := range n.task.Findings {
		if f.Severity == trace.SeverityError || f.Accepted != "" {
			e.skipped++
		} else {
			e.warnings++
		}
	}
}

func (e *explanation) mark(t *trace.Task) string {
	switch v := t.Verdict; {
	case t.Listed:
		return "–"
	case v.OK():
		return e.color(green, "✓")
	case v == trace.Undetermined:
		return e.color(yellow, "?")
	}
	return e.color(red, "✗")
}

// about is a task's kind, pool, signer and tree; one that is all tasks' stands at
// the top.
func (e *explanation) about(task *trace.Task) string {
	var parts []string
	if s := strings.Trim(Clean(task.Type)+" in "+Clean(task.WorkerPool), " "); s != "in" {
		parts = append(parts, s)
	}
	switch s := task.Signer; {
	case s != nil && s.Method == "none":
		parts = append(parts, "no signature that can be checked")
	case s != nil:
		parts = append(parts, "signed by "+signer(s))
	case task.Status != "" && task.Status != "judged":
		parts = append(parts, Clean(task.Status))
	default:
		parts = append(parts, "no signer is established")
	}
	if tree := task.Tree; tree != nil && (e.o.Verbose || !e.oneTree) {
		_, repository, _ := strings.Cut(Clean(tree.Repository), "://")
		revision := Clean(tree.Revision)
		from := "from "
		if !task.Verdict.OK() {
			from = "claims to be from "
		}
		parts = append(parts, from+repository+" at "+revision[:min(12, len(revision))])
	}
	return strings.Join(parts, "; ")
}

// reasons says why a task is below another.
func reasons(e edge) string {
	var words []string
	for _, r := range e.reasons {
		switch r {
		case reasonParent:
			r = "created by"
		case reasonReport:
			r = "verified by"
		case reasonRest:
			r = "besides"
		}
		words = append(words, Clean(r))
	}
	return strings.Join(words, ", ")
}

// elsewhere names what a task rests on that stands in another place of the tree: by
// name alone where that tells it, as what and where if the text is verbose.
func (e *explanation) elsewhere(n *chainNode) string {
	var words []string
	for i, o := range n.others {
		if !e.o.Verbose && i == briefReferences {
			words = append(words, count(len(n.others)-i, "other"))
			break
		}
		name := clip(Clean(o.to.task.Name), 60)
		if e.o.Verbose || name == "" || e.namesakes[o.to.task.Name] > 1 || !e.show[o.to] {
			name = strings.TrimSpace(name + " " + taskRef(o.to.task))
		}
		var about []string
		if e.o.Verbose {
			about = append(about, reasons(o))
		}
		switch {
		case !e.show[o.to]:
			about = append(about, "not shown")
		case o.to.at > n.at:
			about = append(about, "below")
		case e.o.Verbose:
			about = append(about, "above")
		}
		if about != nil {
			name += " (" + strings.Join(about, ", ") + ")"
		}
		words = append(words, name)
	}
	if len(words) == 0 {
		return ""
	}
	return "also rests on " + strings.Join(words, ", ")
}
