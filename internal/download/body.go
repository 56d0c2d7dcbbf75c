package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mozilla-releng/cot/graph"
)

// errRestart says that what was read so far is void: the content begins anew.
var errRestart = errors.New("the content begins anew")

var errStalled = errors.New("the connection stalled")

// body reads the encoded bytes of one fetch over as many connections as that
// takes. The caller sees one stream; after errRestart, begin starts it again at
// the first byte, perhaps in another encoding.
type body struct {
	ctx      context.Context
	open     func(ctx context.Context) (*Stream, error)
	what     string
	attempts int // connections left
	stall    time.Duration
	limit    int64 // of the artifact; encoded bytes may be a little more
	changed  func(received, total int64, cause error)

	first *Stream // as the fetch began: what resumed streams must agree with
	cur   *Stream
	got   int64 // encoded bytes read
	err   error // what Read failed with, whatever a decoder made of it
	cause error // why the last connection ended

	end    context.CancelCauseFunc // of the current connection
	timer  *time.Timer
	waited time.Duration // in reads, since the last minStep bytes came
	since  int64         // bytes since then
}

// begin opens the first connection, or takes the one that a restart has left.
func (b *body) begin() error {
	b.err = nil
	if b.cur != nil {
		return nil
	}
	b.got = 0
	return b.connect(b.open)
}

func (b *body) connect(open func(context.Context) (*Stream, error)) error {
	if b.attempts == 0 {
		return &graph.UnavailableError{
			What: b.what, Reason: graph.Unreachable,
			Detail: fmt.Sprintf("the connection broke too often, the last time because %v", b.cause),
		}
	}
	b.attempts--
	ctx, cancel := context.WithCancelCause(b.ctx)
	s, err := open(ctx)
	if err != nil {
		cancel(nil)
		return err
	}
	b.cur, b.end, b.waited, b.since = s, cancel, 0, 0
	b.timer = time.AfterFunc(time.Hour, func() { cancel(errStalled) })
	b.timer.Stop()
	switch {
	case s.Offset == 0:
		b.first, b.got = s, 0
	case s.Offset != b.got || s.Size != b.first.Size || s.Encoding != b.first.Encoding:
		b.cause = fmt.Errorf("asked to go on at byte %d of %d, the answer begins at %d of %d", b.got, b.first.Size, s.Offset, s.Size)
		b.hangUp()
		return errRestart
	}
	if s.Size > b.encodedLimit() || s.Size > b.limit && s.Encoding == "" {
		b.hangUp()
		return &LimitError{b.what, b.limit, "bytes"}
	}
	return nil
}

func (b *body) encodedLimit() int64 { return b.limit + b.limit/1024 + 1024 }

func (b *body) Read(p []byte) (int, error) {
	n, err := b.read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	for {
		if b.cur == nil {
			if err := b.reconnect(); err != nil {
				return 0, err
			}
		}
		n, err := b.timedRead(p)
		b.got += int64(n)
		switch {
		case b.got > b.encodedLimit():
			return 0, &LimitError{b.what, b.limit, "bytes"}
		case b.first.Size >= 0 && b.got > b.first.Size:
			return 0, &graph.UnavailableError{
				What: b.what, Reason: graph.Malformed,
				Detail: fmt.Sprintf("more than the announced %d bytes arrive", b.first.Size),
			}
		case n > 0:
			return n, nil
		case err == io.EOF && (b.first.Size < 0 || b.got == b.first.Size):
			return 0, io.EOF
		case err != nil:
			b.broken(err)
		}
	}
}

// timedRead reads once and gives up when the connection stalls. Time that the
// reader spends elsewhere does not count.
func (b *body) timedRead(p []byte) (int, error) {
	start := time.Now()
	b.timer.Reset(b.stall - b.waited)
	n, err := b.cur.Body.Read(p)
	if !b.timer.Stop() && n == 0 && b.ctx.Err() == nil {
		return 0, fmt.Errorf("%w: less than %d bytes in %v", errStalled, minStep, b.stall)
	}
	b.waited += time.Since(start)
	if b.since += int64(n); b.since >= minStep {
		b.waited, b.since = 0, 0
	}
	return n, err
}

// broken ends a connection that failed or ended early.
func (b *body) broken(err error) {
	if err == io.EOF {
		err = fmt.Errorf("it ended after %d of %d bytes", b.got, b.first.Size)
	}
	b.cause = err
	b.hangUp()
}

// reconnect goes on where the last connection ended, or says errRestart.
func (b *body) reconnect() error {
	if b.ctx.Err() != nil {
		return context.Cause(b.ctx)
	}
	b.changed(b.got, b.first.Size, b.cause)
	if b.first.Resume == nil || b.got == 0 {
		return errRestart
	}
	at := b.got
	err := b.connect(func(ctx context.Context) (*Stream, error) { return b.first.Resume(ctx, at) })
	if err == nil && b.cur.Offset == 0 {
		return errRestart
	}
	return err
}

// hangUp ends the current connection, if there is one.
func (b *body) hangUp() {
	if b.cur == nil {
		return
	}
	b.timer.Stop()
	b.end(nil)
	b.cur.Body.Close()
	b.cur = nil
}
