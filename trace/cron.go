package trace

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// CronName is the file that says which graphs a tree starts by the clock.
const CronName = ".cron.yml"

const maxCronJobs = 1000

// cronJob is a job of type decision-task in .cron.yml, as far as build-decision
// makes something of it.
type cronJob struct {
	name, symbol string
	arguments    []string
	takesInput   bool // include-cron-input
}

// quotedArgs are the job's arguments as build-decision hands them to a shell.
func (j cronJob) quotedArgs() string {
	quoted := make([]string, len(j.arguments))
	for i, a := range j.arguments {
		quoted[i] = shellQuote(a)
	}
	return strings.Join(quoted, " ")
}

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellQuote quotes as Python's shlex does.
func shellQuote(s string) string {
	if shellSafe.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// cronJobs reads the tree's jobs.
func (c *chain) cronJobs(ctx context.Context, o *origin) ([]cronJob, *Finding) {
	data, err := c.v.sources.VCS.File(ctx, o.tree, CronName, render.MaxTemplateBytes)
	if err != nil {
		f := unavailable(RuleContextUnvouched, err, CronName+" at "+o.tree.String())
		return nil, &f
	}
	v, err := render.PyYAML(data) // as build-decision reads it
	if err == nil {
		var jobs []cronJob
		if jobs, err = parseCronJobs(v); err == nil {
			return jobs, nil
		}
	}
	return nil, &Finding{Rule: RuleContextUnvouched, Message: fmt.Sprintf("%s at %s: %v", CronName, o.tree, err)}
}

func parseCronJobs(v any) ([]cronJob, error) {
	top, _ := v.(map[string]any)
	list, ok := top["jobs"].([]any)
	if !ok {
		return nil, errors.New("it has no list of jobs")
	}
	if len(list) > maxCronJobs {
		return nil, fmt.Errorf("more than %d jobs", maxCronJobs)
	}
	var out []cronJob
	for i, e := range list {
		entry, _ := e.(map[string]any)
		name, ok := entry["name"].(string)
		if !ok {
			return nil, fmt.Errorf("/jobs/%d has no name", i)
		}
		if slices.ContainsFunc(out, func(j cronJob) bool { return j.name == name }) {
			return nil, fmt.Errorf("job %q stands twice", name)
		}
		job, ok := entry["job"].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("/jobs/%d has no job", i)
		}
		if job["type"] != "decision-task" {
			continue // trigger-action makes an action task
		}
		j, err := parseCronJob(job)
		if err != nil {
			return nil, fmt.Errorf("job %q: %w", name, err)
		}
		j.name = name
		out = append(out, j)
	}
	return out, nil
}

// parseCronJob makes the arguments that build-decision makes of a job's fields.
func parseCronJob(job map[string]any) (cronJob, error) {
	var j cronJob
	var ok bool
	if j.symbol, ok = job["treeherder-symbol"].(string); !ok {
		return j, errors.New("treeherder-symbol: want text")
	}
	if v, has := job["target-tasks-method"]; has {
		method, ok := v.(string)
		if !ok {
			return j, errors.New("target-tasks-method: want text")
		}
		j.arguments = append(j.arguments, "--target-tasks-method="+method)
	}
	switch v := job["optimize-target-tasks"].(type) {
	case nil:
	case bool:
		j.arguments = append(j.arguments, fmt.Sprintf("--optimize-target-tasks=%t", v))
	default:
		return j, errors.New("optimize-target-tasks: want true or false")
	}
	if _, has := job["include-push-tasks"]; has {
		j.arguments = append(j.arguments, "--include-push-tasks")
	}
	if v, has := job["rebuild-kinds"]; has {
		kinds, ok := v.([]any)
		if !ok {
			return j, errors.New("rebuild-kinds: want a list")
		}
		for _, k := range kinds {
			kind, ok := k.(string)
			if !ok {
				return j, errors.New("rebuild-kinds: want texts")
			}
			j.arguments = append(j.arguments, "--rebuild-kind="+kind)
		}
	}
	j.takesInput, _ = job["include-cron-input"].(bool)
	return j, nil
}

