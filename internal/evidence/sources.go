package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"strconv"

	"github.com/mozilla-releng/cot/certs/revocation"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

// maxAnswerBytes bounds an answer that is not an artifact's content: a list of
// CRLs is the largest.
const maxAnswerBytes = revocation.MaxCRLBytes

// answers knows the answers to questions in the form that a bundle has them. live
// asks a service, where that is what answers are from.
type answers interface {
	answer(ctx context.Context, q question, live func() ([]byte, error)) ([]byte, error)
	// content streams an answer; one of more than limit bytes is an error of
	// reason TooLarge.
	content(ctx context.Context, q question, limit int64, live func() (io.ReadCloser, error)) (io.ReadCloser, error)
}

// sources are trace.Sources over answers. Whatever is judged is what was read
// back from the recorded form, live or not, by the same readers.
type sources struct {
	answers
	live     trace.Sources // zero: there is none
	projects string        // URL of the deployment's project list
}

func (s *sources) all() trace.Sources {
	return trace.Sources{Tasks: s, Artifacts: s, Index: s, Groups: s, VCS: s, GitHub: s, Revocation: s}
}

// ask gets an answer and reads it.
func ask[T any](
	ctx context.Context, s *sources, q question,
	live func() (T, error), write func(T) ([]byte, error), read func([]byte) (T, error),
) (T, error) {
	var none T
	data, err := s.answer(ctx, q, func() ([]byte, error) {
		v, err := live()
		if err != nil {
			return nil, err
		}
		return write(v)
	})
	if err != nil {
		return none, err
	}
	v, err := read(data)
	if err != nil {
		return none, malformed(q, err)
	}
	return v, nil
}

func (s *sources) Task(ctx context.Context, id graph.TaskID) (*graph.Task, error) {
	return ask(ctx, s, question{askTask, id.String()},
		func() (*graph.Task, error) { return s.live.Tasks.Task(ctx, id) }, encodeTask,
		func(data []byte) (*graph.Task, error) { return decodeTask(id, data) })
}

func (s *sources) Group(ctx context.Context, id graph.TaskID) (*graph.Group, error) {
	q := question{askGroup, id.String()}
	var fresh []*graph.Listed // just listed, and read back
	data, err := s.answer(ctx, q, func() ([]byte, error) {
		g, err := s.live.Groups.Group(ctx, id)
		if err != nil {
			return nil, err
		}
		for i, t := range g.Tasks {
			found := &graph.Task{ID: t.ID, Definition: t.Definition(), State: t.State, Runs: t.Runs}
			back, err := s.member(ctx, id, t.ID, found)
			if err != nil {
				return nil, err
			}
			g.Tasks[i] = listed(back)
		}
		fresh = g.Tasks
		return encodeGroup(g)
	})
	if err != nil {
		return nil, err
	}
	g, ids, err := decodeGroup(id, data)
	if err != nil {
		return nil, malformed(q, err)
	}
	if fresh != nil {
		g.Tasks = fresh
		return g, nil
	}
	for _, m := range ids {
		t, err := s.member(ctx, id, m, nil)
		if err != nil {
			return nil, err
		}
		if t.Definition.TaskGroupID != id {
			return nil, malformed(q, &graph.UnavailableError{What: "task " + m.String(), Reason: graph.Malformed, Detail: "it is of another group"})
		}
		g.Tasks = append(g.Tasks, listed(t))
	}
	return g, nil
}

// listed is a task as a group has it, which holds its definition packed.
func listed(t *graph.Task) *graph.Listed {
	return &graph.Listed{ID: t.ID, State: t.State, Runs: t.Runs, Packed: t.Definition.Pack()}
}

// member is a task as a group's listing has it; found is that task, where it was
// just listed.
func (s *sources) member(ctx context.Context, group, id graph.TaskID, found *graph.Task) (*graph.Task, error) {
	q := question{askMember, group.String(), id.String()}
	return ask(ctx, s, q, func() (*graph.Task, error) {
		if found == nil {
			return nil, notRecorded(q)
		}
		return found, nil
	}, encodeTask, func(data []byte) (*graph.Task, error) { return decodeTask(id, data) })
}

func (s *sources) FindTask(ctx context.Context, namespace string) (graph.TaskID, error) {
	return ask(ctx, s, question{askIndex, namespace},
		func() (graph.TaskID, error) { return s.live.Index.FindTask(ctx, namespace) },
		func(id graph.TaskID) ([]byte, error) { return encode(id.String()) }, decodeTaskID)
}

func (s *sources) Artifacts(ctx context.Context, run graph.RunRef) (map[string]graph.Artifact, error) {
	return ask(ctx, s, question{askListing, run.String()},
		func() (map[string]graph.Artifact, error) { return s.live.Artifacts.Artifacts(ctx, run) }, encodeListing, decodeListing)
}

// ArtifactsOf gives some of a listing that is kept whole.
func (s *sources) ArtifactsOf(ctx context.Context, run graph.RunRef, keep func(name []byte) bool) (*graph.Artifacts, error) {
	all, err := s.Artifacts(ctx, run)
	if err != nil {
		return nil, err
	}
	n := len(all)
	if keep != nil {
		maps.DeleteFunc(all, func(name string, _ graph.Artifact) bool { return !keep([]byte(name)) })
	}
	return &graph.Artifacts{Kept: all, Names: n}, nil
}

