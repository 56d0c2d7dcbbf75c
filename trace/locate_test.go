package trace_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
)

func TestTargetsByIndexPath(t *testing.T) {
	w := serve(t)
	target := trace.RunTarget{Namespace: toolchainPath}
	for _, scope := range []trace.Scope{trace.ScopeTree, trace.ScopeSignature} {
		w.options.Scope = scope
		r := w.verifyTargets(target, target)
		if !r.Verdict.OK() {
			t.Fatalf("%s: verdict %s; errors:\n%s", scope, r.Verdict, strings.Join(errorsOf(r), "\n"))
		}
		if run, ok := r.Run(target); !ok || run.Task.String() != w.Toolchain.ID || r.Target.TaskID != w.Toolchain.ID {
			t.Errorf("%s: run %v, target %+v", scope, run, r.Target)
		}
		if len(r.Target.Namespaces) != 1 || r.Target.Namespaces[0] != toolchainPath {
			t.Errorf("%s: namespaces %q", scope, r.Target.Namespaces)
		}
	}
	// Whoever writes the index makes it name a task that verifies, too, but is
	// another.
	w.Edit(func() { w.Index[toolchainPath] = w.Build })
	for _, scope := range []trace.Scope{trace.ScopeTree, trace.ScopeSignature} {
		w.options.Scope = scope
		r := w.verifyTargets(target, mustTarget(t, w.Fetch.ID))
		wantRefused(t, r, trace.RuleIndexedInput)
		for _, task := range r.Tasks {
			if task.TaskID == w.Fetch.ID && !task.Verdict.OK() {
				t.Errorf("%s: the other target is %s", scope, task.Verdict)
			}
		}
	}
	w.options.Scope = trace.ScopeTree
	wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
}

func TestIndexPathsThatHoldNothing(t *testing.T) {
	w := serve(t)
	absent := trace.RunTarget{Namespace: "gecko.v2.nothing.here"}
	r := w.verifyTargets(absent)
	wantVerdict(t, r, trace.Untrusted)
	if len(r.Tasks) != 0 || len(r.Findings) != 1 || r.Findings[0].Rule != trace.RuleIndexedInput {
		t.Errorf("%d tasks, findings %+v", len(r.Tasks), r.Findings)
	}
	if _, ok := r.Run(absent); ok {
		t.Error("a run was found")
	}
	r = w.verifyTargets(absent, mustTarget(t, w.Build.ID))
	wantVerdict(t, r, trace.Untrusted)
	if run, ok := r.Run(mustTarget(t, w.Build.ID)); !ok || run.Task.String() != w.Build.ID || r.Tasks[0].Verdict != trace.Verified {
		t.Errorf("the other target: run %v, %+v", run, r.Tasks[0].Verdict)
	}
	// An index that does not answer is no answer.
	w.server.Fault(fixtures.Fault{Match: fixtures.PathHas("/api/index/"), Status: 503, RetryAfter: "0"})
	wantVerdict(t, w.verifyTargets(absent), trace.Undetermined)
	wantVerdict(t, w.verifyTargets(trace.RunTarget{Namespace: toolchainPath}), trace.Undetermined)
}

// As of a time, only what was there by then counts.
func TestAsOf(t *testing.T) {
	w := serve(t)
	run := w.Rerun.Run(1).Resolved
	w.options.At = run
	r := w.verify(w.Rerun.ID + "/1")
	wantVerdict(t, r, trace.Verified)
	if r.At == nil || !r.At.Equal(run) || !r.VerifiedAt.Equal(w.now) {
		t.Errorf("at %v, verified at %s", r.At, r.VerifiedAt)
	}
	w.options.At = run.Add(-time.Second)
	r = w.verify(w.Rerun.ID + "/1")
	wantRefused(t, r, trace.RuleRunNotCompleted)
	w.options.Scope = trace.ScopeSignature
	r = w.verify(w.Rerun.ID + "/1")
	wantRefused(t, r, trace.RuleRunNotCompleted)
	// A later run is no reason to doubt an earlier one.
	w.options = trace.Options{Scope: trace.ScopeTree, At: w.Rerun.Run(2).Resolved.Add(-time.Second)}
	wantVerdict(t, w.verify(w.Rerun.ID+"/1"), trace.Verified)
	wantVerdict(t, w.verify(w.Rerun.ID), trace.Untrusted)
	w.options.At = w.Rerun.Run(2).Resolved
	wantVerdict(t, w.verify(w.Rerun.ID), trace.Verified)
	w.options.At = time.Time{}
	if r := w.verify(w.Rerun.ID); r.At != nil {
		t.Errorf("at %v", r.At)
	}
}

// A certificate that has ended since held then.
func TestCertificatesAsOf(t *testing.T) {
	w, c := certified(t)
	w.Edit(func() { w.Build.Last().Document.Holder = w.expired(c, w.Build) })
	r := w.verify(w.Build.ID)
	wantRefused(t, r, trace.RuleCertificateExpired)
	w.options.At = w.Now.Add(-2 * time.Minute)
	wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
}

func TestAsOfTheFuture(t *testing.T) {
	w := serve(t)
	for at, want := range map[time.Time]string{w.now: "", w.now.Add(time.Second): "in the future"} {
		_, err := trace.New(w.parsePolicy(), nothing{}.sources(), w.now,
			trace.Options{Scope: trace.ScopeSignature, At: at})
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", at, err, want)
		}
	}
}

// nothing has no sources to speak of.
type nothing struct{ trace.Tasks }

func (nothing) Artifacts(context.Context, graph.RunRef) (map[string]graph.Artifact, error) {
	return nil, errors.New("there is nothing")
}

func (nothing) Open(context.Context, graph.RunRef, string, int64) (io.ReadCloser, error) {
	return nil, errors.New("there is nothing")
}

func (n nothing) sources() trace.Sources { return trace.Sources{Tasks: n, Artifacts: n} }

func TestIndexPathsNeedAnIndex(t *testing.T) {
	w := serve(t)
	v, err := trace.New(w.parsePolicy(), nothing{}.sources(), w.now, trace.Options{Scope: trace.ScopeSignature})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), []trace.RunTarget{{Namespace: "a.b"}}); err == nil || !strings.Contains(err.Error(), "needs the index") {
		t.Errorf("%v", err)
	}
}

// What has expired since is gone, whatever is judged as of.
func TestExpiredSinceThen(t *testing.T) {
	w := serve(t)
	w.options.At = w.Build.Last().Resolved.Add(time.Second)
	says := func() string {
		r := w.verify(w.Build.ID)
		wantVerdict(t, r, trace.Untrusted)
		return strings.Join(errorsOf(r), "\n")
	}
	w.Edit(func() { w.Build.Last().Unsign() })
	if s := says(); !strings.Contains(s, "never uploaded it") {
		t.Error(s)
	}
	w.Edit(func() { w.Build.Definition["expires"] = w.now.Add(-time.Hour).Format("2006-01-02T15:04:05.000Z") })
	if s := says(); !strings.Contains(s, "all that the task made expired with it") {
		t.Error(s)
	}
}
