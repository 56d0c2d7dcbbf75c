package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// MaxErrorBody bounds the body of an answer that is not the thing asked for.
const MaxErrorBody = 64 << 10

func (x *exchange) response(resp *http.Response) (*Response, error) {
	r := &Response{Status: resp.StatusCode, Header: resp.Header, Length: resp.ContentLength, Body: resp.Body, what: x.req.What}
	var err error
	if r.Encoding, err = encodingOf(resp.Header); err != nil {
		if resp.StatusCode < 300 {
			return nil, x.unavailable(graph.Malformed, Redact(resp.Request.URL)+": "+err.Error(), "")
		}
		r.Encoding = Identity
	}
	return r, nil
}

// readAll reads and decodes a whole answer, into the room if there is one.
func (x *exchange) readAll(resp *http.Response, limit int64, room *bytes.Buffer) ([]byte, error) {
	defer resp.Body.Close()
	r, err := x.response(resp)
	if err != nil {
		return nil, err
	}
	if r.Status >= 300 {
		b, err := io.ReadAll(r.Decoded(min(limit, MaxErrorBody)))
		if err != nil { // the status says enough
			return nil, nil
		}
		return b, nil
	}
	if r.Encoding == Identity && r.Length > limit {
		return nil, x.unavailable(graph.TooLarge, fmt.Sprintf("%d bytes, more than the limit of %d", r.Length, limit), "")
	}
	if room != nil {
		room.Reset() // of an earlier try
		_, err := room.ReadFrom(r.Decoded(limit))
		return room.Bytes(), err
	}
	return ReadAll(r.Decoded(limit))
}

// maxRoom is how much room is kept for the next body.
const maxRoom = 1 << 20

var rooms = sync.Pool{New: func() any { return &bytes.Buffer{} }}

// ReadAll is io.ReadAll for many bodies: it has room for one from the one before,
// and gives what is read in as much as it takes.
func ReadAll(r io.Reader) ([]byte, error) {
	room, _ := rooms.Get().(*bytes.Buffer)
	defer free(room)
	_, err := room.ReadFrom(r)
	return append([]byte{}, room.Bytes()...), err
}

func free(room *bytes.Buffer) {
	if room.Reset(); room.Cap() <= maxRoom {
		rooms.Put(room)
	}
}

// body is a response's body as sent. It fails where net/http would wait for
// ever, and says how far it came.
type body struct {
	x      *exchange
	src    io.ReadCloser
	at     string
	length int64 // -1 if unknown
	read   int64

	cancel  context.CancelFunc
	detach  func() bool // makes cancel the only end of the hop's context
	timer   *time.Timer
	stalled atomic.Bool
	done    atomic.Bool   // read to its end
	left    time.Duration // of the time within which MinProgress bytes must come
	fresh   int           // bytes since left was full
	leave   func()        // of the host's throttle; nil: it was left before
	err     error
}

func newBody(x *exchange, resp *http.Response, cancel context.CancelFunc, detach func() bool) *body {
	b := &body{
		x: x, src: resp.Body, at: Redact(resp.Request.URL), length: resp.ContentLength,
		cancel: cancel, detach: detach, left: x.client.cfg.StallTimeout,
	}
	b.timer = time.AfterFunc(b.left, func() {
		b.stalled.Store(true)
		cancel()
	})
	b.timer.Stop()
	return b
}

// Read counts only the time that is spent waiting for the server.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	began := time.Now()
	b.timer.Reset(b.left)
	n, err := b.src.Read(p)
	b.timer.Stop()
	b.read += int64(n)
	b.fresh += n
	if b.fresh >= MinProgress {
		b.fresh, b.left = 0, b.x.client.cfg.StallTimeout
	} else {
		b.left = max(b.left-time.Since(began), time.Nanosecond)
	}
	b.err = b.explain(err)
	if b.err == io.EOF {
		b.detach()
		b.done.Store(true)
	}
	return n, b.err
}

func (b *body) explain(err error) error {
	if err == nil || err == io.EOF && (b.length < 0 || b.read == b.length) {
		return err
	}
	switch {
	case b.x.parent.Err() != nil:
		return fmt.Errorf("%s: %w", b.x.req.What, b.x.parent.Err())
	case b.stalled.Load():
		return b.broken(fmt.Sprintf("stalled: fewer than %d bytes in %s", MinProgress, b.x.client.cfg.StallTimeout))
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return b.broken("ended early")
	}
	return b.broken("connection broke")
}

func (b *body) broken(how string) error {
	of := ""
	if b.length >= 0 {
		of = fmt.Sprintf(" of %d", b.length)
	}
	return b.x.unavailable(graph.Unreachable, fmt.Sprintf("%s: %s after %d%s bytes", b.at, how, b.read, of), "")
}

// Close may be called at any time, also while a Read waits.
func (b *body) Close() error {
	if !b.done.Load() {
		b.detach()
		b.cancel()
	}
	err := b.src.Close()
	if b.leave != nil {
		b.leave()
	}
	return err
}

// lastBody is the body that the caller gets: closing it ends the exchange.
type lastBody struct {
	io.ReadCloser
	x *exchange
}

func (b lastBody) Close() error {
	err := b.ReadCloser.Close()
	b.x.stop()
	return err
}
