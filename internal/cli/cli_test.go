package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/download"
	"github.com/mozilla-releng/cot/trace"
)

// plainIO is an IO without input or environment.
func plainIO(args ...string) (IO, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return IO{
		Args: args, Env: func(string) (string, bool) { return "", false },
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err,
	}, &out, &err
}

func TestABugIsAnInternalErrorNotASuccess(t *testing.T) {
	s, _, stderr := plainIO()
	code := guarded(t.Context(), "cot-download", s, func() (int, error) {
		panic("index out of range")
	})
	if code != exitUntrusted {
		t.Errorf("exit code %d, want %d", code, exitUntrusted)
	}
	if got := stderr.String(); !strings.HasPrefix(got, "cot-download: internal error: ") || strings.Contains(got, "goroutine") {
		t.Errorf("stderr: %s", got)
	}
}

func TestCodeOfErrors(t *testing.T) {
	for want, err := range map[int]error{
		exitUsage:        usagef("wrong"),
		exitUndetermined: &graph.UnavailableError{What: "x", Reason: graph.RateLimited},
		exitUntrusted:    errors.Join(errors.New("x"), &graph.UnavailableError{What: "x", Reason: graph.NotFound}),
	} {
		s, _, _ := plainIO()
		if got := guarded(t.Context(), "x", s, func() (int, error) { return exitOK, err }); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}

func TestSignalsGiveTheShellsCodes(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(&signalError{sig})
		s, _, stderr := plainIO()
		if got := guarded(ctx, "x", s, func() (int, error) { return exitOK, ctx.Err() }); got != want {
			t.Errorf("%v: exit code %d, want %d", sig, got, want)
		}
		if !strings.Contains(stderr.String(), "nothing unfinished is left behind") {
			t.Errorf("stderr: %s", stderr)
		}
	}
}

func TestErrorsOfForeignTextAreClean(t *testing.T) {
	s, _, stderr := plainIO("\x1b[2J\u202e")
	if code := Download(t.Context(), s); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	if strings.ContainsAny(stderr.String(), "\x1b\u202e") {
		t.Errorf("stderr: %q", stderr)
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{"": 0, "1": 1, "10B": 10, "500MB": 500_000_000, "2GiB": 2 << 30, "1TiB": 1 << 40, "3KB": 3000} {
		if got, err := parseSize(in); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"0", "-1", "2G", "1.5GiB", "GiB", "1 GiB", "9223372036854775807KB", "2gib", "1iB"} {
		if got, err := parseSize(in); err == nil {
			t.Errorf("parseSize(%q) = %d", in, got)
		}
	}
}

func TestSplitTree(t *testing.T) {
	for in, want := range map[string][2]string{
		"https://hg.mozilla.org/mozilla-central":     {"https://hg.mozilla.org/mozilla-central", ""},
		"https://hg.mozilla.org/mozilla-central@abc": {"https://hg.mozilla.org/mozilla-central", "abc"},
		"git@github.com:mozilla/x":                   {"git@github.com:mozilla/x", ""},
		"git@github.com:mozilla/x@abc":               {"git@github.com:mozilla/x", "abc"},
		"ssh://git@github.com/mozilla/x":             {"ssh://git@github.com/mozilla/x", ""},
	} {
		if repo, rev := splitTree(in); repo != want[0] || rev != want[1] {
			t.Errorf("splitTree(%q) = %q, %q", in, repo, rev)
		}
	}
}

func TestParseRootURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://tc.example.com":  "https://tc.example.com",
		"https://tc.example.com/": "https://tc.example.com",
		"http://127.0.0.1:8080":   "http://127.0.0.1:8080",
	} {
		if got, err := parseRootURL(in); err != nil || got != want {
			t.Errorf("parseRootURL(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"tc.example.com", "http://tc.example.com", "https://u:p@tc.example.com", "https://tc.example.com/x", "https://tc.example.com?x", "ftp://127.0.0.1"} {
		if got, err := parseRootURL(in); err == nil {
			t.Errorf("parseRootURL(%q) = %q", in, got)
		}
	}
	if _, err := parseRootURL("https://user:secret@tc.example.com"); strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestWriteFileIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "report.json")
	write(t, name, "old", 0o600)
	if err := writeFile(filepath.Join(dir, "no", "report.json"), nothingWritten); err == nil {
		t.Error("a report is written where nothing can be")
	}
	broken := errors.New("broken")
	if err := writeFile(name, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if got, _ := os.ReadFile(name); string(got) != "old" {
		t.Errorf("what was there is now %q", got)
	}
	if err := writeFile(name, nothingWritten); err != nil {
		t.Error(err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("leftovers: %v", entries)
	}
}

// As root, a rename would make /dev/stdout a file for everybody.
func TestWriteFileGoesThroughALink(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "stdout")
	write(t, file, "old and longer", 0o600)
	if err := os.Symlink("file", link); err != nil {
		t.Skip(err)
	}
	if err := writeFile(link, nothingWritten); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if got, _ := os.ReadFile(file); string(got) != "new" {
		t.Errorf("the file holds %q", got)
	}
}

func nothingWritten(w io.Writer) error {
	_, err := w.Write([]byte("new"))
	return err
}

func TestMakeDirRemovesOnlyWhatItMade(t *testing.T) {
	base := t.TempDir()
	remove, err := makeDir(filepath.Join(base, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	remove()
	if entries, _ := os.ReadDir(base); len(entries) != 0 {
		t.Errorf("left: %v", entries)
	}
	if remove, err = makeDir(filepath.Join(base, "a", "b")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(base, "a", "file"), "", 0o600)
	remove()
	if _, err := os.Stat(filepath.Join(base, "a", "file")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(base); err != nil {
		t.Error(err)
	}
}

// lockedBuffer is written by progress and read by tests.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var steps = []download.Event{
	{Kind: download.Started, Index: 0, Path: "a\x1b[2J.zip", Total: 100},
	{Kind: download.Started, Index: 1, Path: strings.Repeat("long", 30), Total: -1},
	{Kind: download.Progress, Index: 0, Path: "a", Bytes: 60, Total: 100},
	{Kind: download.Retrying, Index: 0, Path: "a\x1b[2J.zip", Bytes: 0, Total: 100, Err: errors.New("broken \x1b[2J")},
	{Kind: download.Progress, Index: 0, Path: "a", Bytes: 100, Total: 100},
	{Kind: download.Done, Index: 0, Path: "a", Bytes: 100, Total: 100},
	{Kind: download.Kept, Index: 2, Path: "c"},
}

func TestPlainProgress(t *testing.T) {
	var w lockedBuffer
	p := newPlain(&w, "cot-download", time.Hour)
	p.traced(trace.Event{Kind: "task"})
	p.line()
	event := p.fetched(3, "fetching")
	for _, e := range steps {
		event(e)
	}
	p.line()
	p.stop()
	p.stop()
	want := `cot-download: verifying: 1 tasks looked at
cot-download: a\x1b[2J.zip: trying again: broken \x1b[2J
cot-download: fetching: 2 of 3 files, 100 B
`
	if got := w.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestBarsEnd(t *testing.T) {
	var w lockedBuffer
	b := newBars(&w)
	b.traced(trace.Event{Kind: "task"})
	event := b.fetched(3, "fetching")
	for _, e := range steps {
		event(e)
	}
	if got := b.status(); got != "fetching: 2 of 3 files, 100 B" {
		t.Errorf("status %q", got)
	}
	b.stop()
	b.stop()
	if strings.Contains(w.String(), "a\x1b[2J") {
		t.Errorf("foreign text reaches the terminal: %q", w.String())
	}
}
