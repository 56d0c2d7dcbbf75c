//go:build unix

package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/internal/report/reporttest"
)

// workers run the definitions of docs/taskgraph.md as the real ones do, as
// processes against a virtual deployment: they put mounts in their places, run
// the payload's commands, upload its artifacts and sign.
type workers struct {
	*fixtures.Standard
	t      *testing.T
	server *fixtures.Server
	bin    string // what a docker image has on PATH
	policy string
	asked  map[string]*fixtures.Task // the tasks of the page, by label
}

func newWorkers(t *testing.T) *workers {
	t.Helper()
	w := &workers{Standard: fixtures.Release(1), t: t, bin: t.TempDir(), asked: map[string]*fixtures.Task{}}
	var err error
	if w.server, err = w.Serve(fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.server.Close() })
	w.Edit(func() { w.ForeignSigner.Last().Document.Key = nil })
	w.policy = filepath.Join(t.TempDir(), "policy.yml")
	write(t, w.policy, w.PolicyYAML(w.server), 0o644)
	for _, name := range []string{"cot-download", "cot-verify-graph"} {
		write(t, filepath.Join(w.bin, name), w.program(name), 0o755)
	}
	return w
}

// program is a command as a file that can be run anywhere.
func (w *workers) program(name string) string {
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	return "#!/bin/sh\nCOT_TEST_COMMAND=" + name + " exec '" + self + "' \"$@\"\n"
}

// create puts a definition of the page into the decision's graph, as a task that
// is running. values are the ids that it names.
func (w *workers) create(heading string, number int, values map[string]any) *fixtures.Task {
	w.t.Helper()
	all := map[string]any{"now": "2026-06-15T06:00:00.000Z", "decision": w.Decision.ID, "image": w.Image.ID, "build": w.Build.ID}
	on := map[string]*fixtures.Task{"image": w.Image, "build": w.Build}
	for k, v := range values {
		all[k] = v
		if task, ok := v.(*fixtures.Task); ok {
			all[k], on[k] = task.ID, task
		}
	}
	def := documentedTask(w.t, heading, number, all)
	name := def["metadata"].(map[string]any)["name"].(string)
	payload := def["payload"].(map[string]any)
	s := fixtures.Spec{
		Label: name, Kind: "cot-verify", Pool: def["taskQueueId"].(string), Payload: payload, State: fixtures.Running,
		Dependencies: map[string]*fixtures.Task{},
	}
	if extra, _ := def["extra"].(map[string]any); extra["chainOfTrust"] != nil {
		s.Extra = fixtures.Object{"chainOfTrust": extra["chainOfTrust"]}
	}
	for _, id := range def["dependencies"].([]any) {
		for k, task := range on {
			if task.ID == id {
				s.Dependencies[k] = task
			}
		}
	}
	if n := len(s.Dependencies) + 1; n != len(def["dependencies"].([]any)) {
		w.t.Fatalf("%s depends on %v, of which %d are known", name, def["dependencies"], n)
	}
	w.asked[name] = w.Graph.Add(s)
	return w.asked[name]
}

// attempt is one run of a task as a process.
type attempt struct {
	task *fixtures.Task
	dir  string
	said bytes.Buffer
	cmd  *exec.Cmd // under way
}

// place is where a path of the task's machine is on this one.
func (a *attempt) place(path string) string {
	return strings.ReplaceAll(path, "/builds/worker", a.dir)
}

func payloadOf(task *fixtures.Task) map[string]any {
	payload, _ := task.Definition["payload"].(fixtures.Object)
	return payload
}

func isDocker(task *fixtures.Task) bool { return payloadOf(task)["image"] != nil }

// prepare makes what the task finds when it begins.
func (w *workers) prepare(task *fixtures.Task) *attempt {
	w.t.Helper()
	a := &attempt{task: task, dir: w.t.TempDir()}
	for _, dir := range []string{"artifacts", "public"} {
		if err := os.Mkdir(filepath.Join(a.dir, dir), 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
	mounts, _ := payloadOf(task)["mounts"].([]any)
	for _, m := range mounts {
		mount := m.(fixtures.Object)
		content := mount["content"].(fixtures.Object)
		data := w.Task(content["taskId"].(string)).Artifact(content["artifact"].(string)).Content.Bytes()
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != content["sha256"] {
			w.t.Fatalf("the mount of %s is not what it is pinned to", content["artifact"])
		}
		file := filepath.Join(a.dir, mount["file"].(string))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			w.t.Fatal(err)
		}
		write(w.t, file, string(data), 0o644)
	}
	return a
}

// commands are the argument lists that the worker runs, one after the other.
func (a *attempt) commands() [][]string {
	list, _ := payloadOf(a.task)["command"].([]any)
	texts := func(list []any) (out []string) {
		for _, v := range list {
			out = append(out, a.place(v.(string)))
		}
		return out
	}
	if isDocker(a.task) {
		return [][]string{texts(list)}
	}
	var out [][]string
	for _, v := range list {
		out = append(out, texts(v.([]any)))
	}
	return out
}

func (w *workers) environment(a *attempt) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + a.dir, "TMPDIR=" + a.dir,
		"TASK_ID=" + a.task.ID, fmt.Sprintf("RUN_ID=%d", a.task.Last().ID),
		"TASKCLUSTER_ROOT_URL=" + w.server.RootURL, "TASKCLUSTER_PROXY_URL=" + w.server.ProxyURL,
	}
	if isDocker(a.task) {
		env[0] = "PATH=" + w.bin + ":" + os.Getenv("PATH")
	} else { // docker-worker says nothing of the group
		env = append(env, "TASK_GROUP_ID="+w.Decision.ID)
	}
	for k, v := range payloadOf(a.task)["env"].(fixtures.Object) {
		if k == "COT_POLICY" {
			v = w.policy
		}
		env = append(env, k+"="+a.place(v.(string)))
	}
	return env
}

