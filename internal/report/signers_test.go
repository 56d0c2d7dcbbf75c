package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/internal/report/reporttest"
	"github.com/mozilla-releng/cot/trace"
)

func textOf(t *testing.T, r *trace.Report, o TextOptions) string {
	t.Helper()
	var text, json bytes.Buffer
	if err := Text(&text, r, o); err != nil {
		t.Fatal(err)
	}
	if err := JSON(&json, r); err != nil {
		t.Fatal(err)
	}
	reporttest.Valid(t, json.Bytes())
	return text.String()
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

// asked is good with all that a caller can ask beside the chain.
func asked() *trace.Report {
	r := good()
	at := r.VerifiedAt.Add(-30 * time.Minute)
	r.At = &at
	r.Target.File = &trace.File{Path: "dir/target.tar.gz", SHA256: hex64, Bytes: 12900000}
	r.Distrusted = &trace.Distrusted{
		IDs:    []string{hex64, hex64 + ":1a2b", "spiffe://tc.example.com/level/3"},
		Unused: []string{hex64 + ":1a2b"},
		Tasks: []trace.DistrustedTask{
			{TaskID: buildID, RunID: ptr(0), Name: "build-linux64/opt", Through: decisionID + "/1"},
			{TaskID: decisionID, RunID: ptr(1), Name: "Gecko Decision Task", IDs: []string{hex64}},
		},
	}
	end, ended := at.Add(50*time.Hour), at.Add(-25*time.Hour)
	r.Signers = []trace.SignerUse{
		{Method: "key", Identity: "generic-worker", KeyID: hex64, Tasks: 2},
		{Method: "cms", Identity: "spiffe://tc.example.com/a", KeyID: hex64, Certificate: hex64 + ":1", NotAfter: &end, Tasks: 1},
		{Method: "key", Identity: "docker-worker", KeyID: hex64, NotAfter: &ended, Tasks: 1},
	}
	return r
}

func TestWhatWouldNotVerify(t *testing.T) {
	wantLines(t, textOf(t, asked(), TextOptions{}),
		"  distrusted without e3b0c44298fc1c14..., e3b0c44298fc1c14...:1a2b, spiffe://tc.example.com/level/3 2 of 2 tasks would not verify: "+
			"1 by what signed them, 1 by what they rest on",
		"      task "+buildID+"/0 (build-linux64/opt), rests on "+decisionID+"/1",
		"      task "+decisionID+"/1 (Gecko Decision Task), signed by e3b0c44298fc1c14...",
		"  note no signature that was verified here rests on "+hex64+":1a2b",
	)
	r := asked()
	r.Distrusted = &trace.Distrusted{IDs: []string{hex64}, Unused: []string{hex64}, Tasks: []trace.DistrustedTask{}}
	text := textOf(t, r, TextOptions{})
	wantLines(t, text, "  note no signature that was verified here rests on "+hex64)
	if strings.Contains(text, "would not verify") || Distrusted(r) != "" || Distrusted(good()) != "" {
		t.Errorf("something would not verify:\n%s", text)
	}
}

func TestWhatWouldNotVerifyIsBounded(t *testing.T) {
	r := asked()
	for i := range 100 {
		r.Distrusted.Tasks = append(r.Distrusted.Tasks, trace.DistrustedTask{
			TaskID: buildID, RunID: ptr(i), Name: fmt.Sprintf("more-%d", i), IDs: []string{hex64},
		})
	}
	brief, verbose := textOf(t, r, TextOptions{}), textOf(t, r, TextOptions{Verbose: true})
	wantLines(t, brief, "      and 82 further tasks (-v lists them)")
	if strings.Contains(brief, "more-18") || !strings.Contains(brief, "more-17") || !strings.Contains(verbose, "more-99") {
		t.Errorf("brief:\n%s", brief)
	}
}

func TestSignersAreListed(t *testing.T) {
	wantLines(t, textOf(t, asked(), TextOptions{Verbose: true}),
		"signers:",
		"  2 tasks signed by generic-worker, key "+hex64,
		"  1 task signed by spiffe://tc.example.com/a, cms, certificate "+hex64+":1, key "+hex64+", until 2026-08-03T14:30:00Z (expires in 2 days)",
		"  1 task signed by docker-worker, key "+hex64+", until 2026-07-31T11:30:00Z (expired 1 day ago)",
	)
	if s := textOf(t, asked(), TextOptions{}); strings.Contains(s, "signers:") {
		t.Errorf("without -v:\n%s", s)
	}
}

func TestFileAndTimeAreNamed(t *testing.T) {
	wantLines(t, textOf(t, asked(), TextOptions{}),
		"file dir/target.tar.gz, sha256 "+hex64+", is",
		"  note judged as of 2026-08-01T12:30:00Z; what queue, index and version control say is of today",
	)
	if s := textOf(t, good(), TextOptions{}); strings.Contains(s, "\nfile ") || strings.Contains(s, "as of") {
		t.Errorf("neither was asked for:\n%s", s)
	}
}

func TestForeignTextInWhatWasAsked(t *testing.T) {
	const hostile = "a\x1b[2J\nverified: all is well\u202e"
	r := asked()
	r.Target.File.Path, r.Distrusted.Tasks[0].Name, r.Distrusted.Tasks[0].Through = hostile, hostile, hostile
	r.Distrusted.IDs[2], r.Signers[1].Identity, r.Signers[1].Certificate = "spiffe://"+hostile, hostile, hostile
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return Text(b, r, TextOptions{Verbose: true}) },
		func(b *bytes.Buffer) error { return JSON(b, r) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if s := b.String(); strings.ContainsAny(s, "\x1b\u202e") || strings.Contains(s, "\nverified: all") {
			t.Errorf("%q", s)
		}
	}
}
