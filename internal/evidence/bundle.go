package evidence

import (
	"context"
	"fmt"
	"io"

	"github.com/mozilla-releng/cot/trace"
)

// Bundle answers from what was recorded. It asks nobody else.
type Bundle struct {
	pack  *pack
	about About
	sum   digest
	known map[string]known // by the question's key
}

// known is an answer: a blob, or why there is none.
type known struct {
	sum     digest
	refusal *refusal
}

// About is what the bundle says of itself.
func (b *Bundle) About() About { return b.about }

// SHA256 is that of the file, of all bytes that were read, in hex.
func (b *Bundle) SHA256() string { return b.sum.String() }

// Close lets go of what was unpacked.
func (b *Bundle) Close() error { return b.pack.close() }

// Sources answer what the bundle was answered. Anything else is an error of
// reason NotRecorded. projects is the URL of the project list that policy names.
func (b *Bundle) Sources(projects string) trace.Sources {
	return (&sources{answers: b, projects: projects}).all()
}

// find gives the blob of an answer.
func (b *Bundle) find(q question) (blob, error) {
	a, ok := b.known[q.key()]
	switch {
	case !ok:
		return blob{}, notRecorded(q)
	case a.refusal != nil:
		return blob{}, a.refusal.err()
	}
	at, ok := b.pack.find(a.sum)
	if !ok {
		return blob{}, malformed(q, fmt.Errorf("blob %s is missing", a.sum))
	}
	return at, nil
}

func (b *Bundle) answer(ctx context.Context, q question, _ func() ([]byte, error)) ([]byte, error) {
	at, err := b.find(q)
	switch {
	case err != nil:
		return nil, err
	case at.size > maxAnswerBytes:
		return nil, tooLarge(q, at.size, maxAnswerBytes)
	}
	data, err := b.pack.read(at)
	if err != nil {
		return nil, malformed(q, err)
	}
	return data, ctx.Err()
}

func (b *Bundle) content(_ context.Context, q question, limit int64, _ func() (io.ReadCloser, error)) (io.ReadCloser, error) {
	at, err := b.find(q)
	if err != nil {
		return nil, err
	}
	return b.pack.content(q, at, limit)
}
