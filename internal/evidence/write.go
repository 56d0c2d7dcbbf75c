package evidence

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

// windowBytes is zstd's window: what reading a bundle takes of memory.
const windowBytes = 8 << 20

// Write writes the bundle of what was asked until now. Equal answers give equal
// bytes.
func (r *Recorder) Write(w io.Writer, about About) error {
	return r.writeWithin(w, about, unpackedLimit)
}

func (r *Recorder) writeWithin(w io.Writer, about About, limit func(packed int64) int64) error {
	entries, err := r.complete()
	if err != nil {
		return err
	}
	m, err := r.manifest(entries, about)
	if err != nil {
		return err
	}
	head, err := r.keepManifest(m)
	if err != nil {
		return err
	}
	// One goroutine: that is deterministic, and memory is what a window takes.
	packed, plain := &counted{w: w}, &counted{}
	z, err := zstd.NewWriter(packed, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(windowBytes), zstd.WithEncoderCRC(true), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return err
	}
	plain.w = z
	t, buf := tar.NewWriter(plain), make([]byte, copyBytes)
	err = addMember(t, manifestName, head.size, r.pack.open(head), buf)
	for _, d := range m.wanted() {
		if err != nil {
			break
		}
		b, ok := r.pack.find(d)
		if !ok {
			err = fmt.Errorf("blob %s is not kept", d)
			break
		}
		err = addMember(t, blobFolder+d.String(), b.size, r.pack.open(b), buf)
	}
	if err != nil {
		return errors.Join(err, z.Close())
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return err
	}
	if plain.n > limit(packed.n) { // what Open would take for a bomb
		return fmt.Errorf("%d bytes of answers shrink to %d: no bundle is read that unpacks to so much more", plain.n, packed.n)
	}
	return nil
}

// counted counts what is written.
type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// keepManifest writes it to where the answers are: it may have some megabytes.
func (r *Recorder) keepManifest(m *manifest) (blob, error) {
	w := r.pack.writer()
	if err := json.MarshalWrite(w, m, jsonOptions); err != nil {
		return blob{}, err
	}
	d, err := w.done()
	if err != nil {
		return blob{}, err
	}
	b, _ := r.pack.find(d)
	if b.size > maxManifestBytes {
		return b, fmt.Errorf("the manifest would have %d bytes, more than the %d that are read", b.size, maxManifestBytes)
	}
	return b, nil
}

func (r *Recorder) manifest(entries []*asked, about About) (*manifest, error) {
	m := &manifest{
		APIVersion: formatVersion, RecordedAt: about.RecordedAt.UTC(), RootURL: about.RootURL, Version: about.Version,
		Targets: append([]string{}, about.Targets...), Groups: append([]string{}, about.Groups...), Self: about.Self, Verdict: about.Verdict,
		Policy: policyRecord{Name: about.Policy.Name, SHA256: about.Policy.SHA256, Files: []fileRecord{}}, Answers: []answerRecord{},
	}
	if about.At != nil {
		at := about.At.UTC()
		m.At = &at
	}
	for _, f := range about.Policy.Files {
		d, err := r.pack.add(f.Data)
		if err != nil {
			return nil, err
		}
		m.Policy.Files = append(m.Policy.Files, fileRecord{f.Name, d})
	}
	for _, e := range entries {
		m.Answers = append(m.Answers, answerRecord{Question: e.question, Blob: e.sum, Unavailable: e.refusal})
	}
	slices.SortFunc(m.Answers, func(a, b answerRecord) int { return a.Question.compare(b.Question) })
	return m, nil
}

// memberHeader is the one form that members have.
func memberHeader(name string, size int64) *tar.Header {
	return &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
	}
}

// copyBytes is how much of a member is copied at a time: by one buffer, for
// there are many.
const copyBytes = 64 << 10

func addMember(t *tar.Writer, name string, size int64, r io.Reader, buf []byte) error {
	if size > maxBlobBytes {
		return fmt.Errorf("%s has %d bytes, more than the %d that are read", name, size, int64(maxBlobBytes))
	}
	if err := t.WriteHeader(memberHeader(name, size)); err != nil {
		return err
	}
	n, err := io.CopyBuffer(t, onlyReader{r}, buf)
	if err == nil && n != size {
		err = fmt.Errorf("%s has %d bytes, %d were kept", name, size, n)
	}
	return err
}
