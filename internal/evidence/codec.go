package evidence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

// jsonOptions: equal answers give equal bytes, and numbers keep the digits that
// they came with. What is read back has no member that isn't written here.
var jsonOptions = json.JoinOptions(
	json.Deterministic(true), json.RejectUnknownMembers(true),
	json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, n strictjson.Number) error {
		return enc.WriteValue(jsontext.Value(n))
	})),
)

func encode(v any) ([]byte, error) { return json.Marshal(v, jsonOptions) }

func decode[T any](data []byte) (T, error) {
	var v T
	err := json.Unmarshal(data, &v, jsonOptions)
	return v, err
}

// maxTaskBytes bounds a definition and its status together.
const maxTaskBytes = graph.MaxDefinitionBytes + graph.MaxStatusBytes

// encodeTask writes a task as the queue's group listings have them.
func encodeTask(t *graph.Task) ([]byte, error) {
	runs := []any{}
	for _, r := range t.Runs {
		run := map[string]any{"runId": int(r.ID), "state": string(r.State)}
		for name, s := range map[string]string{"reasonResolved": r.Reason, "workerGroup": r.WorkerGroup, "workerId": r.WorkerID} {
			if s != "" {
				run[name] = s
			}
		}
		for name, at := range map[string]time.Time{"scheduled": r.Scheduled, "started": r.Started, "resolved": r.Resolved} {
			if !at.IsZero() {
				run[name] = at.UTC().Format(time.RFC3339Nano)
			}
		}
		runs = append(runs, run)
	}
	return encode(map[string]any{
		"task":   t.Definition.Value(),
		"status": map[string]any{"taskId": t.ID.String(), "state": string(t.State), "runs": runs},
	})
}

func decodeTask(id graph.TaskID, data []byte) (*graph.Task, error) {
	top, err := strictjson.ParseObject(data, maxTaskBytes)
	if err != nil {
		return nil, err
	}
	t := &graph.Task{ID: id}
	status, _ := top["status"].(map[string]any)
	if t.State, t.Runs, err = graph.NewStatus(id, status); err != nil {
		return nil, err
	}
	value, ok := top["task"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("/task: want a definition, found %s", strictjson.Kind(top["task"]))
	}
	text, err := encode(value)
	if err != nil {
		return nil, err
	}
	t.Definition, err = graph.ParseDefinition(text)
	return t, err
}

// maxGroupTasks is what the queue's listings are bounded by.
const maxGroupTasks = 100_000

// groupRecord is a group's listing; its tasks are answers of their own.
type groupRecord struct {
	Sealed  time.Time `json:"sealed,omitzero"`
	Growing bool      `json:"growing,omitzero"`
	Tasks   []string  `json:"tasks"`
}

func encodeGroup(g *graph.Group) ([]byte, error) {
	r := groupRecord{Sealed: g.Sealed.UTC(), Growing: g.Growing, Tasks: []string{}}
	if g.Sealed.IsZero() {
		r.Sealed = time.Time{}
	}
	for _, t := range g.Tasks {
		r.Tasks = append(r.Tasks, t.ID.String())
	}
	return encode(r)
}

// decodeGroup gives the group without its tasks, and their ids.
func decodeGroup(id graph.TaskID, data []byte) (*graph.Group, []graph.TaskID, error) {
	r, err := decode[groupRecord](data)
	if err != nil {
		return nil, nil, err
	}
	if len(r.Tasks) > maxGroupTasks {
		return nil, nil, fmt.Errorf("%d tasks, more than the limit of %d", len(r.Tasks), maxGroupTasks)
	}
	seen := map[graph.TaskID]bool{}
	var ids []graph.TaskID
	for i, s := range r.Tasks {
		t, err := graph.ParseTaskID(s)
		if err != nil {
			return nil, nil, fmt.Errorf("/tasks/%d: %w", i, err)
		}
		if seen[t] {
			return nil, nil, fmt.Errorf("/tasks/%d: %s is listed twice", i, t)
		}
		seen[t] = true
		ids = append(ids, t)
	}
	return &graph.Group{ID: id, Sealed: r.Sealed, Growing: r.Growing}, ids, nil
}

type artifactRecord struct {
	Name    string    `json:"name"`
	Storage string    `json:"storageType"`
	Expires time.Time `json:"expires,omitzero"`
}

