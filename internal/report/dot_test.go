package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures/needed"
	"github.com/mozilla-releng/cot/trace"
)

func dotOf(t *testing.T, r *trace.Report) string {
	t.Helper()
	var a, b bytes.Buffer
	if err := DOT(&a, r); err != nil {
		t.Fatal(err)
	}
	if err := DOT(&b, r); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same report is drawn in two ways")
	}
	return a.String()
}

// drawn is what Graphviz made of a drawing.
type drawn struct {
	nodes, edges, clusters int
	text                   string // all that is written in it
}

// draw has Graphviz draw.
func draw(t *testing.T, source string) drawn {
	t.Helper()
	program := needed.Program(t, "dot")
	cmd := exec.CommandContext(t.Context(), program, "-Tsvg")
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(source), &out, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("dot: %v: %s\n%s", err, stderr.String(), source)
	}
	var d drawn
	svg := xml.NewDecoder(&out)
	for {
		tok, err := svg.Token()
		if err == io.EOF {
			return d
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			for _, a := range e.Attr {
				if a.Name.Local == "class" {
					d.nodes += strings.Count(a.Value, "node")
					d.edges += strings.Count(a.Value, "edge")
					d.clusters += strings.Count(a.Value, "cluster")
				}
			}
		case xml.CharData:
			d.text += string(e)
		}
	}
}

func TestDOTShowsTasksReasonsAndPins(t *testing.T) {
	r := chained()
	r.Tasks[0].Inputs[1].Pinned = true
	source := dotOf(t, r)
	if n := strings.Count(source, `style="dashed"`); n != 3 || strings.Count(source, "not pinned") != 3 {
		t.Errorf("%d dashed arrows, want one for each input that nothing pins:\n%s", n, source)
	}
	if strings.Contains(source, `"red"`) || strings.Contains(source, "✗") || strings.Contains(source, "collapsed") {
		t.Errorf("a graph that holds is drawn as one that does not:\n%s", source)
	}
	d := draw(t, source)
	if d.nodes != 4 || d.edges != 7 || d.clusters != 0 {
		t.Errorf("drawn are %d nodes, %d edges, %d clusters", d.nodes, d.edges, d.clusters)
	}
	for _, want := range []string{"build-linux64/opt", buildID + "/0", "docker-image", "chain-of-trust-input", "parent", "not pinned"} {
		if !strings.Contains(d.text, want) {
			t.Errorf("the drawing lacks %q", want)
		}
	}
}

func TestDOTShowsWhatFailed(t *testing.T) {
	r := failing()
	source := dotOf(t, r)
	if !strings.HasPrefix(source, "// chain of trust of 4 tasks: untrusted\n") || !strings.Contains(source, "// "+Refusal(r)+"\n") {
		t.Errorf("the drawing does not begin with the verdict:\n%s", source)
	}
	if n := strings.Count(source, `penwidth="3"`); n != 3 {
		t.Errorf("%d nodes have a thick border, want the 3 that do not hold", n)
	}
	if d := draw(t, source); !strings.Contains(d.text, "✗ untrusted: differs-from-task-graph") || strings.Count(d.text, "✗ untrusted") != 7 {
		t.Errorf("not in words:\n%s", d.text)
	}
	r = undetermined()
	if source := dotOf(t, r); !strings.Contains(source, "darkorange") || !strings.Contains(source, "✗ undetermined: evidence-unavailable") {
		t.Errorf("undetermined:\n%s", source)
	}
	if source := dotOf(t, &trace.Report{}); !strings.Contains(source, "not checked") {
		t.Errorf("a report about nothing:\n%s", source)
	}
}

func TestDOTClustersTaskGroups(t *testing.T) {
	r := crowd(6)
	for i := range 3 {
		r.Tasks[i].Group = buildID
	}
	if d := draw(t, dotOf(t, r)); d.clusters != 2 || !strings.Contains(d.text, "task group "+buildID) {
		t.Errorf("%d clusters, want 2: %s", d.clusters, d.text)
	}
}

func TestDOTOfHostileNames(t *testing.T) {
	for _, hostile := range []string{
		`"]; evil [label="`, `\"]; evil [label=\"`, `\`, `\\`, `<b>bold</b>`, `<<b>bold</b>>`, "a\nb\x00\x1b[2J\xff\u202e",
		`\N\G\E\T\L\l\r`, `// */ /* #`, `|{}`, `&amp;&lt;&bogus;`, "]]>", "\ufffe\uffff",
	} {
		r := chained()
		r.Tasks[0].Name, r.Tasks[0].Type, r.Tasks[0].Group, r.Tasks[0].Status = hostile, hostile, hostile, hostile
		r.Tasks[0].Inputs[0].Reason = hostile
		r.Verdict, r.Tasks[0].Verdict = trace.Untrusted, trace.Untrusted
		r.Tasks[0].Findings = []trace.Finding{{Rule: trace.Rule(hostile), Severity: trace.SeverityError, Message: hostile + "\ndigraph {"}}
		source := dotOf(t, r)
		d := draw(t, source)
		if d.nodes != 4 || d.edges != 7 {
			t.Errorf("%q breaks out: %d nodes, %d edges\n%s", hostile, d.nodes, d.edges, source)
		}
	}
}

func TestDOTCollapsesLargeGraphs(t *testing.T) {
	if source := dotOf(t, crowd(dotNodes-2)); strings.Contains(source, "collapsed") {
		t.Error("a graph of the largest size is collapsed")
	}
	r := failed(crowd(20000), 20001, trace.Finding{Rule: "differs-from-tree"})
	for i := range 7000 {
		r.Tasks[i].Verdict = trace.Untrusted
	}
	source := dotOf(t, r)
	if want := "// collapsed: 20001 tasks of the same verdict and kind and task group stand as one node, with their number; 4 nodes in all\n"; !strings.Contains(source, want) {
		t.Errorf("the drawing does not say %q", want)
	}
	d := draw(t, source)
	if d.nodes != 4 {
		t.Errorf("%d nodes, want builds that hold, builds that don't, the image and the decision task", d.nodes)
	}
	for _, want := range []string{"7000 tasks", "13000 tasks", "parent (7000)", "Gecko Decision Task", "✗ untrusted: differs-from-tree"} {
		if !strings.Contains(d.text, want) {
			t.Errorf("the drawing lacks %q", want)
		}
	}
	// As many groups as tasks.
	r = crowd(2 * dotNodes)
	for i := range r.Tasks {
		r.Tasks[i].Group = fmt.Sprintf("G%021d", i)
	}
	if source := dotOf(t, r); !strings.Contains(source, "of the same verdict and kind stand") || strings.Count(source, "shape=") > dotNodes {
		t.Error("groups make the drawing larger than its bound")
	}
	// As many kinds as tasks.
	for i := range r.Tasks {
		r.Tasks[i].Type = fmt.Sprint(i)
	}
	if n := strings.Count(dotOf(t, r), "shape="); n > dotNodes {
		t.Errorf("kinds make the drawing larger than its bound: %d nodes", n)
	}
}
