package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
)

// RecorderConfig says what is recorded, and where it is kept meanwhile.
type RecorderConfig struct {
	Live     trace.Sources
	Projects string // the URL that Live.VCS has its project list from
	Dir      string // "" is the system's own directory for such files
}

// Recorder asks live sources each question once, and keeps the answers. What
// went wrong with keeping them changes no answer; Write reports it. It is safe
// for concurrent use.
type Recorder struct {
	config RecorderConfig
	pack   *pack

	mu     sync.Mutex
	asked  map[string]*asked
	failed error // the first that went wrong with keeping
}

// asked is a question and what it was answered.
type asked struct {
	question question
	done     chan struct{} // closed when somebody has the answer, or gave up

	kept    bool // there is an answer: sum's, or refusal
	sum     digest
	refusal *refusal
}

// refusal is the form in which a bundle has an error.
type refusal struct {
	What   string `json:"what"`
	Reason string `json:"reason"` // graph.Reason; "" for an error that gives none
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

func refusalOf(err error) *refusal {
	r := refusal{What: err.Error()}
	if u := (*graph.UnavailableError)(nil); errors.As(err, &u) {
		r = refusal{What: u.What, Reason: string(u.Reason), Detail: u.Detail, Hint: u.Hint}
	}
	for _, s := range []*string{&r.What, &r.Detail, &r.Hint} {
		*s = strings.ToValidUTF8(*s, "\ufffd")
	}
	return &r
}

func (r *refusal) err() error {
	if r.Reason == "" {
		return errors.New(r.What)
	}
	return &graph.UnavailableError{What: r.What, Reason: graph.Reason(r.Reason), Detail: r.Detail, Hint: r.Hint}
}

// NewRecorder opens the file that answers are kept in until Close.
func NewRecorder(c RecorderConfig) (*Recorder, error) {
	p, err := newPack(c.Dir)
	if err != nil {
		return nil, err
	}
	return &Recorder{config: c, pack: p, asked: map[string]*asked{}}, nil
}

// Close lets go of the answers.
func (r *Recorder) Close() error { return r.pack.close() }

// Sources are the live ones, recorded. What those lack, these lack.
func (r *Recorder) Sources() trace.Sources {
	live := r.config.Live
	out := (&sources{answers: r, live: live, projects: r.config.Projects}).all()
	if live.Index == nil {
		out.Index = nil
	}
	if live.Groups == nil {
		out.Groups = nil
	}
	if live.VCS == nil {
		out.VCS = nil
	}
	if live.GitHub == nil {
		out.GitHub = nil
	}
	if live.Revocation == nil {
		out.Revocation = nil
	}
	return out
}

// claim gives the question's entry, and whether the caller is the one to ask: it
// must settle then. All others wait for that.
func (r *Recorder) claim(ctx context.Context, q question) (e *asked, mine bool, err error) {
	for {
		r.mu.Lock()
		e, known := r.asked[q.key()]
		if !known {
			e = &asked{question: q, done: make(chan struct{})}
			r.asked[q.key()] = e
		}
		r.mu.Unlock()
		if !known {
			return e, true, nil
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
		if e.kept {
			return e, false, nil
		}
	}
}

// settle ends a claim. Without an answer the question is as if never asked.
func (r *Recorder) settle(e *asked) {
	r.mu.Lock()
	if !e.kept {
		delete(r.asked, e.question.key())
	}
	r.mu.Unlock()
	close(e.done)
}

// refuse settles with an error, and gives it as it was recorded.
func (r *Recorder) refuse(e *asked, err error) error {
	if !ended(err) {
		e.kept, e.refusal = true, refusalOf(err)
		err = e.refusal.err()
	}
	r.settle(e)
	return err
}

// ended tells errors of the caller, who gave up, from answers.
func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (r *Recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
}

// claimed is claim with what was kept if somebody asked before: the answer, or the
// refusal as the error. Without either the caller is the one to ask.
func (r *Recorder) claimed(ctx context.Context, q question) (*asked, *blob, error) {
	e, mine, err := r.claim(ctx, q)
	switch {
	case err != nil || mine:
		return e, nil, err
	case e.refusal != nil:
		return nil, nil, e.refusal.err()
	}
	b, _ := r.pack.find(e.sum)
	return e, &b, nil
}

func (r *Recorder) answer(ctx context.Context, q question, live func() ([]byte, error)) ([]byte, error) {
	e, kept, err := r.claimed(ctx, q)
	switch {
	case err != nil:
		return nil, err
	case kept != nil:
		return r.pack.read(*kept)
	}
	settled := false
	defer func() { // whoever waits is not left waiting by a panic
		if !settled {
			r.settle(e)
		}
	}()
	data, err := live()
	if err != nil {
		settled = true
		return nil, r.refuse(e, err)
	}
	if e.sum, err = r.pack.add(data); err != nil {
		r.fail(err)
		return data, nil
	}
	e.kept = true
	return data, nil
}

func (r *Recorder) content(ctx context.Context, q question, limit int64, live func() (io.ReadCloser, error)) (io.ReadCloser, error) {
	e, kept, err := r.claimed(ctx, q)
	switch {
	case err != nil:
		return nil, err
	case kept != nil:
		return r.pack.content(q, *kept, limit)
	}
	body, err := live()
	if err != nil {
		return nil, r.refuse(e, err)
	}
	return &recording{recorder: r, entry: e, body: body, into: r.pack.writer()}, nil
}

// content streams a blob as a live source would.
func (p *pack) content(q question, b blob, limit int64) (io.ReadCloser, error) {
	if b.size > limit {
		return nil, tooLarge(q, b.size, limit)
	}
	return io.NopCloser(p.open(b)), nil
}

// recording keeps what is read through it. What the reader leaves is read by
// Close: half an answer is none.
type recording struct {
	recorder *Recorder
	entry    *asked
	body     io.ReadCloser
	into     *packWriter
	err      error // that ended it; nil: it has not ended
	closed   bool
}

func (s *recording) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.body.Read(p)
	if s.into != nil {
		if _, err := s.into.Write(p[:n]); err != nil {
			s.recorder.fail(err)
			s.into = nil
		}
	}
	if err != nil && err != io.EOF && !ended(err) {
		err = refusalOf(err).err() // as it will be read back
	}
	s.err = err
	return n, err
}

func (s *recording) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	if s.err == nil {
		_, _ = io.Copy(io.Discard, onlyReader{s}) // s.err has what went wrong
	}
	closed := s.body.Close()
	if s.err != io.EOF {
		_ = s.recorder.refuse(s.entry, s.err)
		return closed
	}
	if s.into != nil {
		sum, err := s.into.done()
		if err != nil {
			s.recorder.fail(err)
		} else {
			s.entry.kept, s.entry.sum = true, sum
		}
	}
	s.recorder.settle(s.entry)
	return closed
}

// onlyReader hides all but Read.
type onlyReader struct{ io.Reader }

// complete tells whether everything that was asked can be written.
func (r *Recorder) complete() ([]*asked, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return nil, fmt.Errorf("an answer could not be kept: %w", r.failed)
	}
	var out []*asked
	for _, e := range r.asked {
		// A certificate may name any bytes as a URL; JSON has text alone. Such a
		// question is left out: the bundle has no answer to it then.
		if e.kept && !slices.ContainsFunc(e.question, func(s string) bool { return !utf8.ValidString(s) }) {
			out = append(out, e)
		}
	}
	return out, nil
}
