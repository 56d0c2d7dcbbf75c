// Package durable writes small files whole or not at all: a reader never sees
// half of one, and what was written is on the disk before its name is.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Create makes a file that does not exist. One that does is left as it is, and
// the error is fs.ErrExist.
func Create(name string, data []byte, mode fs.FileMode) error {
	temp, err := write(name, data, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temp) //nolint:errcheck // a second name of the file, or nothing
	err = os.Link(temp, name)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w; nothing is overwritten", name, fs.ErrExist)
	case err != nil:
		// A file system without hard links, such as a share's.
		if err := exclusive(name, data, mode); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(name))
}

// Replace puts a file in the place of what has its name, if anything has.
func Replace(name string, data []byte, mode fs.FileMode) error {
	temp, err := write(name, data, mode)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, name); err != nil {
		_ = os.Remove(temp)
		return err
	}
	return syncDir(filepath.Dir(name))
}

// write makes a temporary file beside name.
func write(name string, data []byte, mode fs.FileMode) (temp string, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".cot-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if mode != 0o600 {
		err = errors.Join(err, f.Chmod(mode))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func exclusive(name string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w; nothing is overwritten", name, fs.ErrExist)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(name)
	}
	return err
}
