//go:build !unix

package cachedir

import "io/fs"

// private: there are no mode bits to look at; a user's own directories are.
func private(fs.FileInfo) error { return nil }
