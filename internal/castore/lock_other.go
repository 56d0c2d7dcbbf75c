//go:build !unix && !windows

package castore

import (
	"errors"
	"os"
)

// tryLock refuses: two writers would lose lines of the index.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
