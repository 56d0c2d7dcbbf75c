package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/mozilla-releng/cot/trace"
)

// Compared is what reading an artifact to its end came to. Err is nil only if
// its bytes matched every digest.
type Compared struct {
	Bytes int64  // decoded size
	Note  string // what went wrong on the way and healed
	Err   error
}

// Compare reads artifacts where they are stored and compares them with their
// digests. It keeps nothing but in Options.Cache, whose content stands for what is
// stored: a run that goes on where another ended reads none again. done gets each result once, from several
// goroutines. The error is for a cancelled context or options that make no
// sense.
func Compare(ctx context.Context, content Content, artifacts []trace.StoredArtifact, opts Options, done func(i int, c Compared)) error {
	if content == nil {
		return errors.New("comparing needs a source of content")
	}
	opts, err := opts.withDefaults()
	if err != nil {
		return err
	}
	r := &run{opts: opts}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(opts.Jobs, len(artifacts)) {
		wg.Go(func() {
			w := newWorker(r)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(artifacts) || ctx.Err() != nil {
					return
				}
				done(i, w.compareStored(ctx, content, i, artifacts[i]))
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

func (w *worker) compareStored(ctx context.Context, content Content, i int, a trace.StoredArtifact) Compared {
	j := &job{index: i, item: Item{Path: a.Name()}, what: fmt.Sprintf("artifact %s of %s", a.Name(), a.Run())}
	for _, d := range a.Digests() {
		j.digests = append(j.digests, d)
	}
	if len(j.digests) == 0 {
		return Compared{Err: fmt.Errorf("%s has no digest", j.what)}
	}
	j.open = func(ctx context.Context, pastCDN bool) (*Stream, error) {
		return content.Open(ctx, a.Run(), a.Name(), pastCDN)
	}
	w.run.event(Event{Kind: Started, Total: -1}, j)
	ctx, cancel := w.run.deadline(ctx, j)
	defer cancel()
	got, err := w.comparedOnce(ctx, j, trace.ContentName(a.Digests()))
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		w.run.event(Event{Kind: Failed, Err: err}, j)
		return Compared{Err: err}
	}
	w.run.event(Event{Kind: Done, Bytes: got.size, Total: got.size}, j)
	return Compared{Bytes: got.size, Note: got.note}
}

// comparedOnce reads what is kept under a name, else what is stored, and keeps that.
func (w *worker) comparedOnce(ctx context.Context, j *job, name string) (fetched, error) {
	cache := w.run.opts.Cache
	if cache == nil {
		return w.verified(ctx, j, nowhere{io.Discard})
	}
	if f, ok := w.fromCache(ctx, j, name, nowhere{io.Discard}); ok {
		return f, nil
	}
	to := &keepingSink{cache: cache, name: name}
	f, err := w.verified(ctx, j, to)
	to.finish(err == nil)
	return f, err
}

// nowhere is where bytes go that are only compared.
type nowhere struct{ io.Writer }

func (nowhere) reset() error { return nil }

// keepingSink keeps bytes that are only compared.
type keepingSink struct {
	cache trace.Cache
	name  string
	to    trace.Keeping // nil: they can't be kept
}

func (k *keepingSink) Write(p []byte) (int, error) {
	if k.to == nil {
		return len(p), nil
	}
	return k.to.Write(p)
}

func (k *keepingSink) reset() error {
	k.finish(false)
	k.to = k.cache.Create(k.name)
	return nil
}

func (k *keepingSink) finish(keep bool) {
	if k.to != nil {
		k.to.Finish(keep)
		k.to = nil
	}
}
