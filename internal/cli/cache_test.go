package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
)

// cached is a world in which runs share a cache directory.
type cached struct{ *badRun }

func newCached(t *testing.T) cached {
	t.Helper()
	w := cached{newBadRun(t, fixtures.Options{})}
	w.Edit(func() { w.ForeignSigner.Last().Document.Key = nil })
	return w
}

func (w cached) cacheDir() string { return filepath.Join(w.dir, "cache") }

// verify runs cot-verify-graph with the cache and gives its exit code, its report
// without the time, and how many bodies it fetched from storage.
func (w cached) verify(args ...string) (code int, report string, bodies int) {
	w.t.Helper()
	text := w.PolicyYAML(w.server)
	if w.policy != nil {
		text = w.policy(text)
	}
	policy := filepath.Join(w.dir, "policy.yml")
	write(w.t, policy, text, 0o600)
	s, stdout, stderr := plainIO(append([]string{"--policy", policy, "--cache-dir", w.cacheDir(), "--progress", "none", "--format", "json", "-q"}, args...)...)
	s.Now = func() time.Time { return w.Now }
	s.tune = impatient
	w.server.ClearLog()
	code = VerifyGraph(w.t.Context(), s)
	var r map[string]any
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		w.t.Fatalf("%v\n%s", err, stderr)
	}
	delete(r, "verifiedAt")
	out, err := json.Marshal(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return code, string(out), w.bodies()
}

// bodies counts what storage was asked for.
func (w cached) bodies() int {
	n := 0
	for _, r := range w.server.Requests() {
		if r.Service == fixtures.Store {
			n++
		}
	}
	return n
}

func TestASecondRunFetchesNothing(t *testing.T) {
	for name, args := range map[string]func(w cached) []string{
		"a task": func(w cached) []string { return []string{w.Build.ID} },
		"a group": func(w cached) []string {
			return []string{"--group", w.Decision.ID}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCached(t)
			code, first, fetched := w.verify(args(w)...)
			if code != 0 || fetched == 0 {
				t.Fatalf("exit code %d, %d bodies", code, fetched)
			}
			queue := w.server.Count("/api/queue/v1/task")
			code, second, again := w.verify(args(w)...)
			if code != 0 || again != 0 || second != first {
				t.Errorf("exit code %d, %d bodies; report\n%s\nwant\n%s", code, again, second, first)
			}
			if n := w.server.Count("/api/queue/v1/task"); n == 0 || n >= queue {
				t.Errorf("%d requests of the queue, %d at first: it is asked again, but not where artifacts are", n, queue)
			}
		})
	}
}

// What is kept is no artifact's fault: every byte of every file may change.
func TestChangedCacheIsFetchedAnew(t *testing.T) {
	w := newCached(t)
	_, want, fetched := w.verify(w.Build.ID)
	files, err := os.ReadDir(w.cacheDir())
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files kept, %v", len(files), err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"one bit":  func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"the head": func(b []byte) []byte { b[0] ^= 1; return b },
		"cut":      func(b []byte) []byte { return b[:len(b)/2] },
		"longer":   func(b []byte) []byte { return append(b, 'x') },
		"empty":    func([]byte) []byte { return nil },
	} {
		for _, f := range files {
			at := filepath.Join(w.cacheDir(), f.Name())
			data, err := os.ReadFile(at)
			if err != nil {
				t.Fatal(err)
			}
			write(t, at, string(change(data)), 0o600)
		}
		if code, got, bodies := w.verify(w.Build.ID); code != 0 || got != want || bodies != fetched {
			t.Errorf("%s: exit code %d, %d bodies, want %d; report\n%s\nwant\n%s", name, code, bodies, fetched, got, want)
		}
		if code, _, bodies := w.verify(w.Build.ID); code != 0 || bodies != 0 {
			t.Errorf("%s: not kept again: exit code %d, %d bodies", name, code, bodies)
		}
	}
}

