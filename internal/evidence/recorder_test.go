package evidence

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

var recordedAt = time.Date(2026, 6, 15, 12, 0, 0, 5, time.UTC)

func about() About {
	return About{
		RecordedAt: recordedAt, RootURL: "https://tc.example.com", Version: "v1", Targets: []string{"x"}, Verdict: "verified",
		Policy: Policy{Name: "p", SHA256: strings.Repeat("0", 64), Files: []File{{"", []byte("name: p\n")}, {"roots.pem", []byte("pem")}}},
	}
}

func record(t testing.TB, live trace.Sources) *Recorder {
	t.Helper()
	r, err := NewRecorder(RecorderConfig{Live: live, Projects: "https://projects/", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func written(t testing.TB, r *Recorder) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, about()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, data []byte) *Bundle {
	t.Helper()
	b, err := Open(t.Context(), bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

var comparable = cmp.Options{
	cmp.AllowUnexported(graph.TaskID{}, tree.Revision{}),
	cmp.Comparer(func(a, b *graph.Definition) bool { return cmp.Equal(a.Value(), b.Value()) }),
	cmp.Comparer(func(a, b graph.Packed) bool { return cmp.Equal(a.Definition().Value(), b.Definition().Value()) }),
	cmp.Comparer(func(a, b error) bool { return cmp.Equal(refusalOf(a), refusalOf(b)) }),
}

func newServices(t testing.TB) *services { return &services{t: t, asked: map[string]int{}} }

func TestEveryAnswerIsReplayed(t *testing.T) {
	s := newServices(t)
	want := questions(t, t.Context(), s.sources())
	clear(s.asked)
	r := record(t, s.sources())
	for range 2 {
		if d := cmp.Diff(want, questions(t, t.Context(), r.Sources()), comparable); d != "" {
			t.Errorf("recorded (+) is not what was answered:\n%s", d)
		}
	}
	for what, n := range s.asked {
		if n != 1 {
			t.Errorf("%s was asked %d times", what, n)
		}
	}
	b := open(t, written(t, r))
	if d := cmp.Diff(want, questions(t, t.Context(), b.Sources("https://projects/")), comparable); d != "" {
		t.Errorf("replayed (+) is not what was answered:\n%s", d)
	}
	said := about()
	said.Groups, said.Policy.Files = []string{}, nil
	if d := cmp.Diff(said, b.About()); d != "" {
		t.Errorf("the bundle says (+) of itself:\n%s", d)
	}
	for _, v := range questions(t, t.Context(), open(t, written(t, record(t, s.sources()))).Sources("")) {
		wantReason(t, v, graph.NotRecorded)
	}
	if _, err := b.Sources("https://other/").VCS.Projects(t.Context()); err == nil {
		t.Error("another project list is answered")
	}
	if _, err := b.Sources("").Revocation.OCSP(t.Context(), "http://a/", []byte("another")); err == nil {
		t.Error("another OCSP request is answered")
	}
}

func wantReason(t *testing.T, v any, want graph.Reason) {
	t.Helper()
	err, _ := v.(error)
	var u *graph.UnavailableError
	if !errors.As(err, &u) || u.Reason != want {
		t.Errorf("%v, want an error of reason %q", v, want)
	}
}

func TestRefusalsAreReplayed(t *testing.T) {
	for _, err := range []error{
		&graph.UnavailableError{What: "x", Reason: graph.NotFound, Detail: "status 404", Hint: "look"},
		&graph.UnavailableError{What: "x", Reason: graph.Unreachable},
		errors.New("no reason at all"),
	} {
		s := newServices(t)
		s.err = err
		r := record(t, s.sources())
		b := open(t, askedAndWritten(t, r))
		for _, sources := range []trace.Sources{r.Sources(), b.Sources("https://projects/")} {
			for name, v := range questions(t, t.Context(), sources) {
				if got, _ := v.(error); !cmp.Equal(refusalOf(got), refusalOf(err)) {
					t.Errorf("%s: %v, want %v", name, got, err)
				}
			}
		}
	}
}

// askedAndWritten asks everything and writes it.
func askedAndWritten(t *testing.T, r *Recorder) []byte {
	questions(t, t.Context(), r.Sources())
	return written(t, r)
}

// Who gives up is no answer: the next one asks again.
func TestCancelledQuestionsAreNotAnswers(t *testing.T) {
	s := newServices(t)
	s.err = context.Canceled
	r := record(t, s.sources())
	questions(t, t.Context(), r.Sources())
	if entries, err := r.complete(); err != nil || len(entries) != 0 {
		t.Errorf("%d answers, %v", len(entries), err)
	}
	s.err = nil
	questions(t, t.Context(), r.Sources())
	if entries, err := r.complete(); err != nil || len(entries) != 21 {
		t.Errorf("%d answers, %v, want 21", len(entries), err)
	}
}

func TestWhatIsReadInPartIsReadToItsEnd(t *testing.T) {
	s := newServices(t)
	r := record(t, s.sources())
	run := graph.RunRef{Task: id(t, 1)}
	body, err := r.Sources().Artifacts.Open(t.Context(), run, "a", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = body.Read(make([]byte, 10))
	if err := errors.Join(body.Close(), body.Close()); err != nil {
		t.Fatal(err)
	}
	b := open(t, written(t, r))
	if got, err := readAll(b.Sources("").Artifacts.Open(t.Context(), run, "a", 1<<30)); err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d bytes, %v, want %d", len(got), err, len(large))
	}
	_, err = readAll(b.Sources("").Artifacts.Open(t.Context(), run, "a", int64(len(large)-1)))
	wantReason(t, err, graph.TooLarge)
	if _, err = readAll(b.Sources("").Artifacts.Open(t.Context(), run, "a", int64(len(large)))); err != nil {
		t.Error(err)
	}
}

func readAll(r io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// A stream that fails in the middle is no content, whoever reads it how far.
func TestBrokenStreamIsARefusal(t *testing.T) {
	for _, read := range []int{0, 5, 1000} {
		broken := &graph.UnavailableError{What: "artifact", Reason: graph.StorageCorrupted, Detail: "other bytes"}
		s := newServices(t)
		s.body = func() io.ReadCloser {
			return io.NopCloser(io.MultiReader(strings.NewReader("0123456789"), iotest.ErrReader(broken)))
		}
		r := record(t, s.sources())
		run := graph.RunRef{Task: id(t, 1)}
		body, err := r.Sources().Artifacts.Open(t.Context(), run, "a", 100)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadFull(body, make([]byte, read))
		_ = body.Close()
		for _, sources := range []trace.Sources{r.Sources(), open(t, written(t, r)).Sources("")} {
			_, err := readAll(sources.Artifacts.Open(t.Context(), run, "a", 100))
			wantReason(t, err, graph.StorageCorrupted)
		}
	}
}

// Two that want the same at once get one answer.
func TestQuestionsAreAskedOnceAtATime(t *testing.T) {
	s := newServices(t)
	r := record(t, s.sources())
	run := graph.RunRef{Task: id(t, 1)}
	first, err := r.Sources().Artifacts.Open(t.Context(), run, "a", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte)
	go func() {
		data, _ := readAll(r.Sources().Artifacts.Open(t.Context(), run, "a", 1<<30))
		got <- data
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Sources().Artifacts.Open(ctx, run, "a", 1<<30); !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up waits: %v", err)
	}
	_ = first.Close()
	if data := <-got; !bytes.Equal(data, large) || s.asked["artifact"] != 1 {
		t.Errorf("%d bytes, asked %d times", len(data), s.asked["artifact"])
	}
}

// The verdict does not hang on the disk; the bundle does.
func TestAFullDiskCostsTheBundleAlone(t *testing.T) {
	s := newServices(t)
	want := questions(t, t.Context(), s.sources())
	r := record(t, s.sources())
	_ = r.pack.file.Close()
	if d := cmp.Diff(want, questions(t, t.Context(), r.Sources()), comparable); d != "" {
		t.Errorf("answers differ:\n%s", d)
	}
	if err := r.Write(io.Discard, about()); err == nil || !strings.Contains(err.Error(), "could not be kept") {
		t.Errorf("a bundle of what was not kept: %v", err)
	}
}

func TestEqualAnswersGiveEqualBytes(t *testing.T) {
	a := askedAndWritten(t, record(t, newServices(t).sources()))
	b := askedAndWritten(t, record(t, newServices(t).sources()))
	if !bytes.Equal(a, b) {
		t.Error("two bundles of the same answers differ")
	}
}

func TestSourcesThatAreMissingStayMissing(t *testing.T) {
	s := newServices(t)
	got := record(t, trace.Sources{Tasks: s, Artifacts: s}).Sources()
	if got.Index != nil || got.Groups != nil || got.VCS != nil || got.GitHub != nil || got.Revocation != nil {
		t.Errorf("%+v", got)
	}
}

func TestListsAreKeptByTheLiveSources(t *testing.T) {
	s := newServices(t)
	for _, sources := range []trace.Sources{record(t, s.sources()).Sources(), open(t, written(t, record(t, s.sources()))).Sources("")} {
		k, ok := sources.Revocation.(interface{ Keep(url string) })
		if !ok {
			t.Fatal("it is no keeper")
		}
		k.Keep("http://a/")
	}
	if len(s.keeps) != 1 {
		t.Errorf("kept %q", s.keeps)
	}
}

// Nobody's choice of bytes keeps a bundle from being written.
func TestQuestionsThatAreNoTextAreLeftOut(t *testing.T) {
	r := record(t, newServices(t).sources())
	for _, url := range []string{"http://a/\xff", "http://a/\u00ff"} {
		if _, err := r.Sources().Revocation.CRL(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, written(t, r)).Sources("")
	_, err := b.Revocation.CRL(t.Context(), "http://a/\xff")
	wantReason(t, err, graph.NotRecorded)
	if _, err := b.Revocation.CRL(t.Context(), "http://a/\u00ff"); err != nil {
		t.Error(err)
	}
}
