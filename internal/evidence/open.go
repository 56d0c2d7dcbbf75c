package evidence

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Bounds of what is read. A bundle whose content is far larger than its file is
// a bomb: definitions and documents shrink to a twentieth or so.
const (
	maxManifestBytes = 128 << 20
	maxBlobBytes     = 4 << 30
	maxRatio         = 400
	freeBytes        = 1 << 30 // that no ratio is asked of: a task graph may be dull
)

// unpackedLimit bounds what a file of that size unpacks to.
func unpackedLimit(size int64) int64 { return maxRatio*size + freeBytes }

// Open reads a bundle of size bytes, all of it, and unpacks it into a private
// file. The error says what is wrong with the bundle.
func Open(ctx context.Context, r io.Reader, size int64) (*Bundle, error) {
	return openWithin(ctx, r, unpackedLimit(size))
}

func openWithin(ctx context.Context, r io.Reader, limit int64) (*Bundle, error) {
	p, err := newPack("")
	if err != nil {
		return nil, err
	}
	b := &Bundle{pack: p, known: map[string]known{}}
	if err := b.unpack(ctx, r, limit); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return b, nil
}

func (b *Bundle) unpack(ctx context.Context, r io.Reader, limit int64) error {
	whole := &hashed{r: r, hash: sha256.New()}
	z, err := zstd.NewReader(newOneFrame(whole),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(windowBytes))
	if err != nil {
		return err
	}
	defer z.Close()
	u := &unpacking{ctx: ctx, r: z, limit: limit}
	m, err := b.members(u)
	if err == nil {
		err = u.end()
	}
	if err != nil {
		return err
	}
	b.about, b.sum = m.about(), digest(whole.hash.Sum(nil))
	return nil
}

// hashed hashes what is read.
type hashed struct {
	r    io.Reader
	hash hash.Hash
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.hash.Write(p[:n])
	return n, err
}

// unpacking counts what comes out of the compression, and bounds it.
type unpacking struct {
	ctx   context.Context
	r     io.Reader
	read  int64
	limit int64
	want  int64 // bytes that the members so far take in the archive
}

func (u *unpacking) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := u.r.Read(p)
	if u.read += int64(n); u.read > u.limit {
		return n, fmt.Errorf("it unpacks to more than %d bytes, far more than its size", u.limit)
	}
	return n, err
}

const tarBlock = 512

// end reads to the end of the file: nothing may be there but the archive's own
// two empty blocks.
func (u *unpacking) end() error {
	if _, err := io.Copy(io.Discard, onlyReader{u}); err != nil {
		return err
	}
	if u.read != u.want+2*tarBlock {
		return errors.New("something follows the archive's last member, or its end is missing")
	}
	return nil
}

// members reads the manifest and then what it names, in that order, each exactly
// as it is written.
func (b *Bundle) members(u *unpacking) (*manifest, error) {
	t := tar.NewReader(u)
	head, err := u.next(t, manifestName, maxManifestBytes)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(t)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != head.Size {
		return nil, io.ErrUnexpectedEOF
	}
	m, err := parseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	buf := make([]byte, copyBytes)
	for _, want := range m.wanted() {
		h, err := u.next(t, blobFolder+want.String(), maxBlobBytes)
		if err != nil {
			return nil, err
		}
		w := b.pack.writer()
		n, err := io.CopyBuffer(w, onlyReader{t}, buf) //nolint:gosec // next and unpacking bound it
		if err != nil {
			return nil, err
		}
		got, err := w.done()
		if err != nil {
			return nil, err
		}
		if got != want || n != h.Size {
			return nil, fmt.Errorf("blob %s has the SHA-256 %s", want, got)
		}
	}
	switch extra, err := t.Next(); {
	case err == nil:
		return nil, fmt.Errorf("member %.120q is none that the manifest names", extra.Name)
	case err != io.EOF:
		return nil, err
	}
	for _, a := range m.Answers {
		b.known[a.Question.key()] = known{a.Blob, a.Unavailable}
	}
	return m, nil
}

// next expects a member by name.
func (u *unpacking) next(t *tar.Reader, name string, limit int64) (*tar.Header, error) {
	h, err := t.Next()
	switch {
	case err == io.EOF:
		return nil, fmt.Errorf("member %s is missing", name)
	case err != nil:
		return nil, err
	case h.Name != name:
		return nil, fmt.Errorf("member %.120q is there, want %s", h.Name, name)
	case !plain(h):
		return nil, fmt.Errorf("member %s is not written as members are: want a plain file", name)
	case h.Size > limit:
		return nil, fmt.Errorf("member %s has %d bytes, more than the limit of %d", name, h.Size, limit)
	}
	u.want += tarBlock + (h.Size+tarBlock-1)/tarBlock*tarBlock
	return h, nil
}

// plain tells whether a header is as memberHeader makes it.
func plain(h *tar.Header) bool {
	return h.Typeflag == tar.TypeReg && h.Linkname == "" && h.Mode == 0o644 && h.Uid == 0 && h.Gid == 0 &&
		h.Uname == "" && h.Gname == "" && h.ModTime.Unix() == 0 && h.AccessTime.IsZero() && h.ChangeTime.IsZero() &&
		h.Devmajor == 0 && h.Devminor == 0 && len(h.PAXRecords) == 0 && h.Format == tar.FormatUSTAR
}
