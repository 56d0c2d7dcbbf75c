package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/trace"
)

// Bounds of what is shown of a large graph unless the text is verbose.
const (
	briefGroups   = 10 // causes
	briefExamples = 3  // tasks of one cause
	briefKinds    = 8  // kinds, statuses
)

// large tells whether a report has too many tasks to be read one by one.
func (t *text) large(r *trace.Report) bool { return !t.o.Verbose && len(r.Tasks) > briefTasks }

// overview counts the tasks instead of listing them.
func (t *text) overview(r *trace.Report) {
	verdicts, statuses, kinds, groups := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for i := range r.Tasks {
		task := &r.Tasks[i]
		verdicts[Outcome(task)]++
		statuses[cmp.Or(task.Status, "no status")]++
		kinds[cmp.Or(task.Type, "no kind")]++
		groups[task.Group]++
	}
	t.printf("  %s: %s (-v lists them)\n", count(len(r.Tasks), "task"), counted(verdicts))
	t.printf("    by status: %s\n", counted(statuses))
	t.printf("    by kind: %s\n", counted(kinds))
	if len(groups) > 1 {
		t.printf("    of %s\n", count(len(groups), "task group"))
	}
}

// Outcome is a task's verdict in a word; of one that a whole graph only lists, that.
func Outcome(t *trace.Task) string {
	if t.Listed {
		return "listed"
	}
	return cmp.Or(Clean(string(t.Verdict)), "not checked")
}

// counted writes how many there are of each, most first.
func counted(of map[string]int) string {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
	})
	var parts []string
	for i, name := range names {
		if i == briefKinds {
			parts = append(parts, fmt.Sprintf("%d others", len(names)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%d %s", of[name], clip(Clean(name), maxShown)))
	}
	return strings.Join(parts, ", ")
}

// causes writes what to do, the counts, and what failed, grouped: one broken
// decision task is one entry, whatever rests on it.
func (t *text) causes(r *trace.Report) {
	groups := Groups(r)
	if len(groups) > 0 {
		t.printf("  %s\n", next(groups[0].First))
	}
	if t.large(r) {
		t.overview(r)
	}
	for i, g := range groups {
		if i == briefGroups {
			t.printf("  and %s (-v lists them)\n", count(len(groups)-i, "further cause"))
			return
		}
		t.printf("  %s %s\n", t.color(red, "✗"), concerns(r, g))
		if i > 0 {
			t.printf("      %s\n", line(subject{Finding: g.First}))
			if advice(g.First) != advice(groups[i-1].First) {
				t.printf("      %s\n", next(g.First))
			}
		}
	}
}

// concerns says what a group is about: rule, place, who is at fault, and how much
// rests on it.
func concerns(r *trace.Report, g Group) string {
	var b strings.Builder
	b.WriteString(Clean(string(g.Rule)))
	if g.Path != "" {
		b.WriteString(" at " + clip(Clean(g.Path), maxShown))
	}
	var on []string
	for _, i := range g.Tasks[:min(len(g.Tasks), briefExamples)] {
		on = append(on, taskLabel(&r.Tasks[i]))
	}
	on = append(on, g.Others[:min(len(g.Others), briefExamples)]...)
	if more := len(g.Tasks) + len(g.Others) - len(on); more > 0 {
		on = append(on, fmt.Sprintf("and %d more", more))
	}
	if len(on) > 0 {
		b.WriteString(": " + strings.Join(on, ", "))
	}
	switch {
	case g.Resting == 1:
		b.WriteString("; and 1 task rests on it")
	case g.Resting > 1 && len(g.Tasks) == 1:
		fmt.Fprintf(&b, "; and %d tasks rest on it", g.Resting)
	case g.Resting > 1:
		fmt.Fprintf(&b, "; and %d tasks rest on them", g.Resting)
	}
	if g.Derived {
		b.WriteString(" (follows from what else failed)")
	} else if g.Heals {
		b.WriteString(" (trying again may help)")
	}
	return b.String()
}
