package download

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// untar unpacks a tar file (POSIX.1 pax and ustar, GNU) into a stage.
func untar(ctx context.Context, f *os.File, size int64, codec string, s *stage) error {
	packed := contextReader{ctx, io.NewSectionReader(f, 0, size)}
	plain, err := decode(codec, packed)
	if err != nil {
		return err
	}
	defer plain.Close()
	bound := &tarBound{r: plain, stage: s, left: s.budget}
	r := tar.NewReader(bound)
	for {
		h, err := r.Next()
		if errors.Is(err, s.tooMuch) {
			return s.tooMuch
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return &UnpackError{"it is not a valid tar file", err}
		}
		if err := tarMember(h, contextReader{ctx, r}, s); err != nil {
			return err
		}
	}
	// Read on to the end, so that the compression's own checks run too.
	if _, err := io.Copy(io.Discard, bound); err != nil {
		return fmt.Errorf("after the last member: %w", err)
	}
	return nil
}

func tarMember(h *tar.Header, r io.Reader, s *stage) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name := clean(h.Name)
	if name == "" && h.Typeflag == tar.TypeDir {
		return nil // the archive's own root, "./"
	}
	mode := h.FileInfo().Mode()
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		return s.file(name, mode, h.ModTime, r)
	case tar.TypeDir:
		return s.mkdir(name, mode)
	case tar.TypeSymlink:
		return s.link(name, h.Linkname)
	case tar.TypeLink:
		return s.hardLink(name, clean(h.Linkname))
	case tar.TypeChar, tar.TypeBlock:
		return &MemberError{h.Name, "it is a device"}
	case tar.TypeFifo:
		return &MemberError{h.Name, "it is a named pipe"}
	}
	return &MemberError{h.Name, fmt.Sprintf("it is of the unknown kind %q", h.Typeflag)}
}

// tarBound bounds the unpacked stream: members' bytes and, for each of them, a
// share for headers and padding.
type tarBound struct {
	r     io.Reader
	stage *stage
	left  int64
	read  int64
}

const tarOverhead = 4096

func (b *tarBound) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.read += int64(n)
	if b.read > b.left+tarOverhead*int64(b.stage.tree.count+256) {
		return 0, b.stage.tooMuch
	}
	return n, err
}
