//go:build unix

package cli

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mozilla-releng/cot/fixtures"
)

// endure makes this process one that may not write, or not write much.
func endure(hardship string) error {
	switch hardship {
	case "a full disk":
		signal.Ignore(syscall.SIGXFSZ)
		return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 16 << 10, Max: 16 << 10})
	case "not the owner":
		if os.Getuid() == 0 {
			return syscall.Setuid(65534)
		}
	}
	return nil
}

// What is verified but can't be put in its place is a failure: no file under
// its final name, no leftovers, and the cause is named.
func TestPlaceThatTakesNoFile(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, hardship string
		mode           os.FileMode // of the destination
		artifact       string
		code           int
		says           string
	}{
		{"room enough", "a full disk", 0o777, "public/build/target.json", 0, ""},
		{"a full disk", "a full disk", 0o777, target, 1, "artifact-not-written"},
		{"a destination that can be written", "not the owner", 0o777, target, 0, ""},
		{"an unwritable destination", "not the owner", 0o555, target, 1, "permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := fixtures.Release(1)
			server, err := w.Serve(fixtures.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			// t.TempDir is below a directory that only its owner may enter.
			dir, err := os.MkdirTemp("", "cot-hardship-")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			dest := filepath.Join(dir, "dest")
			for name, mode := range map[string]os.FileMode{dir: 0o755, dest: c.mode} {
				if err := errors.Join(os.MkdirAll(name, 0o755), os.Chmod(name, mode)); err != nil {
					t.Fatal(err)
				}
			}
			policy, program := filepath.Join(dir, "policy.yml"), filepath.Join(dir, "cot-download")
			write(t, policy, w.PolicyYAML(server), 0o644)
			data, err := os.ReadFile(self) // where it is, others may not enter either
			if err != nil {
				t.Fatal(err)
			}
			write(t, program, string(data), 0o755)

			cmd := exec.Command(program, "--policy", policy, "-d", dest, "--progress", "none", w.Build.ID+":"+c.artifact)
			cmd.Env = append(os.Environ(), "COT_TEST_COMMAND=cot-download", "COT_TEST_HARDSHIP="+c.hardship, "TASKCLUSTER_ROOT_URL="+server.RootURL)
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			err = cmd.Run()
			if cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != c.code || !strings.Contains(said.String(), c.says) {
				t.Errorf("exit code %d, want %d and %q; said:\n%s", got, c.code, c.says, &said)
			}
			entries, err := os.ReadDir(dest)
			if err != nil {
				t.Fatal(err)
			}
			if want := 1 - c.code; len(entries) != want {
				t.Errorf("%d entries in the destination, want %d: %v", len(entries), want, entries)
			}
		})
	}
}

// Workers end a task by SIGTERM: gone at once, and nothing is left.
func TestTerminated(t *testing.T) {
	for during, artifact := range map[string]string{"verification": fixtures.DocumentName, "download": target} {
		t.Run(during, func(t *testing.T) { terminate(t, artifact) })
	}
}

// terminate ends a download that hangs in one of the build's artifacts.
func terminate(t *testing.T, artifact string) {
	w := newBadRun(t, fixtures.Options{})
	asked, once := make(chan struct{}), sync.Once{}
	w.server.Fault(fixtures.Fault{Stall: true, At: 10, Match: func(r *http.Request) bool {
		hit := fixtures.Download(w.Build.Artifact(artifact))(r)
		if hit {
			once.Do(func() { close(asked) })
		}
		return hit
	}})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(w.dir, "policy.yml")
	write(t, policy, w.PolicyYAML(w.server), 0o600)
	cmd := exec.Command(self, "--policy", policy, "-d", filepath.Join(w.dir, "out"), w.Build.ID+":"+target)
	cmd.Env = append(os.Environ(), "COT_TEST_COMMAND=cot-download", "TASKCLUSTER_ROOT_URL="+w.server.RootURL)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) || !strings.Contains(said.String(), "stopped by terminated") {
		t.Errorf("exit code %d; said:\n%s", code, &said)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "out")); err == nil {
		t.Error("the destination that was made for this run is still there")
	}
}
