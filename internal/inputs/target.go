package inputs

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/graph"
)

// Target is what a caller names to be verified: a task or what an index path
// holds, perhaps one of its artifacts; or a task group.
type Target struct {
	Source    string       // as it was named, for messages
	Task      graph.TaskID // zero if Namespace or Group names something
	Run       *graph.RunID // nil: the newest completed one
	Namespace string       // index path, without the leading "index."
	Group     graph.TaskID // of a group's URL
	Names     Pattern      // artifacts; zero: none is named
}

// wantTarget is what Target reads.
const wantTarget = "TASK_ID[/RUN_ID][:ARTIFACT], index:NAMESPACE[:ARTIFACT], or a URL of the deployment"

// Target reads TASK_ID[/RUN_ID][:ARTIFACT], index:NAMESPACE[:ARTIFACT], or the
// URL of a task, run, artifact, index path or group of the deployment, as its
// pages and its API have them. ARTIFACT may hold globs, a URL none.
func (r Reader) Target(s string) (Target, error) {
	t := Target{Source: clip(s)}
	if strings.Contains(s, "://") {
		t.Source = shown(s)
		if err := r.targetURL(&t, s); err != nil {
			return t, fmt.Errorf("%s %w", t.Source, err)
		}
		return t, nil
	}
	ref, name, hasName := strings.Cut(s, ":")
	if ref == "index" {
		if ref, name, hasName = strings.Cut(name, ":"); ref == "" {
			return t, fmt.Errorf("%q: want %s", t.Source, wantTarget)
		}
		if err := t.indexed(ref); err != nil {
			return t, err
		}
	} else {
		var err error
		if t.Task, t.Run, err = RunTarget(ref); err != nil {
			return t, fmt.Errorf("%w (targets are %s)", err, wantTarget)
		}
	}
	if !hasName {
		return t, nil
	}
	if err := graph.CheckArtifactName(name); err != nil {
		return t, fmt.Errorf("%s: %w", t.Source, err)
	}
	t.Names = Glob(name)
	return t, nil
}

func (t *Target) indexed(namespace string) error {
	var in Input
	err := in.setNamespace(namespace)
	t.Namespace = in.Namespace
	return err
}

// targetURL reads a URL. Its query and fragment say how something is shown, or
// who may read it, not what it is.
func (r Reader) targetURL(t *Target, s string) error {
	if u, err := url.Parse(s); err == nil && u.User != nil {
		return errors.New("has a user in it: want a URL as a browser shows it")
	}
	segments, ok := graph.PathBelow(r.RootURL, s)
	if !ok && !graph.OnDeployment(r.RootURL, s) {
		return fmt.Errorf("is not a URL of %s: name the task as TASK_ID, or with --root-url the deployment that it is of", r.RootURL)
	}
	if last := len(segments) - 1; ok && segments[last] == "" {
		segments = segments[:last]
	}
	if !ok || slices.ContainsFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." }) || !t.read(segments) {
		return fmt.Errorf("names no task, artifact or group: want a URL such as %s/tasks/TASK_ID/runs/0", r.RootURL)
	}
	return nil
}

// read reads a path below the root URL. It is false for one that names nothing
// to verify.
func (t *Target) read(path []string) bool {
	switch {
	case begins(path, "tasks", "groups") && len(path) > 2:
		return t.group(path[2])
	case begins(path, "tasks", "index"):
		return t.indexPage(path[2:])
	case begins(path, "tasks") && len(path) > 1:
		return t.taskPage(path[1:])
	case begins(path, "api", "queue", "v1", "task-group") && len(path) > 4:
		return t.group(path[4])
	case begins(path, "api", "queue", "v1", "task") && len(path) > 4:
		return t.queueRoute(path[4:])
	case begins(path, "api", "index", "v1", "task") && len(path) > 4:
		return t.indexed(path[4]) == nil && (len(path) == 5 || path[5] == "artifacts" && t.artifact(path[6:]))
	}
	return false
}

func begins(path []string, with ...string) bool {
	return len(path) >= len(with) && slices.Equal(path[:len(with)], with)
}

func (t *Target) group(id string) bool {
	var err error
	t.Group, err = graph.ParseTaskID(id)
	return err == nil
}

// task reads TASK_ID[/runs/RUN_ID] and gives what comes after it.
func (t *Target) task(path []string) ([]string, bool) {
	id, err := graph.ParseTaskID(path[0])
	if err != nil {
		return nil, false
	}
	t.Task = id
	rest := path[1:]
	if len(rest) < 2 || rest[0] != "runs" {
		return rest, true
	}
	run, err := graph.ParseRunID(rest[1])
	t.Run = &run
	return rest[2:], err == nil
}

// artifact reads the parts of a name; none stand for no artifact.
func (t *Target) artifact(parts []string) bool {
	if len(parts) == 0 {
		return true
	}
	name := strings.Join(parts, "/")
	t.Names = Name(name)
	return graph.CheckArtifactName(name) == nil
}

// taskPage reads what follows ROOT/tasks/: a task's pages, those of its runs,
// which may show a log, and the artifacts that they link to.
func (t *Target) taskPage(path []string) bool {
	rest, ok := t.task(path)
	switch {
	case !ok:
		return false
	case t.Run == nil:
		return len(rest) <= 1 // "definition", "profiler" and the like
	case begins(rest, "logs"): // of a run that is of interest; few logs are hashed
		return true
	}
	return t.artifact(rest)
}

// queueRoute reads what follows ROOT/api/queue/v1/task/.
func (t *Target) queueRoute(path []string) bool {
	rest, ok := t.task(path)
	switch {
	case !ok:
		return false
	case len(rest) == 0:
		return true
	case slices.Contains([]string{"artifacts", "artifact-info", "artifact-content"}, rest[0]):
		return t.artifact(rest[1:])
	}
	return len(rest) == 1 && t.Run == nil && slices.Contains([]string{"status", "dependents"}, rest[0])
}

// indexPage reads what follows ROOT/tasks/index/: NAMESPACE/NAME is a task,
// NAMESPACE alone a list.
func (t *Target) indexPage(path []string) bool {
	return len(path) == 2 && t.indexed(path[0]+"."+path[1]) == nil
}
