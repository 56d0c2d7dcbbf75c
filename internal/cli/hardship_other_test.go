//go:build !unix

package cli

import "errors"

func endure(string) error { return errors.New("not on this system") }
