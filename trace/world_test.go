package trace_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/queue"
	"github.com/mozilla-releng/cot/internal/report"
	"github.com/mozilla-releng/cot/internal/report/reporttest"
	"github.com/mozilla-releng/cot/internal/transport"
	"github.com/mozilla-releng/cot/internal/vcs"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/policy"
	"github.com/mozilla-releng/cot/trace/tree"
)

// served is the standard world behind real HTTP, with a verifier's parts.
type served struct {
	*fixtures.Standard
	t       *testing.T
	server  *fixtures.Server
	options trace.Options
	policy  func(text string) string
	files   policy.Files // that policy names
	now     time.Time
	token   string // of GitHub
	tries   int    // of one request; 0: three
}

func serve(t *testing.T) *served {
	t.Helper()
	return serveStandard(t, fixtures.Release(1))
}

func serveStandard(t *testing.T, world *fixtures.Standard) *served {
	t.Helper()
	w := serveWorld(t, world.World)
	w.Standard = world
	return w
}

// serveWorld serves any other world; of the standard one there is only that.
func serveWorld(t *testing.T, world *fixtures.World) *served {
	t.Helper()
	w := &served{Standard: &fixtures.Standard{World: world}, t: t, options: trace.Options{Scope: trace.ScopeTree}}
	server, err := w.Serve(fixtures.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	w.server = server
	w.now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return w
}

// within gives the same served world to a subtest, with options of its own.
func (w *served) within(t *testing.T) *served {
	sub := *w
	sub.t = t
	return &sub
}

func (w *served) parsePolicy() *policy.Policy {
	w.t.Helper()
	text := w.PolicyYAML(w.server)
	if w.policy != nil {
		text = w.policy(text)
	}
	p, err := policy.Parse("policy.yml", []byte(text), w.files)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// verify judges tasks, named TASK_ID or TASK_ID/RUN_ID.
func (w *served) verify(ids ...string) *trace.Report {
	w.t.Helper()
	var targets []trace.RunTarget
	for _, s := range ids {
		targets = append(targets, mustTarget(w.t, s))
	}
	return w.verifyTargets(targets...)
}

// verifyTargets judges targets. Every report is held to its schema.
func (w *served) verifyTargets(targets ...trace.RunTarget) *trace.Report {
	w.t.Helper()
	r, err := w.verifier().Verify(context.Background(), targets)
	if err != nil {
		w.t.Fatal(err)
	}
	wantValid(w.t, r)
	return r
}

func wantValid(t *testing.T, r *trace.Report) {
	t.Helper()
	for _, task := range r.Tasks {
		if task.Listed && slices.ContainsFunc(task.Findings, func(f trace.Finding) bool { return f.Severity == trace.SeverityError }) {
			t.Errorf("%s is said to change no verdict, and has an error", task.Name)
		}
	}
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	reporttest.Valid(t, b.Bytes())
}

func mustTarget(t *testing.T, s string) trace.RunTarget {
	t.Helper()
	task, run, named := strings.Cut(s, "/")
	id, err := graph.ParseTaskID(task)
	if err != nil {
		t.Fatal(err)
	}
	target := trace.RunTarget{Task: id}
	if named {
		r, err := graph.ParseRunID(run)
		if err != nil {
			t.Fatal(err)
		}
		target.Run = &r
	}
	return target
}

// verifier has the parts that the options ask for.
func (w *served) verifier() *trace.Verifier {
	w.t.Helper()
	p := w.parsePolicy()
	tries := w.tries
	if tries == 0 {
		tries = 3
	}
	tr := transport.New(transport.Config{
		AllowLoopback: true, Attempts: tries, MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond, TotalTime: 20 * time.Second,
	})
	w.t.Cleanup(tr.CloseIdle)
	q, err := queue.New(queue.Config{RootURL: w.server.RootURL, Transport: tr})
	if err != nil {
		w.t.Fatal(err)
	}
	hosts := map[string]vcs.HostConfig{}
	for name, h := range p.VCSHosts {
		hosts[name] = vcs.HostConfig{Type: h.Type, Pushlog: h.Pushlog, RawFile: h.RawFile, API: h.API, Git: h.Git}
		if h.Type == policy.VCSGitHub {
			host := hosts[name]
			host.Token = w.token
			hosts[name] = host
		}
	}
	v, err := vcs.New(vcs.Config{Hosts: hosts, Projects: p.Projects.URL, Transport: tr})
	if err != nil {
		w.t.Fatal(err)
	}
	verifier, err := trace.New(p, trace.Sources{Tasks: q, Artifacts: q, Index: q, Groups: q, VCS: v, GitHub: v}, w.now, w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	return verifier
}

// errorsOf lists the errors of a report, "RULE TASK PATH: MESSAGE".
func errorsOf(r *trace.Report) []string {
	var out []string
	for _, task := range r.Tasks {
		for _, f := range task.Findings {
			if f.Severity == trace.SeverityError {
				out = append(out, fmt.Sprintf("%s %s %q %s: %s (want %v, got %v)", f.Rule, task.TaskID, task.Name, f.Path, f.Message, f.Want, f.Got))
			}
		}
	}
	return out
}

func wantVerdict(t *testing.T, r *trace.Report, want trace.Verdict) {
	t.Helper()
	if r.Verdict != want {
		t.Fatalf("verdict %s, want %s; errors:\n%s", r.Verdict, want, strings.Join(errorsOf(r), "\n"))
	}
}

func wantRule(t *testing.T, r *trace.Report, rule trace.Rule) {
	t.Helper()
	for _, task := range r.Tasks {
		for _, f := range task.Findings {
			if f.Rule == rule && f.Severity == trace.SeverityError {
				return
			}
		}
	}
	t.Fatalf("no error %s; errors:\n%s", rule, strings.Join(errorsOf(r), "\n"))
}

// wantRefused wants the verdict untrusted, and an error of the rule.
func wantRefused(t *testing.T, r *trace.Report, rule trace.Rule) {
	t.Helper()
	wantVerdict(t, r, trace.Untrusted)
	wantRule(t, r, rule)
}

func mustTree(t *testing.T, repository string) tree.Tree {
	t.Helper()
	r, err := tree.ParseRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	return tree.Tree{Repository: r}
}

func mustRevision(t *testing.T, revision string) tree.Revision {
	t.Helper()
	r, err := tree.ParseRevision(revision)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustRun(t *testing.T, s string) graph.RunRef {
	t.Helper()
	task, run, _ := strings.Cut(s, "/")
	id, err := graph.ParseTaskID(task)
	if err != nil {
		t.Fatal(err)
	}
	n, err := graph.ParseRunID(run)
	if err != nil {
		t.Fatal(err)
	}
	return graph.RunRef{Task: id, Run: n}
}
