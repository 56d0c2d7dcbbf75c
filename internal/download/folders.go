package download

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// folders opens directories below the destination, each once while it is used,
// and makes those that are missing. It follows no symbolic link.
type folders struct {
	dest    *os.Root
	mu      sync.Mutex
	open    map[string]*folder
	created []string        // in order of making
	swept   map[string]bool // directories that were looked through for leftovers
	targets map[string]bool // tags of what this run makes, by directory and tag
}

// folder is an open directory. It is given back with folders.release.
type folder struct {
	root *os.Root
	path string
	refs int
}

const maxIdleFolders = 64

func newFolders(dest *os.Root) *folders {
	return &folders{dest: dest, open: map[string]*folder{}, swept: map[string]bool{}, targets: map[string]bool{}}
}

// get opens the directory at a checked path, making it where it is missing.
func (s *folders) get(path string) (*folder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.open[path]
	if f == nil {
		root, err := s.walk(path)
		if err != nil {
			return nil, err
		}
		f = &folder{root: root, path: path}
		s.open[path] = f
		s.sweep(f)
	}
	f.refs++
	return f, nil
}

func (s *folders) release(f *folder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.refs--; f.refs == 0 && len(s.open) > maxIdleFolders {
		delete(s.open, f.path)
		f.root.Close()
	}
}

func (s *folders) walk(path string) (*os.Root, error) {
	cur, err := s.dest.OpenRoot(".")
	if err != nil {
		return nil, &DiskError{"opening", ".", err}
	}
	if path == "." {
		return cur, nil
	}
	for i, segment := range strings.Split(path, "/") {
		full := strings.Join(strings.Split(path, "/")[:i+1], "/")
		next, made, err := enter(cur, segment, full)
		cur.Close()
		if made {
			s.created = append(s.created, full)
		}
		if err != nil {
			return nil, err
		}
		cur = next
	}
	return cur, nil
}

// enter opens, or makes, a directory in parent, and refuses a link.
func enter(parent *os.Root, name, full string) (root *os.Root, made bool, err error) {
	info, err := parent.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = parent.Mkdir(name, 0o755)
		made = err == nil
		if err == nil || errors.Is(err, fs.ErrExist) {
			info, err = parent.Lstat(name)
		}
	}
	if err != nil {
		return nil, made, &DiskError{"making directory", full, err}
	}
	if !info.IsDir() {
		return nil, made, &OccupiedError{full, describe(info), "a directory"}
	}
	root, err = parent.OpenRoot(name)
	if err != nil {
		return nil, made, &DiskError{"opening", full, err}
	}
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = errors.New("it was replaced while it was opened")
	}
	if err != nil {
		root.Close()
		return nil, made, &DiskError{"opening", full, err}
	}
	return root, made, nil
}

// existing opens the directory at a checked path only if it is there.
func (s *folders) existing(path string) (*os.Root, error) {
	cur, err := s.dest.OpenRoot(".")
	if err != nil || path == "." {
		return cur, err
	}
	for segment := range strings.SplitSeq(path, "/") {
		info, err := cur.Lstat(segment)
		if err != nil {
			cur.Close()
			return nil, err
		}
		if !info.IsDir() {
			cur.Close()
			return nil, &OccupiedError{path, "below " + describe(info), "a path of directories"}
		}
		next, err := cur.OpenRoot(segment)
		cur.Close()
		if err != nil {
			return nil, err
		}
		cur = next
	}
	return cur, nil
}

// close closes all; with failed, directories made here that stayed empty go.
func (s *folders) close(failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.open {
		f.root.Close()
	}
	clear(s.open)
	if !failed {
		return
	}
	for i := len(s.created) - 1; i >= 0; i-- {
		if info, err := s.dest.Lstat(s.created[i]); err == nil && info.IsDir() {
			_ = s.dest.Remove(s.created[i]) // refused where something is in it
		}
	}
}

// expect announces a target, so that what a killed run left of it is removed
// when its directory is opened.
func (s *folders) expect(dir, base string) { s.targets[dir+"/"+tag(base)] = true }

// sweep removes what killed runs left of this run's targets. What another
// process still writes is locked, and stays.
func (s *folders) sweep(f *folder) {
	if s.swept[f.path] {
		return
	}
	s.swept[f.path] = true
	dir, err := f.root.Open(".")
	if err != nil {
		return
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(1024)
		for _, name := range names {
			if t, ok := tempTag(name); ok && s.targets[f.path+"/"+t] {
				removeStale(f.root, name)
			}
		}
		if err != nil || len(names) == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				delete(s.swept, f.path)
			}
			return
		}
	}
}

func removeStale(root *os.Root, name string) {
	info, err := root.Lstat(name)
	if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
		return
	}
	f, err := root.Open(name)
	if err != nil {
		return
	}
	free := lock(f)
	f.Close()
	if free {
		_ = root.RemoveAll(name)
	}
}

func describe(info fs.FileInfo) string {
	switch m := info.Mode(); {
	case m.IsRegular():
		return "a file"
	case m.IsDir():
		return "a directory"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a special file"
}
