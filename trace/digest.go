package trace

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"hash"

	"github.com/mozilla-releng/cot/graph"
)

// Digest is a digest of an artifact's decoded bytes, sha256 or sha512. Only
// this package makes one, from a verified document.
type Digest struct {
	sha512 bool
	sum    []byte
}

// New gives a fresh hash of the digest's algorithm.
func (d Digest) New() hash.Hash {
	if d.sha512 {
		return sha512.New()
	}
	return sha256.New()
}

// Matches compares bytes, not text. The zero digest matches nothing.
func (d Digest) Matches(sum []byte) bool {
	return len(d.sum) > 0 && subtle.ConstantTimeCompare(d.sum, sum) == 1
}

// Algorithm is "sha256" or "sha512".
func (d Digest) Algorithm() string {
	if d.sha512 {
		return "sha512"
	}
	return "sha256"
}

// Hex is the digest in lower-case hexadecimal.
func (d Digest) Hex() string { return hex.EncodeToString(d.sum) }

// named is an artifact of a run with the digests that a verified document has for it.
type named struct {
	run     graph.RunRef
	name    string
	digests []Digest
}

// Run is the run that made the artifact.
func (a named) Run() graph.RunRef { return a.run }

// Name is the artifact's name in the queue.
func (a named) Name() string { return a.name }

// Digests are all that the document has for the artifact, at least one; bytes
// must match every one.
func (a named) Digests() []Digest { return a.digests }

// VerifiedArtifact names bytes that a report without failures vouches for. It
// is what internal/download takes; only Report.Verified makes one.
type VerifiedArtifact struct{ named }