// begin starts a command, as the leader of its process group.
func (w *workers) begin(a *attempt, command []string) {
	w.t.Helper()
	a.cmd = exec.Command(command[0], command[1:]...)
	a.cmd.Dir, a.cmd.Env, a.cmd.Stdout, a.cmd.Stderr = a.dir, w.environment(a), &a.said, &a.said
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := a.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
}

// end waits for it.
func (a *attempt) end() int {
	var exit *exec.ExitError
	if err := a.cmd.Wait(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		return -1
	}
	return 0
}

// run runs a task to its end, and gives its exit code. A good run is completed.
func (w *workers) run(task *fixtures.Task) (int, string) {
	w.t.Helper()
	a := w.prepare(task)
	for _, command := range a.commands() {
		w.begin(a, command)
		if code := a.end(); code != 0 {
			return code, a.said.String()
		}
	}
	w.complete(a)
	return 0, a.said.String()
}

// complete uploads what the payload names, and signs.
func (w *workers) complete(a *attempt) {
	w.t.Helper()
	files := map[string]string{}
	switch list := payloadOf(a.task)["artifacts"].(type) {
	case fixtures.Object:
		for name, v := range list {
			files[name] = a.place(v.(fixtures.Object)["path"].(string))
		}
	case []any:
		for _, v := range list {
			o := v.(fixtures.Object)
			files[o["name"].(string)] = filepath.Join(a.dir, o["path"].(string))
		}
	}
	var made []*fixtures.Artifact
	for name, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatalf("%s: %v\n%s", a.task.Label, err, &a.said)
		}
		made = append(made, fixtures.File(name, fixtures.Bytes(data)))
	}
	w.Edit(func() {
		var image *fixtures.Artifact
		if isDocker(a.task) {
			image = w.Image.Artifact(fixtures.ImageName)
		}
		a.task.Last().Finish(image, made...)
	})
}

// rerun has the task run once more, after its last run was resolved so.
func (w *workers) rerun(task *fixtures.Task, state, reason string) {
	w.Edit(func() {
		last := task.Last()
		last.Resolve(state, reason)
		if last.Resolved.IsZero() {
			last.Resolved = last.Started.Add(time.Minute)
		}
		next := task.Rerun()
		next.State, next.ReasonResolved, next.Resolved = fixtures.Running, "", time.Time{}
		next.Artifacts, next.Document = nil, nil
	})
}

// must runs a task that is to succeed.
func (w *workers) must(task *fixtures.Task) string {
	w.t.Helper()
	code, said := w.run(task)
	if code != 0 {
		w.t.Fatalf("%s: exit code %d\n%s", task.Label, code, said)
	}
	return said
}

