package download

import (
	"io"
	"sync/atomic"
)

const (
	beltBuffers = 6
	bufferSize  = 512 << 10
	// writeSize is how much is written at once. More makes ext4 fill the page
	// cache with folios so large that a virtual machine often has to get them
	// from its host first: three times the processor time was seen.
	writeSize = 64 << 10
)

// belt moves bytes from a source through a hash into a file, so that reading,
// hashing and writing overlap. One worker owns it and uses it for one artifact
// at a time; its buffers are made when first needed.
type belt struct{ free chan []byte }

func newBelt() *belt { return &belt{free: make(chan []byte, beltBuffers)} }

// buffer gives a free buffer; made counts those that exist.
func (b *belt) buffer(made *int) []byte {
	select {
	case buf := <-b.free:
		return buf
	default:
	}
	if *made < beltBuffers {
		*made++
		return make([]byte, bufferSize)
	}
	return <-b.free
}

// writeError marks an error as the file's, not the source's.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

// run moves all of src. It returns how much that was, with the source's error,
// or the file's as writeError. sum sees every byte; file may be nil.
func (b *belt) run(src io.Reader, sum func([]byte), file io.Writer) (int64, error) {
	made := len(b.free)
	buf := b.buffer(&made)
	n, err := fill(src, buf)
	if err != nil { // all there is: no need for goroutines
		sum(buf[:n])
		if err == io.EOF {
			err = write(file, buf[:n])
		}
		b.free <- buf
		return int64(n), err
	}

	hashed, written := make(chan []byte, beltBuffers), make(chan []byte, beltBuffers)
	var stop atomic.Bool
	go func() {
		for p := range hashed {
			sum(p)
			written <- p
		}
		close(written)
	}()
	failed := make(chan error, 1)
	go func() {
		var werr error
		for p := range written {
			if werr == nil {
				if werr = write(file, p); werr != nil {
					stop.Store(true)
				}
			}
			b.free <- p[:bufferSize]
		}
		failed <- werr
	}()

	total := int64(n)
	hashed <- buf[:n]
	for err == nil && !stop.Load() {
		buf = b.buffer(&made)
		n, err = fill(src, buf)
		total += int64(n)
		hashed <- buf[:n]
	}
	close(hashed)
	if werr := <-failed; werr != nil {
		return total, werr
	}
	if err == io.EOF {
		err = nil
	}
	return total, err
}

func write(file io.Writer, p []byte) error {
	for len(p) > 0 && file != nil {
		n := min(len(p), writeSize)
		if _, err := file.Write(p[:n]); err != nil {
			return writeError{err}
		}
		p = p[n:]
	}
	return nil
}

// fill reads until p is full or the source ends, and keeps the source's error
// as it is.
func fill(src io.Reader, p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := src.Read(p[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
