package crlcache

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mozilla-releng/cot/certs/revocation"
)

// Dir is a directory of kept lists. A nil one keeps nothing.
type Dir struct{ root *os.Root }

// OpenDir opens a cache, which is made if it is not there. One that others can
// write is refused: they could keep an old list in it.
func OpenDir(name string) (*Dir, error) {
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

const (
	dataSuffix = ".crl"
	tagSuffix  = ".etag"
)

func nameOf(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:])
}

// load gives what is kept for a URL. What can't be read is not there.
func (d *Dir) load(url string) (entry, bool) {
	if d == nil {
		return entry{}, false
	}
	data, err := d.read(nameOf(url)+dataSuffix, revocation.MaxCRLBytes)
	if err != nil {
		return entry{}, false
	}
	// The tag is stored with the digest of the list that it is of: two files
	// can't be written as one, and a disk may spoil one.
	tag, err := d.read(nameOf(url)+tagSuffix, 1<<10)
	sum := sha256.Sum256(data)
	prefix := hex.EncodeToString(sum[:]) + " "
	if err != nil || len(tag) < len(prefix) || string(tag[:len(prefix)]) != prefix {
		return entry{}, false
	}
	return entry{data, string(tag[len(prefix):])}, true
}

func (d *Dir) read(name string, limit int64) ([]byte, error) {
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

// store keeps a list, unless a newer one was stored meanwhile. What can't be
// written is not kept; the next run fetches it again.
func (d *Dir) store(url string, e entry) {
	if d == nil {
		return
	}
	if kept, have := d.load(url); have && e.olderThan(kept) {
		return
	}
	if d.write(nameOf(url)+dataSuffix, e.data) != nil {
		return
	}
	sum := sha256.Sum256(e.data)
	_ = d.write(nameOf(url)+tagSuffix, []byte(hex.EncodeToString(sum[:])+" "+e.etag))
}

func (d *Dir) write(name string, data []byte) error {
	var random [8]byte
	rand.Read(random[:])
	temp := name + "." + hex.EncodeToString(random[:])
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.root.Rename(temp, name)
	}
	if err != nil {
		_ = d.root.Remove(temp)
	}
	return err
}

var errShared = errors.New("others can write the cache directory: want one of your own with mode 0700")
