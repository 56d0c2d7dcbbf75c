//go:build unix

package keystore

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// onlyUser refuses a file that another user can read: by its mode (where an
// access list gives more, the group's bits show it), or as its owner.
func onlyUser(_ *os.File, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("others can read the file, its mode is %04o: want 0600 (chmod 600)", mode)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("the file belongs to another user, %d: want %d", st.Uid, os.Geteuid())
	}
	return nil
}

// protect does nothing: the mode did it.
func protect(string) error { return nil }