// cronContext is a context's cron, and what of it is the task's own word.
type cronContext struct {
	values map[string]any
	claims []claim
	doubts []Finding
}

// cronContexts recomputes the cron of a context from the tree for the job that
// the task names, or, where it names none, for each. Nothing but the id of the
// hook's task is the task's word.
func (c *chain) cronContexts(ctx context.Context, n *node) ([]cronContext, *Finding) {
	const at = "/extra/cron"
	jobs, finding := c.cronJobs(ctx, n.decision)
	if finding != nil {
		return nil, finding
	}
	said, finding := cronClaim(n, at)
	if finding != nil {
		return nil, finding
	}
	if name, ok := said["job_name"].(string); ok {
		named := slices.IndexFunc(jobs, func(j cronJob) bool { return j.name == name })
		if named < 0 {
			return nil, &Finding{
				Rule: RuleContextUnvouched, Path: at, Got: clipText(name), Want: jobNames(jobs),
				Message: fmt.Sprintf("%s at %s has no job of that name that starts a decision task", CronName, n.decision.tree),
				Hint:    "there is no such job at this revision: find out who made this task",
			}
		}
		jobs = jobs[named : named+1]
	}
	cl := claims{n: n}
	hook, ok := said["task_id"].(string)
	if ok {
		if _, _, finding := cl.take(at, hook, claimedTaskID, "cron", "task_id"); finding != nil {
			return nil, finding
		}
	}
	var out []cronContext
	for _, j := range jobs {
		values := map[string]any{"job_name": j.name, "job_symbol": j.symbol, "quoted_args": j.quotedArgs()}
		if ok {
			values["task_id"] = hook
		}
		// Older deployments gave no input.
		without := cronContext{values: values, claims: cl.list}
		with := map[string]any{"input": map[string]any{}}
		for k, v := range values {
			with[k] = v
		}
		without.doubts = cronDoubts(said, values, at)
		out = append(out, cronContext{values: with, claims: cl.list, doubts: without.doubts}, without)
	}
	return out, nil
}

// cronClaim reads extra.cron, JSON in a text or an object. A member that is not
// what build-decision makes is a finding: it would be the task's own word.
func cronClaim(n *node, at string) (map[string]any, *Finding) {
	v, ok := n.task.Definition().Extra["cron"]
	if !ok {
		return nil, nil
	}
	said, ok := v.(map[string]any)
	if text, isText := v.(string); isText {
		var err error
		if said, err = strictjson.ParseObject([]byte(text), maxCronClaim); err != nil {
			return nil, &Finding{Rule: RuleContextUnvouched, Path: at, Message: "extra.cron can't be read: " + err.Error()}
		}
	} else if !ok {
		return nil, &Finding{Rule: RuleContextUnvouched, Path: at, Message: "extra.cron is neither JSON in a text nor an object", Got: strictjson.Kind(v)}
	}
	if input, has := said["input"]; has && !strictjson.Equal(input, map[string]any{}) {
		return nil, &Finding{
			Rule: RuleContextUnvouched, Path: at, Want: map[string]any{}, Got: brief(input),
			Message: "nothing vouches for the input that the cron job is said to have been given",
			Hint:    "use a graph that the job's schedule started: what somebody hands to a cron hook is recorded nowhere",
		}
	}
	return said, nil
}

// cronDoubts says where the task's own word and the tree's job contradict.
func cronDoubts(said, job map[string]any, at string) []Finding {
	var out []Finding
	for _, key := range []string{"job_symbol", "quoted_args"} {
		if v, ok := said[key]; ok && v != job[key] {
			out = append(out, Finding{
				Rule: RuleContextUnvouched, Path: at, Want: job[key], Got: brief(v),
				Message: fmt.Sprintf("the task's %s is not what the job in %s makes", key, CronName),
				Hint:    "don't use it: somebody changed what the cron job runs; find out who",
			})
		}
	}
	return out
}

const maxCronClaim = 64 << 10

func jobNames(jobs []cronJob) string {
	names := make([]string, 0, len(jobs))
	for _, j := range jobs {
		names = append(names, j.name)
	}
	return clipText(strings.Join(names, ", "))
}
