package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/fixtures/needed"
)

// pythonWith finds a Python that has a package of PyPI, and gives what the
// program prints there. It skips the test by name where there is none; in CI it
// fails.
func pythonWith(t *testing.T, pkg, program string) (python, printed string) {
	t.Helper()
	var candidates []string
	if venv := os.Getenv("COT_TASKGRAPH_VENV"); venv != "" {
		bin := "bin"
		if runtime.GOOS == "windows" {
			bin = "Scripts"
		}
		candidates = append(candidates, filepath.Join(venv, bin, "python3"), filepath.Join(venv, bin, "python"))
	}
	for _, python := range append(candidates, "python3") {
		path, err := exec.LookPath(python)
		if err != nil {
			continue
		}
		if out, err := exec.Command(path, "-c", program).Output(); err == nil {
			return path, strings.TrimSpace(string(out))
		}
	}
	needed.Missing(t, "the Python package "+pkg+" (COT_TASKGRAPH_VENV says where to look)")
	return "", ""
}

// realScripts finds run-task and fetch-content of the PyPI package
// taskcluster-taskgraph, and the Python that they were installed for.
func realScripts(t *testing.T) (python, dir string) {
	t.Helper()
	return pythonWith(t, "taskcluster-taskgraph", `import importlib.util as u, os
dir = os.path.join(os.path.dirname(u.find_spec("taskgraph").origin), "run-task")
assert os.path.exists(os.path.join(dir, "run-task"))
print(dir)`)
}

// realRun is a world that a Python script's child process can reach.
type realRun struct {
	world  *fixtures.Standard
	python string
	dir    string // of the real scripts
	work   string
	env    []string
}

func newRealRun(t *testing.T) *realRun {
	python, dir := realScripts(t)
	w := fixtures.Release(1)
	w.Toolchain.Artifact("public/build/clang.tar.zst").Content = fixtures.Bytes(toolchainArchive())
	server, err := w.Serve(fixtures.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	r := &realRun{world: w, python: python, dir: dir, work: t.TempDir()}
	trust := t.TempDir()
	policy := filepath.Join(trust, "policy.yml")
	write(t, policy, w.PolicyYAML(server), 0o644)

	// On PATH: the shipped script, cot-download, the real script.
	bin := t.TempDir()
	shipped, err := os.ReadFile(filepath.Join("..", "..", "docs", "fetch-content"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(bin, "fetch-content"), string(shipped), 0o755)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(bin, "cot-download"),
		"#!/bin/sh\nCOT_TEST_COMMAND=cot-download exec '"+self+"' \"$@\"\n", 0o755)
	r.env = append(os.Environ(),
		"PATH="+bin+string(os.PathListSeparator)+dir+string(os.PathListSeparator)+os.Getenv("PATH"),
		"TASKCLUSTER_ROOT_URL="+server.RootURL,
		"MOZ_FETCHES_DIR=fetches",
		"COT_DOWNLOAD_FLAGS=--policy '"+policy+"'",
		"MOZ_FETCHES="+fixtures.Fetches(
			fixtures.Fetch{Task: w.Toolchain, Artifact: "public/build/clang.tar.zst", Extract: true},
			fixtures.Fetch{Task: w.Fetch, Artifact: "public/sources.tar.xz", Dest: "src", Extract: false},
		),
	)
	return r
}

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// runTask runs the real run-task for a command that says when it runs.
func (r *realRun) runTask(t *testing.T) (string, error) {
	t.Helper()
	args := []string{"-u", filepath.Join(r.dir, "run-task")}
	if os.Getuid() == 0 {
		args = append(args, "--user", "root", "--group", "root")
	}
	args = append(args, "--", "echo", "the task itself runs")
	cmd := exec.Command(r.python, args...)
	cmd.Dir, cmd.Env = r.work, r.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// taskRan is what run-task prints of the task's own output.
var taskRan = regexp.MustCompile(`(?m)^\[task .*\] the task itself runs$`)

func posixOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for cot-download on PATH is a shell script")
	}
}

func TestRunTaskGetsItsFetchesFromCotDownload(t *testing.T) {
	posixOnly(t)
	r := newRealRun(t)
	out, err := r.runTask(t)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "verified: 2 artifacts") || !taskRan.MatchString(out) {
		t.Errorf("output:\n%s", out)
	}
	for _, name := range []string{"fetches/clang/bin/clang", "fetches/src/sources.tar.xz"} {
		if _, err := os.Stat(filepath.Join(r.work, filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(r.work, "fetches", "clang.tar.zst")); err == nil {
		t.Error("the archive stayed")
	}
}

func TestRunTaskDoesNotStartOnATamperedFetch(t *testing.T) {
	posixOnly(t)
	r := newRealRun(t)
	r.world.Edit(func() { r.world.Fetch.Artifact("public/sources.tar.xz").FlipStored(7) })
	out, err := r.runTask(t)
	if err == nil || taskRan.MatchString(out) {
		t.Errorf("run-task went on: %v\n%s", err, out)
	}
	if !strings.Contains(out, "artifact-hash") {
		t.Errorf("output:\n%s", out)
	}
}

func TestOtherSubcommandsReachTheRealFetchContent(t *testing.T) {
	posixOnly(t)
	r := newRealRun(t)
	cmd := exec.Command(r.python, filepath.Join("..", "..", "docs", "fetch-content"), "static-url", "--help")
	cmd.Env = append(os.Environ(), "PATH="+r.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--sha256") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Without cot-download the shipped script must not fall back to the real one.
func TestNoFallbackToUnverifiedFetches(t *testing.T) {
	posixOnly(t)
	r := newRealRun(t)
	cmd := exec.Command(r.python, filepath.Join("..", "..", "docs", "fetch-content"), "task-artifacts")
	cmd.Env = append(r.env, "PATH="+r.dir)
	cmd.Dir = "."
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "cot-download is neither") {
		t.Errorf("%v\n%s", err, out)
	}
}
