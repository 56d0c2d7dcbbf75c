//go:build unix

package download

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Some tests need a process of their own: one that may not write, or that may
// not write much.
const (
	childTask = "COT_TEST_CHILD"
	childDir  = "COT_TEST_DIR"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(childTask); task != "" {
		if err := child(task, os.Getenv(childDir)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(task, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	big := pattern(1 << 20)
	item := Item{Literal: &Literal{big}, Path: "d/a"}
	switch task {
	case "no room", "no room to unpack", "room":
		if task == "no room to unpack" {
			how, err := Decompress("gz")
			if err != nil {
				return err
			}
			item.Literal, item.Extract = &Literal{packed(noTest{}, "gz", big)}, how
		}
		signal.Ignore(syscall.SIGXFSZ)
		room := uint64(len(big))
		if task != "room" {
			room /= 2
		}
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: room, Max: room}); err != nil {
			return err
		}
	case "not writable":
		if os.Getuid() == 0 {
			if err := syscall.Setuid(65534); err != nil {
				return err
			}
		}
	}
	d, err := New(root, noContent{}, Options{})
	if err != nil {
		return err
	}
	_, err = d.Fetch(context.Background(), []Item{item})
	return err
}

// noTest stands for a test where helpers want one; it must not fail.
type noTest struct{ testing.TB }

func (noTest) Helper() {}

func runChild(t *testing.T, task, dir string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childTask+"="+task, childDir+"="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

func TestNoRoomLeavesNothing(t *testing.T) {
	for _, task := range []string{"no room", "no room to unpack"} {
		dir := t.TempDir()
		out, err := runChild(t, task, dir)
		if err == nil {
			t.Errorf("%s: succeeded", task)
		}
		if !strings.Contains(out, `writing "d/a"`) || !strings.Contains(out, "file too large") {
			t.Errorf("%s: said %q", task, out)
		}
		if got := listing(t, dir); len(got) != 0 {
			t.Errorf("%s: left %v", task, got)
		}
	}
	dir := t.TempDir()
	if out, err := runChild(t, "room", dir); err != nil {
		t.Errorf("with room: %v, said %q", err, out)
	}
	if got := listing(t, dir); len(got) != 2 {
		t.Errorf("with room: %d entries, want 2", len(got))
	}
}

func TestUnwritableDestination(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	out, err := runChild(t, "not writable", dir)
	if err == nil {
		t.Error("succeeded")
	}
	if !strings.Contains(out, "permission denied") || !strings.Contains(out, "the destination must be writable") {
		t.Errorf("said %q", out)
	}
	if got := listing(t, dir); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestFullDiskIsNamed(t *testing.T) {
	err := error(&DiskError{"writing", "d/a", &os.PathError{Op: "write", Path: "/somewhere/else", Err: syscall.ENOSPC}})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Error("the cause is lost")
	}
	want := `writing "d/a": no space left on device; free space there or choose another destination`
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
