package download

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
)

// sums hashes decoded bytes: sha256 always, sha512 where a digest wants it.
type sums struct {
	sha256, sha512 hash.Hash
}

func newSums(digests []digest, promised map[string]string) *sums {
	s := &sums{sha256: sha256.New()}
	for _, d := range digests {
		if d.Algorithm() == "sha512" {
			s.sha512 = sha512.New()
		}
	}
	if promised["sha512"] != "" && s.sha512 == nil {
		s.sha512 = sha512.New()
	}
	return s
}

func (s *sums) add(p []byte) {
	s.sha256.Write(p)
	if s.sha512 != nil {
		s.sha512.Write(p)
	}
}

func (s *sums) sum(algorithm string) []byte {
	switch {
	case algorithm == "sha256":
		return s.sha256.Sum(nil)
	case algorithm == "sha512" && s.sha512 != nil:
		return s.sha512.Sum(nil)
	}
	return nil
}

func (s *sums) hex(algorithm string) string { return hex.EncodeToString(s.sum(algorithm)) }

// wrong gives the first digest that the bytes don't have, or nil.
func (s *sums) wrong(digests []digest) digest {
	for _, d := range digests {
		if !d.Matches(s.sum(d.Algorithm())) {
			return d
		}
	}
	return nil
}
