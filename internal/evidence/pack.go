package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
)

// digest is the SHA-256 of a blob.
type digest [sha256.Size]byte

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes 64 lower-case hex digits.
func (d digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads nothing else.
func (d *digest) UnmarshalText(s []byte) error {
	b, err := hex.DecodeString(string(s))
	if err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != string(s) {
		return fmt.Errorf("%.80q is no SHA-256: want 64 lower-case hex digits", s)
	}
	*d = digest(b)
	return nil
}

// pack holds blobs by their digest in one private file, which goes with it.
type pack struct {
	file *os.File

	mu    sync.Mutex
	end   int64
	blobs map[digest]blob
}

// blob is where a blob's bytes are: several are written at a time, each in
// pieces.
type blob struct {
	size   int64
	pieces []piece
}

type piece struct{ at, size int64 }

// pieceBytes is how much of a blob is held in memory before it is written.
const pieceBytes = 256 << 10

// newPack makes the file in a directory; "" is the system's own for such files.
func newPack(dir string) (*pack, error) {
	f, err := os.CreateTemp(dir, ".cot-evidence-*")
	if err != nil {
		return nil, err
	}
	// Where a file may lose its name while it is open, nothing can be left
	// behind; elsewhere it is removed by close.
	_ = os.Remove(f.Name())
	return &pack{file: f, blobs: map[digest]blob{}}, nil
}

func (p *pack) close() error {
	err := p.file.Close()
	_ = os.Remove(p.file.Name())
	return err
}

func (p *pack) write(data []byte) (piece, error) {
	p.mu.Lock()
	at := piece{p.end, int64(len(data))}
	p.end += at.size
	p.mu.Unlock()
	_, err := p.file.WriteAt(data, at.at)
	return at, err
}

func (p *pack) find(d digest) (blob, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.blobs[d]
	return b, ok
}

// open streams a blob.
func (p *pack) open(b blob) io.Reader {
	readers := make([]io.Reader, len(b.pieces))
	for i, e := range b.pieces {
		readers[i] = io.NewSectionReader(p.file, e.at, e.size)
	}
	return io.MultiReader(readers...)
}

func (p *pack) read(b blob) ([]byte, error) {
	data := make([]byte, b.size)
	if n, err := io.ReadFull(p.open(b), data); err != nil {
		return nil, fmt.Errorf("read %d of %d bytes of a kept answer: %w", n, b.size, err)
	}
	return data, nil
}

// add keeps bytes that are at hand.
func (p *pack) add(data []byte) (digest, error) {
	w := p.writer()
	if _, err := w.Write(data); err != nil {
		return digest{}, err
	}
	return w.done()
}

// packWriter adds one blob.
type packWriter struct {
	pack *pack
	hash hash.Hash
	buf  []byte
	blob blob
}

func (p *pack) writer() *packWriter { return &packWriter{pack: p, hash: sha256.New()} }

func (w *packWriter) Write(data []byte) (int, error) {
	w.hash.Write(data)
	w.buf = append(w.buf, data...)
	w.blob.size += int64(len(data))
	if len(w.buf) < pieceBytes {
		return len(data), nil
	}
	return len(data), w.flush()
}

func (w *packWriter) flush() error {
	at, err := w.pack.write(w.buf)
	w.blob.pieces, w.buf = append(w.blob.pieces, at), w.buf[:0]
	return err
}

// done is called after the last byte.
func (w *packWriter) done() (digest, error) {
	d := digest(w.hash.Sum(nil))
	if _, known := w.pack.find(d); known {
		return d, nil
	}
	if len(w.buf) > 0 {
		if err := w.flush(); err != nil {
			return d, err
		}
	}
	w.pack.mu.Lock()
	defer w.pack.mu.Unlock()
	w.pack.blobs[d] = w.blob
	return d, nil
}