func encodeListing(listing map[string]graph.Artifact) ([]byte, error) {
	out := []artifactRecord{}
	for _, a := range listing {
		r := artifactRecord{Name: a.Name, Storage: string(a.Storage)}
		if !a.Expires.IsZero() {
			r.Expires = a.Expires.UTC()
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b artifactRecord) int { return strings.Compare(a.Name, b.Name) })
	return encode(out)
}

func decodeListing(data []byte) (map[string]graph.Artifact, error) {
	list, err := decode[[]artifactRecord](data)
	if err != nil {
		return nil, err
	}
	out := map[string]graph.Artifact{}
	for i, r := range list {
		if err := graph.CheckArtifactName(r.Name); err != nil {
			return nil, fmt.Errorf("/%d: %w", i, err)
		}
		if _, twice := out[r.Name]; twice || r.Storage == "" {
			return nil, fmt.Errorf("/%d: %q is listed twice, or has no storage type", i, r.Name)
		}
		out[r.Name] = graph.Artifact{Name: r.Name, Storage: graph.Storage(r.Storage), Expires: r.Expires}
	}
	return out, nil
}

type pushRecord struct {
	ID         string            `json:"id"`
	User       string            `json:"user"`
	Date       int64             `json:"date"`
	Changesets []changesetRecord `json:"changesets,omitzero"`
}

type changesetRecord struct {
	Node    string   `json:"node"`
	Parents []string `json:"parents,omitzero"`
	Desc    string   `json:"desc"`
}

func encodePushes(pushes []trace.Push) ([]byte, error) {
	out := []pushRecord{}
	for _, p := range pushes {
		r := pushRecord{ID: p.ID, User: p.User, Date: p.Date}
		for _, c := range p.Changesets {
			r.Changesets = append(r.Changesets, changesetRecord{Node: c.Node.String(), Parents: c.Parents, Desc: c.Desc})
		}
		out = append(out, r)
	}
	return encode(out)
}

func decodePushes(data []byte) ([]trace.Push, error) {
	list, err := decode[[]pushRecord](data)
	if err != nil {
		return nil, err
	}
	out := []trace.Push{}
	for i, r := range list {
		p := trace.Push{ID: r.ID, User: r.User, Date: r.Date}
		for _, c := range r.Changesets {
			node, err := tree.ParseRevision(c.Node)
			if err != nil {
				return nil, fmt.Errorf("/%d: %w", i, err)
			}
			p.Changesets = append(p.Changesets, trace.Changeset{Node: node, Parents: c.Parents, Desc: c.Desc})
		}
		out = append(out, p)
	}
	return out, nil
}

func decodeObject(data []byte) (map[string]any, error) {
	return strictjson.ParseObject(data, maxAnswerBytes)
}

func encodeRevisions(list []tree.Revision) ([]byte, error) {
	out := []string{}
	for _, r := range list {
		out = append(out, r.String())
	}
	return encode(out)
}

func decodeRevisions(data []byte) ([]tree.Revision, error) {
	list, err := decode[[]string](data)
	if err != nil {
		return nil, err
	}
	var out []tree.Revision
	for _, s := range list {
		r, err := tree.ParseRevision(s)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

type refRecord struct {
	Object string `json:"object"`
	Commit string `json:"commit"`
}

func encodeRef(r trace.Ref) ([]byte, error) {
	return encode(refRecord{r.Object.String(), r.Commit.String()})
}

func decodeRef(data []byte) (ref trace.Ref, err error) {
	r, err := decode[refRecord](data)
	if err != nil {
		return ref, err
	}
	if ref.Object, err = tree.ParseRevision(r.Object); err != nil {
		return trace.Ref{}, err
	}
	if ref.Commit, err = tree.ParseRevision(r.Commit); err != nil {
		return trace.Ref{}, err
	}
	return ref, nil
}

func decodeTaskID(data []byte) (graph.TaskID, error) { return decodeText(data, graph.ParseTaskID) }

// decodeText reads a string and what it stands for.
func decodeText[T any](data []byte, parse func(string) (T, error)) (T, error) {
	s, err := decode[string](data)
	if err != nil {
		var none T
		return none, err
	}
	return parse(s)
}
