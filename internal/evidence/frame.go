package evidence

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// oneFrame hands on exactly one zstd frame (RFC 8878 §3.1.1) with a checksum,
// and refuses whatever follows it: decoders take further frames, and skip those
// that are to be skipped.
type oneFrame struct {
	src      *bufio.Reader
	left     int // bytes of the current part that are handed on as they are
	begun    bool
	last     bool // the current block is the last
	checksum bool // its checksum is being handed on
}

const (
	blockHeaderBytes = 3
	checksumBytes    = 4
)

func newOneFrame(r io.Reader) *oneFrame { return &oneFrame{src: bufio.NewReaderSize(r, 64<<10)} }

func (f *oneFrame) Read(p []byte) (int, error) {
	for f.left == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n, err := f.src.Read(p[:min(len(p), f.left)])
	f.left -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next finds how long the next part is.
func (f *oneFrame) next() error {
	switch {
	case !f.begun:
		f.begun = true
		return f.header()
	case f.checksum:
		if _, err := f.src.Peek(1); err == nil {
			return errors.New("data follows its end")
		} else if err != io.EOF {
			return err
		}
		return io.EOF
	case f.last:
		f.checksum, f.left = true, checksumBytes
		return nil
	}
	head, err := f.src.Peek(blockHeaderBytes)
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	bits := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	size := bits >> 3
	switch bits >> 1 & 3 {
	case 1: // RLE: one byte, size times
		size = 1
	case 3:
		return errors.New("a block of a reserved type")
	}
	f.last, f.left = bits&1 == 1, blockHeaderBytes+size
	return nil
}

func (f *oneFrame) header() error {
	start, err := f.src.Peek(zstd.HeaderMaxSize)
	if err != nil && err != io.EOF {
		return err
	}
	var h zstd.Header
	switch err := h.Decode(start); {
	case err != nil || h.Skippable:
		return errors.New("it is not a zstd file")
	case !h.HasCheckSum || h.DictionaryID != 0:
		return errors.New("it has no checksum, or needs a dictionary")
	case !h.SingleSegment && h.WindowSize > windowBytes, h.SingleSegment && h.FrameContentSize > windowBytes:
		return fmt.Errorf("it needs a window of more than %d bytes", windowBytes)
	}
	f.left = h.HeaderSize
	return nil
}
