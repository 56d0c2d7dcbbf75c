package queue

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/mozilla-releng/cot/graph"
)

// openTries bounds how often a document's broken stream is taken up again.
const openTries = 5

// Open streams an artifact's decoded content; reading past limit bytes is an
// error of reason TooLarge, bytes that are not those of the object service's
// hashes are StorageCorrupted at the end. A stream that breaks is taken up
// again where it broke; one that is not at its end in time is Unreachable.
func (c *Client) Open(ctx context.Context, run graph.RunRef, name string, limit int64) (io.ReadCloser, error) {
	k := c.Content(run, name)
	timed, cancel := context.WithTimeoutCause(ctx, c.readTime, &graph.UnavailableError{
		What: k.what(), Reason: graph.Unreachable, Detail: fmt.Sprintf("not complete after %s", c.readTime),
	})
	d := &document{content: k, caller: ctx, timed: timed, cancel: cancel}
	s, err := k.Open(timed)
	if err != nil {
		err = d.late(err)
		cancel()
		return nil, err
	}
	r := &resumer{ctx: timed, content: k, stream: s, tries: openTries}
	d.closer, d.src = r, k.Decode(r, s.Encoding, limit)
	for _, h := range s.Hashes {
		d.sums = append(d.sums, sum{newHash(h.Algorithm), h})
	}
	return d, nil
}

// resumer reads encoded bytes across broken connections, as long as it is sure
// that they are the same bytes.
type resumer struct {
	ctx     context.Context
	content *Content
	stream  *Stream
	offset  int64
	tries   int
}

func (r *resumer) Read(p []byte) (int, error) {
	for {
		n, err := r.stream.Body.Read(p)
		r.offset += int64(n)
		if n > 0 || err == nil {
			if err != io.EOF {
				err = nil // it comes again
			}
			return n, err
		}
		var u *graph.UnavailableError
		if !errors.As(err, &u) || !u.Reason.Heals() || r.tries <= 1 {
			return 0, err
		}
		r.tries--
		if err := r.resume(err); err != nil {
			return 0, err
		}
	}
}

// resume gives the first error where the content can't be continued.
func (r *resumer) resume(broken error) error {
	_ = r.stream.Body.Close()
	if r.offset > 0 && r.stream.ETag == "" {
		return broken
	}
	next, err := r.content.Resume(r.ctx, r.stream, r.offset)
	if err != nil {
		return err
	}
	prev := r.stream
	r.stream = next
	if next.Offset == r.offset && next.Encoding == prev.Encoding {
		return nil
	}
	if next.ETag != prev.ETag || next.Encoding != prev.Encoding {
		return broken
	}
	// Begun anew, but the same bytes: skip what was read.
	if _, err := io.CopyN(io.Discard, next.Body, r.offset); err != nil {
		return broken
	}
	return nil
}

func (r *resumer) Close() error { return r.stream.Body.Close() }

type sum struct {
	hash.Hash
	want Hash
}

func newHash(algorithm string) hash.Hash {
	if algorithm == "sha512" {
		return sha512.New()
	}
	return sha256.New()
}

// document is a decoded stream that ends well only if storage's hashes match.
type document struct {
	closer  io.Closer
	src     io.Reader
	content *Content
	sums    []sum

	caller, timed context.Context
	cancel        context.CancelFunc
}

// late is what ended a document: the time that it has, unless the caller did.
func (d *document) late(err error) error {
	if err != io.EOF && d.timed.Err() != nil && d.caller.Err() == nil {
		return context.Cause(d.timed)
	}
	return err
}

func (d *document) Read(p []byte) (int, error) {
	n, err := d.src.Read(p)
	if err != nil {
		err = d.late(err)
	}
	for _, s := range d.sums {
		s.Write(p[:n])
	}
	if err == io.EOF {
		for _, s := range d.sums {
			if got := hex.EncodeToString(s.Sum(nil)); got != s.want.Hex {
				return n, &graph.UnavailableError{
					What: d.content.what(), Reason: graph.StorageCorrupted,
					Detail: fmt.Sprintf("the object service promised %s %s, the bytes have %s", s.want.Algorithm, s.want.Hex, got),
				}
			}
		}
	}
	return n, err
}

func (d *document) Close() error {
	d.cancel()
	return d.closer.Close()
}
