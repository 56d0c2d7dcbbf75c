package download

import (
	"context"
	"io"

	"github.com/mozilla-releng/cot/trace"
)

// kept is verified for what may be in the cache.
func (w *worker) kept(ctx context.Context, j *job, tmp *tempFile) (fetched, error) {
	if f, ok := w.fromCache(ctx, j, w.cacheName(j), tmp); ok {
		return f, nil
	}
	f, err := w.verified(ctx, j, tmp)
	if err == nil {
		w.intoCache(j, tmp, f.size)
	}
	return f, err
}

// cacheName is where a job's content is kept; empty: nowhere. What comes with the
// request, or by its own URL, is not an artifact and is not kept.
func (w *worker) cacheName(j *job) string {
	if w.run.opts.Cache == nil || j.item.Artifact.Name() == "" {
		return ""
	}
	return trace.ContentName(j.item.Artifact.Digests())
}

// fromCache fills to with what an earlier run kept under a name, if that matches
// every digest. What does not is dropped, and nobody's fault.
func (w *worker) fromCache(ctx context.Context, j *job, name string, to sink) (fetched, bool) {
	if name == "" {
		return fetched{}, false
	}
	body := w.run.opts.Cache.Open(name)
	if body == nil {
		return fetched{}, false
	}
	kept := *j
	kept.open = func(context.Context, bool) (*Stream, error) {
		return &Stream{Body: body, Size: -1}, nil
	}
	f, err := w.once(ctx, &kept, to, false)
	if err == nil {
		if bad, _ := f.judge(j.digests); bad == nil {
			return f, true
		}
	}
	if ctx.Err() == nil {
		w.run.opts.Cache.Drop(name)
	}
	return fetched{}, false
}

// intoCache keeps what was fetched and matches.
func (w *worker) intoCache(j *job, tmp *tempFile, size int64) {
	name := w.cacheName(j)
	if name == "" {
		return
	}
	k := w.run.opts.Cache.Create(name)
	if k == nil {
		return
	}
	n, err := io.Copy(k, io.NewSectionReader(tmp, 0, size))
	k.Finish(err == nil && n == size)
}
