package download

import (
	"strings"
	"sync"
)

// claims knows who writes which path, so that two inputs never write one. Paths
// that differ only in case or Unicode form are one path here.
type claims struct {
	mu    sync.Mutex
	files map[string]claim // by folded path: files and links
	dirs  map[string]claim // by folded path: directories that must stay ones
}

type claim struct {
	path  string
	from  string
	owner *job // nil for a directory of several
}

func newClaims() *claims {
	return &claims{files: map[string]claim{}, dirs: map[string]claim{}}
}

// add claims files, and directories, for owner, or nothing if one collides with
// what another owner claimed. One owner may claim a path again.
func (c *claims) add(owner *job, files, dirs []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range files {
		key := fold(p)
		if err := collides(c.files[key], owner, p); err != nil {
			return err
		}
		if err := collides(c.dirs[key], owner, p); err != nil {
			return err
		}
		if err := c.checkParents(owner, p, key); err != nil {
			return err
		}
	}
	for _, p := range dirs {
		key := fold(p)
		if err := collides(c.files[key], owner, p); err != nil {
			return err
		}
		if err := c.checkParents(owner, p, key); err != nil {
			return err
		}
	}
	for _, p := range files {
		key := fold(p)
		c.files[key] = claim{p, owner.what, owner}
		c.claimParents(owner, p, key)
	}
	for _, p := range dirs {
		key := fold(p)
		c.claimDir(owner, p, key)
		c.claimParents(owner, p, key)
	}
	return nil
}

func (c *claims) checkParents(owner *job, p, key string) (err error) {
	eachParent(key, func(dir string) bool {
		err = collides(c.files[dir], owner, p)
		return err == nil
	})
	return err
}

func (c *claims) claimParents(owner *job, p, key string) {
	eachParent(key, func(dir string) bool { return c.claimDir(owner, p, dir) })
}

// claimDir tells whether anything changed; if not, the directories above are
// claimed already.
func (c *claims) claimDir(owner *job, p, key string) bool {
	old, ok := c.dirs[key]
	switch {
	case !ok:
		c.dirs[key] = claim{p, owner.what, owner}
	case old.owner == nil || old.owner == owner:
		return false
	default:
		old.owner = nil
		c.dirs[key] = old
	}
	return true
}

func collides(taken claim, owner *job, p string) error {
	if taken.path == "" || taken.owner == owner {
		return nil
	}
	return &CollisionError{First: taken.path, FirstFrom: taken.from, Second: p, SecondFrom: owner.what}
}

// eachParent calls f for every directory above key, the nearest first, until
// f says to stop.
func eachParent(key string, f func(dir string) bool) {
	for {
		i := strings.LastIndexByte(key, '/')
		if i < 0 {
			return
		}
		key = key[:i]
		if !f(key) {
			return
		}
	}
}
