package download

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	fastxz "github.com/mikelolasagasti/xz"

	"github.com/klauspost/compress/zstd"
)

// sniff tells what an archive's first bytes show, as taskgraph's fetch-content
// does: zip, or tar by its magic or its header's checksum, within gz, bz2, xz,
// zst or nothing. What is neither is Extract's zero value. A compression that
// needs more memory than the limit is an error, not a plain file.
func sniff(r io.ReaderAt, size int64) (Extract, error) {
	var magic [6]byte
	n, err := r.ReadAt(magic[:], 0)
	if err != nil && err != io.EOF {
		return Extract{}, err
	}
	head := magic[:n]
	if bytes.HasPrefix(head, []byte("PK")) {
		return Extract{kind: extractArchive, zip: true}, nil
	}
	codec := ""
	for _, c := range []struct{ magic, codec string }{
		{"\x1f\x8b", "gz"}, {"BZh", "bz2"}, {"\xfd7zXZ\x00", "xz"}, {"\x28\xb5\x2f\xfd", "zst"},
	} {
		if bytes.HasPrefix(head, []byte(c.magic)) {
			codec = c.codec
		}
	}
	header, err := firstBlock(codec, io.NewSectionReader(r, 0, size))
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, fastxz.ErrMemlimit) {
		return Extract{}, &LimitError{"the window of its compression", maxWindow, "bytes"}
	}
	if err == nil && isTarHeader(header) {
		return Extract{kind: extractArchive, codec: codec}, nil
	}
	return Extract{}, nil
}

func firstBlock(codec string, r io.Reader) ([]byte, error) {
	d, err := decode(codec, r)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	block := make([]byte, 512)
	_, err = io.ReadFull(d, block)
	return block, err
}

// isTarHeader tells whether a block begins a tar file (POSIX.1, "ustar
// Interchange Format"; GNU tar's older magic; else the checksum).
func isTarHeader(b []byte) bool {
	if m := string(b[257:265]); m == "ustar\x0000" || m == "ustar  \x00" {
		return true
	}
	field := bytes.Trim(b[148:156], " \x00")
	want, err := strconv.ParseInt(string(field), 8, 64)
	if err != nil {
		return false
	}
	var unsigned, signed int64
	for i, c := range b {
		if i >= 148 && i < 156 {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return want == unsigned || want == signed
}
