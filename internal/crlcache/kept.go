package crlcache

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/internal/cachedir"
)

// kept are the lists of earlier runs.
type kept struct{ dir *cachedir.Dir }

const (
	dataSuffix = ".crl"
	tagSuffix  = ".etag"
)

func nameOf(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:])
}

// load gives what is kept for a URL. What can't be read is not there.
func (k kept) load(url string) (entry, bool) {
	data, err := k.dir.Read(nameOf(url)+dataSuffix, revocation.MaxCRLBytes)
	if err != nil {
		return entry{}, false
	}
	// The tag is stored with the digest of the list that it is of: two files
	// can't be written as one, and a disk may spoil one.
	tag, err := k.dir.Read(nameOf(url)+tagSuffix, 1<<10)
	sum := sha256.Sum256(data)
	prefix := hex.EncodeToString(sum[:]) + " "
	if err != nil || len(tag) < len(prefix) || string(tag[:len(prefix)]) != prefix {
		return entry{}, false
	}
	return entry{data, string(tag[len(prefix):])}, true
}

// store keeps a list, unless a newer one was stored meanwhile. What can't be
// written is not kept; the next run fetches it again.
func (k kept) store(url string, e entry) {
	if old, have := k.load(url); have && e.olderThan(old) {
		return
	}
	if k.dir.Write(nameOf(url)+dataSuffix, e.data) != nil {
		return
	}
	sum := sha256.Sum256(e.data)
	_ = k.dir.Write(nameOf(url)+tagSuffix, []byte(hex.EncodeToString(sum[:])+" "+e.etag))
}
