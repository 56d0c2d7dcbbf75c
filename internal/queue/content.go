package queue

import (
	"context"
	"errors"
	"io"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/transport"
)

// Content is the stored content of one artifact of one run. Making one asks
// nothing.
type Content struct {
	client  *Client
	run     graph.RunRef
	name    string
	pastCDN bool
}

// Hash is what the object service says of an object's decoded bytes. It is
// storage's word, not a worker's: bytes that differ are not the stored ones,
// bytes that match are no more trusted.
type Hash struct {
	Algorithm string // sha256 or sha512
	Hex       string // lower case
}

// Stream is an artifact's content as storage sends it.
type Stream struct {
	// Body gives the encoded bytes from Offset on. A connection that breaks,
	// stalls or ends too early is an error of reason Unreachable.
	Body     io.ReadCloser
	Offset   int64
	Encoding transport.Encoding
	ETag     string // strong validator, "" if there is none
	Length   int64  // of all encoded bytes, -1 if storage doesn't say
	Hashes   []Hash // of the decoded bytes; only object storage has any
	Storage  graph.Storage
}

// Content names an artifact's content.
func (c *Client) Content(run graph.RunRef, name string) *Content {
	return &Content{client: c, run: run, name: name}
}

// PastCDN is the same content, asked for from storage itself where a CDN
// stands before it.
func (k *Content) PastCDN() *Content {
	p := *k
	p.pastCDN = true
	return &p
}

// Open begins at the first byte.
func (k *Content) Open(ctx context.Context) (*Stream, error) {
	return nil, errors.ErrUnsupported
}

// Resume goes on where prev broke, after offset encoded bytes. Where the
// server can't or the content has changed, the stream begins anew: its Offset
// is 0.
func (k *Content) Resume(ctx context.Context, prev *Stream, offset int64) (*Stream, error) {
	return nil, errors.ErrUnsupported
}

// Decode gives a stream's decoded bytes for an encoded reader that begins at
// the first byte; more than limit of them are an error of reason TooLarge.
func (k *Content) Decode(encoded io.Reader, enc transport.Encoding, limit int64) io.Reader {
	return transport.Decode("artifact "+k.name+" of "+k.run.String(), encoded, enc, limit)
}
