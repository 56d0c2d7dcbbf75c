package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/fixtures/gnupg"
	"github.com/mozilla-releng/cot/internal/report/reporttest"
)

// recordedWorld is a deployment whose chains are recorded, and then judged
// without it.
type recordedWorld struct {
	t      *testing.T
	server *fixtures.Server
	dir    string
	now    time.Time
	env    map[string]string
}

// worldWithPolicy is a world that writes its own policy.
type worldWithPolicy interface {
	Serve(o fixtures.Options) (*fixtures.Server, error)
	PolicyYAML(s *fixtures.Server) string
}

func recordWorld(t *testing.T, w worldWithPolicy, now time.Time) *recordedWorld {
	t.Helper()
	server, err := w.Serve(fixtures.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	r := &recordedWorld{t: t, server: server, dir: t.TempDir(), now: now, env: map[string]string{}}
	write(t, r.path("policy.yml"), w.PolicyYAML(server), 0o600)
	return r
}

func (r *recordedWorld) path(name string) string { return filepath.Join(r.dir, name) }

// outcome is what a call of cot-verify-graph came to.
type outcome struct {
	code   int
	stderr string
	report map[string]any // nil: there is none
}

// verify calls cot-verify-graph at the world's time.
func (r *recordedWorld) verify(args ...string) outcome {
	r.t.Helper()
	name := r.path("report.json")
	_ = os.Remove(name)
	s, _, stderr := plainIO(append([]string{
		"--policy", r.path("policy.yml"), "--progress", "none", "--format", "json", "-o", name,
	}, args...)...)
	s.Env = func(name string) (string, bool) { v, ok := r.env[name]; return v, ok }
	s.Now, s.tune = func() time.Time { return r.now }, impatient
	o := outcome{code: VerifyGraph(r.t.Context(), s), stderr: stderr.String()}
	data, err := os.ReadFile(name)
	if err != nil {
		return o
	}
	reporttest.Valid(r.t, data)
	if err := json.Unmarshal(data, &o.report); err != nil {
		r.t.Fatal(err)
	}
	return o
}

// record verifies live and writes a bundle; then nothing is there to ask.
func (r *recordedWorld) record(want int, args ...string) (live outcome, bundle, sum string) {
	r.t.Helper()
	bundle = r.path("bundle")
	// A bundle has no artifacts' bytes to compare.
	live = r.verify(append([]string{"--evidence", bundle, "--artifacts", "none"}, args...)...)
	if live.code != want {
		r.t.Fatalf("exit code %d, want %d: %s", live.code, want, live.stderr)
	}
	_ = r.server.Close()
	return live, bundle, sumOf(r.t, bundle)
}

func sumOf(t *testing.T, name string) string {
	t.Helper()
	sum := sha256.Sum256(read(t, filepath.Dir(name), filepath.Base(name)))
	return hex.EncodeToString(sum[:])
}

// same compares reports but for what says when and from what they were made.
func (r *recordedWorld) same(live, offline outcome) {
	r.t.Helper()
	strip := func(m map[string]any) map[string]any {
		m = maps.Clone(m)
		for _, name := range []string{"evidence", "bundle", "at", "verifiedAt", "notes"} {
			delete(m, name)
		}
		return m
	}
	if live.report == nil || offline.report == nil {
		r.t.Fatalf("no report: %s%s", live.stderr, offline.stderr)
	}
	if d := cmp.Diff(strip(live.report), strip(offline.report)); d != "" {
		r.t.Errorf("live and offline (+) differ:\n%s", d)
	}
	if live.report["evidence"] != "live" || offline.report["evidence"] != "recorded" {
		r.t.Errorf("evidence %v and %v", live.report["evidence"], offline.report["evidence"])
	}
}

// rules gives the rules of all errors of a report.
func (o outcome) rules() []string {
	var out []string
	add := func(v any) {
		list, _ := v.([]any)
		for _, f := range list {
			if m, _ := f.(map[string]any); m["severity"] == "error" {
				out = append(out, fmt.Sprint(m["rule"]))
			}
		}
	}
	tasks, _ := o.report["tasks"].([]any)
	for _, t := range tasks {
		m, _ := t.(map[string]any)
		add(m["findings"])
	}
	add(o.report["findings"])
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *recordedWorld) want(o outcome, code int, rules ...string) {
	r.t.Helper()
	if got := o.rules(); o.code != code || !slices.Equal(got, rules) {
		r.t.Errorf("exit code %d with errors %q, want %d with %q\n%s", o.code, got, code, rules, o.stderr)
	}
}

func TestBundleGivesTheSameFindings(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(w *fixtures.Standard)
		args func(w *fixtures.Standard) []string
		code int
	}{
		{"a chain", nil, func(w *fixtures.Standard) []string { return []string{w.Signing.ID, w.Rerun.ID + "/1"} }, 0},
		{"an artifact of it", nil, func(w *fixtures.Standard) []string { return []string{w.Build.ID + ":public/build/*.json"} }, 0},
		{"a whole group", func(w *fixtures.Standard) { w.ForeignSigner.Last().Document.Key = nil }, func(w *fixtures.Standard) []string {
			return []string{"--group", w.Decision.ID}
		}, 0},
		{"a group that is not what it claims to be", nil, func(w *fixtures.Standard) []string { return []string{"--group", w.Decision.ID} }, 1},
		{"a group's URL", nil, func(w *fixtures.Standard) []string { return []string{"ROOT/tasks/groups/" + w.Decision.ID} }, 1},
		{"a fork", nil, func(w *fixtures.Standard) []string { return []string{w.ForkBuild.ID} }, 1},
		{
			"a document of other bytes", func(w *fixtures.Standard) { w.Build.Artifact(fixtures.DocumentName).FlipStored(9) },
			func(w *fixtures.Standard) []string { return []string{w.Signing.ID} }, 1,
		},
		{
			"a task graph of other bytes", func(w *fixtures.Standard) { w.Decision.Artifact("public/task-graph.json").FlipStored(9) },
			func(w *fixtures.Standard) []string { return []string{w.Signing.ID} }, 1,
		},
		{
			"a document that is lost", func(w *fixtures.Standard) { w.Build.Artifact(fixtures.DocumentName).Lost = true },
			func(w *fixtures.Standard) []string { return []string{w.Signing.ID} }, 1,
		},
		{"a task that is not there", nil, func(*fixtures.Standard) []string { return []string{nobodysID} }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fixtures.Release(1)
			if tt.edit != nil {
				tt.edit(w)
			}
			r := recordWorld(t, w, w.Now)
			args := tt.args(w)
			for i := range args {
				args[i] = strings.Replace(args[i], "ROOT", r.server.RootURL, 1)
			}
			live, bundle, sum := r.record(tt.code, args...)
			recorded := r.now
			for _, later := range []time.Duration{0, 1000 * time.Hour} {
				r.now = recorded.Add(later)
				r.same(live, r.verify("--offline", bundle, "--evidence-sha256", sum, "--at", recorded.Format(time.RFC3339Nano)))
			}
			if o := r.verify(append([]string{"--offline", bundle, "--evidence-sha256", strings.ToUpper(sum)}, args...)...); o.code != tt.code {
				t.Errorf("as of now: exit code %d, want %d: %s", o.code, tt.code, o.stderr)
			}
		})
	}
}

