package download

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// tree is what an archive holds: every path once, each with its one kind. It
// decides which members are acceptable; nothing is written before it said yes.
//
// Names that differ only by case are left to the filesystem: archives of system
// headers have such pairs, and files are created exclusively.
type tree struct {
	nodes map[string]*node
	max   int
	count int
}

type node struct {
	kind     nodeKind
	explicit bool // a member of its own, not just the parent of one
	mode     fs.FileMode
	modified time.Time
	target   string // of a link, or of a hard link
}

type nodeKind int

const (
	aFile nodeKind = iota + 1
	aDir
	aLink
)

func (k nodeKind) String() string {
	switch k {
	case aFile:
		return "a file"
	case aDir:
		return "a directory"
	case aLink:
		return "a symbolic link"
	}
	return "nothing"
}

func newTree(max int) *tree { return &tree{nodes: map[string]*node{}, max: max} }

// add accepts a member under a cleaned path, or refuses it. It gives the
// directories that must be made first, outermost first; among them path itself
// if n is a new directory.
func (t *tree) add(path string, n *node) (dirs []string, err error) {
	var bad *NameError
	if err := checkPath(path); errors.As(err, &bad) {
		return nil, &MemberError{path, bad.Reason}
	} else if err != nil {
		return nil, err
	}
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		parent := path[:i]
		switch p := t.nodes[parent]; {
		case p == nil:
			if err := t.put(parent, &node{kind: aDir, mode: 0o755}); err != nil {
				return nil, err
			}
			dirs = append(dirs, parent)
		case p.kind != aDir:
			return nil, &MemberError{path, fmt.Sprintf("it lies below %q, which is %v", clip(parent), p.kind)}
		}
	}
	n.explicit = true
	old := t.nodes[path]
	switch {
	case old == nil:
	case old.kind == aDir && n.kind == aDir:
		old.mode, old.explicit = n.mode, true
		return dirs, nil
	case old.kind == n.kind:
		return nil, &MemberError{path, "the archive has it twice"}
	default:
		return nil, &MemberError{path, fmt.Sprintf("the archive has it as %v and as %v", old.kind, n.kind)}
	}
	if err := t.put(path, n); err != nil {
		return nil, err
	}
	if n.kind == aDir {
		dirs = append(dirs, path)
	}
	return dirs, nil
}

func (t *tree) put(path string, n *node) error {
	if t.count++; t.count > t.max {
		return &LimitError{"the archive", int64(t.max), "members"}
	}
	t.nodes[path] = n
	return nil
}

const maxHops = 40 // as Linux follows

// resolve refuses a symbolic link whose target is not certainly inside the
// archive's directory: absolute ones, those that go above it, also by way of
// other links, and those that go up from what the archive doesn't hold. It
// gives the path below the archive's directory that the link leads to if the
// archive doesn't hold that, else "".
func (t *tree) resolve(path string) (missing string, err error) {
	refuse := func(reason string) (string, error) { return "", &MemberError{path, reason} }
	foreign := false
	target := t.nodes[path].target
	at, _ := split(path)
	if at == "." {
		at = ""
	}
	todo, hops := []string{}, 0
	push := func(target string) string {
		switch {
		case target == "":
			return "its target is empty"
		case len(target) > maxPath:
			return fmt.Sprintf("its target is longer than %d bytes", maxPath)
		case target[0] == '/':
			return fmt.Sprintf("it points to %q, an absolute path", clip(target))
		}
		todo = append(strings.Split(target, "/"), todo...)
		return ""
	}
	if reason := push(target); reason != "" {
		return refuse(reason)
	}
	for len(todo) > 0 {
		segment := todo[0]
		todo = todo[1:]
		switch {
		case segment == "" || segment == ".":
			continue
		case segment == ".." && foreign:
			return refuse(fmt.Sprintf("it points to %q, up from something the archive doesn't hold", clip(target)))
		case segment == ".." && at == "":
			return refuse(fmt.Sprintf("it points to %q, outside of the archive", clip(target)))
		case segment == "..":
			if at, _ = split(at); at == "." {
				at = ""
			}
			continue
		}
		if reason := checkSegment(segment); reason != "" {
			return refuse(fmt.Sprintf("it points to %q: %s", clip(target), reason))
		}
		next := join(at, segment)
		n := t.nodes[next]
		if foreign || n == nil || n.kind == aFile {
			foreign = foreign || n == nil || len(todo) > 0
			at = next
			continue
		}
		if n.kind == aDir {
			at = next
			continue
		}
		if hops++; hops > maxHops {
			return refuse(fmt.Sprintf("it points to %q, which leads in a circle", clip(target)))
		}
		if reason := push(n.target); reason != "" {
			return refuse(fmt.Sprintf("it points to %q, a link of which %s", clip(target), reason))
		}
	}
	if !foreign {
		return "", nil
	}
	return at, nil
}
