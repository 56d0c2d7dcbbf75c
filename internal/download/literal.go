package download

import (
	"bytes"
	"io"
)

func literalStream(b []byte) *Stream {
	return &Stream{Body: io.NopCloser(bytes.NewReader(b)), Size: int64(len(b))}
}
