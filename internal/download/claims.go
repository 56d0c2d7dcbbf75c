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
	clash map[*job]error   // owners whose claim collided with a later one
}

type claim struct {
	path  string
	from  string
	owner *job // nil for a directory of several
}

func newClaims() *claims {
	return &claims{files: map[string]claim{}, dirs: map[string]claim{}, clash: map[*job]error{}}
}

// lost gives the collision that a later owner had with what this one claimed.
func (c *claims) lost(owner *job) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clash[owner]
}

// add claims files, and directories, for owner, or nothing if one collides with
// what another owner claimed. One owner may claim a path again.
func (c *claims) add(owner *job, files, dirs []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken, err := c.claim(owner, files, dirs)
	if err != nil && taken != nil {
		c.clash[taken] = err
	}
	return err
}

// claim is add; where it fails, it also gives the owner of what was taken, if
// that is one alone.
func (c *claims) claim(owner *job, files, dirs []string) (*job, error) {
	for _, p := range files {
		if taken, err := c.check(owner, p, c.files, c.dirs); err != nil {
			return taken, err
		}
	}
	for _, p := range dirs {
		if taken, err := c.check(owner, p, c.files); err != nil {
			return taken, err
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
	return nil, nil
}

// check looks for a claim of another owner on a path, and for a file of one
// among the directories above it.
func (c *claims) check(owner *job, p string, among ...map[string]claim) (taken *job, err error) {
	key := fold(p)
	for _, m := range among {
		if err := collides(m[key], owner, p); err != nil {
			return m[key].owner, err
		}
	}
	eachParent(key, func(dir string) bool {
		if err = collides(c.files[dir], owner, p); err != nil {
			taken = c.files[dir].owner
		}
		return err == nil
	})
	return taken, err
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
