package queue

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

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

	from location
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
	l, err := k.locate(ctx)
	if err != nil {
		return nil, err
	}
	return k.openAt(ctx, l, true)
}

// openAt asks for the whole content. A URL that is refused may have expired
// while it was retried, so that is worth one fresh one.
func (k *Content) openAt(ctx context.Context, l location, again bool) (*Stream, error) {
	resp, err := k.client.transport.Do(ctx, k.request(l))
	if err != nil {
		return nil, err
	}
	if resp.Status == http.StatusOK {
		return &Stream{
			Body: resp.Body, Encoding: resp.Encoding, ETag: resp.ETag(), Length: resp.Length,
			Hashes: l.hashes, Storage: l.storage, from: l,
		}, nil
	}
	_ = resp.Body.Close()
	if again && refusesURL(resp.Status) {
		if l, err = k.locate(ctx); err != nil {
			return nil, err
		}
		return k.openAt(ctx, l, false)
	}
	return nil, k.storageError(resp.Status)
}

// Resume goes on where prev broke, after offset encoded bytes in all. Where
// storage can't, or the content has changed, the stream begins anew: its
// Offset is 0. prev's body must have been closed.
func (k *Content) Resume(ctx context.Context, prev *Stream, offset int64) (*Stream, error) {
	if offset <= 0 || prev.ETag == "" {
		return k.Open(ctx)
	}
	l := prev.from
	for try := range 2 {
		if try > 0 || l.stale() {
			var err error
			if l, err = k.locate(ctx); err != nil {
				return nil, err
			}
		}
		r := k.request(l)
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		r.Header.Set("If-Range", prev.ETag)
		resp, err := k.client.transport.Do(ctx, r)
		if err != nil {
			return nil, err
		}
		s := &Stream{
			Body: resp.Body, Encoding: resp.Encoding, ETag: resp.ETag(), Length: resp.Length,
			Hashes: l.hashes, Storage: l.storage, from: l,
		}
		switch {
		case resp.Status == http.StatusOK:
			return s, nil
		case resp.Status == http.StatusPartialContent && continues(resp, prev, offset):
			s.Offset, s.Length = offset, offset+resp.Length
			return s, nil
		}
		_ = resp.Body.Close()
		switch {
		case resp.Status == http.StatusPartialContent || resp.Status == http.StatusRequestedRangeNotSatisfiable:
			return k.openAt(ctx, l, true)
		case refusesURL(resp.Status):
			continue
		}
		return nil, k.storageError(resp.Status)
	}
	return k.Open(ctx)
}

// continues tells whether a 206 is the rest of what prev began: same bytes,
// same encoding, from offset to the end.
func continues(resp *transport.Response, prev *Stream, offset int64) bool {
	first, last, total, ok := contentRange(resp.Header.Get("Content-Range"))
	return ok && first == offset && last == total-1 &&
		resp.Length == total-offset && (prev.Length < 0 || prev.Length == total) &&
		resp.ETag() == prev.ETag && resp.Encoding == prev.Encoding
}

// contentRange reads "bytes FIRST-LAST/TOTAL" (RFC 9110 §14.4).
func contentRange(s string) (first, last, total int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	span, whole, ok2 := strings.Cut(s, "/")
	from, to, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, 0, false
	}
	var out [3]int64
	for i, part := range []string{from, to, whole} {
		n, err := strconv.ParseUint(part, 10, 63)
		if err != nil {
			return 0, 0, 0, false
		}
		out[i] = int64(n)
	}
	return out[0], out[1], out[2], true
}

// refusesURL tells whether storage's status may mean that a signed URL has
// expired.
func refusesURL(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
}

// storageError explains what storage, not the queue, answered.
func (k *Content) storageError(status int) error {
	u := &graph.UnavailableError{
		What: k.what(), Reason: transport.ReasonOf(status), Detail: fmt.Sprintf("storage answered with status %d", status),
	}
	switch u.Reason {
	case graph.Forbidden, graph.NotFound, graph.Expired:
		u.Hint = "the queue knows the artifact, but storage does not give it: it was deleted, or never uploaded"
	}
	return u
}

// Decode gives a stream's decoded bytes for an encoded reader that begins at
// the first byte; more than limit of them are an error of reason TooLarge.
func (k *Content) Decode(encoded io.Reader, enc transport.Encoding, limit int64) io.Reader {
	return transport.Decode(k.what(), encoded, enc, limit)
}
