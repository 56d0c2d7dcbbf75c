//go:build unix

package download

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock marks a temporary file or directory as in use until f is closed, also
// when this process is killed. It tells whether that worked.
func lock(f *os.File) bool {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}
