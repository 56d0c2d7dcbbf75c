package trace

import (
	"context"
	"errors"
	"io"

	"github.com/mozilla-releng/cot/graph"
)

// errTooLong tells that something kept is longer than policy lets it be.
var errTooLong = errors.New("longer than the limit")

// ContentName is the name under which a Cache keeps content with these digests;
// empty: under none.
func ContentName(digests []Digest) string {
	for _, d := range digests {
		if d.Algorithm() == "sha256" {
			return "sha256-" + d.Hex()
		}
	}
	return ""
}

// vouchedBody is an artifact's content on its way, from the cache or from where it
// is stored, and then on its way into the cache, too.
type vouchedBody struct {
	io.ReadCloser
	cache Cache
	name  string
	kept  bool // it comes from the cache
	keep  Keeping
}

// openVouched opens an artifact. What is kept of it comes first, unless it was
// found to be wrong.
func (c *chain) openVouched(ctx context.Context, run graph.RunRef, name string, digests []Digest, limit int64, afresh bool) (*vouchedBody, error) {
	b := &vouchedBody{cache: c.v.sources.Cache, name: ContentName(digests)}
	if b.cache == nil || b.name == "" {
		b.cache = nil
	} else if !afresh {
		if b.ReadCloser = b.cache.Open(b.name); b.ReadCloser != nil {
			b.kept, b.ReadCloser = true, &atMost{b.ReadCloser, limit}
			return b, nil
		}
	}
	var err error
	if b.ReadCloser, err = c.v.sources.Artifacts.Open(ctx, run, name, limit); err != nil {
		return nil, err
	}
	if b.cache != nil {
		b.keep = b.cache.Create(b.name)
	}
	return b, nil
}

func (b *vouchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.keep != nil {
		_, _ = b.keep.Write(p[:n])
	}
	return n, err
}

// finish says whether the bytes have the digests that were asked for. It tells
// whether they have to be fetched because what was kept does not.
func (b *vouchedBody) finish(good bool) (again bool) {
	_ = b.Close()
	if b.keep != nil {
		b.keep.Finish(good)
	}
	if b.kept && !good {
		b.cache.Drop(b.name)
	}
	return b.kept && !good
}

// atMost fails past a limit.
type atMost struct {
	io.ReadCloser
	left int64
}

func (r *atMost) Read(p []byte) (int, error) {
	if int64(len(p)) > r.left+1 {
		p = p[:r.left+1]
	}
	n, err := r.ReadCloser.Read(p)
	if r.left -= int64(n); r.left < 0 {
		return 0, errTooLong
	}
	return n, err
}
