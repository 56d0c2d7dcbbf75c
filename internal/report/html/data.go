package html

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// Bounds of foreign text on the page, in bytes. The JSON report has all of it.
const (
	maxName    = 200
	maxMessage = 1000
	maxLine    = 300
)

// data is what the script knows of a report. A graph has tens of thousands of
// tasks, so every text is kept once, and all else is numbers: js/report.js has
// the same order of columns.
type data struct {
	Texts     []string `json:"texts"`
	Tasks     []int    `json:"tasks"`     // taskColumns of each task
	Inputs    []int    `json:"inputs"`    // to, task, reason, artifact, pinned; of each task in turn
	Findings  []int    `json:"findings"`  // rule, weight, message, path, evidence, next, flag; likewise
	Claims    []int    `json:"claims"`    // likewise
	Artifacts []int    `json:"artifacts"` // name, sha256, size, verdict; likewise
	Rules     []int    `json:"rules"`     // rule, usual cause, address
	Targets   []int    `json:"targets"`
}

// Weights of findings, as numbers for the script.
const (
	weighsError = iota
	weighsHeals
	weighsDerived
	weighsWarning
	weighsAccepted
)

// table keeps every text once.
type table struct {
	texts []string
	at    map[string]int
}

func newTable() *table { return &table{texts: []string{""}, at: map[string]int{"": 0}} }

// add gives the place of a text that is clean already.
func (t *table) add(s string) int {
	i, ok := t.at[s]
	if !ok {
		i = len(t.texts)
		t.texts, t.at[s] = append(t.texts, s), i
	}
	return i
}

func (t *table) foreign(s string, n int) int { return t.add(report.Line(s, n)) }

// encode writes the data as JSON that can stand within a script element.
func encode(l *links) (string, error) {
	r, t := l.r, newTable()
	d := &data{
		Tasks: []int{}, Inputs: []int{}, Findings: []int{}, Claims: []int{}, Artifacts: []int{}, Rules: []int{},
		Targets: append([]int{}, l.targets()...),
	}
	artifacts := map[string][]*trace.Artifact{}
	for i := range r.Artifacts {
		a := &r.Artifacts[i]
		key := ref(a.TaskID, &a.RunID)
		artifacts[key] = append(artifacts[key], a)
	}
	known := map[trace.Rule]bool{}
	for i := range r.Tasks {
		task := &r.Tasks[i]
		made := artifacts[ref(task.TaskID, task.RunID)]
		d.Tasks = append(d.Tasks, taskColumns(t, task, l.parents[i])...)
		d.Tasks = append(d.Tasks, len(l.inputs[i]), len(task.Findings), len(task.Claims), len(made))
		for _, in := range l.inputs[i] {
			d.Inputs = append(d.Inputs, in.to, t.foreign(ref(in.in.TaskID, in.in.RunID), maxName),
				t.foreign(in.in.Reason, maxName), t.foreign(in.in.Artifact, maxName), flag(in.in.Pinned))
		}
		for _, f := range task.Findings {
			d.Findings = append(d.Findings, t.foreign(string(f.Rule), maxName), weight(f), t.foreign(f.Message, maxMessage),
				t.foreign(f.Path, maxLine), t.add(signed(evidenceOf(f))), t.foreign(report.Advice(f), maxMessage), t.foreign(f.Accepted, maxName))
			if !known[f.Rule] {
				known[f.Rule] = true
				d.Rules = append(d.Rules, t.foreign(string(f.Rule), maxName), t.add(report.Cause(f.Rule)), t.add(report.Page(f.Rule)))
			}
		}
		for _, c := range task.Claims {
			d.Claims = append(d.Claims, t.foreign(c, maxLine))
		}
		for _, a := range made {
			d.Artifacts = append(d.Artifacts, t.foreign(a.Name, maxName), t.foreign(a.SHA256, maxName), t.add(size(*a)), t.add(word(a.Verdict)))
		}
	}
	d.Texts = t.texts
	b, err := json.Marshal(d, jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true), jsontext.AllowInvalidUTF8(true))
	return string(b), err
}

func taskColumns(t *table, task *trace.Task, parent int) []int {
	run := -1
	if task.RunID != nil {
		run = *task.RunID
	}
	var tree trace.Tree
	if task.Tree != nil {
		tree = *task.Tree
	}
	var signer trace.Signer
	signedAt := ""
	if task.Signer != nil {
		signer = *task.Signer
		signedAt = moment(signer.SignedAt)
	}
	var image trace.Image
	if task.Image != nil {
		image = *task.Image
	}
	return []int{
		t.foreign(task.TaskID, maxName), run, t.foreign(task.Name, maxName), t.foreign(task.Type, maxName),
		t.add(report.Line(report.Outcome(task), maxName)), t.foreign(task.Status, maxName), parent, t.foreign(task.Parent, maxName),
		t.foreign(task.Group, maxName), t.foreign(task.WorkerPool, maxName), t.foreign(task.Implementation, maxName),
		t.foreign(tree.Repository, maxLine), t.foreign(tree.Revision, maxName),
		t.foreign(signer.Method, maxName), t.foreign(signer.Identity, maxLine), t.foreign(signer.KeyID, maxName),
		t.add(signedAt), t.foreign(signer.TimeSource, maxName),
		t.foreign(image.Name, maxLine), t.foreign(image.ArtifactHash, maxLine),
	}
}

func weight(f trace.Finding) int {
	switch {
	case f.Accepted != "":
		return weighsAccepted
	case f.Severity != trace.SeverityError:
		return weighsWarning
	case f.Derived():
		return weighsDerived
	case f.Heals:
		return weighsHeals
	}
	return weighsError
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// word is a verdict as it is said; what the report does not know is not checked.
func word(v trace.Verdict) string {
	if v == "" {
		return "not checked"
	}
	return report.Line(string(v), maxName)
}

func size(a trace.Artifact) string {
	if a.Bytes == 0 && !a.Hashed {
		if a.Verdict.OK() {
			return "not read"
		}
		return ""
	}
	return report.Size(a.Bytes)
}

func moment(at *time.Time) string {
	if at == nil || at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04:05 UTC")
}
