package download

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/mozilla-releng/cot/graph"
)

const progressStep = 1 << 20

// fetched is what a fetch came to. If problem is set the bytes could not be
// decoded and have no digest.
type fetched struct {
	sums    *sums
	size    int64
	problem string
	note    string
}

// verified fills tmp with bytes that match every digest. Bytes that don't are
// fetched once more past the CDN, and then named as what they are.
func (w *worker) verified(ctx context.Context, j *job, tmp *tempFile) (fetched, error) {
	if f, ok := w.fromCache(ctx, j, tmp); ok {
		return f, nil
	}
	first, err := w.once(ctx, j, tmp, false)
	if err != nil {
		return first, err
	}
	bad, firstGot := first.judge(j.digests)
	if bad == nil {
		w.intoCache(j, tmp, first.size)
		return first, nil
	}
	wrong := &MismatchError{What: j.what, Algorithm: bad.Algorithm(), Want: bad.Hex(), First: firstGot, Fault: Transport}
	w.run.event(Event{Kind: Retrying, Total: -1, Err: wrong}, j)
	second, err := w.once(ctx, j, tmp, true)
	if err != nil {
		wrong.Fault = Untold
		return second, fmt.Errorf("%w; fetching once more past the CDN failed: %w", wrong, err)
	}
	bad, secondGot := second.judge(j.digests)
	if bad == nil {
		w.intoCache(j, tmp, second.size)
		second.note = fmt.Sprintf("transport delivered wrong bytes first (%s %s); a fetch past the CDN gave the right ones", wrong.Algorithm, firstGot)
		return second, nil
	}
	wrong.Algorithm, wrong.Want, wrong.Second = bad.Algorithm(), bad.Hex(), secondGot
	if first.problem == "" && second.problem == "" {
		wrong.First = first.sums.hex(bad.Algorithm())
	}
	if wrong.First == wrong.Second {
		wrong.Fault = Storage
	}
	return second, wrong
}

// judge gives the first digest that the bytes don't have, and what they have
// instead.
func (f fetched) judge(digests []digest) (bad digest, got string) {
	if f.problem != "" {
		return digests[0], f.problem
	}
	if bad = f.sums.wrong(digests); bad == nil {
		return nil, ""
	}
	return bad, f.sums.hex(bad.Algorithm())
}

// once fetches all bytes into tmp, over several connections if need be.
func (w *worker) once(ctx context.Context, j *job, tmp *tempFile, pastCDN bool) (fetched, error) {
	b := &body{
		ctx:      ctx,
		open:     func(ctx context.Context) (*Stream, error) { return j.open(ctx, pastCDN) },
		what:     j.what,
		attempts: w.run.opts.Attempts,
		stall:    w.run.opts.Stall,
		limit:    w.run.opts.MaxArtifactSize,
	}
	b.changed = func(received, total int64, cause error) {
		w.run.event(Event{Kind: Retrying, Bytes: received, Total: total, Err: cause}, j)
	}
	defer b.hangUp()
	for {
		f, err := w.pass(j, b, tmp)
		if !errors.Is(err, errRestart) {
			return f, err
		}
		w.run.event(Event{Kind: Retrying, Total: -1, Err: b.cause}, j)
	}
}

// pass reads content from its first byte to its end.
func (w *worker) pass(j *job, b *body, tmp *tempFile) (fetched, error) {
	target := join(tmp.dir.path, j.base)
	if err := b.begin(); err != nil {
		return fetched{}, err
	}
	if err := promised(j, b.first); err != nil {
		return fetched{}, err
	}
	if e := b.first.Encoding; e != "" && e != "gzip" {
		return fetched{}, &graph.UnavailableError{
			What: j.what, Reason: graph.Malformed, Detail: fmt.Sprintf("content encoding %q, want gzip or none", clip(e)),
		}
	}
	if err := tmp.reset(); err != nil {
		return fetched{}, &DiskError{"writing", target, err}
	}
	f := fetched{sums: newSums(j.digests, b.first.Promised)}
	tooLarge := &LimitError{j.what, w.run.opts.MaxArtifactSize, "bytes"}
	n, err := w.move(j, b, f.sums, tmp, tooLarge)
	f.size = n
	var we writeError
	switch {
	case errors.As(err, &we):
		return f, &DiskError{"writing", target, we.error}
	case b.err != nil:
		return f, b.err
	case errors.Is(err, tooLarge):
		return f, err
	case err != nil:
		f.problem = fmt.Sprintf("bytes that are not valid gzip (%v)", err)
	case b.first.Promised["sha512"] != "" && f.sums.hex("sha512") != strings.ToLower(b.first.Promised["sha512"]):
		f.problem = "bytes of sha512 " + f.sums.hex("sha512") + ", which is not what storage promises"
	}
	return f, nil
}

// move decodes and moves the bytes, bounded, with reports on the way.
func (w *worker) move(j *job, b *body, s *sums, tmp *tempFile, tooLarge error) (int64, error) {
	var src io.Reader = &meter{r: b, step: progressStep, report: func() {
		w.run.event(Event{Kind: Progress, Bytes: b.got, Total: b.first.Size}, j)
	}}
	if b.first.Encoding == "gzip" {
		if w.input == nil {
			w.input = bufio.NewReaderSize(src, 64<<10)
			w.gunz = new(gzip.Reader)
		}
		w.input.Reset(src)
		if err := w.gunz.Reset(w.input); err != nil {
			return 0, noEOF(err)
		}
		src = w.gunz
	}
	return w.belt.run(&boundReader{r: src, left: w.run.opts.MaxArtifactSize, err: tooLarge}, s.add, tmp)
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// promised refuses content of which storage itself says that it is not what the
// digests name.
func promised(j *job, s *Stream) error {
	for _, d := range j.digests {
		p := s.Promised[d.Algorithm()]
		if p == "" {
			continue
		}
		sum, err := hex.DecodeString(p)
		if err != nil || !d.Matches(sum) {
			return &MismatchError{What: j.what, Algorithm: d.Algorithm(), Want: d.Hex(), First: p, Fault: Storage}
		}
	}
	return nil
}
