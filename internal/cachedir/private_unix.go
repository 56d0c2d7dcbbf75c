//go:build unix

package cachedir

import (
	"io/fs"
	"os"
	"syscall"
)

// private refuses a directory that somebody else owns or may write.
func private(info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Getuid() {
		return errShared
	}
	if info.Mode().Perm()&0o022 != 0 {
		return errShared
	}
	return nil
}
