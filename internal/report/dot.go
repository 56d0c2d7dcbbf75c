package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/emicklei/dot"

	"github.com/mozilla-releng/cot/trace"
)

// Bounds of a drawn graph. Layout takes more than linear time, and nobody reads
// more.
const (
	dotNodes = 400 // tasks that are drawn one by one
	dotFault = 40  // tasks at fault that stand for themselves in a larger graph
	dotLabel = 60  // bytes of a name
)

// DOT writes the graph of the report's tasks for Graphviz: each with an arrow to
// what it rests on, and the reason. Task groups are clusters. What does not hold
// is red and has a thick border, and says so in words; an input that nothing
// pinned is a dashed arrow. Of a large graph, tasks of one group, kind and
// verdict are one node with their number; a comment at the top says so.
func DOT(w io.Writer, r *trace.Report) error {
	d := newDrawing(r)
	head := []string{
		"chain of trust of " + part(r) + count(len(r.Tasks), "task") + ": " + Clean(cmp.Or(string(r.Verdict), "not checked")),
		"solid arrow: parent, or an input that is pinned; dashed arrow: an input that nothing pinned; red: does not hold",
	}
	if refusal := Refusal(r); refusal != "" {
		head = append(head, refusal)
	}
	if d.collapsed {
		head = append(head, fmt.Sprintf("collapsed: %s of the same %s stand as one node, with their number; %d nodes in all",
			count(len(r.Tasks)-d.alone, "task"), strings.Join(d.by, " and "), len(d.nodes)))
	}
	var b strings.Builder
	for _, line := range head {
		b.WriteString("// " + line + "\n")
	}
	d.graph().Write(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// drawing is what is to be drawn: nodes for tasks, or for many alike.
type drawing struct {
	r         *trace.Report
	collapsed bool
	by        []string // what the tasks of one node have in common
	alone     int      // tasks that have a node of their own
	nodes     []*dotNode
	of        []*dotNode // of each task
	edges     []*dotEdge
}

type dotNode struct {
	group   string
	first   int // the first of its tasks
	tasks   int
	kind    string
	verdict trace.Verdict
	listed  bool       // its verdict changes no other
	fault   trace.Rule // the first error of the one task
}

type dotEdge struct {
	from, to *dotNode
	reason   string
	input    bool
	pinned   bool
	n        int
}

func newDrawing(r *trace.Report) *drawing {
	d := &drawing{r: r, collapsed: len(r.Tasks) > dotNodes, by: []string{"verdict", "kind", "task group"}}
	alone := map[int]bool{}
	if d.collapsed {
		for _, g := range Groups(r) {
			for _, i := range g.Tasks {
				if len(alone) < dotFault {
					alone[i] = true
				}
			}
		}
	}
	d.alone = len(alone)
	d.place(alone)
	for d.collapsed && len(d.nodes) > dotNodes && len(d.by) > 1 { // too many groups or kinds
		d.by = d.by[:len(d.by)-1]
		d.place(alone)
	}
	d.connect()
	return d
}

func (d *drawing) place(alone map[int]bool) {
	type key struct {
		group, kind string
		verdict     trace.Verdict
		listed      bool
	}
	d.nodes, d.of = nil, make([]*dotNode, len(d.r.Tasks))
	alike := map[key]*dotNode{}
	for i := range d.r.Tasks {
		t := &d.r.Tasks[i]
		n := &dotNode{group: t.Group, first: i, tasks: 1, kind: t.Type, verdict: t.Verdict, listed: t.Listed, fault: firstRule(t)}
		if !slices.Contains(d.by, "task group") {
			n.group = ""
		}
		if !slices.Contains(d.by, "kind") {
			n.kind = "of any kind"
		}
		if k := (key{n.group, n.kind, n.verdict, n.listed}); d.collapsed && !alone[i] {
			if same := alike[k]; same != nil {
				same.tasks++
				d.of[i] = same
				continue
			}
			alike[k] = n
			n.fault = ""
		}
		d.of[i] = n
		d.nodes = append(d.nodes, n)
	}
}

// firstRule is the first rule that does not hold of a task by itself.
func firstRule(t *trace.Task) trace.Rule {
	for _, f := range findings(&trace.Report{Tasks: []trace.Task{*t}}, trace.SeverityError) {
		return f.Rule
	}
	return ""
}

// connect draws one arrow for all alike ones between two nodes.
func (d *drawing) connect() {
	type key struct {
		from, to *dotNode
		reason   string
		pinned   bool
	}
	seen := map[key]*dotEdge{}
	ofTask, ofRun := map[string][]int{}, map[string]int{}
	for i := range d.r.Tasks {
		t := &d.r.Tasks[i]
		ofTask[t.TaskID] = append(ofTask[t.TaskID], i)
		ofRun[runKey(t.TaskID, t.RunID)] = i
	}
	add := func(from int, to []int, reason string, input, pinned bool) {
		for _, j := range to {
			k := key{d.of[from], d.of[j], reason, pinned}
			if from == j {
				continue
			}
			if e := seen[k]; e != nil {
				e.n++
				continue
			}
			e := &dotEdge{k.from, k.to, reason, input, pinned, 1}
			seen[k] = e
			d.edges = append(d.edges, e)
		}
	}
	for i := range d.r.Tasks {
		t := &d.r.Tasks[i]
		add(i, ofTask[t.Parent], reasonParent, false, true)
		for _, in := range t.Inputs {
			to := ofTask[in.TaskID]
			if j, ok := ofRun[runKey(in.TaskID, in.RunID)]; ok && in.RunID != nil {
				to = []int{j}
			}
			add(i, to, in.Reason, true, in.Pinned)
		}
	}
}

// graph makes what Graphviz reads. Foreign text is cleaned, and stands in quoted
// strings alone.
func (d *drawing) graph() *dot.Graph {
	g := dot.NewGraph(dot.Directed)
	g.Attrs("rankdir", "LR", "label", "chain of trust: "+Clean(cmp.Or(string(d.r.Verdict), "not checked")))
	clusters := d.clusters()
	drawn := map[*dotNode]dot.Node{}
	for i, n := range d.nodes {
		in := g
		if name, ok := clusters[n.group]; ok {
			in = g.Subgraph(name, dot.ClusterOption{})
			in.Label("task group " + clip(Clean(n.group), dotLabel))
		}
		node := in.Node(fmt.Sprintf("t%06d", i)).Label(d.label(n)).Attr("shape", "box")
		switch {
		case n.listed, n.verdict.OK() && d.r.Tasks[n.first].Status != "judged" && n.tasks == 1:
			node.Attr("style", "dotted")
		case n.verdict.OK():
		case n.verdict == trace.Undetermined:
			node.Attrs("color", "darkorange", "penwidth", "3", "style", "dashed")
		default:
			node.Attrs("color", "red", "penwidth", "3")
		}
		drawn[n] = node
	}
	for _, e := range d.edges {
		label := Clean(e.reason)
		if e.n > 1 {
			label += fmt.Sprintf(" (%d)", e.n)
		}
		if e.input && !e.pinned {
			label += "\nnot pinned"
		}
		edge := g.Edge(drawn[e.from], drawn[e.to])
		if e.input && !e.pinned {
			edge.Attr("style", "dashed")
		}
		if !e.to.verdict.OK() && !e.to.listed {
			label += "\n✗ " + verdictName(e.to.verdict)
			edge.Attr("color", "red").Attr("fontcolor", "red")
		}
		edge.Label(label)
	}
	return g
}

// clusters names a cluster for each task group, if there are several.
func (d *drawing) clusters() map[string]string {
	out := map[string]string{}
	for _, n := range d.nodes {
		if _, ok := out[n.group]; !ok && n.group != "" {
			out[n.group] = fmt.Sprintf("g%06d", len(out))
		}
	}
	return out
}

func (d *drawing) label(n *dotNode) string {
	verdict := verdictName(n.verdict)
	switch {
	case n.listed:
		verdict = "listed"
	case !n.verdict.OK():
		verdict = "✗ " + verdict
	}
	kind := clip(Clean(cmp.Or(n.kind, "no kind")), dotLabel)
	if d.collapsed && n.tasks > 1 {
		return fmt.Sprintf("%s\n%s\n%s", count(n.tasks, "task"), kind, verdict)
	}
	t := &d.r.Tasks[n.first]
	if n.fault != "" && !n.verdict.OK() && !n.listed {
		verdict += ": " + Clean(string(n.fault))
	}
	lines := []string{clip(Clean(t.Name), dotLabel), taskRef(t), kind, verdict}
	if t.Status != "" && t.Status != "judged" {
		lines = append(lines, "listed: "+Clean(t.Status))
	}
	return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")
}

func verdictName(v trace.Verdict) string { return Clean(cmp.Or(string(v), "not checked")) }
