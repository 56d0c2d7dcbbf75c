package trace_test

import (
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace"
)

// pinnedInputs gives the artifacts that the target took, and whether each is pinned.
func pinnedInputs(r *trace.Report) map[string]bool {
	out := map[string]bool{}
	for _, in := range r.Tasks[0].Inputs {
		if in.Artifact != "" {
			out[in.Reason+" "+in.Artifact] = in.Pinned
		}
	}
	return out
}

func TestPinnedByImageDigest(t *testing.T) {
	w := serve(t)
	got := pinnedInputs(w.verify(w.Build.ID))
	if !got["docker-image "+fixtures.ImageName] || got["fetch public/sources.tar.xz"] {
		t.Errorf("pinned inputs: %v", got)
	}
}

// inputsReport is what a cot-download in the consumer would have written.
func inputsReport(task *fixtures.Task, name, sum string) *fixtures.Artifact {
	return fixtures.JSONFile(trace.InputsReportName, fixtures.Object{
		"apiVersion": "cot/v1",
		"artifacts": []any{fixtures.Object{
			"taskId": task.ID, "runId": task.Last().ID, "name": name, "sha256": sum, "hashed": true, "path": "fetches/x", "verdict": "verified",
		}},
	})
}

func TestPinnedByTheConsumersReport(t *testing.T) {
	const name, input = "public/sources.tar.xz", "fetch public/sources.tar.xz"
	w := serve(t)
	honest := w.Fetch.Artifact(name).SHA256()
	w.Edit(func() { w.Build.Last().Add(inputsReport(w.Fetch, name, honest)) })
	r := w.verify(w.Build.ID)
	wantVerdict(t, r, trace.Verified)
	if !pinnedInputs(r)[input] {
		t.Error("a report that the consumer's document hashes does not pin its input")
	}
	for attack, edit := range map[string]func(a *fixtures.Artifact){
		"another digest": func(a *fixtures.Artifact) {
			a.Content = inputsReport(w.Fetch, name, w.Toolchain.Artifact("public/build/clang.tar.zst").SHA256()).Content
		},
		"changed in storage": func(a *fixtures.Artifact) { a.EditStored = func(b []byte) []byte { return append(b, ' ') } },
		"not hashed":         func(a *fixtures.Artifact) { a.Unhashed = true },
	} {
		w := serve(t)
		w.Edit(func() {
			a := inputsReport(w.Fetch, name, honest)
			edit(a)
			w.Build.Last().Add(a)
		})
		r := w.verify(w.Build.ID)
		wantVerdict(t, r, trace.Verified)
		if pinnedInputs(r)[input] {
			t.Errorf("%s: the input is called pinned", attack)
		}
	}
}

// A report on what was compared elsewhere says nothing of what the task itself read:
// cot-verify-graph writes such a report in its own task, by that very name.
func TestNotPinnedByWhatWasOnlyCompared(t *testing.T) {
	const name, input = "public/sources.tar.xz", "fetch public/sources.tar.xz"
	for path, want := range map[string]bool{"": false, "sources.tar.xz": true} {
		w := serve(t)
		rep := w.verify(w.Build.ID)
		var list []trace.Comparison
		for _, a := range rep.Stored(false) {
			list = append(list, trace.Comparison{Artifact: a, Bytes: 1})
		}
		rep.AddCompared(list)
		rep.Conclude()
		for i := range rep.Artifacts {
			rep.Artifacts[i].Path = path // cot-download has one
		}
		w.Edit(func() {
			w.Build.Last().Add(&fixtures.Artifact{Name: trace.InputsReportName, ContentType: "application/json", Content: fixtures.Bytes(asJSON(t, rep))})
		})
		if r := w.verify(w.Build.ID); pinnedInputs(r)[input] != want {
			t.Errorf("path %q: pinned %t", path, !want)
		}
	}
}

// What the worker mounted before the task began is not pinned by what the task
// says of it.
func TestMountIsNotPinnedByTheConsumersReport(t *testing.T) {
	const name = "public/build/clang.tar.zst"
	w := serve(t)
	w.Edit(func() {
		w.GenericBuild.Last().Add(inputsReport(w.Toolchain, name, w.Toolchain.Artifact(name).SHA256()))
	})
	r := w.verify(w.GenericBuild.ID)
	wantVerdict(t, r, trace.Verified)
	if pinnedInputs(r)["mount "+name] {
		t.Error("the mount is called pinned")
	}
}

// A rerun that the consumer can't have read does not matter; one that it may
// have read must verify, unless the input is pinned.
func TestRerunInput(t *testing.T) {
	rerun := func(w *served, when time.Time, state string) {
		w.Edit(func() {
			r := w.Fetch.Rerun()
			r.Scheduled, r.Started, r.Resolved = when, when.Add(time.Second), when.Add(2*time.Second)
			if state != fixtures.Completed {
				r.Resolve(state, state)
			}
		})
	}
	t.Run("after the consumer", func(t *testing.T) {
		w := serve(t)
		rerun(w, w.Build.Last().Resolved.Add(time.Minute), fixtures.Failed)
		wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
	})
	t.Run("during the consumer, and it verifies", func(t *testing.T) {
		w := serve(t)
		rerun(w, w.Build.Last().Started.Add(time.Second), fixtures.Completed)
		wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
	})
	for _, state := range []string{fixtures.Pending, fixtures.Running} {
		t.Run("during the consumer, and still "+state, func(t *testing.T) {
			w := serve(t)
			w.Edit(func() {
				r := w.Fetch.Rerun()
				r.Scheduled, r.Started, r.Resolved = w.Build.Last().Started.Add(time.Second), w.Build.Last().Started.Add(2*time.Second), time.Time{}
				r.Resolve(state, "")
				r.Artifacts, r.Document = nil, nil
			})
			wantVerdict(t, w.verify(w.Build.ID), trace.Undetermined)
		})
	}
	t.Run("during the consumer, failed, but pinned", func(t *testing.T) {
		w := serve(t)
		const name = "public/sources.tar.xz"
		honest := w.Fetch.Artifact(name).SHA256()
		w.Edit(func() { w.Build.Last().Add(inputsReport(w.Fetch, name, honest)) })
		rerun(w, w.Build.Last().Started.Add(time.Second), fixtures.Failed)
		wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
	})
	t.Run("an image during its consumer, failed, but the worker recorded the digest", func(t *testing.T) {
		w := serve(t)
		w.Edit(func() {
			r := w.Image.Rerun()
			r.Scheduled = w.Build.Last().Started.Add(time.Second)
			r.Started, r.Resolved = r.Scheduled.Add(time.Second), r.Scheduled.Add(2*time.Second)
			r.Resolve(fixtures.Exception, "worker-shutdown")
			r.Unsign()
		})
		wantVerdict(t, w.verify(w.Build.ID), trace.Verified)
		w.Edit(func() { document(w).Image = nil })
		wantVerdict(t, w.verify(w.Build.ID), trace.Untrusted)
	})
}