// A run that judged as of an earlier time is judged again as of that.
func TestBundleOfAnEarlierTime(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	before := w.Now.Add(-6 * time.Hour).Format(time.RFC3339)
	live, bundle, sum := r.record(1, "--at", before, w.Signing.ID)
	if !slices.Contains(live.rules(), "run-not-completed") {
		t.Errorf("live: %q", live.rules())
	}
	vouched := []string{"--offline", bundle, "--evidence-sha256", sum}
	o := r.verify(vouched...)
	if notes := fmt.Sprint(o.report["notes"]); !strings.Contains(notes, "--at "+before+" judges") {
		t.Errorf("the time that it was judged for is not said: %s", notes)
	}
	r.same(live, r.verify(append(vouched, "--at", before)...))
}

// Inside of a task the verification itself need not be finished, then as now.
func TestBundleOfTheRunningTask(t *testing.T) {
	w := fixtures.Release(1)
	w.ForeignSigner.Last().Document.Key = nil
	w.FailedBuild.Last().State = "running"
	r := recordWorld(t, w, w.Now)
	args := []string{"--require-finished", "--group", w.Decision.ID}
	if o := r.verify(args...); o.code != 75 {
		t.Errorf("outside of the task: exit code %d, want 75: %s", o.code, o.stderr)
	}
	r.env["TASK_ID"] = w.FailedBuild.ID
	live, bundle, sum := r.record(0, args...)
	r.env = nil
	r.same(live, r.verify("--offline", bundle, "--evidence-sha256", sum, "--require-finished"))
}

