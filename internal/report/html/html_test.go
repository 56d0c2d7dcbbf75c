package html

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/trace"
)

// hostile is what a task's author would write to break out of a page, a script, a
// comment, a template, an address or a terminal.
const hostile = "\"'></script></style></title><script>window.hit=1</script><img src=x onerror=window.hit=1>" +
	"<!--<svg/onload=window.hit=1>javascript:window.hit=1 {{.}} ${window.hit=1} \u2028\u2029\u202e\u2066\x00\x1b[2J\x07\r\nverified\xff&lt;"

// spoiled is a report of which every text is hostile, whatever field it is in. Its
// tasks differ by what they begin with.
func spoiled() *trace.Report {
	r := refused()
	r.Findings = slices.Clone(r.Tasks[1].Findings)
	r.Artifacts[0].Findings = slices.Clone(r.Tasks[1].Findings[:1])
	r.Target.Tasks, r.Accepted, r.Policy.Relaxed = []string{"x"}, []string{"x"}, []string{"x"}
	r.Tasks[4].Findings = []trace.Finding{{Rule: "x", Severity: trace.SeverityWarning, Accepted: "x", Got: "x"}}
	for i := range r.Tasks {
		r.Tasks[i].Tree, r.Tasks[i].Signer = &trace.Tree{}, &trace.Signer{SignedAt: ptr(noon)}
	}
	spoil(reflect.ValueOf(r).Elem())
	for i := range r.Tasks[1].Findings[1:] { // these fail, the others were accepted
		r.Tasks[1].Findings[i+1].Accepted = ""
	}
	return r
}

// spoil makes every text hostile, but for those by which the page is chosen.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.Kind() == reflect.Interface && !v.IsNil() && v.CanSet() {
			v.Set(reflect.ValueOf(map[string]any{hostile: hostile + "\nline\n"}))
		} else if !v.IsNil() {
			spoil(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Field(i).Type() != reflect.TypeOf(noon) {
				spoil(v.Field(i))
			}
		}
	case reflect.String:
		if v.Type() != reflect.TypeFor[trace.Severity]() && v.Type() != reflect.TypeFor[trace.Verdict]() {
			v.SetString(v.String() + hostile)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	page := written(t, spoiled())
	for _, r := range page {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("the page has %q", r)
		}
	}
	for what, want := range map[string]int{"<script": 2, "</script": 2, "<style": 1, "</style": 1, "<!--": 0, "<img": 0, "<svg": 0, "window.hit=1>": 0} {
		if got := strings.Count(page, what); got != want {
			t.Errorf("the page has %q %d times, want %d", what, got, want)
		}
	}
	if !strings.Contains(page, "&lt;img src=x onerror=window.hit=1&gt;") {
		t.Error("what is hostile is not shown")
	}
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if to := html.UnescapeString(m[1]); !strings.HasPrefix(to, "#") && to != "data:," {
			t.Errorf("a link leads to %s", to) // no hostile rule has a page
		}
	}
}

var dataBlock = regexp.MustCompile(`<script type="application/json" id="data">(.*)</script>\n`)

// What the script reads is the text, whatever it would mean elsewhere.
func TestDataCannotLeaveItsElement(t *testing.T) {
	for _, name := range []string{"plain", "</script>", "<!--", "<script>", "]]>", "a\u2028b\u2029c", `\u003c`, `"`, "&amp;", "größe 日本"} {
		r := good()
		r.Tasks[0].Name = name
		block := dataBlock.FindStringSubmatch(written(t, r))
		if block == nil {
			t.Fatalf("%q: the page has no data", name)
		}
		if strings.ContainsAny(block[1], "<>&\u2028\u2029") {
			t.Errorf("%q: the data has it unescaped", name)
		}
		var d data
		if err := json.Unmarshal([]byte(block[1]), &d); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if got := d.Texts[d.Tasks[2]]; got != report.Clean(name) {
			t.Errorf("%q is read as %q", name, got)
		}
	}
}

