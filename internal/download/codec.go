package download

import (
	"bufio"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mholt/archives"
)

// maxWindow bounds what a zstd stream may have its decoder keep: what the zstd
// command accepts without --long. xz has 64 MiB, brotli 16, the others less.
const maxWindow = 128 << 20

// decoder gives the reader of a compression that generic-worker's mounts name.
func decoder(codec string) archives.Decompressor {
	switch codec {
	case "br":
		return archives.Brotli{}
	case "bz2":
		return archives.Bz2{}
	case "gz":
		return archives.Gz{}
	case "lz4":
		return archives.Lz4{}
	case "mz":
		return archives.MinLZ{}
	case "sz":
		return archives.Sz{}
	case "xz":
		return archives.Xz{}
	case "zst":
		return archives.Zstd{DecoderOptions: []zstd.DOption{
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true),
		}}
	case "zz":
		return archives.Zlib{}
	}
	return nil
}

// decode opens a compression, or gives r itself for "". What follows the end of
// a compressed stream is another one, or an error; it is never left out.
func decode(codec string, r io.Reader) (io.ReadCloser, error) {
	if codec == "" {
		return io.NopCloser(r), nil
	}
	d := decoder(codec)
	if d == nil {
		return nil, fmt.Errorf("compression %q is not known", codec)
	}
	src := bufio.NewReaderSize(r, 64<<10)
	out, err := d.OpenReader(src)
	if err != nil {
		return nil, &UnpackError{fmt.Sprintf("it is not a valid %s file", codec), err}
	}
	return &joined{ReadCloser: out, src: src, decoder: d}, nil
}

// joined reads compressed streams one after the other, also where a decoder
// stops after the first (lz4, zlib) as long as that reads no further than it must.
type joined struct {
	io.ReadCloser
	src     *bufio.Reader
	decoder archives.Decompressor
}

func (j *joined) Read(p []byte) (int, error) {
	for {
		n, err := j.ReadCloser.Read(p)
		if n > 0 || err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		if _, err := j.src.Peek(1); err != nil {
			return 0, err
		}
		next, err := j.decoder.OpenReader(j.src)
		if err != nil {
			return 0, fmt.Errorf("what follows its end is not valid: %w", noEOF(err))
		}
		j.ReadCloser.Close()
		j.ReadCloser = next
	}
}
