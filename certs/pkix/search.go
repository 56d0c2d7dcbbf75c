package pkix

import (
	"bytes"
	"container/heap"
	"slices"
)

// Bounds of one search. Real paths have three or four certificates; the longest
// of the public test suites has eight.
const (
	MaxPathLength  = 16 // certificates, leaf and root included
	MaxPaths       = 64
	maxSignatures  = 128     // distinct ones
	maxSteps       = 1 << 12 // issuers tried
	maxCandidates  = 256     // paths that reach a root and are validated
	maxComparisons = 1 << 20 // names times constraints
)

// search looks for paths from the leaf up, best first: those along which key
// identifiers agree, then the shortest. So a path that deserves to be found is,
// whatever else there is.
type search struct {
	pool    *Pool
	usage   Usage
	demands demands

	queue       steps
	deep        bool              // the longest first
	checked     map[signedBy]bool // what of maxSignatures is used up, remembered or not
	steps       int
	candidates  int
	comparisons int // left

	found []Path
	best  *PathError // of the candidate that got furthest
	rank  int
}

func newSearch(p *Pool, u Usage) *search {
	return &search{pool: p, usage: u, checked: map[signedBy]bool{}, comparisons: maxComparisons, rank: -1}
}

// branch is a path from its certificate down to the leaf.
type branch struct {
	*certificate
	below  *branch
	length int
	doubts int // how badly key identifiers agree, over the branch
}

// step is an issuer to be tried for a branch.
type step struct {
	branch // as it grows if the issuer has signed
	root   bool
	order  [3]int // the least first
}

// run finds what there is. Afterwards there is a path in found, or best is set.
func (s *search) run(leaf *certificate) {
	if slices.ContainsFunc(s.pool.roots, func(r *certificate) bool { return r.id == leaf.id }) {
		s.runRoot(leaf)
		return
	}
	if f := leaf.flaw(true, false); f != nil {
		s.fail(0, f, leaf)
		return
	}
	s.climb(leaf)
	if len(s.found) == 0 && s.steps == maxSteps {
		// Too many ways to see them all: a long one may lead to the top.
		s.deep, s.steps = true, 0
		s.climb(leaf)
	}
}

func (s *search) climb(leaf *certificate) {
	s.queue = nil
	s.plan(&branch{certificate: leaf, length: 1})
	for len(s.queue) > 0 && len(s.found) < MaxPaths {
		if !s.deep && len(s.found) == 0 && s.steps == maxSteps {
			return
		}
		s.take(heap.Pop(&s.queue).(*step)) //nolint:errcheck // steps holds nothing else
	}
}

// runRoot: a root speaks for itself only in what roots do.
func (s *search) runRoot(root *certificate) {
	if s.usage != CertSigning && s.usage != CRLSigning {
		s.fail(0, broken("6.1", "a certificate that a root issued", "a root itself"), root)
		return
	}
	s.try([]*certificate{root})
}

// Ranks of failures: a path that is complete is further than any that is not,
// and a search that a bound ended may have missed what is further still.
const (
	completeRank = 1 << 10
	limitRank    = 1 << 20
)

func (s *search) fail(rank int, f *fault, at *certificate) {
	if f.limit {
		rank = limitRank
	}
	if rank > s.rank {
		s.rank, s.best = rank, f.at(at.Certificate)
	}
}

func limit(format string, args ...any) *fault {
	f := broken("6.1", "paths that are found in bounded time", format, args...)
	f.limit = true
	return f
}

// plan queues every certificate that has b's issuer for its subject.
func (s *search) plan(b *branch) {
	named := false
	add := func(c *certificate, root bool) {
		if c.subject != b.issuer || b.has(c) {
			return
		}
		named = true
		if s.steps == maxSteps {
			s.fail(limitRank, limit("more than %d issuers to try", maxSteps), b.certificate)
			return
		}
		s.steps++
		grown := branch{c, b, b.length + 1, b.doubts + doubt(b.certificate, c)}
		order := [3]int{grown.doubts, grown.length, s.steps}
		if s.deep {
			order[1] = -grown.length
		}
		heap.Push(&s.queue, &step{grown, root, order})
	}
	for _, c := range s.pool.roots {
		add(c, true)
	}
	for _, list := range s.pool.intermediates {
		for _, c := range list {
			add(c, false)
		}
	}
	if !named {
		s.fail(b.length, broken("6.1.3 a", "one whose issuer is among the roots and intermediates, and not on the path", "issuer %s", quote(b.Issuer.String())), b.certificate)
	}
}

// doubt tells how badly key identifiers agree. They only say what to try first.
func doubt(c, issuer *certificate) int {
	authority, subject := c.extensions.authorityKeyID, issuer.extensions.subjectKeyID
	switch {
	case len(authority) == 0 || len(subject) == 0:
		return 1
	case !bytes.Equal(authority, subject):
		return 2
	}
	return 0
}

// take tries an issuer.
func (s *search) take(t *step) {
	c, child := t.certificate, t.below.certificate
	if f := c.flaw(false, t.root); f != nil {
		s.fail(t.below.length, f, c)
		return
	}
	if edge := (signedBy{child.id, c.key}); !s.checked[edge] {
		if len(s.checked) == maxSignatures {
			s.fail(limitRank, limit("more than %d signatures to check", maxSignatures), child)
			return
		}
		s.checked[edge] = true
	}
	if err := s.pool.memo.checkSignature(child, c); err != nil {
		s.fail(t.below.length, broken("6.1.3 a", "one signed by "+Describe(c.Certificate), "%s", err), child)
		return
	}
	switch {
	case t.root && s.candidates == maxCandidates:
		s.fail(limitRank, limit("more than %d paths to validate", maxCandidates), child)
	case t.root:
		s.candidates++
		s.try(t.path())
	case t.length == MaxPathLength:
		s.fail(limitRank, limit("more than %d certificates", MaxPathLength), c)
	default:
		s.plan(&t.branch)
	}
}

// try validates a path that is complete.
func (s *search) try(path []*certificate) {
	if f, i := s.validate(path); f != nil {
		s.fail(completeRank-i, f, path[i])
		return
	}
	s.found = append(s.found, Path{path})
}

// has tells whether the certificate, or another of the same name and key, is on
// the branch above its leaf: a path through it would be a detour.
func (b *branch) has(c *certificate) bool {
	for ; b != nil; b = b.below {
		if b.id == c.id || b.below != nil && b.subject == c.subject && b.key == c.key {
			return true
		}
	}
	return false
}

// path is leaf first.
func (b *branch) path() []*certificate {
	var out []*certificate
	for ; b != nil; b = b.below {
		out = append(out, b.certificate)
	}
	slices.Reverse(out)
	return out
}

// steps is a heap, the best step first.
type steps []*step

func (q steps) Len() int      { return len(q) }
func (q steps) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q steps) Less(i, j int) bool {
	return slices.Compare(q[i].order[:], q[j].order[:]) < 0
}

func (q *steps) Push(x any) { *q = append(*q, x.(*step)) } //nolint:errcheck // steps holds nothing else

func (q *steps) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
