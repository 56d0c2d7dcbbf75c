//go:build !unix

package download

import "os"

// lock does nothing here: an open file can't be removed on Windows.
func lock(*os.File) bool { return true }
