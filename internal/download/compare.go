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
// digests; it keeps nothing. done gets each result once, from several
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
	got, err := w.verified(ctx, j, nowhere{io.Discard})
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

// nowhere is where bytes go that are only compared.
type nowhere struct{ io.Writer }

func (nowhere) reset() error { return nil }
