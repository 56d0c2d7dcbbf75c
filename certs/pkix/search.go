package pkix

import (
	"bytes"
	"slices"
)

// Bounds of one search. Real paths have three or four certificates; the longest
// of the public test suites has eight.
const (
	MaxPathLength  = 16 // certificates, leaf and root included
	MaxPaths       = 16
	maxSignatures  = 128     // distinct ones
	maxSteps       = 1 << 12 // issuers tried
	maxCandidates  = 64      // paths that reach a root and are validated
	maxComparisons = 1 << 20 // names times constraints
)

// search looks for paths by breadth, so that the shortest are found first
// whatever else there is.
type search struct {
	pool    *Pool
	usage   Usage
	demands demands

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
	queue := []*branch{{certificate: leaf, length: 1}}
	for len(queue) > 0 && len(s.found) < MaxPaths {
		b := queue[0]
		queue = queue[1:]
		next, f := s.extend(b)
		if f != nil {
			s.fail(limitRank, f, b.certificate)
			return
		}
		queue = append(queue, next...)
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

// Ranks of failures: a path that is complete is further than any that is not.
const (
	completeRank = 1 << 10
	limitRank    = 1 << 20
)

func (s *search) fail(rank int, f *fault, at *certificate) {
	if rank > s.rank {
		s.rank, s.best = rank, f.at(at.Certificate)
	}
}

// extend tries every issuer of b. The fault is a bound that was reached.
func (s *search) extend(b *branch) ([]*branch, *fault) {
	var next []*branch
	named := false
	for _, c := range s.issuers(b) {
		if b.has(c.certificate) {
			continue
		}
		named = true
		if s.steps++; s.steps > maxSteps {
			return nil, limit("more than %d issuers to try", maxSteps)
		}
		if f := c.flaw(false, c.root); f != nil {
			s.fail(b.length, f, c.certificate)
			continue
		}
		if edge := (signedBy{b.id, c.key}); !s.checked[edge] {
			if len(s.checked) == maxSignatures {
				return nil, limit("more than %d signatures to check", maxSignatures)
			}
			s.checked[edge] = true
		}
		if err := s.pool.memo.checkSignature(b.certificate, c.certificate); err != nil {
			s.fail(b.length, broken("6.1.3 a", "one signed by "+Describe(c.Certificate), "%s", err), b.certificate)
			continue
		}
		grown := &branch{c.certificate, b, b.length + 1}
		switch {
		case c.root:
			if s.candidates++; s.candidates > maxCandidates {
				return nil, limit("more than %d paths to validate", maxCandidates)
			}
			s.try(grown.path())
		case grown.length < MaxPathLength:
			next = append(next, grown)
		default:
			s.fail(b.length, limit("more than %d certificates", MaxPathLength), c.certificate)
		}
	}
	if !named {
		s.fail(b.length, broken("6.1.3 a", "one whose issuer is among the roots and intermediates, and not on the path", "issuer %s", quote(b.Issuer.String())), b.certificate)
	}
	return next, nil
}

func limit(format string, args ...any) *fault {
	f := broken("6.1", "paths that are found in bounded time", format, args...)
	f.limit = true
	return f
}

// try validates a path that is complete.
func (s *search) try(path []*certificate) {
	f, i := s.validate(path)
	if f != nil {
		s.fail(completeRank-i, f, path[i])
		return
	}
	if len(s.found) < MaxPaths {
		s.found = append(s.found, Path{path})
	}
}

// has tells whether the certificate, or another of the same name and key, is on
// the branch: a path through it would be a detour.
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

// issuer is a candidate.
type issuer struct {
	*certificate
	root  bool
	order int
}

// issuers are those whose subject is b's issuer. Key identifiers and roots only
// decide who is tried first.
func (s *search) issuers(b *branch) []issuer {
	var out []issuer
	add := func(c *certificate, root bool) {
		if c.subject != b.issuer {
			return
		}
		order := 0
		authority, subject := b.extensions.authorityKeyID, c.extensions.subjectKeyID
		switch {
		case len(authority) == 0 || len(subject) == 0:
			order = 2
		case !bytes.Equal(authority, subject):
			order = 4
		}
		if !root {
			order++
		}
		out = append(out, issuer{c, root, order})
	}
	for _, c := range s.pool.roots {
		add(c, true)
	}
	for _, list := range s.pool.intermediates {
		for _, c := range list {
			add(c, false)
		}
	}
	slices.SortStableFunc(out, func(a, b issuer) int { return a.order - b.order })
	return out
}