// A bundle that is not the one that is meant is refused in every format.
func TestOtherBundleInEveryFormat(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	_, bundle, _ := r.record(0, w.Build.ID)
	for _, format := range graphFormats {
		s, stdout, stderr := plainIO("--policy", r.path("policy.yml"), "--progress", "none", "--format", format, "--offline", bundle, "--evidence-sha256", strings.Repeat("0", 64))
		code := VerifyGraph(t.Context(), s)
		if code != 1 || !strings.Contains(stdout.String()+stderr.String(), "evidence-unvouched") {
			t.Errorf("%s: exit code %d: %s%s", format, code, stdout, stderr)
		}
	}
	s, stdout, _ := plainIO("explain", "--policy", r.path("policy.yml"), "--progress", "none", "--offline", bundle, "--evidence-sha256", strings.Repeat("0", 64))
	if code := VerifyGraph(t.Context(), s); code != 1 || !strings.Contains(stdout.String(), "evidence-unvouched") {
		t.Errorf("explain: exit code %d: %s", code, stdout)
	}
}

// Every event that a decision task can be made for, on hg and on GitHub.
func TestBundleOfEveryEvent(t *testing.T) {
	w := fixtures.Events(1)
	r := recordWorld(t, w, w.Now)
	var args []string
	for _, target := range w.Targets() {
		args = append(args, target.Build.ID)
	}
	args = append(args, "--accept-untrusted-tree")
	code := r.verify(args...).code
	live, bundle, sum := r.record(code, args...)
	r.same(live, r.verify("--offline", bundle, "--evidence-sha256", sum, "--accept-untrusted-tree"))
}

func TestBundleAndDistrust(t *testing.T) {
	w := fixtures.Release(1)
	w.ForeignSigner.Last().Document.Key = nil
	r := recordWorld(t, w, w.Now)
	live, bundle, sum := r.record(0, "--group", w.Decision.ID)
	signers, _ := live.report["signers"].([]any)
	first, _ := signers[0].(map[string]any)
	id := fmt.Sprint(first["keyId"])
	o := r.verify("--offline", bundle, "--evidence-sha256", sum, "--distrust", id)
	if o.code != 1 || o.report["verdict"] != "verified" || o.report["distrusted"] == nil {
		t.Errorf("exit code %d, %v: %s", o.code, o.report["verdict"], o.stderr)
	}
	r.want(r.verify("--offline", bundle, "--evidence-sha256", sum, "--distrust", strings.Repeat("0", 64)), 0)
}

func TestStatementsOnBundles(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	_, bundle, sum := r.record(0, w.Build.ID)
	state := func(args ...string) (int, string, string) {
		s, stdout, stderr := plainIO(append([]string{"--policy", r.path("policy.yml"), "--progress", "none", "--format", "vsa", "--offline", bundle}, args...)...)
		s.Now = func() time.Time { return r.now }
		code := VerifyGraph(t.Context(), s)
		return code, stdout.String(), stderr.String()
	}
	code, stdout, _ := state("--evidence-sha256", sum)
	if code != 0 || !strings.Contains(stdout, `"PASSED"`) || !strings.Contains(stdout, sum) || !strings.Contains(stdout, `"recorded"`) {
		t.Errorf("vouched: exit code %d: %s", code, stdout)
	}
	if code, stdout, stderr := state(); code != 1 || stdout != "" || !strings.Contains(stderr, "nobody vouches") {
		t.Errorf("unvouched: exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestBundleThatCannotBeWritten(t *testing.T) {
	w := fixtures.Release(1)
	r := recordWorld(t, w, w.Now)
	write(t, r.path("file"), "x", 0o600)
	for name, says := range map[string]string{
		r.path("no/bundle"):   "no such file",
		r.path("file/bundle"): "not a directory",
		r.dir:                 "is a directory",
		r.path("report.json"): "name one file",
	} {
		if o := r.verify("--evidence", name, w.Build.ID); o.code != exitUsage || !strings.Contains(o.stderr, says) {
			t.Errorf("%s: exit code %d: %s", name, o.code, o.stderr)
		}
	}
	for _, args := range [][]string{
		{"--offline", r.path("none")},
		{"--offline", r.dir},
		{"--evidence-sha256", strings.Repeat("0", 64), w.Build.ID},
		{"--offline", r.path("file"), "--evidence", r.path("other")},
		{"--offline", r.path("file"), "--cache-dir", r.path("cache")},
		{"--offline", r.path("file"), "--evidence-sha256", "00"},
	} {
		if o := r.verify(args...); o.code != exitUsage || o.report != nil {
			t.Errorf("%q: exit code %d: %s", args, o.code, o.stderr)
		}
	}
	// What was there stays until the new bundle is whole.
	write(t, r.path("bundle"), "old", 0o600)
	if o := r.verify("--evidence", r.path("bundle"), "nonsense"); o.code != exitUsage {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
	if got := string(read(t, r.dir, "bundle")); got != "old" {
		t.Errorf("what was there is now %q", got)
	}
	r.record(0, w.Build.ID)
	if entries, err := os.ReadDir(r.dir); err != nil || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), ".") }) {
		t.Errorf("leftovers: %v, %v", entries, err)
	}
}

