package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/internal/report/reporttest"
	"github.com/mozilla-releng/cot/internal/transport"
)

// badRun is a world that cot-download is called in.
type badRun struct {
	*fixtures.Standard
	t      *testing.T
	server *fixtures.Server
	policy func(text string) string
	stall  time.Duration // how long a body may bring nothing; 0: the client's own patience
	dir    string
}

func newBadRun(t *testing.T, o fixtures.Options) *badRun {
	t.Helper()
	w := &badRun{Standard: fixtures.Release(1), t: t, dir: t.TempDir()}
	var err error
	if w.server, err = w.Serve(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.server.Close() })
	return w
}

// download runs cot-download into a directory of that name and gives its exit
// code and what it said. Where it ends with a verdict, there is a report, and
// it is as the schema has it.
func (w *badRun) download(dest string, args ...string) (int, string) {
	w.t.Helper()
	text := w.PolicyYAML(w.server)
	if w.policy != nil {
		text = w.policy(text)
	}
	policy, report := filepath.Join(w.dir, "policy.yml"), filepath.Join(w.dir, dest+".json")
	write(w.t, policy, text, 0o600)
	s, _, stderr := plainIO(append([]string{
		"--policy", policy, "-d", filepath.Join(w.dir, dest), "--progress", "none", "--format", "json", "-o", report,
	}, args...)...)
	s.Now = func() time.Time { return w.Now }
	s.tune = func(c *transport.Config) {
		impatient(c)
		c.StallTimeout = w.stall
		if w.server.CAPEM != nil {
			c.RootCAs = x509.NewCertPool()
			c.RootCAs.AppendCertsFromPEM(w.server.CAPEM)
		}
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	code := Download(ctx, s)
	switch data, err := os.ReadFile(report); {
	case err == nil:
		reporttest.Valid(w.t, data)
	case code != exitUsage:
		w.t.Errorf("exit code %d without a report: %v", code, err)
	}
	return code, stderr.String()
}

// nothingIn fails the test if anything lies below the destination, or beside it.
func (w *badRun) nothingIn(dest string) {
	w.t.Helper()
	_ = filepath.WalkDir(filepath.Join(w.dir, dest), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			w.t.Errorf("left: %s", p)
		}
		return nil
	})
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			w.t.Errorf("left beside the destination: %s", e.Name())
		}
	}
}

func onDocument(f func(d *fixtures.Document)) func(*badRun) {
	return func(w *badRun) { f(w.Build.Last().Document) }
}

func onSigned(f func(doc fixtures.Object)) func(*badRun) {
	return onDocument(func(d *fixtures.Document) { d.Edit = f })
}

func onBytes(old, replacement string) func(*badRun) {
	return onDocument(func(d *fixtures.Document) {
		d.EditBytes = func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(replacement), 1) }
	})
}

func onDecision(f func(w *badRun, env, metadata fixtures.Object)) func(*badRun) {
	return func(w *badRun) {
		payload, _ := w.Decision.Definition["payload"].(fixtures.Object)
		env, _ := payload["env"].(fixtures.Object)
		metadata, _ := w.Decision.Definition["metadata"].(fixtures.Object)
		f(w, env, metadata)
	}
}

func onPolicy(old, replacement string) func(*badRun) {
	return func(w *badRun) {
		w.policy = func(text string) string { return strings.Replace(text, old, replacement, 1) }
	}
}

func onStore(f fixtures.Fault) func(*badRun, *fixtures.Artifact) fixtures.Fault {
	return func(_ *badRun, a *fixtures.Artifact) fixtures.Fault {
		f.Match = fixtures.Download(a)
		return f
	}
}

func hashesOf(doc fixtures.Object, name string) fixtures.Object {
	list, _ := doc["artifacts"].(fixtures.Object)
	hashes, _ := list[name].(fixtures.Object)
	return hashes
}

func addScope(t *fixtures.Task, scope string) {
	for _, d := range []fixtures.Object{t.Definition, t.Entry.Task} {
		scopes, _ := d["scopes"].([]any)
		d["scopes"] = append(append([]any{}, scopes...), scope)
	}
}

// twoArchives unpacks two artifacts into one directory.
func twoArchives(w *badRun) []string {
	list := filepath.Join(w.dir, "fetches.list")
	write(w.t, list, fixtures.Fetches(
		fixtures.Fetch{Task: w.Toolchain, Artifact: "public/build/clang.tar.zst", Extract: true},
		fixtures.Fetch{Task: w.Fetch, Artifact: "public/sources.tar.xz", Extract: true},
	), 0o600)
	return []string{"--fetches", list}
}