// A kept document counts only as far as all holds of it now.
func TestKeptDocumentsAreJudgedAnew(t *testing.T) {
	for name, c := range map[string]struct {
		edit   func(w cached)
		policy func(w cached, text string) string
		code   int
		says   string
		bodies bool // something is fetched
	}{
		"nothing changed": {edit: func(cached) {}},
		"the task was rerun": {
			edit: func(w cached) { w.Build.Rerun() }, bodies: true,
		},
		"the run's worker is another now": {
			edit: func(w cached) { w.Build.Last().WorkerID = "another" }, bodies: true,
			code: 0, // the world's document names it, too
		},
		"the queue's definition changed": {
			edit: func(w cached) {
				w.Build.EditQueue = func(d fixtures.Object) { d["payload"].(fixtures.Object)["maxRunTime"] = 1 }
			},
			code: exitUntrusted, says: "cot-task-definition", bodies: true,
		},
		"its key is trusted no more": {
			edit: func(cached) {},
			policy: func(w cached, text string) string {
				return strings.ReplaceAll(text, fixtures.PublicKey(w.Keys.DockerWorker), fixtures.PublicKey(w.Keys.Foreign))
			},
			code: exitUntrusted, says: "signature-invalid", bodies: true,
		},
		"another form is listed": {
			edit: func(w cached) {
				w.Build.Last().Add(&fixtures.Artifact{Name: fixtures.ChainName, Content: fixtures.Text("none"), Unhashed: true})
			},
			code: exitUntrusted, says: "certificate", bodies: true,
		},
		"the signature is listed no more": {
			edit: func(w cached) { w.Build.Last().Remove(fixtures.SignatureName) },
			code: exitUntrusted, says: "signature-missing", bodies: true,
		},
		// What a worker signed for this very run stays signed, whatever storage
		// holds by now.
		"storage holds a forged document": {
			edit: func(w cached) { w.Build.Last().Document.Key = w.Keys.Foreign },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCached(t)
			if code, report, _ := w.verify(w.Build.ID); code != 0 {
				t.Fatalf("exit code %d\n%s", code, report)
			}
			w.Edit(func() { c.edit(w) })
			if c.policy != nil {
				w.policy = func(text string) string { return c.policy(w, text) }
			}
			code, report, bodies := w.verify(w.Build.ID)
			if code != c.code || !strings.Contains(report, c.says) || (bodies > 0) != c.bodies {
				t.Errorf("exit code %d, %d bodies\n%s", code, bodies, report)
			}
		})
	}
}

// Without what was kept the forged document is found.
func TestForgedDocumentWithoutCache(t *testing.T) {
	w := newCached(t)
	w.Edit(func() { w.Build.Last().Document.Key = w.Keys.Foreign })
	if code, report, _ := w.verify(w.Build.ID); code != exitUntrusted || !strings.Contains(report, "signature-invalid") {
		t.Errorf("exit code %d\n%s", code, report)
	}
	w.Edit(func() { w.Build.Last().Document.Key = nil })
	if code, report, _ := w.verify(w.Build.ID); code != 0 { // what did not hold was not kept
		t.Errorf("exit code %d\n%s", code, report)
	}
}

func TestDownloadsComeFromTheCache(t *testing.T) {
	w := newCached(t)
	args := []string{"--cache-dir", w.cacheDir(), w.Build.ID + ":" + target}
	if code, said := w.download("first", args...); code != 0 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	w.server.ClearLog()
	if code, said := w.download("second", args...); code != 0 || w.bodies() != 0 {
		t.Errorf("exit code %d, %d bodies\n%s", code, w.bodies(), said)
	}
	kept := filepath.Join(w.cacheDir(), "sha256-"+w.Build.Artifact(target).SHA256())
	data, err := os.ReadFile(kept)
	if err != nil || !bytes.Equal(data, w.Build.Artifact(target).Honest().Bytes()) {
		t.Fatalf("%d bytes kept, %v", len(data), err)
	}
	data[7] ^= 1
	write(t, kept, string(data), 0o600)
	w.server.ClearLog()
	if code, said := w.download("third", args...); code != 0 || w.bodies() != 1 || strings.Contains(said, "transport") {
		t.Errorf("exit code %d, %d bodies\n%s", code, w.bodies(), said)
	}
	// A wrong artifact is wrong whatever is kept beside it.
	w.Edit(func() { w.Build.Artifact(target).FlipStored(7) })
	write(t, kept, string(data), 0o600)
	if code, said := w.download("fourth", args...); code != exitUntrusted || !strings.Contains(said, "artifact-hash") {
		t.Errorf("exit code %d\n%s", code, said)
	}
	w.nothingIn("fourth")
}

