package download

import (
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

// decode opens a compression, or gives r itself for "".
func decode(codec string, r io.Reader) (io.ReadCloser, error) {
	if codec == "" {
		return io.NopCloser(r), nil
	}
	d := decoder(codec)
	if d == nil {
		return nil, fmt.Errorf("compression %q is not known", codec)
	}
	out, err := d.OpenReader(r)
	if err != nil {
		return nil, fmt.Errorf("it is not a valid %s file: %w", codec, err)
	}
	return out, nil
}
