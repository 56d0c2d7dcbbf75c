package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/internal/report/reporttest"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	buildID    = "AAAAAAAAAAAAAAAAAAAAAA"
	decisionID = "DDDDDDDDDDDDDDDDDDDDDA"
	revision   = "0123456789abcdef0123456789abcdef01234567"
	hex64      = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func ptr[T any](v T) *T { return &v }

// good is a verified report of a build, its decision task and one artifact.
func good() *trace.Report {
	signed := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	tree := &trace.Tree{Repository: "https://hg.mozilla.org/mozilla-central", Revision: revision}
	signer := &trace.Signer{Method: "key", Identity: "generic-worker", KeyID: hex64, SignedAt: &signed, TimeSource: "queue"}
	return &trace.Report{
		APIVersion: "cot/v1", Verdict: trace.Verified, Scope: trace.ScopeTree, Evidence: "live",
		Target: trace.Target{TaskID: buildID}, RootURL: "https://tc.example.com",
		VerifiedAt: signed.Add(time.Hour),
		Policy:     trace.PolicyInfo{Name: "firefox-ci", SHA256: hex64},
		Tasks: []trace.Task{
			{
				TaskID: buildID, RunID: ptr(0), Name: "build-linux64/opt", Type: "build", Verdict: trace.Verified,
				Parent: decisionID, WorkerPool: "gecko-3/b-linux", Implementation: "generic-worker",
				Tree: tree, Signer: signer, Status: "judged",
				Findings: []trace.Finding{{
					Rule: "input-unpinned", Severity: trace.SeverityWarning, Path: "/payload/mounts/0",
					Message: "the worker took this input without checking its digest",
				}},
			},
			{
				TaskID: decisionID, RunID: ptr(1), Name: "Gecko Decision Task", Type: "decision", Verdict: trace.Verified,
				WorkerPool: "gecko-3/decision", Tree: tree, Signer: signer, Status: "judged",
			},
		},
		Artifacts: []trace.Artifact{{
			TaskID: buildID, RunID: 0, Name: "public/build/target.tar.gz", SHA256: hex64, Bytes: 12900000,
			Hashed: true, Path: "fetches/target.tar.gz", Verdict: trace.Verified,
		}},
		Notes:   []string{"what a task's scripts fetch by themselves is out of reach"},
		Summary: trace.Summary{Tasks: 2, Verified: 2, Unpinned: 1, Findings: 1},
	}
}

// refused is good with a task that its parent did not create like this.
func refused() *trace.Report {
	r := good()
	r.Verdict, r.Artifacts = trace.Untrusted, nil
	r.Tasks[0].Verdict = trace.Untrusted
	r.Tasks[0].Findings = []trace.Finding{
		{Rule: "evidence-unavailable", Severity: trace.SeverityError, Message: "pushlog: server error (HTTP 503)", Heals: true},
		{
			Rule: "differs-from-task-graph", Severity: trace.SeverityError, Path: "/payload/env/MOZ_X",
			Message: "the definition differs from its entry in the parent's task-graph.json",
			Want:    map[string]any{"a": strictjson.Number("12345678901234567890")}, Got: "evil\x1b[2J\u202egnp.exe",
		},
	}
	r.Summary = trace.Summary{Tasks: 2, Verified: 1, Untrusted: 1, Findings: 2}
	return r
}

func accepting() *trace.Report {
	r := good()
	r.Verdict, r.Accepted = trace.Accepted, []string{"--accept-untrusted-tree"}
	r.Tasks[1].Verdict = trace.Accepted
	r.Tasks[1].Findings = []trace.Finding{{
		Rule: "untrusted-contribution", Severity: trace.SeverityWarning, Message: "the tree is a contribution",
		Got: "https://hg.mozilla.org/try", Accepted: "--accept-untrusted-tree",
	}}
	r.Policy.Relaxed = []string{"signers.keys[0].workerPools"}
	return r
}

func undetermined() *trace.Report {
	r := good()
	r.Verdict, r.Artifacts = trace.Undetermined, nil
	r.Tasks[0].Verdict = trace.Undetermined
	r.Tasks[0].Findings = []trace.Finding{{
		Rule: "evidence-unavailable", Severity: trace.SeverityError, Message: "chain-of-trust.json: rate limited (HTTP 429)", Heals: true,
	}}
	return r
}

func signed() *trace.Report {
	r := good()
	r.Verdict, r.Scope = trace.Signed, trace.ScopeSignature
	r.Tasks = r.Tasks[:1]
	r.Tasks[0].Verdict, r.Tasks[0].Tree, r.Tasks[0].Findings = trace.Signed, nil, nil
	return r
}

