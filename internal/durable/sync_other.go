//go:build !unix

package durable

// syncDir does nothing: a directory can't be opened for that here.
func syncDir(string) error { return nil }
