package strictjson

import (
	"hash/maphash"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Names is a set of names, to tell that one stands twice: the decoder's own keeps
// a copy of every name and makes all of it anew for each table, and busy graphs
// have millions. It has hashes of them, under a seed that nobody can foresee, so
// that two names are taken for one no more often than by chance.
type Names struct {
	slots []uint64 // open addressing; 0 is free
	count int
}

// maxKeptSlots bounds how large a set is kept for the next table.
const maxKeptSlots = 1 << 13

var (
	nameSeed = maphash.MakeSeed()
	nameSets = sync.Pool{New: func() any { return &Names{slots: make([]uint64, 1<<8)} }}
)

// NewNames gives an empty set.
func NewNames() *Names {
	n, _ := nameSets.Get().(*Names)
	return n
}

// Free lets the set go: it must not be used any more.
func (n *Names) Free() {
	if len(n.slots) <= maxKeptSlots {
		clear(n.slots)
		n.count = 0
		nameSets.Put(n)
	}
}

// Len is how many names there are.
func (n *Names) Len() int { return n.count }

// Add tells whether the name is new.
func (n *Names) Add(name []byte) bool {
	if 2*n.count >= len(n.slots) {
		old := n.slots
		n.slots = make([]uint64, 2*len(old))
		for _, h := range old {
			if h != 0 {
				*n.slot(h) = h
			}
		}
	}
	h := max(maphash.Bytes(nameSeed, name), 1)
	s := n.slot(h)
	if *s == h {
		return false
	}
	*s = h
	n.count++
	return true
}

// slot is where a hash stands, or would.
func (n *Names) slot(h uint64) *uint64 {
	last := len(n.slots) - 1
	for i := int(h>>1) & last; ; i = (i + 1) & last { //nolint:gosec // h>>1 is no more than an int holds
		if s := &n.slots[i]; *s == 0 || *s == h {
			return s
		}
	}
}

// allowed are the options of decoders whose names this package looks at.
var allowed = jsontext.AllowDuplicateNames(true)

// duplicateName tells where the second of two equal names stands.
type duplicateName string

func (e duplicateName) Error() string { return "duplicate name in JSON at " + string(e) }