func nothing() *trace.Report {
	return &trace.Report{
		APIVersion: "cot/v1", Verdict: trace.Verified, Scope: trace.ScopeTree, Evidence: "live",
		RootURL: "https://tc.example.com", Policy: trace.PolicyInfo{Name: "firefox-ci", SHA256: hex64},
		Notes: []string{"MOZ_FETCHES is an empty list: there is nothing to verify and nothing to fetch"},
	}
}

var reports = map[string]func() *trace.Report{
	"verified": good, "untrusted": refused, "accepted": accepting,
	"undetermined": undetermined, "signed": signed, "nothing": nothing,
}

func TestGolden(t *testing.T) {
	for name, make := range reports {
		t.Run(name, func(t *testing.T) {
			var text, json bytes.Buffer
			if err := Text(&text, make(), TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := JSON(&json, make()); err != nil {
				t.Fatal(err)
			}
			reporttest.Valid(t, json.Bytes())
			golden(t, name+".txt", text.Bytes())
			golden(t, name+".json", json.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestRefusalNamesTaskRulePointerExpectedFound(t *testing.T) {
	got := Refusal(refused())
	for _, want := range []string{buildID + "/0", "differs-from-task-graph", "/payload/env/MOZ_X", "expected {", "12345678901234567890", `found "evil`} {
		if !strings.Contains(got, want) {
			t.Errorf("refusal lacks %q:\n%s", want, got)
		}
	}
	if got := Refusal(good()); got != "" {
		t.Errorf("a verified report is refused: %s", got)
	}
}

// A report whose verdict was never set must not read as success.
func TestZeroReportIsNotSuccess(t *testing.T) {
	var b bytes.Buffer
	if err := Text(&b, &trace.Report{}, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "not checked: ") {
		t.Errorf("zero report reads:\n%s", b.String())
	}
	var j bytes.Buffer
	if err := JSON(&j, &trace.Report{}); err != nil {
		t.Fatal(err)
	}
	if reporttest.Validate(j.Bytes()) == nil {
		t.Error("the schema accepts a report that was never concluded")
	}
}

func TestTerminalEscapesInForeignText(t *testing.T) {
	const hostile = "a\x1b[2J\x07\u202e\u2066\u009b31m\r\nverified: all is well \xff\u200b"
	r := refused()
	r.Tasks[0].Name, r.Tasks[0].WorkerPool, r.Tasks[0].Signer.Identity = hostile, hostile, hostile
	r.Tasks[0].Claims, r.Notes, r.Policy.Relaxed = []string{hostile}, []string{hostile}, []string{hostile}
	r.Tasks[0].Findings[1].Message, r.Tasks[0].Findings[1].Path, r.Tasks[0].Findings[1].Hint = hostile, hostile, hostile
	r.Artifacts = []trace.Artifact{{Name: hostile, TaskID: hostile, Path: hostile, Findings: r.Tasks[0].Findings}}
	var text, json bytes.Buffer
	if err := Text(&text, r, TextOptions{Verbose: true}); err != nil {
		t.Fatal(err)
	}
	if err := JSON(&json, r); err != nil {
		t.Fatal(err)
	}
	for what, out := range map[string]string{"text": text.String(), "JSON": json.String()} {
		if i := strings.IndexAny(out, "\x1b\x07\r\u202e\u2066\u009b\u200b"); i >= 0 {
			t.Errorf("%s has %q", what, out[i:min(i+8, len(out))])
		}
	}
	if strings.Contains(text.String(), "\nverified: all is well") {
		t.Error("foreign text can begin a line")
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain, with space":  "plain, with space",
		"größe ✓ 日本":         "größe ✓ 日本",
		"tab\tnewline\n":     `tab\tnewline\n`,
		"esc\x1b[31m":        `esc\x1b[31m`,
		"bidi\u202e":         `bidi\u202e`,
		"bad\xff":            `bad\xff`,
		"tag\U000e0041":      `tag\U000e0041`,
		"replacement \ufffd": "replacement \ufffd",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestColorsOnlyWhenAsked(t *testing.T) {
	for _, color := range []bool{false, true} {
		var b bytes.Buffer
		if err := Text(&b, refused(), TextOptions{Color: color}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "\x1b["); got != color {
			t.Errorf("Color %v: escape sequences %v", color, got)
		}
	}
}

func TestLongListsAreCut(t *testing.T) {
	r := good()
	for range 2000 {
		r.Artifacts = append(r.Artifacts, r.Artifacts[0])
	}
	var brief, verbose bytes.Buffer
	if err := Text(&brief, r, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Text(&verbose, r, TextOptions{Verbose: true}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(brief.String(), "\n"); n > 40 {
		t.Errorf("brief text has %d lines", n)
	}
	if n := strings.Count(verbose.String(), "\n"); n < 2000 {
		t.Errorf("verbose text has %d lines", n)
	}
}

// The log of a task on a large try graph stays short.
func TestAcceptedTreesAndNotesAreCut(t *testing.T) {
	r := good()
	r.Verdict, r.Accepted = trace.Accepted, []string{"--accept-unsigned-pools"}
	one := r.Tasks[0]
	for i := range 500 {
		task := one
		task.TaskID = fmt.Sprintf("A%021d", i)
		task.Tree = &trace.Tree{Repository: "https://hg.mozilla.org/try", Revision: fmt.Sprintf("%040d", i)}
		task.Findings = []trace.Finding{{Rule: "signer-unauthorized", Severity: trace.SeverityWarning, Message: "no key", Accepted: "--accept-unsigned-pools"}}
		r.Tasks = append(r.Tasks, task)
		r.Notes = append(r.Notes, fmt.Sprintf("note %d", i))
	}
	text := texted(t, r, TextOptions{})
	for _, want := range []string{"and 490 further findings that the flags accept (-v", "and 491 further trees (-v", "and 451 further notes (-v"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q", want)
		}
	}
	if n := strings.Count(text, "\n"); n > 90 {
		t.Errorf("the text has %d lines:\n%s", n, text)
	}
	verbose := texted(t, r, TextOptions{Verbose: true})
	for _, want := range []string{"note note 499\n", fmt.Sprintf("at %040d", 499), "further"} {
		if strings.Contains(verbose, want) == (want == "further") {
			t.Errorf("the verbose text and %q: %v", want, want == "further")
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 1 << 30: "1.0 GiB", 5 << 40: "5.0 TiB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %s, want %s", n, got, want)
		}
	}
}

// A contribution decides what the rest is worth, so it is said first; what follows
// from another finding is a number below its cause, unless the text is verbose.
func TestContributionsComeFirstAndWhatFollowsIsCounted(t *testing.T) {
	r := good()
	for i := range r.Tasks {
		failed(r, i, trace.Finding{Rule: trace.RuleSignerUnauthorized, Hint: "accept it"})
		failed(r, i, derived(t))
	}
	failed(r, 0, trace.Finding{Rule: trace.RuleEvidenceUnavailable, Heals: true})
	failed(r, 1, trace.Finding{Rule: trace.RuleUntrustedContrib})
	if got := Refusal(r); !strings.HasPrefix(got, "untrusted: task "+decisionID+"/1 (Gecko Decision Task): untrusted-contribution: ") {
		t.Error(got)
	}
	text := texted(t, r, TextOptions{})
	var order []string
	for line := range strings.Lines(text) {
		if rule, _, found := strings.Cut(line[max(0, strings.Index(line, "): ")):], ": this does not hold"); found {
			order = append(order, strings.TrimPrefix(rule, "): "))
		}
	}
	if want := []string{"untrusted-contribution", "signer-unauthorized", "signer-unauthorized", "evidence-unavailable"}; !slices.Equal(order, want) {
		t.Errorf("in this order: %q, want %q\n%s", order, want, text)
	}
	if !strings.Contains(text, "\n  and 2 more findings that follow from these (-v lists what)\n") {
		t.Errorf("what follows is not counted:\n%s", text)
	}
	if verbose := texted(t, r, TextOptions{Verbose: true}); strings.Contains(verbose, "that follow") || strings.Count(verbose, ": this does not hold") != 6 {
		t.Errorf("verbose, all is listed:\n%s", verbose)
	}

	// Nothing is left out whose cause is not in the report.
	r = good()
	failed(r, 0, derived(t))
	if text := texted(t, r, TextOptions{}); strings.Contains(text, "follows from") || !strings.Contains(text, ": this does not hold") {
		t.Errorf("a finding without a cause:\n%s", text)
	}
	failed(r, 0, trace.Finding{Rule: trace.RuleInteractive})
	if text := texted(t, r, TextOptions{}); !strings.Contains(text, "and 1 more finding that follows from this") {
		t.Errorf("one of one:\n%s", text)
	}
}
