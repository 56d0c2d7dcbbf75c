package download

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// tempPrefix begins the name of everything unfinished. No path that is asked
// for and no archive member may begin so.
const tempPrefix = ".cot-partial-"

const tagLength = 16

// tag names a target within its directory, so that a leftover tells whose it is.
func tag(base string) string {
	sum := sha256.Sum256([]byte(base))
	return hex.EncodeToString(sum[:tagLength/2])
}

func tempName(base string) string {
	var random [8]byte
	rand.Read(random[:])
	return tempPrefix + tag(base) + "-" + hex.EncodeToString(random[:])
}

func tempTag(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, tempPrefix)
	if !ok || len(rest) < tagLength || len(rest) > tagLength && rest[tagLength] != '-' {
		return "", false
	}
	return rest[:tagLength], true
}

// tempFile is a file under a name of its own beside its target, until place
// gives it the target's.
type tempFile struct {
	*os.File
	dir    *folder
	name   string
	placed bool
}

func newTempFile(dir *folder, base string) (*tempFile, error) {
	name := tempName(base)
	f, err := dir.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, &DiskError{"creating a file for", join(dir.path, base), err}
	}
	lock(f)
	return &tempFile{File: f, dir: dir, name: name}, nil
}

// reset makes the file empty again. One that is empty is left alone: ext4 takes
// a truncated file for one that replaces another, and writes it to disk on close.
func (t *tempFile) reset() error {
	at, err := t.Seek(0, io.SeekCurrent)
	if err != nil || at == 0 {
		return err
	}
	if err := t.Truncate(0); err != nil {
		return err
	}
	_, err = t.Seek(0, io.SeekStart)
	return err
}

// place gives the file its mode and its final name, where nothing or a regular
// file may lie.
func (t *tempFile) place(base string, mode fs.FileMode) error {
	target := join(t.dir.path, base)
	if err := vacant(t.dir.root, base, target); err != nil {
		return err
	}
	if err := t.Chmod(mode); err != nil {
		return &DiskError{"setting the mode of", target, err}
	}
	if err := t.Close(); err != nil {
		return &DiskError{"writing", target, err}
	}
	if err := t.dir.root.Rename(t.name, base); err != nil {
		return &DiskError{"renaming to", target, err}
	}
	t.placed = true
	return nil
}

// discard removes what was not placed.
func (t *tempFile) discard() {
	if t.placed {
		return
	}
	t.Close()
	_ = t.dir.root.Remove(t.name)
}

// vacant refuses a target where something else than a regular file lies.
func vacant(dir *os.Root, base, target string) error {
	info, err := dir.Lstat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &DiskError{"looking at", target, err}
	case !info.Mode().IsRegular():
		return &OccupiedError{target, describe(info), "a file"}
	}
	return nil
}
