// Package evidencecache keeps artifacts and signed documents between runs, for
// package trace and for downloads. Nothing is true for being there: artifacts are
// hashed again, and documents' signatures verified, by who reads them.
package evidencecache

import (
	"errors"
	"io"

	"github.com/mozilla-releng/cot/internal/cachedir"
	"github.com/mozilla-releng/cot/trace"
)

// Cache is trace.Cache over a directory.
type Cache struct{ dir *cachedir.Dir }

var _ trace.Cache = Cache{}

// New keeps in a directory that is open.
func New(dir *cachedir.Dir) Cache { return Cache{dir} }

// Open opens what is kept under a name; nil: nothing is.
func (c Cache) Open(name string) io.ReadCloser {
	f, err := c.dir.Open(name)
	if err != nil {
		return nil
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil
	}
	return f
}

// Create begins to keep something; nil: it can't be kept.
func (c Cache) Create(name string) trace.Keeping {
	f, err := c.dir.Create(name)
	if err != nil {
		return nil
	}
	return &keeping{file: f}
}

// Drop forgets what is kept under a name.
func (c Cache) Drop(name string) { _ = c.dir.Remove(name) }

// keeping goes on as if nothing were wrong where the disk is full: what can't be
// kept is fetched again by the next run.
type keeping struct {
	file *cachedir.File
	err  error
}

func (k *keeping) Write(p []byte) (int, error) {
	if k.err == nil {
		_, k.err = k.file.Write(p)
	}
	return len(p), nil
}

func (k *keeping) Finish(keep bool) { k.err = errors.Join(k.err, k.file.Finish(keep && k.err == nil)) }
