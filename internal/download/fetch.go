package download

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/mozilla-releng/cot/graph"
)

// Fetch puts every item at its place and returns one result per item, in order.
// The error joins what failed; an item that fails does not stop the others.
// Colliding or unsafe paths fail before anything is fetched. When ctx ends,
// what is under way is given up and leaves nothing behind.
func (d *Downloader) Fetch(ctx context.Context, items []Item) ([]Result, error) {
	return d.each(ctx, items, (*worker).fetch)
}

// Check fetches nothing: it hashes what lies at the items' paths. Items that
// are unpacked can't be checked, and fail.
func (d *Downloader) Check(ctx context.Context, items []Item) ([]Result, error) {
	return d.each(ctx, items, (*worker).check)
}

var errNotStarted = errors.New("not started: another input is refused")

// each plans all items and then runs do on each of them, Options.Jobs at once.
func (d *Downloader) each(ctx context.Context, items []Item, do func(*worker, context.Context, *job) Result) ([]Result, error) {
	jobs, results, err := d.plan(items)
	if err != nil {
		return results, err
	}
	return results, d.execute(ctx, jobs, results, do)
}

// execute fills in the results of planned jobs.
func (d *Downloader) execute(ctx context.Context, jobs []*job, results []Result, do func(*worker, context.Context, *job) Result) error {
	r := &run{opts: d.opts, dest: d.dest, folders: newFolders(d.dest), claims: newClaims()}
	for _, j := range jobs {
		r.folders.expect(j.dir, j.base)
		if j.item.ExtractTo != "" {
			dir, _ := beside(j.item.ExtractTo)
			r.folders.expect(dir, j.base)
		}
		if err := r.claim(j); err != nil {
			results[j.index].Err = err
		}
	}
	if err := failures(results, errNotStarted); err != nil {
		return err
	}

	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(d.opts.Jobs, len(jobs)) {
		wg.Go(func() {
			w := newWorker(r)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				results[i] = do(w, ctx, jobs[i])
			}
		})
	}
	wg.Wait()
	r.settle(ctx, results)
	err := failures(results, nil)
	r.folders.close(err != nil)
	return err
}

// plan checks every item by itself.
func (d *Downloader) plan(items []Item) ([]*job, []Result, error) {
	jobs, results := make([]*job, len(items)), make([]Result, len(items))
	for i, item := range items {
		j, err := d.newJob(i, item)
		jobs[i], results[i] = j, Result{Item: item, Err: err}
	}
	return jobs, results, failures(results, errNotStarted)
}

// failures joins the results' errors. Where there is one, results without get
// the error rest, if that is not nil.
func failures(results []Result, rest error) error {
	var errs []error
	for _, r := range results {
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	for i := range results {
		if results[i].Err == nil && rest != nil {
			results[i].Err = rest
		}
	}
	return errors.Join(errs...)
}

// claim reserves what is known of an item before it is fetched.
func (r *run) claim(j *job) error {
	switch j.item.Extract.kind {
	case extractArchive:
		return r.claims.add(j, nil, below(j.item.ExtractTo))
	case extractByContent:
		return r.claims.add(j, []string{j.item.Path}, below(j.item.ExtractTo))
	}
	return r.claims.add(j, []string{j.item.Path}, nil)
}

func below(dir string) []string {
	if dir == "." {
		return nil
	}
	return []string{dir}
}

// fetch runs one job to its end.
func (w *worker) fetch(ctx context.Context, j *job) Result {
	w.run.event(Event{Kind: Started, Total: -1}, j)
	ctx, cancel := w.run.deadline(ctx, j)
	defer cancel()
	res := Result{Item: j.item}
	err := w.deliver(ctx, j, &res)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if res.unpacked == nil {
		w.run.end(j, &res, err)
	}
	return res
}

// deadline is the time that one artifact may take.
func (r *run) deadline(ctx context.Context, j *job) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.opts.Timeout, &graph.UnavailableError{
		What: j.what, Reason: graph.Unreachable, Detail: fmt.Sprintf("not complete after %v", r.opts.Timeout),
	})
}

// end says how a job ended.
func (r *run) end(j *job, res *Result, err error) {
	switch {
	case err != nil:
		res.Err = &ItemError{What: j.what, Path: j.item.Path, Err: err}
		res.Written, res.Kept, res.Unpacked = nil, false, false
		r.event(Event{Kind: Failed, Err: res.Err}, j)
	case res.Kept:
		r.event(Event{Kind: Kept, Bytes: res.Bytes, Total: res.Bytes}, j)
	default:
		r.event(Event{Kind: Done, Bytes: res.Bytes, Total: res.Bytes}, j)
	}
}

// deliver puts a job's bytes, or what is packed in them, at its place.
func (w *worker) deliver(ctx context.Context, j *job, res *Result) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	dir, err := w.run.folders.get(j.dir)
	if err != nil {
		return err
	}
	defer w.run.folders.release(dir)
	if err := w.vacant(j, dir); err != nil {
		return err
	}
	if kept, err := w.keep(ctx, j, dir, res); kept || err != nil {
		return err
	}
	tmp, err := newTempFile(dir, j.base)
	if err != nil {
		return err
	}
	defer tmp.discard()
	got, err := w.kept(ctx, j, tmp)
	if err != nil {
		return err
	}
	res.Bytes, res.Note = got.size, got.note
	res.SHA256, res.SHA512 = got.sums.hex("sha256"), got.sums.hex("sha512")
	return w.unpack(ctx, j, tmp, got.size, res)
}

func (r *run) event(e Event, j *job) {
	e.Index, e.Path = j.index, j.item.Path
	if e.Path == "" {
		e.Path = j.item.ExtractTo
	}
	r.opts.Events(e)
}
