// Package cachedir keeps small files between runs, in a directory that nobody
// else may write. Nothing is true because it is in there: who reads from it
// checks what it reads.
package cachedir

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Dir is an open directory. A nil one keeps nothing.
type Dir struct{ root *os.Root }

// Open opens a directory, which is made if it is not there. One that others can
// write is refused: they could keep what is old in it.
func Open(name string) (*Dir, error) {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil {
		err = private(info)
	}
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Dir{root}, nil
}

// Close closes the directory.
func (d *Dir) Close() error {
	if d == nil {
		return nil
	}
	return d.root.Close()
}

// Read gives a file; more than limit bytes are an error.
func (d *Dir) Read(name string, limit int64) ([]byte, error) {
	if d == nil {
		return nil, os.ErrNotExist
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return data, err
}

// Write puts a file in the place of what has its name. Others read the old one
// or the new one, never a part.
func (d *Dir) Write(name string, data []byte) error {
	if d == nil {
		return nil
	}
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Finish(err == nil))
}

// File is a file on its way into the directory.
type File struct {
	dir        *Dir
	file       *os.File
	name, temp string
}

// Create begins a file that takes its name only when Finish says so.
func (d *Dir) Create(name string) (*File, error) {
	if d == nil {
		return nil, os.ErrInvalid
	}
	var random [8]byte
	rand.Read(random[:])
	temp := name + "." + hex.EncodeToString(random[:])
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &File{d, f, name, temp}, nil
}

// Write adds to the file.
func (f *File) Write(p []byte) (int, error) { return f.file.Write(p) }

// Finish puts the file in the place of what has its name, or leaves nothing of
// it.
func (f *File) Finish(keep bool) error {
	err := f.file.Close()
	if keep && err == nil {
		err = f.dir.root.Rename(f.temp, f.name)
	}
	if !keep || err != nil {
		_ = f.dir.root.Remove(f.temp)
	}
	return err
}

// Open opens a file.
func (d *Dir) Open(name string) (*os.File, error) {
	if d == nil {
		return nil, os.ErrNotExist
	}
	return d.root.Open(name)
}

// Remove removes a file.
func (d *Dir) Remove(name string) error {
	if d == nil {
		return nil
	}
	return d.root.Remove(name)
}

var errShared = errors.New("others can write the cache directory: want one of your own with mode 0700")
