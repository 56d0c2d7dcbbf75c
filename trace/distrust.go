package trace

import (
	"slices"
	"strconv"

	"github.com/mozilla-releng/cot/certs"
)

// Distrusted says what would not verify if keys, certificates or identities
// were trusted no more.
type Distrusted struct {
	IDs    []string         `json:"ids"`              // as the caller named them
	Unused []string         `json:"unused,omitempty"` // those that no signature of the report rests on
	Tasks  []DistrustedTask `json:"tasks"`
}

// DistrustedTask is a run that would not verify.
type DistrustedTask struct {
	TaskID string `json:"taskId"`
	RunID  *int   `json:"runId"`
	Name   string `json:"name"`
	// IDs are those that its own signatures rest on. Without any it rests on
	// Through, a run of the report that would not verify.
	IDs     []string `json:"ids,omitempty"`
	Through string   `json:"through,omitempty"`
}

// Distrust records in the report what rests on ids, as certs.ParseID gives
// them. Verdicts stay what they are. A task whose signature does not hold has no
// signer to distrust, but it may rest on others. What a whole graph only lists was
// not verified, so it can't stop.
func (r *Report) Distrust(ids []string) {
	d := &Distrusted{IDs: ids, Tasks: []DistrustedTask{}}
	found := make([]*DistrustedTask, len(r.Tasks))
	used := map[string]bool{}
	var next []int
	needed := make([][]int, len(r.Tasks)) // by whom
	for i := range r.Tasks {
		t := &r.Tasks[i]
		for _, on := range t.rests {
			needed[on] = append(needed[on], i)
		}
		var own []string
		for _, id := range ids {
			if slices.Contains(t.ids, id) {
				own, used[id] = append(own, id), true
			}
		}
		if own != nil {
			found[i] = &DistrustedTask{TaskID: t.TaskID, RunID: t.RunID, Name: t.Name, IDs: own}
			next = append(next, i)
		}
	}
	for ; len(next) > 0; next = next[1:] {
		on := &r.Tasks[next[0]]
		for _, i := range needed[next[0]] {
			if found[i] == nil {
				t := &r.Tasks[i]
				found[i] = &DistrustedTask{TaskID: t.TaskID, RunID: t.RunID, Name: t.Name, Through: on.ref()}
				next = append(next, i)
			}
		}
	}
	for i, t := range found {
		if t != nil && !r.Tasks[i].Listed {
			d.Tasks = append(d.Tasks, *t)
		}
	}
	for _, id := range ids {
		if !used[id] {
			d.Unused = append(d.Unused, id)
		}
	}
	r.Distrusted = d
}

// ref is TASK_ID/RUN_ID, or the task alone if it has no run.
func (t *Task) ref() string {
	if t.RunID == nil {
		return t.TaskID
	}
	return t.TaskID + "/" + strconv.Itoa(*t.RunID)
}

// restsOn gives the ids that a document's signatures need trust in: all that
// are present must hold.
func restsOn(signers []certs.Signer) []string {
	if len(signers) == 1 {
		return signers[0].RestsOn
	}
	var out []string
	for _, s := range signers {
		out = append(out, s.RestsOn...)
	}
	return out
}
