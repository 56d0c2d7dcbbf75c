package download

import (
	"context"
	"io"

	"github.com/mozilla-releng/cot/graph"
)

// Content reads what a run stored. Errors that say why something can't be had
// are *graph.UnavailableError; opening retries by itself what is worth it.
type Content interface {
	// Open begins at the first encoded byte; pastCDN asks storage itself, past
	// any cache that stands before it.
	Open(ctx context.Context, run graph.RunRef, name string, pastCDN bool) (*Stream, error)
}

// URLs reads what a request pins by digest outside Taskcluster.
type URLs interface {
	OpenURL(ctx context.Context, url string, pastCDN bool) (*Stream, error)
}

// Stream is content on its way. Body is read by one goroutine and closed once;
// its reads end when the context that opened it does.
type Stream struct {
	Body     io.ReadCloser
	Offset   int64  // of Body's first byte in the encoded content
	Size     int64  // of all encoded bytes; -1 where unknown
	Encoding string // "gzip" or ""
	// Promised are the digests of the decoded bytes that storage itself
	// promises, by algorithm (sha256, sha512), in lower-case hex.
	Promised map[string]string
	// Resume goes on at an offset, with the server's word that the content is
	// the same (If-Range); where it can't, the stream begins anew: its Offset
	// is 0. Nil where the content can't be named for sure (no strong ETag).
	Resume func(ctx context.Context, offset int64) (*Stream, error)
}
