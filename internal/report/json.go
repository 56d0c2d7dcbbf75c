// Package report writes trace reports: JSON for programs, text for people. It
// decides nothing; what it shows is in the report.
package report

import (
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace"
)

// JSON writes the report as one indented object, docs/report.schema.json.
// Equal reports give equal bytes; lists that are empty are written as [].
func JSON(w io.Writer, r *trace.Report) error {
	return writeJSON(w, r, func(f *finding) {
		if f.Severity == trace.SeverityError {
			f.Docs = page(f.Rule)
		}
	})
}

// ExplainJSON writes the report with what Explain adds: how the tasks hang
// together and, for each finding, what usually causes it and what to do.
func ExplainJSON(w io.Writer, r *trace.Report) error {
	v := struct {
		*trace.Report
		Chain []chainEntry `json:"chain"`
	}{r, chainEntries(r)}
	return writeJSON(w, v, func(f *finding) {
		f.Cause, f.Next, f.Docs = guides[f.Rule].cause, advice(trace.Finding(f.plainFinding)), page(f.Rule)
	})
}

// finding is a trace.Finding as it is written.
type finding struct {
	plainFinding
	Cause string `json:"cause,omitempty"`
	Next  string `json:"next,omitempty"`
	Docs  string `json:"docs,omitempty"`
}

type plainFinding trace.Finding

// chainEntry is a task of the chain with all that it rests on.
type chainEntry struct {
	TaskID   string      `json:"taskId"`
	RunID    *int        `json:"runId"`
	Children []chainEdge `json:"children"`
}

type chainEdge struct {
	TaskID  string   `json:"taskId"`
	RunID   *int     `json:"runId"`
	Reasons []string `json:"reasons"`
}

// chainEntries lists the tree of the chain from the top, each task once.
func chainEntries(r *trace.Report) []chainEntry {
	out := []chainEntry{}
	walk(chainOf(r), func(n *chainNode) {
		entry := chainEntry{TaskID: n.task.TaskID, RunID: n.task.RunID, Children: []chainEdge{}}
		for _, e := range n.edges {
			entry.Children = append(entry.Children, chainEdge{e.to.task.TaskID, e.to.task.RunID, e.reasons})
		}
		out = append(out, entry)
	})
	return out
}

func writeJSON(w io.Writer, v any, complete func(*finding)) error {
	found := json.MarshalToFunc(func(enc *jsontext.Encoder, f trace.Finding) error {
		out := finding{plainFinding: plainFinding(f)}
		complete(&out)
		return json.MarshalEncode(enc, out)
	})
	options := json.JoinOptions(jsonOptions, json.WithMarshalers(json.JoinMarshalers(json.MarshalToFunc(writeNumber), found)))
	// Of a large graph it is too much to hold at once.
	out := cleaner{w: w}
	if err := json.MarshalWrite(&out, v, options, jsontext.WithIndent("  ")); err != nil {
		return err
	}
	return out.end()
}

// cleaner writes JSON as CleanJSON makes it.
type cleaner struct {
	w    io.Writer
	held []byte // what is not yet written
}

const cleanerBytes = 64 << 10

func (c *cleaner) Write(p []byte) (int, error) {
	c.held = append(c.held, p...)
	if len(c.held) < cleanerBytes {
		return len(p), nil
	}
	whole := len(c.held) // but for a character that has only begun
	for i := 1; i < utf8.UTFMax; i++ {
		if at := len(c.held) - i; utf8.RuneStart(c.held[at]) {
			if !utf8.FullRune(c.held[at:]) {
				whole = at
			}
			break
		}
	}
	_, err := c.w.Write(CleanJSON(c.held[:whole]))
	c.held = append(c.held[:0], c.held[whole:]...)
	return len(p), err
}

func (c *cleaner) end() error {
	_, err := c.w.Write(append(CleanJSON(c.held), '\n'))
	return err
}

// writeNumber keeps a compared number as it was written; a number that JSON
// has no form for stays text.
func writeNumber(enc *jsontext.Encoder, n strictjson.Number) error {
	if v := jsontext.Value(n); v.IsValid() && v.Kind() == '0' {
		return enc.WriteValue(v)
	}
	return enc.WriteToken(jsontext.String(string(n)))
}
