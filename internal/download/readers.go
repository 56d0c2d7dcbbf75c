package download

import (
	"context"
	"io"
)

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// boundReader fails once more than limit bytes come.
type boundReader struct {
	r    io.Reader
	left int64
	err  error // what to fail with
}

func (b *boundReader) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.err
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, b.err
	}
	return n, err
}

// meter reports how far a reader is, every step bytes and at its end.
type meter struct {
	r      io.Reader
	step   int64
	unsaid int64
	report func()
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.unsaid += int64(n); m.unsaid >= m.step || err == io.EOF {
		m.unsaid = 0
		m.report()
	}
	return n, err
}
