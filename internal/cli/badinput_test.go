package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
)

const (
	target     = "public/build/target.tar.bz2"
	nobodysID  = "AAAAAAAAQAAAAAAAAAAAAA"
	manyZeroes = "0000000000000000000000000000000000000000000000000000000000000000"
)

// badInput is a world in which the same call succeeds before the edit.
type badInput struct {
	name  string
	of    func(w *badRun) *fixtures.Task // whose artifact is asked for; nil: Build's
	args  func(w *badRun) []string       // instead of the artifact of that task
	twin  func(w *badRun) *fixtures.Task // what succeeds, where the task itself never does
	edit  func(w *badRun)
	fault func(w *badRun, a *fixtures.Artifact) fixtures.Fault
	stall time.Duration
	serve fixtures.Options
	code  int
	says  []string
}

var badInputs = []badInput{
	// What is asked for.
	{
		name: "an unknown task id", args: func(*badRun) []string { return []string{nobodysID + ":" + target} },
		code: 1, says: []string{"task " + nobodysID, "evidence-unavailable", "not found"},
	},
	{
		name: "a malformed task id", args: func(*badRun) []string { return []string{"no-task:" + target} },
		code: 2, says: []string{"not a task id"},
	},
	{
		name: "an artifact that is not in the document",
		args: func(w *badRun) []string { return []string{w.Build.ID + ":public/build/other.zip"} },
		code: 1, says: []string{"artifact-not-in-cot", "public/build/other.zip"},
	},
	{
		name: "an artifact that the worker did not hash",
		edit: func(w *badRun) { w.Build.Artifact(target).Unhashed = true },
		code: 1, says: []string{"artifact-not-in-cot", target},
	},
	{
		name: "name collisions between two inputs",
		args: func(w *badRun) []string { return []string{w.Build.ID + ":" + target, w.D2G.ID + ":" + target} },
		code: 2, says: []string{"would write the same path", standardBuild, standardD2G},
	},
	{
		name: "name collisions between the members of two archives", args: twoArchives, edit: func(w *badRun) {
			w.Toolchain.Artifact("public/build/clang.tar.zst").Content = fixtures.Bytes(toolchainArchive())
			w.Fetch.Artifact("public/sources.tar.xz").Content = fixtures.Bytes(toolchainArchive())
		},
		code: 2, says: []string{"would write the same path", "clang"},
	},
	{
		name: "two archives", args: twoArchives, edit: func(w *badRun) {
			w.Toolchain.Artifact("public/build/clang.tar.zst").Content = fixtures.Bytes(toolchainArchive())
		},
		code: 0,
	},
	{
		name: "a bad policy file", edit: onPolicy("signers:", "sigers:"),
		code: 2, says: []string{"policy.yml:4", "sigers", "unknown key"},
	},

	// Bytes.
	{
		name: "a hash mismatch", edit: func(w *badRun) { w.Build.Artifact(target).FlipStored(7) },
		code: 1, says: []string{"artifact-hash", "storage holds the wrong bytes", "expected", "found"},
	},
	{
		name: "a body that was spoiled once on the way", fault: onStore(fixtures.Fault{Flip: true, At: 100, Times: 1}),
		code: 0,
	},
	{
		name: "a truncated body", fault: onStore(fixtures.Fault{Truncate: true, At: 0}),
		code: 75, says: []string{target, "artifact-unavailable"},
	},
	{
		name: "a truncated body that recovers", fault: onStore(fixtures.Fault{Truncate: true, At: 1000, Times: 1}),
		code: 0,
	},
	{
		name: "a wrong length", fault: onStore(fixtures.Fault{WrongLength: true, At: 1000}),
		code: 1, says: []string{"artifact-hash", "wrong bytes"},
	},
	{
		name: "an endless body", fault: onStore(fixtures.Fault{Endless: true}),
		args: func(w *badRun) []string { return []string{"--max-artifact-size", "1MiB", w.Build.ID + ":" + target} },
		code: 1, says: []string{target, "limit"},
	},
	{
		name: "a slow body", fault: onStore(fixtures.Fault{Rate: 200}), stall: 300 * time.Millisecond,
		code: 75, says: []string{target, "artifact-unavailable"},
	},
	{
		name: "a body that stops", fault: onStore(fixtures.Fault{Stall: true, At: 100}), stall: 300 * time.Millisecond,
		code: 75, says: []string{target, "artifact-unavailable"},
	},
	{
		name: "an endless document", fault: func(w *badRun, _ *fixtures.Artifact) fixtures.Fault {
			return fixtures.Fault{Match: fixtures.Download(w.Build.Artifact(fixtures.DocumentName)), Endless: true}
		},
		edit: func(w *badRun) {
			w.Build.Artifact(fixtures.DocumentName).Gzip = false
			onPolicy("projects:", "limits: {maxCotBytes: 1MiB}\nprojects:")(w)
		},
		code: 1, says: []string{"cot-missing", "limits.maxCotBytes"},
	},

	// Answers.
	{
		name: "404 of the queue", edit: func(w *badRun) { w.Build.Artifact(target).NotPresent = true },
		code: 1, says: []string{target, "artifact-unavailable", "not found"},
	},
	{
		name: "404 of storage", edit: func(w *badRun) { w.Build.Artifact(target).Lost = true },
		code: 1, says: []string{target, "artifact-unavailable", "not found"},
	},
	{
		name: "403 of storage", fault: onStore(fixtures.Fault{Status: 403}),
		code: 1, says: []string{target, "artifact-unavailable", "forbidden"},
	},
	{
		name: "500s that recover", fault: onStore(fixtures.Fault{Status: 500, Times: 2}),
		code: 0,
	},
	{
		name: "500s that don't", fault: onStore(fixtures.Fault{Status: 500}),
		code: 75, says: []string{target, "status 500"},
	},
	{
		name: "429s that recover", fault: onStore(fixtures.Fault{Status: 429, RetryAfter: "0", Times: 2}),
		code: 0,
	},
	{
		name: "429s that don't", fault: onStore(fixtures.Fault{Status: 429, RetryAfter: "0"}),
		code: 75, says: []string{target, "rate limited"},
	},
	{
		name: "connections that break and recover", fault: onStore(fixtures.Fault{Reset: true, Times: 2}),
		code: 0,
	},
	{
		name: "connections that break", fault: onStore(fixtures.Fault{Reset: true}),
		code: 75, says: []string{target, "unreachable"},
	},
	{
		name: "410 of storage", fault: onStore(fixtures.Fault{Status: 410}),
		code: 1, says: []string{target, "artifact-unavailable", "expired"},
	},
	{
		name: "a queue that stays down", fault: func(*badRun, *fixtures.Artifact) fixtures.Fault {
			return fixtures.Fault{Service: fixtures.API, Status: 502}
		},
		code: 75, says: []string{"status 502"},
	},
	{
		name: "a redirect loop", fault: onStore(fixtures.Fault{RedirectLoop: true}),
		code: 1, says: []string{target, "redirect", "circle"},
	},
	{
		name: "from https to http", serve: fixtures.Options{TLS: true},
		fault: onStore(fixtures.Fault{RedirectTo: "http://example.org/target"}),
		code:  1, says: []string{target, "from https to plain http"},
	},
	{
		name: "an expired artifact", edit: func(w *badRun) { w.Build.Artifact(target).Expires = w.Now.Add(-time.Hour) },
		code: 1, says: []string{target, "artifact-unavailable", "expired"},
	},

	// Runs.
	{
		name: "a run that is not completed", edit: func(w *badRun) {
			w.Build.Last().State, w.Build.Last().Resolved = fixtures.Running, time.Time{}
		},
		code: 75, says: []string{"run-not-completed", "running"},
	},
	{
		name: "a failed task with a valid document", edit: func(w *badRun) { w.Build.Last().Resolve(fixtures.Failed, "failed") },
		code: 1, says: []string{"run-not-completed", "failed"},
	},
	{
		name: "a rerun task, an earlier run's document served", of: func(w *badRun) *fixtures.Task { return w.Rerun },
		edit: func(w *badRun) { w.Rerun.Run(2).Document.Replay = w.Rerun.Run(1) },
		code: 1, says: []string{"cot-run-id", "expected \"2\"", "found \"1\""},
	},
	{
		name: "a decision with two completed runs: the first's child", of: func(w *badRun) *fixtures.Task { return w.FirstChild },
		code: 0,
	},
	{
		name: "a decision with two completed runs: the second's child", of: func(w *badRun) *fixtures.Task { return w.SecondChild },
		code: 0,
	},
	{
		name: "a child of neither run", of: func(w *badRun) *fixtures.Task { return w.SecondChild },
		edit: func(w *badRun) { w.SecondChild.Entry.Hidden = true },
		code: 1, says: []string{"not-in-task-graph"},
	},

	// Documents and signatures.
	{
		name: "an empty hash table", edit: onSigned(func(d fixtures.Object) {
			list, _ := d["artifacts"].(fixtures.Object)
			list[target] = fixtures.Object{}
		}),
		code: 1, says: []string{"hash-algorithm", "/artifacts/public~1build~1target.tar.bz2"},
	},
	{
		name: "another hash algorithm", edit: onSigned(func(d fixtures.Object) { hashesOf(d, target)["md5"] = manyZeroes[:32] }),
		code: 1, says: []string{"hash-algorithm", "md5"},
	},
	{
		name: "another task's validly signed document", edit: func(w *badRun) { w.Build.Last().Document.Replay = w.D2G.Last() },
		code: 1, says: []string{"cot-task-id"},
	},
	{
		name: "a duplicate name in the document", edit: onBytes(`"taskId"`, `"taskId": "`+nobodysID+`", "taskId"`),
		code: 1, says: []string{"cot-malformed", "duplicate"},
	},
	{
		name: "a duplicate artifact in the document", edit: onBytes(`"`+target+`"`, `"`+target+`": {"sha256": "`+manyZeroes+`"}, "`+target+`"`),
		code: 1, says: []string{"cot-malformed", "duplicate"},
	},
	{
		name: "a case variant in the document", edit: onSigned(func(d fixtures.Object) { d["TaskId"] = nobodysID }),
		code: 1, says: []string{"cot-malformed", "TaskId"},
	},
	{
		name: "a document that the listing has and storage doesn't",
		edit: func(w *badRun) { w.Build.Artifact(fixtures.DocumentName).Lost = true },
		code: 1, says: []string{"cot-missing", "though it is listed", "not found", "storage does not give it"},
	},
	{
		name: "a document that storage changed into something else", edit: func(w *badRun) {
			w.Build.Artifact(fixtures.DocumentName).EditStored = func(b []byte) []byte { return b[:len(b)/2] }
		},
		code: 1, says: []string{"signature-invalid"},
	},
	{
		name: "a run without a document", edit: func(w *badRun) { w.Build.Last().Unsign() },
		code: 1, says: []string{"cot-missing", "has no chain of trust document"},
	},
	{
		name: "a task definition that differs from the queue's", edit: func(w *badRun) {
			w.Build.EditQueue = func(d fixtures.Object) {
				payload, _ := d["payload"].(fixtures.Object)
				payload["maxRunTime"] = 1
			}
		},
		code: 1, says: []string{"cot-task-definition", "/task/payload/maxRunTime"},
	},
	{
		name: "a key of another implementation", of: func(w *badRun) *fixtures.Task { return w.GenericBuild },
		edit: func(w *badRun) { w.GenericBuild.Last().Document.Key = w.Keys.Scriptworker },
		code: 1, says: []string{"signer-unauthorized"},
	},
	{
		name: "a key within its window", of: func(w *badRun) *fixtures.Task { return w.GenericBuild },
		edit: onPolicy("    - workerImplementation: generic-worker\n", "    - workerImplementation: generic-worker\n      notAfter: 2030-01-01T00:00:00Z\n"),
		code: 0,
	},
	{
		name: "a key outside its window", of: func(w *badRun) *fixtures.Task { return w.GenericBuild },
		edit: onPolicy("    - workerImplementation: generic-worker\n", "    - workerImplementation: generic-worker\n      notAfter: 2026-01-01T00:00:00Z\n"),
		code: 1, says: []string{"signer-unauthorized", "2026-01-01"},
	},
	{
		name: "a signature that the listing has and storage doesn't",
		edit: func(w *badRun) { w.Build.Artifact(fixtures.SignatureName).Lost = true },
		code: 1, says: []string{"signature-missing", "though it is listed", "not found"},
	},

	// What a task writes into its own signed document.
	{
		name: "an artifact that the task itself wrote", of: func(w *badRun) *fixtures.Task { return w.GenericBuild },
		args: func(w *badRun) []string { return []string{w.GenericBuild.ID + ":public/extra"} },
		edit: func(w *badRun) {
			w.GenericBuild.Last().Document.AdditionalData = fixtures.Object{
				"artifacts": fixtures.Object{"public/extra": fixtures.Object{"sha256": manyZeroes}},
			}
		},
		code: 1, says: []string{"artifact-unavailable", "public/extra", "does not list"},
	},
	{
		name: "a sha256 that the task wrote loses to the worker's", of: func(w *badRun) *fixtures.Task { return w.GenericBuild },
		edit: func(w *badRun) {
			w.GenericBuild.Last().Document.AdditionalData = fixtures.Object{
				"artifacts": fixtures.Object{target: fixtures.Object{"sha256": manyZeroes}},
			}
		},
		code: 0,
	},
	{
		name: "a hash algorithm that the task added", of: func(w *badRun) *fixtures.Task { return w.GenericBuild },
		edit: func(w *badRun) {
			w.GenericBuild.Last().Document.AdditionalData = fixtures.Object{
				"artifacts": fixtures.Object{target: fixtures.Object{"sha512": manyZeroes + manyZeroes}},
			}
		},
		code: 1, says: []string{"artifact-hash", "sha512"},
	},
	{
		name: "an image hash that the task added", of: func(w *badRun) *fixtures.Task { return w.GenericBuild },
		edit: func(w *badRun) {
			w.GenericBuild.Last().Document.AdditionalData = fixtures.Object{
				"environment": fixtures.Object{"imageArtifactHash": "sha256:" + manyZeroes},
			}
		},
		code: 0, says: []string{"the task's own word"},
	},
	{
		name: "an image hash where the container rules the host", edit: func(w *badRun) {
			for _, d := range []fixtures.Object{w.Build.Definition, w.Build.Entry.Task} {
				payload, _ := d["payload"].(fixtures.Object)
				payload["capabilities"] = fixtures.Object{"privileged": true}
			}
		},
		code: 1, says: []string{"docker-image-hash", "privileged"},
	},

	// The way to the tree.
	{
		name: "a decision task with its own ref", edit: onDecision(func(_ *badRun, env, _ fixtures.Object) { env["GECKO_HEAD_REF"] = "mallory" }),
		code: 1, says: []string{"differs-from-tree", "/payload/env/GECKO_HEAD_REF", "mallory"},
	},
	{
		name: "a decision task with its own owner", edit: onDecision(func(_ *badRun, _, metadata fixtures.Object) { metadata["owner"] = "mallory@example.org" }),
		code: 1, says: []string{"differs-from-tree", "/metadata/owner", "mallory@example.org"},
	},
	{
		name: "a decision task with its own commit message", edit: onDecision(func(_ *badRun, env, _ fixtures.Object) { env["GECKO_COMMIT_MSG"] = "$(mallory)" }),
		code: 1, says: []string{"differs-from-tree", "/payload/env/GECKO_COMMIT_MSG"},
	},
	{
		name: "a decision task with its own date", edit: func(w *badRun) {
			payload, _ := w.Decision.Definition["payload"].(fixtures.Object)
			command, _ := payload["command"].([]any)
			last, _ := command[len(command)-1].(string)
			command[len(command)-1] = strings.Replace(last, "--pushdate='", "--pushdate='1", 1)
		},
		code: 1, says: []string{"differs-from-tree", "/payload/command"},
	},
	{
		name: "an altered decision task", edit: func(w *badRun) {
			scopes, _ := w.Decision.Definition["scopes"].([]any)
			w.Decision.Definition["scopes"] = append(scopes, "assume:mallory")
		},
		code: 1, says: []string{"differs-from-tree", "/scopes"},
	},
	{
		name: "a child created after its parent's run", edit: func(w *badRun) {
			w.Build.Recreate(w.Decision.Last().Resolved.Add(16 * time.Minute))
		},
		code: 1, says: []string{"differs-from-task-graph", "/created"},
	},
	{
		name: "a task that is not in the graph", edit: func(w *badRun) { w.Build.Entry.Hidden = true },
		code: 1, says: []string{"not-in-task-graph"},
	},
	{
		name: "a task that differs from the graph", edit: func(w *badRun) {
			w.Build.Entry.Edit = func(e fixtures.Object) {
				task, _ := e["task"].(fixtures.Object)
				payload, _ := task["payload"].(fixtures.Object)
				payload["maxRunTime"] = 60
			}
		},
		code: 1, says: []string{"differs-from-task-graph", "/payload/maxRunTime"},
	},
	{
		name: "a missing pushlog entry", edit: func(w *badRun) { w.Push.Hidden = true },
		code: 1, says: []string{"revision-not-in-tree", "pushlog"},
	},
	{
		name: "an untrusted repository with a restricted scope", of: func(w *badRun) *fixtures.Task { return w.ForkBuild },
		twin: func(w *badRun) *fixtures.Task { return w.Build },
		edit: func(w *badRun) { addScope(w.ForkBuild, "project:releng:signing:cert:nightly-signing") },
		code: 1, says: []string{"restricted-scope", "untrusted-contribution"},
	},
	{
		name: "an untrusted repository with a restricted scope, accepted", of: func(w *badRun) *fixtures.Task { return w.ForkBuild },
		args: func(w *badRun) []string { return []string{"--accept-untrusted-tree", w.ForkBuild.ID + ":" + target} },
		twin: func(w *badRun) *fixtures.Task { return w.Build },
		edit: func(w *badRun) { addScope(w.ForkBuild, "project:releng:signing:cert:nightly-signing") },
		code: 1, says: []string{"restricted-scope"},
	},
}

