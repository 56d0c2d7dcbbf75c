package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

const taskText = `{"taskQueueId":"a/b","taskGroupId":"AAAAAAAAQAAAAAAAAAAAAA","created":"2026-06-15T06:00:00.123Z",` +
	`"dependencies":[],"payload":{"big":12345678901234567890,"exp":1e2,"one":1.0,"text":"\u00e9\u2028<&>","none":null,"list":[{},[]]}}`

func id(t testing.TB, n int) graph.TaskID {
	t.Helper()
	task, err := graph.ParseTaskID(fmt.Sprintf("%022d", n))
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func repository(t testing.TB) tree.Tree {
	t.Helper()
	r, err1 := tree.ParseRepository("https://github.com/o/r")
	v, err2 := tree.ParseRevision(strings.Repeat("a", 40))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return tree.Tree{Repository: r, Revision: v}
}

// services are live sources that count what they are asked.
type services struct {
	t     testing.TB
	asked map[string]int
	err   error // of every answer
	body  func() io.ReadCloser
	keeps []string
}

func (s *services) ask(what string) error {
	s.asked[what]++
	return s.err
}

func (s *services) sources() trace.Sources {
	return trace.Sources{Tasks: s, Artifacts: s, Index: s, Groups: s, VCS: s, GitHub: s, Revocation: s}
}

func (s *services) task(id graph.TaskID) *graph.Task {
	d, err := graph.ParseDefinition([]byte(taskText))
	if err != nil {
		s.t.Fatal(err)
	}
	at := time.Date(2026, 6, 15, 6, 0, 0, 123456789, time.UTC)
	return &graph.Task{ID: id, Definition: d, State: graph.Running, Runs: []graph.Run{
		{ID: 0, State: graph.Exception, Reason: "worker-shutdown", WorkerGroup: "g", WorkerID: "w", Scheduled: at, Started: at, Resolved: at},
		{ID: 1, State: graph.Pending, Scheduled: at},
	}}
}

func (s *services) Task(_ context.Context, id graph.TaskID) (*graph.Task, error) {
	return s.task(id), s.ask("task")
}

func (s *services) Group(context.Context, graph.TaskID) (*graph.Group, error) {
	g := &graph.Group{Sealed: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Growing: true}
	g.ID, _ = graph.ParseTaskID("AAAAAAAAQAAAAAAAAAAAAA")
	for n := range 3 {
		g.Tasks = append(g.Tasks, listed(s.task(id(s.t, 3-n))))
	}
	return g, s.ask("group")
}

func (s *services) FindTask(context.Context, string) (graph.TaskID, error) {
	return id(s.t, 7), s.ask("index")
}

func (s *services) Artifacts(context.Context, graph.RunRef) (map[string]graph.Artifact, error) {
	return map[string]graph.Artifact{
		"b": {Name: "b", Storage: graph.S3, Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		"a": {Name: "a", Storage: graph.Link},
	}, s.ask("listing")
}

func (s *services) Open(context.Context, graph.RunRef, string, int64) (io.ReadCloser, error) {
	if err := s.ask("artifact"); err != nil {
		return nil, err
	}
	if s.body != nil {
		return s.body(), nil
	}
	return io.NopCloser(bytes.NewReader(large)), nil
}

// large has several pieces, and a rest.
var large = bytes.Repeat([]byte("0123456789abcdef"), 3*pieceBytes/16+5)

func (s *services) Pushes(_ context.Context, t tree.Tree) ([]trace.Push, error) {
	return []trace.Push{{ID: "5", User: "u", Date: 1, Changesets: []trace.Changeset{
		{Node: t.Revision, Parents: []string{"x"}, Desc: "d"}, {Node: t.Revision},
	}}}, s.ask("pushes")
}

func (s *services) File(context.Context, tree.Tree, string, int64) ([]byte, error) {
	return []byte("file\xff"), s.ask("file")
}

func (s *services) Projects(context.Context) ([]byte, error) { return []byte("p"), s.ask("projects") }

func (s *services) object(what string) (map[string]any, error) {
	return map[string]any{"what": what, "id": strictjson.Number("1234567890123456789012"), "none": nil, "list": []any{true, "x"}}, s.ask(what)
}

func (s *services) Repository(context.Context, tree.Repository) (map[string]any, error) {
	return s.object("repository")
}

func (s *services) Commit(context.Context, tree.Tree) (map[string]any, error) {
	return s.object("commit")
}

func (s *services) PullRequest(context.Context, tree.Repository, int64) (map[string]any, error) {
	return s.object("pull")
}

func (s *services) PullRequestCommits(context.Context, tree.Repository, int64) ([]tree.Revision, error) {
	return []tree.Revision{repository(s.t).Revision}, s.ask("pull commits")
}

func (s *services) Release(context.Context, tree.Repository, string) (map[string]any, error) {
	return s.object("release")
}

func (s *services) Resolve(context.Context, tree.Repository, string) (trace.Ref, error) {
	other, err := tree.ParseRevision(strings.Repeat("b", 40))
	return trace.Ref{Object: other, Commit: repository(s.t).Revision}, errors.Join(err, s.ask("ref"))
}

func (s *services) Branches(context.Context, tree.Repository, string) ([]string, error) {
	return []string{"main", "\u00e9"}, s.ask("branches")
}

func (s *services) Contains(context.Context, tree.Tree, string) (bool, error) {
	return true, s.ask("contains")
}

func (s *services) CRL(context.Context, string) ([]byte, error) { return []byte("crl"), s.ask("crl") }

func (s *services) OCSP(_ context.Context, _ string, request []byte) ([]byte, error) {
	return append([]byte("to "), request...), s.ask("ocsp")
}
func (s *services) Keep(url string) { s.keeps = append(s.keeps, url) }

// questions asks everything that can be asked, and gives the answers.
func questions(t testing.TB, ctx context.Context, s trace.Sources) map[string]any {
	t.Helper()
	out := map[string]any{}
	put := func(name string, v any, err error) {
		if err != nil {
			v = err
		}
		out[name] = v
	}
	tr, run := repository(t), graph.RunRef{Task: id(t, 1), Run: 2}
	group, _ := graph.ParseTaskID("AAAAAAAAQAAAAAAAAAAAAA")
	task, err := s.Tasks.Task(ctx, id(t, 1))
	put("task", task, err)
	if err == nil {
		put("definition", task.Definition.Value(), nil)
	}
	g, err := s.Groups.Group(ctx, group)
	put("group", g, err)
	found, err := s.Index.FindTask(ctx, "a.b")
	put("index", found, err)
	listing, err := s.Artifacts.Artifacts(ctx, run)
	put("listing", listing, err)
	body, err := s.Artifacts.Open(ctx, run, "name", 1<<30)
	if err == nil {
		var data []byte
		data, err = io.ReadAll(body)
		put("artifact", string(data), errors.Join(err, body.Close()))
	} else {
		put("artifact", nil, err)
	}
	pushes, err := s.VCS.Pushes(ctx, tr)
	put("pushes", pushes, err)
	file, err := s.VCS.File(ctx, tr, "path", 100)
	put("file", string(file), err)
	projects, err := s.VCS.Projects(ctx)
	put("projects", string(projects), err)
	for name, f := range map[string]func() (any, error){
		"repository":   func() (any, error) { return s.GitHub.Repository(ctx, tr.Repository) },
		"commit":       func() (any, error) { return s.GitHub.Commit(ctx, tr) },
		"pull":         func() (any, error) { return s.GitHub.PullRequest(ctx, tr.Repository, 5) },
		"pull commits": func() (any, error) { return s.GitHub.PullRequestCommits(ctx, tr.Repository, 5) },
		"release":      func() (any, error) { return s.GitHub.Release(ctx, tr.Repository, "v1") },
		"ref":          func() (any, error) { return s.GitHub.Resolve(ctx, tr.Repository, "refs/heads/main") },
		"branches":     func() (any, error) { return s.GitHub.Branches(ctx, tr.Repository, "m") },
		"contains":     func() (any, error) { return s.GitHub.Contains(ctx, tr, "refs/heads/main") },
		"crl":          func() (any, error) { return s.Revocation.CRL(ctx, "http://a/") },
		"ocsp":         func() (any, error) { return s.Revocation.OCSP(ctx, "http://a/", []byte("request")) },
	} {
		v, err := f()
		put(name, v, err)
	}
	return out
}
