package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/mozilla-releng/cot/graph"
)

// Encoding is a content coding (RFC 9110 §8.4.1). The zero value is none.
type Encoding string

// Encodings. A name that ends in ".gz" is not one.
const (
	Identity Encoding = "identity"
	Gzip     Encoding = "gzip"
)

func encodingOf(h http.Header) (Encoding, error) {
	s := strings.Join(h.Values("Content-Encoding"), ", ")
	switch {
	case s == "" || strings.EqualFold(s, "identity"):
		return Identity, nil
	case strings.EqualFold(s, "gzip"):
		return Gzip, nil
	}
	return "", fmt.Errorf("content encoding %q: want gzip or none", clip(s))
}

// Decode gives the decoded content of an encoded body. More than limit decoded
// bytes are an error of reason TooLarge, never a silent end; bytes that are not
// in the encoding are Malformed. Errors of body stay what they are.
func Decode(what string, body io.Reader, enc Encoding, limit int64) io.Reader {
	d := &decoder{what: what, limit: limit, left: limit}
	switch enc {
	case Identity:
		d.src = body
	case Gzip:
		// Members that hold nothing decode to nothing, so the encoded size needs
		// its own bound: deflate adds at most 5 bytes in 16 KiB.
		d.encoded = &bounded{r: body, left: limit + limit/1024 + 64<<10}
	default:
		d.err = d.fail(graph.Malformed, fmt.Sprintf("encoding %q", string(enc)))
	}
	return d
}

type decoder struct {
	what    string
	limit   int64
	left    int64
	src     io.Reader
	encoded *bounded
	err     error

	unzipper *gzip.Reader // back to the others when it has ended
}

func (d *decoder) fail(reason graph.Reason, detail string) error {
	return &graph.UnavailableError{What: d.what, Reason: reason, Detail: detail}
}

func (d *decoder) tooLarge() error {
	return d.fail(graph.TooLarge, fmt.Sprintf("more than the limit of %d bytes", d.limit))
}

func (d *decoder) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if d.src == nil { // the gzip header is read here, not where the caller asks for a stream
		zr, ok := unzippers.Get().(*gzip.Reader)
		if !ok {
			zr = &gzip.Reader{}
		}
		if err := zr.Reset(d.encoded); err != nil {
			unzippers.Put(zr)
			d.err = d.explain(err)
			return 0, d.err
		}
		d.src, d.unzipper = zr, zr
	}
	if int64(len(p)) > d.left+1 {
		p = p[:d.left+1]
	}
	n, err := d.src.Read(p)
	if int64(n) > d.left {
		n, err = int(d.left), d.tooLarge()
	}
	d.left -= int64(n)
	if err != nil && err != io.EOF {
		err = d.explain(err)
	}
	d.err = err
	if err != nil && d.unzipper != nil { // nothing is read any more
		d.src, d.encoded.r = nil, nil
		unzippers.Put(d.unzipper)
		d.unzipper = nil
	}
	return n, err
}

// unzippers have a window of 32 KiB each, which most of what is fetched does not
// even fill.
var unzippers sync.Pool

func (d *decoder) explain(err error) error {
	var unavailable *graph.UnavailableError
	switch {
	case d.encoded == nil || errors.As(err, &unavailable):
		return err
	case d.encoded.over:
		return d.tooLarge()
	case d.encoded.err != nil && d.encoded.err != io.EOF:
		return d.encoded.err
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		return d.fail(graph.Malformed, "gzip data ends too early")
	}
	return d.fail(graph.Malformed, "not gzip data: "+err.Error())
}

// bounded is a reader that fails past a bound and remembers why it ended.
type bounded struct {
	r    io.Reader
	left int64
	over bool
	err  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.over = true
		return 0, io.ErrShortBuffer
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	b.err = err
	return n, err
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:197] + "..."
	}
	return s
}