// A run that is killed leaves nothing that hurts the next, which fetches only
// what is missing.
func TestKilledRunGoesOn(t *testing.T) {
	w := newCached(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "cot-verify-graph")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(w.dir, "policy.yml")
	write(t, policy, w.PolicyYAML(w.server), 0o600)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const before = 20 // of which four documents with their signatures may be under way
	var bodies atomic.Int64
	reached := make(chan struct{})
	w.server.Fault(fixtures.Fault{Service: fixtures.Store, Match: func(*http.Request) bool {
		n := bodies.Add(1)
		if n == before {
			close(reached)
		}
		return n >= before
	}, Stall: true, At: 5})
	cmd := exec.CommandContext(ctx, program, "-j", "1", "--policy", policy, "--cache-dir", w.cacheDir(), "--group", w.Decision.ID)
	cmd.Env = append(os.Environ(), "TASKCLUSTER_ROOT_URL="+w.server.RootURL)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-reached:
	case err := <-ended:
		t.Fatalf("it ended before: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	w.server.ClearFaults()
	code, report, rest := w.verify("--group", w.Decision.ID)
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, report)
	}
	whole := newCached(t)
	if _, _, all := whole.verify("--group", whole.Decision.ID); rest > all-before/2 {
		t.Errorf("%d bodies were fetched after all, of %d", rest, all)
	}
	if code, _, n := w.verify("--group", w.Decision.ID); code != 0 || n != 0 {
		t.Errorf("exit code %d, %d bodies", code, n)
	}
}

// A cache that another task filled and uploaded spares the parts of a group the
// task graphs that they have in common. One that it filled with lies spares nothing.
func TestCacheOfAnUpstreamTask(t *testing.T) {
	w := newCached(t)
	if code, _, _ := w.verify(w.Decision.ID, w.Build.ID); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	archive := filepath.Join(w.dir, "cot-cache.tar")
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("tar", args...).CombinedOutput(); err != nil {
			t.Fatalf("tar %q: %v\n%s", args, err, out)
		}
	}
	run("-cf", archive, "-C", w.cacheDir(), ".")
	part := []string{"--group", w.Decision.ID, "--shard", "1/2", "--artifacts", "none"}
	graphs := func() int { return w.server.Count("/" + w.Decision.ID + "/0/public/task-graph.json") }

	for _, c := range []struct {
		name   string
		change func()
		reads  bool
	}{
		{"as it is", func() {}, false},
		{"with another byte in every file", func() {
			files, err := os.ReadDir(w.cacheDir())
			if err != nil || len(files) == 0 {
				t.Fatalf("%d files, %v", len(files), err)
			}
			for _, f := range files {
				at := filepath.Join(w.cacheDir(), f.Name())
				data, err := os.ReadFile(at)
				if err != nil {
					t.Fatal(err)
				}
				data[len(data)/2] ^= 1
				write(t, at, string(data), 0o600)
			}
		}, true},
	} {
		if err := os.RemoveAll(w.cacheDir()); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(w.cacheDir(), 0o700); err != nil {
			t.Fatal(err)
		}
		run("-xf", archive, "-C", w.cacheDir())
		c.change()
		if code, report, _ := w.verify(part...); code != 0 || !strings.Contains(report, `"verdict":"verified"`) {
			t.Errorf("%s: exit code %d", c.name, code)
		}
		if n := graphs(); (n > 0) != c.reads {
			t.Errorf("%s: the task graph was fetched %d times", c.name, n)
		}
	}
}
