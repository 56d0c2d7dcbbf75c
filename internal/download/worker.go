package download

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/klauspost/compress/gzip"
)

// run is what the workers of one call share.
type run struct {
	opts    Options
	dest    *os.Root
	folders *folders
	claims  *claims
}

// worker does one job after the other and keeps its buffers between them.
type worker struct {
	run   *run
	belt  *belt
	input *bufio.Reader
	gunz  *gzip.Reader
}

func newWorker(r *run) *worker { return &worker{run: r, belt: newBelt()} }

// vacant refuses early what could not be placed later.
func (w *worker) vacant(j *job, dir *folder) error {
	if j.item.Extract.kind == extractArchive {
		return nil
	}
	return vacant(dir.root, j.base, join(dir.path, j.base))
}

// keep tells whether the target already has the right bytes.
func (w *worker) keep(ctx context.Context, j *job, dir *folder, res *Result) (bool, error) {
	if k := j.item.Extract.kind; k != extractNone && k != extractByContent {
		return false, nil
	}
	f, err := openRegular(dir.root, j.base)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &DiskError{"opening", j.item.Path, err}
	}
	defer f.Close()
	size, s, err := w.hash(ctx, j, f)
	if err != nil {
		return false, &DiskError{"reading", j.item.Path, err}
	}
	if s.wrong(j.digests) != nil {
		return false, nil
	}
	if j.item.Extract.kind == extractByContent {
		if kind, err := sniff(f, size); err != nil || kind.kind != extractNone {
			return false, err
		}
	}
	res.Bytes, res.Kept, res.Written = size, true, []string{j.item.Path}
	res.SHA256, res.SHA512 = s.hex("sha256"), s.hex("sha512")
	return true, nil
}

// check compares what lies at a job's path with its digests.
func (w *worker) check(ctx context.Context, j *job) Result {
	res := Result{Item: j.item}
	err := w.compare(ctx, j, &res)
	if err != nil {
		res.Err = &ItemError{What: j.what, Path: j.item.Path, Err: err}
		w.run.event(Event{Kind: Failed, Err: res.Err}, j)
		return res
	}
	w.run.event(Event{Kind: Kept, Bytes: res.Bytes, Total: res.Bytes}, j)
	return res
}

func (w *worker) compare(ctx context.Context, j *job, res *Result) error {
	if k := j.item.Extract.kind; k == extractArchive || k == extractFile {
		return &UnpackError{Reason: "it was unpacked, and its document has no digest of what is unpacked"}
	}
	dir, err := w.run.folders.existing(j.dir)
	if err != nil {
		return &DiskError{"opening", j.dir, err}
	}
	defer dir.Close()
	f, err := openRegular(dir, j.base)
	if errors.Is(err, fs.ErrNotExist) && j.item.Extract.kind == extractByContent {
		return &UnpackError{Reason: "it is not there; an archive that was unpacked can't be checked"}
	}
	if err != nil {
		return &DiskError{"opening", j.item.Path, err}
	}
	defer f.Close()
	size, s, err := w.hash(ctx, j, f)
	if err != nil {
		return &DiskError{"reading", j.item.Path, err}
	}
	res.Bytes, res.SHA256, res.SHA512 = size, s.hex("sha256"), s.hex("sha512")
	if d := s.wrong(j.digests); d != nil {
		return &MismatchError{What: j.what, Algorithm: d.Algorithm(), Want: d.Hex(), First: s.hex(d.Algorithm()), Fault: Disk}
	}
	res.Kept = true
	return nil
}

// hash reads a whole file.
func (w *worker) hash(ctx context.Context, j *job, f *os.File) (int64, *sums, error) {
	s := newSums(j.digests, nil)
	n, err := w.belt.run(contextReader{ctx, f}, s.add, nil)
	return n, s, err
}

// openRegular opens a regular file and follows no link to it.
func openRegular(dir *os.Root, name string) (*os.File, error) {
	info, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &OccupiedError{name, describe(info), "a file"}
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(info, opened) {
		err = errors.New("it was replaced while it was opened")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
