package download

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Within a stage: what was unpacked, and what it replaces while it is placed.
const (
	stageNew = "new"
	stageOld = "old"
)

// stage is a fresh directory beside an archive's target. All members go there
// first; what is not placed from there is removed with it.
type stage struct {
	dir  *folder
	name string
	held *os.File // keeps the lock
	root *os.Root // of stageNew
	tree *tree

	budget  int64 // bytes that members may still have
	tooMuch error
	buf     []byte

	last     *os.Root // the directory that was written to last
	lastPath string
}

func newStage(dir *folder, base string, t *tree, budget int64, tooMuch error) (*stage, error) {
	s := &stage{dir: dir, name: tempName(base), tree: t, budget: budget, tooMuch: tooMuch, buf: make([]byte, 256<<10)}
	fail := func(err error) (*stage, error) {
		s.discard()
		return nil, &DiskError{"making a directory to unpack", join(dir.path, base), err}
	}
	if err := dir.root.Mkdir(s.name, 0o700); err != nil {
		return nil, &DiskError{"making a directory to unpack", join(dir.path, base), err}
	}
	var err error
	if s.held, err = dir.root.Open(s.name); err != nil {
		return fail(err)
	}
	lock(s.held)
	for _, sub := range []string{stageNew, stageOld} {
		if err := dir.root.Mkdir(s.name+"/"+sub, 0o755); err != nil {
			return fail(err)
		}
	}
	if s.root, err = dir.root.OpenRoot(s.name + "/" + stageNew); err != nil {
		return fail(err)
	}
	return s, nil
}

// discard removes the stage and all that is still in it.
func (s *stage) discard() {
	s.shut()
	_ = s.dir.root.RemoveAll(s.name)
}

// shut closes what is open, so that directories can be moved on every platform.
func (s *stage) shut() {
	if s.last != nil {
		s.last.Close()
	}
	if s.root != nil {
		s.root.Close()
	}
	if s.held != nil {
		s.held.Close()
	}
	s.last, s.root, s.held, s.lastPath = nil, nil, nil, ""
}

// mkdir accepts a directory as a member.
func (s *stage) mkdir(path string, mode fs.FileMode) error {
	n := &node{kind: aDir, mode: mode.Perm() | 0o700}
	dirs, err := s.tree.add(path, n)
	if err != nil {
		return err
	}
	return s.mkdirs(dirs)
}

func (s *stage) mkdirs(dirs []string) error {
	for _, d := range dirs {
		parent, base, err := s.parent(d)
		if err == nil {
			err = parent.Mkdir(base, s.tree.nodes[d].mode)
		}
		if err != nil {
			return s.failed("making directory", d, err)
		}
	}
	return nil
}

// file accepts a regular file as a member and writes it.
func (s *stage) file(path string, mode fs.FileMode, modified time.Time, r io.Reader) error {
	dirs, err := s.tree.add(path, &node{kind: aFile, mode: mode.Perm(), modified: modified})
	if err != nil {
		return err
	}
	if err := s.mkdirs(dirs); err != nil {
		return err
	}
	parent, base, err := s.parent(path)
	if err != nil {
		return s.failed("writing", path, err)
	}
	f, err := parent.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
	if err != nil {
		return s.failed("creating", path, err)
	}
	err = s.copy(path, f, r)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = s.failed("writing", path, cerr)
	}
	if err == nil && !modified.IsZero() {
		if terr := parent.Chtimes(base, modified, modified); terr != nil {
			err = s.failed("setting the time of", path, terr)
		}
	}
	return err
}

func (s *stage) copy(path string, f *os.File, r io.Reader) error {
	for {
		n, err := r.Read(s.buf)
		if s.budget -= int64(n); s.budget < 0 {
			return s.tooMuch
		}
		if _, werr := f.Write(s.buf[:n]); werr != nil {
			return s.failed("writing", path, werr)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &MemberError{path, fmt.Sprintf("it can't be read: %v", err)}
		}
	}
}

// link accepts a symbolic link; links makes it.
func (s *stage) link(path, target string) error {
	dirs, err := s.tree.add(path, &node{kind: aLink, target: target})
	if err != nil {
		return err
	}
	return s.mkdirs(dirs)
}

// hardLink accepts a second name for a file that the archive had before.
func (s *stage) hardLink(path, target string) error {
	old := s.tree.nodes[target]
	if old == nil || old.kind != aFile {
		return &MemberError{path, fmt.Sprintf("it is a hard link to %q, which is not a file that the archive had before it", clip(target))}
	}
	dirs, err := s.tree.add(path, &node{kind: aFile, mode: old.mode, modified: old.modified})
	if err != nil {
		return err
	}
	if err := s.mkdirs(dirs); err != nil {
		return err
	}
	if err := s.root.Link(target, path); err == nil {
		return nil
	} else if errors.Is(err, fs.ErrExist) {
		return s.failed("linking", path, err)
	}
	return s.duplicate(path, target, old) // no hard links on this filesystem
}

func (s *stage) duplicate(path, target string, old *node) error {
	src, err := s.root.Open(target)
	if err != nil {
		return s.failed("copying", target, err)
	}
	defer src.Close()
	f, err := s.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, old.mode)
	if err != nil {
		return s.failed("creating", path, err)
	}
	err = s.copy(path, f, src)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = s.failed("writing", path, cerr)
	}
	return err
}

// links makes the symbolic links, after all else, so that nothing was ever
// written through one. It gives those that lead to what the archive doesn't
// hold, with the path that is.
func (s *stage) links() (foreign map[string]string, err error) {
	foreign = map[string]string{}
	for path, n := range s.tree.nodes {
		if n.kind != aLink {
			continue
		}
		missing, err := s.tree.resolve(path)
		if err != nil {
			return nil, err
		}
		if missing != "" {
			foreign[path] = missing
		}
	}
	for path, n := range s.tree.nodes {
		if n.kind != aLink {
			continue
		}
		if err := s.root.Symlink(n.target, path); err != nil {
			return nil, s.failed("linking", path, err)
		}
	}
	return foreign, nil
}

// parent opens the directory of path, which must have been made.
func (s *stage) parent(path string) (*os.Root, string, error) {
	dir, base := split(path)
	if dir == "." {
		return s.root, base, nil
	}
	if s.last != nil && s.lastPath == dir {
		return s.last, base, nil
	}
	root, err := s.root.OpenRoot(dir)
	if err != nil {
		return nil, "", err
	}
	if s.last != nil {
		s.last.Close()
	}
	s.last, s.lastPath = root, dir
	return root, base, nil
}

func (s *stage) failed(op, path string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return &MemberError{path, "this filesystem takes its name for another member's"}
	}
	return &DiskError{op, path, err}
}
