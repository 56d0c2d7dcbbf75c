package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/klauspost/compress/zip"
)

// Bounds of zip files besides those of all archives.
const (
	zipDirectoryShare = 128  // bytes of central directory per allowed member
	maxLinkTarget     = 4096 // bytes
)

const zipEncrypted = 1 // APPNOTE.TXT 4.4.4, bit 0

// unzip unpacks a zip file (PKWARE APPNOTE.TXT) into a stage. Only what its
// central directory names exists.
func unzip(ctx context.Context, f *os.File, size int64, s *stage) error {
	tooLong := &LimitError{"the archive", int64(s.tree.max), "members"}
	bound := &boundReaderAt{r: f, left: zipDirectoryShare*int64(s.tree.max) + 1<<20, err: tooLong}
	z, err := zip.NewReader(bound, size)
	switch {
	case errors.Is(err, tooLong):
		return tooLong
	case err != nil:
		return &UnpackError{"it is not a valid zip file", err}
	case len(z.File) > s.tree.max:
		return tooLong
	}
	bound.off = true
	for method, codec := range map[uint16]string{12: "bz2", 93: "zst", 95: "xz"} {
		z.RegisterDecompressor(method, func(r io.Reader) io.ReadCloser { return zipDecoder(codec, r) })
	}
	for _, m := range z.File {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := zipMember(ctx, m, s); err != nil {
			return err
		}
	}
	return nil
}

func zipMember(ctx context.Context, m *zip.File, s *stage) error {
	name := clean(m.Name)
	mode := zipMode(m)
	isDir := mode.IsDir() || strings.HasSuffix(m.Name, "/")
	switch {
	case name == "" && isDir:
		return nil
	case m.Flags&zipEncrypted != 0:
		return &MemberError{m.Name, "it is encrypted"}
	case isDir:
		return s.mkdir(name, mode)
	case !mode.IsRegular() && mode.Type() != fs.ModeSymlink:
		return &MemberError{m.Name, "it is a device or another special file"}
	}
	r, err := m.Open()
	if err != nil {
		return &MemberError{m.Name, fmt.Sprintf("it can't be read: %v", err)}
	}
	defer r.Close()
	if mode.IsRegular() {
		return s.file(name, mode, m.Modified, contextReader{ctx, r})
	}
	target, err := io.ReadAll(io.LimitReader(r, maxLinkTarget+1))
	if err != nil {
		return &MemberError{m.Name, fmt.Sprintf("it can't be read: %v", err)}
	}
	if len(target) > maxLinkTarget {
		return &MemberError{m.Name, fmt.Sprintf("the link's target is longer than %d bytes", maxLinkTarget)}
	}
	return s.link(name, string(target))
}

// zipMode gives a member's mode; where the zip was made on a system without
// modes, or has none, what files usually have.
func zipMode(m *zip.File) fs.FileMode {
	mode := m.FileInfo().Mode()
	const unix, darwin = 3, 19 // APPNOTE.TXT 4.4.2
	made := m.CreatorVersion >> 8
	if perm := mode.Perm(); perm != 0 && (made == unix || made == darwin) {
		return mode
	}
	if mode.IsDir() {
		return mode.Type() | 0o755
	}
	return mode.Type() | 0o644
}

// zipDecoder opens a member's compression; an error comes with the first read.
func zipDecoder(codec string, r io.Reader) io.ReadCloser {
	d, err := decode(codec, r)
	if err != nil {
		return io.NopCloser(failingReader{err})
	}
	return d
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

// boundReaderAt bounds how much is read until it is switched off.
type boundReaderAt struct {
	r    io.ReaderAt
	left int64
	off  bool
	err  error
}

func (b *boundReaderAt) ReadAt(p []byte, at int64) (int, error) {
	if !b.off {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, b.err
		}
	}
	return b.r.ReadAt(p, at)
}