// The standard world's ids are the same in every run.
var standardBuild, standardD2G = func() (string, string) { w := fixtures.Release(1); return w.Build.ID, w.D2G.ID }()

// Whatever is wrong with what is asked for or with what the services answer,
// the command ends with the right exit code, a message that names the cause, no
// file under its final name and nothing left over. Before that is done to the
// world, the same call succeeds.
func TestBadInput(t *testing.T) {
	for _, c := range badInputs {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newBadRun(t, c.serve)
			task := w.Build
			if c.of != nil {
				task = c.of(w)
			}
			twin := task
			if c.twin != nil {
				twin = c.twin(w)
			}
			if code, said := w.download("honest", twin.ID+":"+target); code != 0 {
				t.Fatalf("in an honest world: exit code %d\n%s", code, said)
			}
			if _, err := os.Stat(filepath.Join(w.dir, "honest", "target.tar.bz2")); err != nil {
				t.Fatal(err)
			}
			if c.edit != nil {
				w.Edit(func() { c.edit(w) })
			}
			w.stall = c.stall
			if c.fault != nil {
				w.server.Fault(c.fault(w, task.Artifact(target)))
			}
			args := []string{task.ID + ":" + target}
			if c.args != nil {
				args = c.args(w)
			}
			code, said := w.download("out", args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, word := range c.says {
				if !strings.Contains(said, word) {
					t.Errorf("nothing is said of %q", word)
				}
			}
			if code != 0 {
				w.nothingIn("out")
			}
			if t.Failed() {
				t.Logf("said:\n%s", said)
			}
		})
	}
}
