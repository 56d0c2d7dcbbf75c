package download

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// merge places what was staged into a directory that exists, by renames alone.
// It replaces files by files and links by links, follows no link, and takes all
// back when one step fails.
type merge struct {
	root *os.Root
	from string // the stage's new members, below root
	old  string // where replaced files are kept meanwhile, below root
	into string // the target, below root; "." for root itself
	done []move
}

// move is a step that was made: what lay at to is kept at backup, if anything did.
type move struct{ from, to, backup string }

// children groups a tree's paths by their directory.
func (t *tree) children() map[string][]string {
	out := map[string][]string{}
	for path := range t.nodes {
		dir, _ := split(path)
		out[dir] = append(out[dir], path)
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

func (m *merge) run(ctx context.Context, t *tree) error {
	err := m.place(ctx, t, t.children(), ".")
	if err == nil {
		return nil
	}
	if uerr := m.undo(); uerr != nil {
		return fmt.Errorf("%w; putting back what was there failed too: %w", err, uerr)
	}
	return err
}

func (m *merge) place(ctx context.Context, t *tree, children map[string][]string, dir string) error {
	for _, path := range children[dir] {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		from, to := join(m.from, path), join(m.into, path)
		info, err := m.root.Lstat(to)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = m.rename(from, to, "")
		case err != nil:
			err = &DiskError{"looking at", to, err}
		case t.nodes[path].kind == aDir && info.IsDir():
			err = m.place(ctx, t, children, path)
		case t.nodes[path].kind == aFile && info.Mode().IsRegular(),
			t.nodes[path].kind == aLink && info.Mode()&fs.ModeSymlink != 0:
			err = m.replace(from, to)
		default:
			err = &OccupiedError{to, describe(info), t.nodes[path].kind.String()}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replace keeps what is there under a second name, so that at no moment nothing
// lies at its place.
func (m *merge) replace(from, to string) error {
	backup := join(m.old, strconv.Itoa(len(m.done)))
	if err := m.root.Link(to, backup); err != nil { // no hard links here, or not of links
		if err := m.root.Rename(to, backup); err != nil {
			return &DiskError{"replacing", to, err}
		}
		m.done = append(m.done, move{"", to, backup})
	}
	return m.rename(from, to, backup)
}

func (m *merge) rename(from, to, backup string) error {
	if err := m.root.Rename(from, to); err != nil {
		return &DiskError{"renaming to", to, err}
	}
	m.done = append(m.done, move{from, to, backup})
	return nil
}

// undo puts everything back, the last step first.
func (m *merge) undo() error {
	var errs []error
	for _, s := range slices.Backward(m.done) {
		var err error
		switch {
		case s.backup == "":
			err = m.root.Rename(s.to, s.from)
		default:
			err = m.root.Rename(s.backup, s.to)
			if errors.Is(err, fs.ErrNotExist) && s.from == "" {
				err = nil // put back with the step after it
			}
		}
		if err != nil {
			errs = append(errs, &DiskError{"putting back", s.to, err})
		}
	}
	return errors.Join(errs...)
}

// written lists a tree's files and links as paths below the destination.
func (t *tree) written(into string) []string {
	var out []string
	for path, n := range t.nodes {
		if n.kind != aDir {
			out = append(out, join(into, path))
		}
	}
	slices.Sort(out)
	return out
}

// directories lists a tree's directories likewise.
func (t *tree) directories(into string) []string {
	var out []string
	for path, n := range t.nodes {
		if n.kind == aDir {
			out = append(out, join(into, path))
		}
	}
	return out
}

// escapes tells whether a link at a place below root leads out of root by way
// of what lies there already.
func escapes(root *os.Root, path string) bool {
	_, err := root.Stat(path)
	return err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
}
