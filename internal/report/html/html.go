// Package html writes a trace report as one page that needs nothing else: no
// network, no other file. Verdict, failures and tables are plain HTML; a script
// adds search, the graph, and each task's own view.
//
// All text of a report is hostile. It reaches the page through html/template, and
// the script through a JSON block from which it only makes text nodes. A content
// security policy lets nothing run but the one script, known by its hash.
package html

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"

	"github.com/mozilla-releng/cot/trace"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	style string
	//go:embed js/report.js
	reportJS string
	//go:embed js/page.js
	pageJS string
	//go:embed js/list.js
	listJS string
	//go:embed js/task.js
	taskJS string
	//go:embed js/groups.js
	groupsJS string
	//go:embed js/layout.js
	layoutJS string
	//go:embed js/graph.js
	graphJS string
	//go:embed js/main.js
	mainJS string

	layout = template.Must(template.New("page").Funcs(template.FuncMap{"n": grouped}).Parse(pageText))
)

// Write writes the report as an HTML page. Equal reports give equal bytes.
func Write(w io.Writer, r *trace.Report) error {
	p, err := newPage(r)
	if err != nil {
		return err
	}
	return layout.Execute(w, p)
}

// script is all of the page's script, its parts in the order of their use. It
// stands in a function, so that the page has no other names.
func script() string {
	parts := []string{reportJS, pageJS, listJS, taskJS, groupsJS, layoutJS, graphJS, mainJS}
	return "\n(() => {\n\"use strict\";\n" + strings.Join(parts, "\n") + "})();\n"
}

// policy is the content security policy: this style, this script, and no sink
// that would read text as HTML.
func policy() string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src " + source(script()),
		"style-src " + source(style),
		"img-src data:",
		"base-uri 'none'",
		"form-action 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