// killed runs a task whose process is killed when it asks for something of that
// path, as a machine that is lost in the middle does.
func (w *workers) killed(task *fixtures.Task, path string) {
	w.t.Helper()
	asked, once := make(chan struct{}), sync.Once{}
	w.server.Fault(fixtures.Fault{Stall: true, At: 10, Match: func(r *http.Request) bool {
		hit := strings.Contains(r.URL.Path, path)
		if hit {
			once.Do(func() { close(asked) })
		}
		return hit
	}})
	a := w.prepare(task)
	w.begin(a, a.commands()[0])
	select {
	case <-asked:
	case <-w.t.Context().Done():
		w.t.Fatalf("%s asked for nothing of %s\n%s", task.Label, path, &a.said)
	}
	if err := syscall.Kill(-a.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	a.end()
	w.server.ClearFaults()
	if left, _ := filepath.Glob(filepath.Join(a.dir, "artifacts", "*")); left != nil {
		w.t.Errorf("the killed run left %v", left)
	}
}

func (w *workers) reportOf(task *fixtures.Task, name string) map[string]any {
	w.t.Helper()
	data := task.Artifact(name).Content.Bytes()
	if err := reporttest.Validate(data); err != nil {
		w.t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(data, &r); err != nil {
		w.t.Fatal(err)
	}
	return r
}

const cotReport = "public/cot-report.json"

// A task whose first command verifies its inputs runs on verified ones, and does
// not start on others.
func TestDocumentedPreambles(t *testing.T) {
	t.Parallel()
	w := newWorkers(t)
	tool := fixtures.Bytes([]byte(w.program("cot-download")))
	var preamble, mount *fixtures.Task
	w.Edit(func() {
		w.Fetch.Last().Add(fixtures.File("public/cot-download", tool))
		preamble = w.create("A preamble", 0, nil)
		mount = w.create("A mount", 0, map[string]any{"programs": w.Fetch, "programSHA256": tool.SHA256()})
	})
	for _, task := range []*fixtures.Task{preamble, mount} {
		w.must(task)
		r := w.reportOf(task, cotReport)
		if got := r["verdict"]; got != "verified" {
			t.Errorf("%s: verdict %v", task.Label, got)
		}
		if list, _ := r["artifacts"].([]any); len(list) != 1 || list[0].(map[string]any)["hashed"] != true {
			t.Errorf("%s: artifacts %v", task.Label, r["artifacts"])
		}
	}
	if n := len(mount.Artifact("public/repackaged.tar.bz2").Content.Bytes()); n != len(w.Build.Artifact(target).Content.Bytes()) {
		t.Errorf("the mount's task repackaged %d bytes", n)
	}

	// The twin: another byte in storage, and neither starts.
	w.Edit(func() { w.Build.Artifact(target).FlipStored(7) })
	for _, task := range []*fixtures.Task{preamble, mount} {
		w.rerun(task, fixtures.Exception, "worker-shutdown")
		code, said := w.run(task)
		if code != 1 || !strings.Contains(said, "artifact-hash") {
			t.Errorf("%s: exit code %d\n%s", task.Label, code, said)
		}
	}
}

// A phase's verification leaves its reports, and other tasks rely on them.
func TestDocumentedVerification(t *testing.T) {
	t.Parallel()
	w := newWorkers(t)
	var verify, rely *fixtures.Task
	w.Edit(func() {
		verify = w.create("A verification task per phase", 0, nil)
		rely = w.create("Verify once, rely often", 0, map[string]any{"verify": verify})
	})
	w.must(verify)
	if r := w.reportOf(verify, cotReport); r["verdict"] != "verified" {
		t.Errorf("verdict %v", r["verdict"])
	}
	w.must(rely)
	if r := w.reportOf(rely, cotReport); r["verdict"] != "verified" || !bytes.Contains(rely.Artifact(cotReport).Content.Bytes(), []byte(`"reliesOn"`)) {
		t.Errorf("verdict %v, without a word on what it relies on", r["verdict"])
	}

	// The twins: something in the group is forged; the report is.
	w.Edit(func() { w.D2G.Last().Document.Key = w.Keys.Foreign })
	w.rerun(verify, fixtures.Exception, "worker-shutdown")
	if code, said := w.run(verify); code != 1 || !strings.Contains(said, "signature-invalid") {
		t.Errorf("exit code %d\n%s", code, said)
	}
	w.Edit(func() {
		verify.Runs = verify.Runs[:1]
		verify.Last().Resolve(fixtures.Completed, "completed")
		verify.Artifact(cotReport).FlipStored(7)
	})
	w.rerun(rely, fixtures.Exception, "worker-shutdown")
	if code, said := w.run(rely); code != 1 {
		t.Errorf("on a report with another byte: exit code %d\n%s", code, said)
	}
}

// Four shards, of which one is killed and run again, and their merge.
func TestDocumentedShards(t *testing.T) {
	t.Parallel()
	w := newWorkers(t)
	values := map[string]any{}
	var shards []*fixtures.Task
	var merge *fixtures.Task
	w.Edit(func() {
		for n := 1; n <= 4; n++ {
			shard := w.create("Shards and a merge", 0, map[string]any{"shard": fmt.Sprint(n)})
			values[fmt.Sprint("shard", n)] = shard
			shards = append(shards, shard)
		}
		merge = w.create("Shards and a merge", 1, values)
	})
	for _, shard := range shards {
		if shard == shards[1] {
			w.killed(shard, "/public/chain-of-trust.json")
			w.rerun(shard, fixtures.Exception, "claim-expired")
		}
		w.must(shard)
	}
	w.must(merge)
	r := w.reportOf(merge, cotReport)
	if r["verdict"] != "verified" {
		t.Errorf("verdict %v", r["verdict"])
	}
	judged := map[string]bool{}
	for _, v := range r["tasks"].([]any) {
		task := v.(map[string]any)
		judged[task["taskId"].(string)] = task["status"] == "judged"
	}
	for _, task := range []*fixtures.Task{w.Decision, w.Build, w.GenericBuild, w.D2G, w.Signing, w.Rerun} {
		if !judged[task.ID] {
			t.Errorf("%s is not judged", task.Label)
		}
	}

	// The twin: a task is run again after its shard looked.
	w.Edit(func() { w.D2G.Rerun() })
	w.rerun(merge, fixtures.Exception, "worker-shutdown")
	if code, said := w.run(merge); code == 0 {
		t.Errorf("a task was run again, and the merge is content\n%s", said)
	}
}
