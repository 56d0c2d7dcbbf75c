package inputs

import (
	"errors"
	"fmt"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// Upstream reads scriptworker's upstreamArtifacts, JSON or YAML: a list of
// objects with taskId, paths and, if their absence is no failure, optional.
// Other members (taskType, formats, locale) belong to the script that uses the
// files. As in scriptworker's "cot" directory, an artifact goes to
// TASK_ID/ARTIFACT; a path with "*" is matched as Python's fnmatch does.
func (r Reader) Upstream(name string, data []byte) ([]Input, error) {
	items, _, err := documentList(name, data)
	if err != nil {
		return nil, err
	}
	return r.UpstreamValue(name, items)
}

// UpstreamValue is Upstream for a list that was decoded, as in a task's
// definition.
func (r Reader) UpstreamValue(name string, v any) ([]Input, error) {
	items, err := array(name, v)
	if err != nil {
		return nil, err
	}
	var out []Input
	for i, item := range items {
		source := fmt.Sprintf("%s/%d", name, i)
		m := object(item)
		id, optional := m.text("taskId"), m.flag("optional", false)
		paths := member[[]any](m, "paths", "a list", true)
		if m.err != nil {
			return nil, &Error{source, m.err}
		}
		task, err := graph.ParseTaskID(id)
		if err == nil && len(paths) == 0 {
			err = errors.New("it names a task but no paths: nothing would be verified")
		}
		if err != nil {
			return nil, &Error{source, err}
		}
		for j, p := range paths {
			in := Input{
				Source: fmt.Sprintf("%s/paths/%d", source, j), Task: task, Optional: optional,
				Place: Place{Path: task.String(), Naming: FullName, Unpack: Keep},
			}
			path, ok := p.(string)
			if !ok {
				return nil, in.errorf("want a string, found %s", strictjson.Kind(p))
			}
			if err := graph.CheckArtifactName(path); err != nil {
				return nil, in.wrap(err)
			}
			in.Names = FnMatch(path)
			if err := in.check(); err != nil {
				return nil, err
			}
			out = append(out, in)
		}
	}
	return out, nil
}
