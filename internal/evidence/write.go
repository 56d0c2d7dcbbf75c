package evidence

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
)

// windowBytes is zstd's window: what reading a bundle takes of memory.
const windowBytes = 8 << 20

// Write writes the bundle of what was asked until now. Equal answers give equal
// bytes.
func (r *Recorder) Write(w io.Writer, about About) error {
	entries, err := r.complete()
	if err != nil {
		return err
	}
	m, err := r.manifest(entries, about)
	if err != nil {
		return err
	}
	blobs, err := m.wanted()
	if err != nil {
		return err
	}
	head, err := encode(m)
	if err != nil {
		return err
	}
	if len(head) > maxManifestBytes {
		return fmt.Errorf("the manifest would have %d bytes, more than the %d that are read", len(head), maxManifestBytes)
	}
	// One goroutine: that is deterministic, and memory is what a window takes.
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(windowBytes), zstd.WithEncoderCRC(true))
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	err = addMember(t, manifestName, int64(len(head)), bytes.NewReader(head))
	for _, d := range blobs {
		if err != nil {
			break
		}
		b, ok := r.pack.find(d)
		if !ok {
			err = fmt.Errorf("blob %s is not kept", d)
			break
		}
		err = addMember(t, blobFolder+d.String(), b.size, r.pack.open(b))
	}
	if err != nil {
		return errors.Join(err, z.Close())
	}
	return errors.Join(t.Close(), z.Close())
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
		m.Policy.Files = append(m.Policy.Files, fileRecord{f.Name, d.String()})
	}
	for _, e := range entries {
		a := answerRecord{Question: e.question, Unavailable: e.refusal}
		if e.refusal == nil {
			a.Blob = e.sum.String()
		}
		m.Answers = append(m.Answers, a)
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

func addMember(t *tar.Writer, name string, size int64, r io.Reader) error {
	if err := t.WriteHeader(memberHeader(name, size)); err != nil {
		return err
	}
	n, err := io.Copy(t, r)
	if err == nil && n != size {
		err = fmt.Errorf("%s has %d bytes, %d were kept", name, size, n)
	}
	return err
}