func (s *sources) Open(ctx context.Context, run graph.RunRef, name string, limit int64) (io.ReadCloser, error) {
	return s.content(ctx, question{askArtifact, run.String(), name}, limit,
		func() (io.ReadCloser, error) { return s.live.Artifacts.Open(ctx, run, name, limit) })
}

func (s *sources) Pushes(ctx context.Context, t tree.Tree) ([]trace.Push, error) {
	return ask(ctx, s, question{askPushes, t.Repository.String(), t.Revision.String()},
		func() ([]trace.Push, error) { return s.live.VCS.Pushes(ctx, t) }, encodePushes, decodePushes)
}

func (s *sources) File(ctx context.Context, t tree.Tree, path string, limit int64) ([]byte, error) {
	q := question{askFile, t.Repository.String(), t.Revision.String(), path}
	data, err := s.answer(ctx, q, func() ([]byte, error) { return s.live.VCS.File(ctx, t, path, limit) })
	if err == nil && int64(len(data)) > limit {
		return nil, tooLarge(q, int64(len(data)), limit)
	}
	return data, err
}

func (s *sources) Projects(ctx context.Context) ([]byte, error) {
	return s.answer(ctx, question{askProjects, s.projects}, func() ([]byte, error) { return s.live.VCS.Projects(ctx) })
}

func (s *sources) object(ctx context.Context, q question, live func() (map[string]any, error)) (map[string]any, error) {
	return ask(ctx, s, q, live, func(m map[string]any) ([]byte, error) { return encode(m) }, decodeObject)
}

func (s *sources) Repository(ctx context.Context, r tree.Repository) (map[string]any, error) {
	return s.object(ctx, question{askRepository, r.String()},
		func() (map[string]any, error) { return s.live.GitHub.Repository(ctx, r) })
}

func (s *sources) Commit(ctx context.Context, t tree.Tree) (map[string]any, error) {
	return s.object(ctx, question{askCommit, t.Repository.String(), t.Revision.String()},
		func() (map[string]any, error) { return s.live.GitHub.Commit(ctx, t) })
}

func (s *sources) PullRequest(ctx context.Context, r tree.Repository, number int64) (map[string]any, error) {
	return s.object(ctx, question{askPull, r.String(), strconv.FormatInt(number, 10)},
		func() (map[string]any, error) { return s.live.GitHub.PullRequest(ctx, r, number) })
}

func (s *sources) PullRequestCommits(ctx context.Context, r tree.Repository, number int64) ([]tree.Revision, error) {
	return ask(ctx, s, question{askPullCommits, r.String(), strconv.FormatInt(number, 10)},
		func() ([]tree.Revision, error) { return s.live.GitHub.PullRequestCommits(ctx, r, number) }, encodeRevisions, decodeRevisions)
}

func (s *sources) Release(ctx context.Context, r tree.Repository, tag string) (map[string]any, error) {
	return s.object(ctx, question{askRelease, r.String(), tag},
		func() (map[string]any, error) { return s.live.GitHub.Release(ctx, r, tag) })
}

func (s *sources) Resolve(ctx context.Context, r tree.Repository, ref string) (trace.Ref, error) {
	return ask(ctx, s, question{askRef, r.String(), ref},
		func() (trace.Ref, error) { return s.live.GitHub.Resolve(ctx, r, ref) }, encodeRef, decodeRef)
}

func (s *sources) Branches(ctx context.Context, r tree.Repository, prefix string) ([]string, error) {
	return ask(ctx, s, question{askBranches, r.String(), prefix},
		func() ([]string, error) { return s.live.GitHub.Branches(ctx, r, prefix) },
		func(list []string) ([]byte, error) { return encode(list) }, decode[[]string])
}

func (s *sources) Contains(ctx context.Context, t tree.Tree, ref string) (bool, error) {
	return ask(ctx, s, question{askContains, t.Repository.String(), t.Revision.String(), ref},
		func() (bool, error) { return s.live.GitHub.Contains(ctx, t, ref) },
		func(b bool) ([]byte, error) { return encode(b) }, decode[bool])
}

func (s *sources) CRL(ctx context.Context, url string) ([]byte, error) {
	return s.answer(ctx, question{askCRL, url}, func() ([]byte, error) { return s.live.Revocation.CRL(ctx, url) })
}

func (s *sources) OCSP(ctx context.Context, url string, request []byte) ([]byte, error) {
	sum := sha256.Sum256(request)
	return s.answer(ctx, question{askOCSP, url, hex.EncodeToString(sum[:])},
		func() ([]byte, error) { return s.live.Revocation.OCSP(ctx, url, request) })
}

// Keep tells live sources that keep lists, if there are any.
func (s *sources) Keep(url string) {
	if k, ok := s.live.Revocation.(revocation.Keeper); ok {
		k.Keep(url)
	}
}

var _ revocation.Keeper = (*sources)(nil)