// Documents of 2016 to 2019 are clear-signed. They count in bundles alone, and
// only under keys that policy names.
func TestClearSignedDocumentsCountInBundles(t *testing.T) {
	w := fixtures.Release(1)
	g := gnupg.New(t, w.Now.AddDate(0, -6, 0))
	g.Key("worker", "rsa2048", "sign", "1y")
	g.Now = w.Now.Add(-time.Minute)
	for _, task := range []*fixtures.Task{w.Build, w.Decision} {
		document := string(task.Artifact(fixtures.DocumentName).Honest().Bytes())
		a := fixtures.File("public/chainOfTrust.json.asc", fixtures.Bytes(g.Sign(document, "worker")))
		a.Unhashed = true
		task.Last().Add(a)
		task.Last().Remove(fixtures.DocumentName, fixtures.SignatureName)
	}
	r := recordWorld(t, w, w.Now)
	text := string(read(t, r.dir, "policy.yml"))
	write(t, r.path("old-keys.asc"), string(g.Export("worker")), 0o600)
	write(t, r.path("policy.yml"), strings.Replace(text, "signers:\n", "signers:\n  pgp: {keyring: old-keys.asc}\n", 1), 0o600)
	live, bundle, sum := r.record(1, w.Build.ID)
	if !slices.Contains(live.rules(), "cot-missing") {
		t.Errorf("live: %q", live.rules())
	}
	vouched := []string{"--offline", bundle, "--evidence-sha256", sum}
	r.want(r.verify(vouched...), 0)
	write(t, r.path("policy.yml"), text, 0o600)
	if o := r.verify(vouched...); o.code != 1 || !slices.Contains(o.rules(), "signer-unauthorized") && !slices.Contains(o.rules(), "signature-missing") {
		t.Errorf("without the keyring: exit code %d, %q", o.code, o.rules())
	}
}

// Revocation lists are those that were fetched, and are judged as of now or as
// of then.
func TestBundleAsOfAnotherTime(t *testing.T) {
	w := fixtures.Release(1)
	c := w.Certify("127.0.0.1")
	lists := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		_, _ = out.Write(slices.Concat(c.CRLs()...))
	}))
	r := recordWorld(t, w, w.Now)
	write(t, r.path("root.pem"), string(c.Root.PEM()), 0o600)
	policy := strings.Replace(string(read(t, r.dir, "policy.yml")), "  unkeyedPools:",
		"  certificates: {roots: [root.pem], crls: ['"+lists.URL+"/crl']}\n  unkeyedPools:", 1)
	write(t, r.path("policy.yml"), policy, 0o600)
	live, bundle, sum := r.record(0, w.Signing.ID)
	lists.Close()
	then := []string{"--offline", bundle, "--evidence-sha256", sum, "--at", r.now.Format(time.RFC3339)}
	now := then[:4]

	r.same(live, r.verify(now...))
	recorded := r.now
	r.now = recorded.AddDate(0, 0, 8) // the lists are due
	o := r.verify(now...)
	if o.code != 1 || !slices.Contains(o.rules(), "revocation-unknown") {
		t.Errorf("exit code %d, %q", o.code, o.rules())
	}
	if notes := fmt.Sprint(o.report["notes"]); !strings.Contains(notes, "--at "+recorded.Format(time.RFC3339)) {
		t.Errorf("the time of the bundle is not said: %s", notes)
	}
	r.same(live, r.verify(then...))
	r.now = recorded.AddDate(20, 0, 0) // all certificates have expired
	if o := r.verify(now...); o.code != 1 || !slices.Contains(o.rules(), "certificate-expired") {
		t.Errorf("exit code %d, %q", o.code, o.rules())
	}
	r.same(live, r.verify(then...))
	if o := r.verify(append(then, "--distrust", c.PoolID(w.Signing.Pool()))...); o.code != 1 || o.report["verdict"] != "verified" {
		t.Errorf("distrusted: exit code %d, %v", o.code, o.report["verdict"])
	}
	// A policy that has its lists from elsewhere is not answered.
	write(t, r.path("policy.yml"), strings.Replace(policy, "/crl'", "/other'", 1), 0o600)
	if o := r.verify(then...); o.code != 1 || !slices.Contains(o.rules(), "revocation-unknown") {
		t.Errorf("other lists: exit code %d, %q", o.code, o.rules())
	}
}
