package download

import (
	"context"
	"errors"
	"fmt"
)

// unpack brings verified bytes to where the item wants them. It reads them from
// the file that was hashed, never by name.
func (w *worker) unpack(ctx context.Context, j *job, tmp *tempFile, size int64, res *Result) (err error) {
	defer func() {
		if p := recover(); p != nil { // a decoder that gives up its way
			err = fmt.Errorf("unpacking it fails: %v", p)
		}
	}()
	how := j.item.Extract
	if how.kind == extractByContent {
		if how, err = sniff(tmp.File, size); err != nil {
			return err
		}
	}
	switch how.kind {
	case extractArchive:
		w.run.event(Event{Kind: Extracting, Bytes: size, Total: size}, j)
		return w.unpackArchive(ctx, j, how, tmp, size, res)
	case extractFile:
		w.run.event(Event{Kind: Extracting, Bytes: size, Total: size}, j)
		return w.unpackFile(ctx, j, how, tmp, size, res)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	res.Written = []string{j.item.Path}
	return tmp.place(j.base, j.mode())
}

// allowance is how much an archive of a size may expand to.
func (o Options) allowance(size int64) int64 {
	allowed := int64(ratioFloor)
	if size > ratioFloor/o.MaxRatio {
		allowed = o.MaxExpandedSize
		if size < o.MaxExpandedSize/o.MaxRatio {
			allowed = size * o.MaxRatio
		}
	}
	return min(allowed, o.MaxExpandedSize)
}

func (w *worker) unpackFile(ctx context.Context, j *job, how Extract, tmp *tempFile, size int64, res *Result) error {
	if _, err := tmp.Seek(0, 0); err != nil {
		return &DiskError{"reading", j.item.Path, err}
	}
	plain, err := decode(how.codec, contextReader{ctx, tmp.File})
	if err != nil {
		return err
	}
	defer plain.Close()
	out, err := newTempFile(tmp.dir, j.base)
	if err != nil {
		return err
	}
	defer out.discard()
	allowed := w.run.opts.allowance(size)
	tooMuch := &LimitError{"what it expands to", allowed, "bytes"}
	_, err = w.belt.run(&boundReader{r: plain, left: allowed, err: tooMuch}, func([]byte) {}, out)
	var we writeError
	switch {
	case errors.As(err, &we):
		return &DiskError{"writing", j.item.Path, we.error}
	case errors.Is(err, tooMuch):
		return tooMuch
	case err != nil:
		return &UnpackError{fmt.Sprintf("it is not a valid %s file", how.codec), err}
	}
	res.Written = []string{j.item.Path}
	return out.place(j.base, j.mode())
}

// unpackArchive unpacks an archive beside its place; the run places it once
// every input is known to collide with no other.
func (w *worker) unpackArchive(ctx context.Context, j *job, how Extract, tmp *tempFile, size int64, res *Result) (err error) {
	into := j.item.ExtractTo
	parent, last := beside(into)
	dir, err := w.run.folders.get(parent)
	if err != nil {
		return err
	}
	allowed := w.run.opts.allowance(size)
	t := newTree(w.run.opts.MaxMembers)
	s, err := newStage(dir, j.base, t, allowed, &LimitError{"what it expands to", allowed, "bytes"})
	if err != nil {
		w.run.folders.release(dir)
		return err
	}
	u := &unpacked{job: j, dir: dir, last: last, stage: s}
	defer func() {
		if err != nil {
			u.discard(w.run)
		}
	}()
	if how.zip {
		err = unzip(ctx, tmp.File, size, s)
	} else {
		err = untar(ctx, tmp.File, size, how.codec, s)
	}
	if err != nil {
		return err
	}
	if u.foreign, err = s.links(); err != nil {
		return err
	}
	s.shut()
	res.Written, res.Unpacked = t.written(into), true
	if err := w.run.claims.add(j, res.Written, t.directories(into)); err != nil {
		return err
	}
	res.unpacked = u
	return nil
}