func TestPolicyNamesTheHashesOfScriptAndStyle(t *testing.T) {
	page := written(t, good())
	content := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`).FindStringSubmatch(page)
	if content == nil {
		t.Fatal("the page has no policy")
	}
	policy := html.UnescapeString(content[1])
	for directive, element := range map[string]string{"script-src": "<script>", "style-src": "<style>"} {
		_, rest, _ := strings.Cut(page, element)
		text, _, _ := strings.Cut(rest, "</"+element[1:])
		sum := sha256.Sum256([]byte(text))
		if want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(policy, want) {
			t.Errorf("policy %s lacks %s", policy, want)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("policy: %s", policy)
	}
	if m := regexp.MustCompile(`(?i)\s(on[a-z]+|style|src|srcset)=`).FindString(strings.SplitN(page, "<script", 2)[0]); m != "" {
		t.Errorf("the page has an attribute %q", m)
	}
}

func TestEqualReportsGiveEqualBytes(t *testing.T) {
	for name, make := range map[string]func() *trace.Report{"refused": refused, "large": func() *trace.Report { return large(3000) }} {
		if first, second := written(t, make()), written(t, make()); first != second {
			t.Errorf("%s: the pages differ", name)
		}
	}
}

func TestVerdictAndFirstReasonComeFirst(t *testing.T) {
	for name, c := range map[string]struct {
		report *trace.Report
		class  string
	}{
		"verified":  {good(), "ok"},
		"untrusted": {refused(), "bad"},
		"accepted":  {accepted(), "warn"},
	} {
		page := written(t, c.report)
		_, body, _ := strings.Cut(page, "<body>")
		head, _, _ := strings.Cut(body, "</header>")
		for _, want := range []string{`<header class="verdict ` + c.class + `">`, "</span> " + name + "</h1>"} {
			if !strings.Contains(head, want) {
				t.Errorf("%s: the head lacks %q:\n%s", name, want, head)
			}
		}
		says := report.Claim(c.report)
		if reason := report.Reason(c.report); reason != "" {
			says = reason
		}
		if got, want := strings.Contains(head, "Made from <bdi>https://hg.mozilla.org/mozilla-central at "+revision), c.class != "bad"; got != want {
			t.Errorf("%s: the head says what it was made from: %v, want %v", name, got, want)
		}
		if !strings.Contains(html.UnescapeString(head), says) {
			t.Errorf("%s: the head does not say %q:\n%s", name, says, head)
		}
	}
}

func TestAcceptedAndRelaxedAreInTheHead(t *testing.T) {
	head := func(r *trace.Report) string {
		head, _, _ := strings.Cut(written(t, r), "</header>")
		return head
	}
	for _, want := range []string{"--accept-untrusted-tree", "signers.keys[0].workerPools"} {
		if !strings.Contains(head(accepted()), want) {
			t.Errorf("the head lacks %s", want)
		}
		if strings.Contains(head(good()), want) {
			t.Errorf("the head names %s, which nobody used", want)
		}
	}
}

// A report whose verdict was never set must not look like a success.
func TestZeroReportIsNotSuccess(t *testing.T) {
	page := written(t, &trace.Report{})
	if !strings.Contains(page, `<header class="verdict bad">`) || !strings.Contains(page, "not checked</h1>") {
		t.Error("it does")
	}
	if strings.Contains(page, `class="ok"`) {
		t.Error("something of it does")
	}
}

func TestSignersThatEndSoonArePointedOut(t *testing.T) {
	page := written(t, good())
	for _, want := range []string{`<span class="warn">! in 11 days</span>`, `<span class="bad">✗ over</span>`, "no end known"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	r := good()
	r.Signers[1].NotAfter, r.Signers[2].NotAfter = ptr(noon.AddDate(1, 0, 0)), ptr(noon.AddDate(1, 0, 0))
	if page := written(t, r); strings.Contains(page, "✗ over") || strings.Contains(page, "! in") || !strings.Contains(page, "in 364 days") {
		t.Error("a signer that lasts is pointed out")
	}
}

func TestFailuresAreGroupedByCause(t *testing.T) {
	page := written(t, large(5000))
	if n := strings.Count(page, `<article class="cause bad">`); n != 1 {
		t.Errorf("%d causes, want 1", n)
	}
	for _, want := range []string{"tasks rest on them", "/payload/env/X997", "docs/rules/differs-from-task-graph.md", "A tool edited the task"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestWay(t *testing.T) {
	at := func(r *trace.Report, want int) int {
		return slices.IndexFunc(r.Tasks, func(task trace.Task) bool { return task.TaskID == id(want) })
	}
	names := func(r *trace.Report, way []step) (out []string) {
		for _, s := range way {
			out = append(out, s.why+">"+r.Tasks[s.task].TaskID)
		}
		return out
	}
	for name, c := range map[string]struct {
		edit  func(*trace.Report)
		to    int
		want  []string
		found bool
	}{
		"to the target itself": {
			func(*trace.Report) {}, 4,
			[]string{">" + id(4), "created by>" + id(0)},
			true,
		},
		"by its inputs": {
			func(*trace.Report) {}, 2,
			[]string{">" + id(4), "upstream-artifact>" + id(3), "fetch>" + id(2), "created by>" + id(0)},
			true,
		},
		"by an action": {
			func(r *trace.Report) { r.Tasks[0].Parent, r.Tasks[1].Inputs = id(3), nil }, 3,
			[]string{">" + id(4), "created by>" + id(3), "created by>" + id(0)},
			true,
		},
		"to what nothing rests on": {
			func(r *trace.Report) { r.Tasks[1].Inputs, r.Tasks[2].Inputs = nil, nil }, 2,
			[]string{">" + id(2), "created by>" + id(0)},
			false,
		},
		"in a circle": {
			func(r *trace.Report) { r.Tasks[4].Parent = id(4); takes(&r.Tasks[2], 3, "fetch", "x", false) }, 2,
			[]string{">" + id(4), "upstream-artifact>" + id(3), "fetch>" + id(2), "created by>" + id(0)},
			true,
		},
	} {
		r := good()
		c.edit(r)
		l := newLinks(r)
		way, found := l.way(l.targets(), at(r, c.to))
		if got := names(r, way); !slices.Equal(got, c.want) || found != c.found {
			t.Errorf("%s: %v, %v; want %v, %v", name, got, found, c.want, c.found)
		}
	}
}

// A whole group names no artifact: its page is about the group, and its chain
// begins where something is wrong.
func TestPageOfAGroup(t *testing.T) {
	page := func(r *trace.Report) string { return html.UnescapeString(written(t, r)) }
	group := trace.Target{Groups: []trace.Group{{ID: id(0), Tasks: 5}}}
	r := good()
	if p := page(r); strings.Contains(p, "<title>verified: task group") || !strings.Contains(p, "The chain, from the artifact to its tree") {
		t.Error("the page of a task is one of a group, or lacks the artifact")
	}
	r.Target = group
	for _, want := range []string{"<title>verified: task group " + id(0), "5 tasks", "The chain, from the task to its tree", "a task of the group"} {
		if !strings.Contains(page(r), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	r = refused()
	r.Target = group
	if p := page(r); strings.Contains(p, "No task that was named") || !strings.Contains(p, `fault">`+"\n"+`<p class="what">a task of the group`) {
		t.Error("the chain does not begin at what is at fault")
	}
	r = good()
	r.Target, r.Verdict, r.Artifacts[0].Verdict = group, trace.Untrusted, trace.Untrusted
	r.Artifacts[0].Findings = []trace.Finding{{Rule: "artifact-hash", Severity: trace.SeverityError, Message: "storage holds the wrong bytes"}}
	if p := page(r); !strings.Contains(p, "The chain, from the artifact to its tree") || strings.Count(p, "List its tasks") != strings.Count(page(good()), "List its tasks") {
		t.Error("the chain does not begin at the artifact that does not hold")
	}
}

func TestFileThatWasAskedForIsNamed(t *testing.T) {
	r := good()
	if strings.Contains(written(t, r), "<dt>File</dt>") {
		t.Error("a page names a file that nobody asked for")
	}
	r.Target.File = &trace.File{Path: "some/file", SHA256: hex64}
	if !strings.Contains(written(t, r), "<bdi>some/file</bdi>") {
		t.Error("the page does not name the file")
	}
}
