package download

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// unpacked is an archive's content, complete and beside its place.
type unpacked struct {
	job     *job
	dir     *folder
	last    string // the place, within dir
	stage   *stage
	foreign map[string]string // links that lead out of the archive, see stage.links
}

func (u *unpacked) discard(r *run) {
	u.stage.discard()
	r.folders.release(u.dir)
}

// settle places what was unpacked, in the order of the inputs, now that every
// path of every input is known: of two that would write one path, neither is.
func (r *run) settle(ctx context.Context, results []Result) {
	for i := range results {
		res := &results[i]
		u := res.unpacked
		if u == nil {
			continue
		}
		res.unpacked = nil
		err := r.claims.lost(u.job)
		if err == nil {
			err = u.place(ctx)
		}
		r.end(u.job, res, err)
		u.discard(r)
	}
}

// place moves all of it to its place, or nothing.
func (u *unpacked) place(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	from := u.stage.name + "/" + stageNew
	into := u.job.item.ExtractTo
	info, err := u.dir.root.Lstat(u.last)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := u.dir.root.Rename(from, u.last); err != nil {
			return &DiskError{"renaming to", into, err}
		}
		return nil
	case err != nil:
		return &DiskError{"looking at", into, err}
	case !info.IsDir():
		return &OccupiedError{into, describe(info), "a directory"}
	}
	for path, missing := range u.foreign {
		if escapes(u.dir.root, join(u.last, missing)) {
			return &MemberError{path, fmt.Sprintf("it points to %q, which is outside by way of a link at the destination", clip(u.stage.tree.nodes[path].target))}
		}
	}
	m := &merge{root: u.dir.root, from: from, old: u.stage.name + "/" + stageOld, into: u.last}
	return m.run(ctx, u.stage.tree)
}
