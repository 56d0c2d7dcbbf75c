package trace

import (
	"context"
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/trace/policy"
)

// hgPush is a push to a Mercurial repository. Everything in its context comes
// from the pushlog, the project list and policy; only "now" is the task's
// created.
type hgPush struct{}

func (hgPush) contexts(ctx context.Context, c *chain, n *node) ([]render.Context, []Finding) {
	t := n.decision.tree
	pushes, err := c.v.sources.VCS.Pushes(ctx, t)
	if err != nil {
		return nil, []Finding{unavailable(RuleRevisionNotInTree, err, "the pushlog of "+t.String())}
	}
	push, finding := onePush(n.decision, pushes)
	if finding != nil {
		return nil, []Finding{*finding}
	}
	repository, finding := c.repositoryContext(ctx, n.decision)
	if finding != nil {
		return nil, []Finding{*finding}
	}
	var out []render.Context
	for _, comment := range pushComments(push) {
		pushValues := map[string]any{
			"revision": t.Revision.String(), "owner": push.User, "pushlog_id": push.ID,
			"pushdate": float64(push.Date), "comment": comment,
		}
		if first := push.Changesets[0]; len(first.Parents) > 0 {
			pushValues["base_revision"] = first.Parents[0]
		}
		out = append(out, render.Context{
			"tasks_for": "hg-push", "now": n.task.Definition.Created.UTC().Format(queueTime),
			"ownTaskId": n.id.String(), "taskId": nil,
			"as_slugid": render.Slugid(func(string) string { return n.id.String() }),
			"push":      pushValues, "repository": repository,
		})
	}
	return out, nil
}

// onePush: the revision is the last changeset of exactly one push.
func onePush(o *origin, pushes []Push) (Push, *Finding) {
	rev := o.tree.Revision
	if len(pushes) != 1 || len(pushes[0].Changesets) == 0 {
		return Push{}, &Finding{
			Rule: RuleRevisionNotInTree, Want: "exactly one push", Got: fmt.Sprintf("%d pushes", len(pushes)),
			Message: fmt.Sprintf("the pushlog of %s does not have revision %s in exactly one push", o.tree.Repository, rev),
		}
	}
	p := pushes[0]
	if last := p.Changesets[len(p.Changesets)-1].Node; last != rev {
		return Push{}, &Finding{
			Rule: RuleRevisionNotInTree, Want: last.String(), Got: rev.String(),
			Message: fmt.Sprintf("revision %s is not the last changeset of push %s to %s", rev, p.ID, o.tree.Repository),
			Hint:    "decision tasks are started for the tip of a push",
		}
	}
	return p, nil
}

// pushComments are the comments that the deployment hands to a template: a
// space, or on try the line that begins with "try:". The pushlog decides which
// are possible; none comes from the task.
func pushComments(p Push) []string {
	comments := []string{" ", ""}
	desc := p.Changesets[len(p.Changesets)-1].Desc
	if i := strings.Index(desc, "try:"); i >= 0 {
		line, _, _ := strings.Cut(desc[i:], "\n")
		comments = append(comments, line)
	}
	return comments
}

// repositoryContext gives what the deployment knows of a repository: policy's
// word first, then the project list's. What neither knows is left out, so that
// a template that needs it can't be rendered.
func (c *chain) repositoryContext(ctx context.Context, o *origin) (map[string]any, *Finding) {
	level, project := "", ""
	if p, ok := o.product.Repository(o.tree.Repository); ok {
		level, project = p.Level, p.Project
	}
	if (level == "" || project == "") && !c.v.policy.Projects.IsZero() {
		known, err := c.projects(ctx)
		if err != nil {
			f := unavailable(RuleContextUnvouched, err, "the project list")
			return nil, &f
		}
		if p, ok := known.Lookup(o.tree.Repository); ok {
			level, project = orElse(level, p.Level), orElse(project, p.Alias)
		}
	}
	values := map[string]any{"url": o.tree.Repository.String(), "type": "hg"}
	if level != "" {
		values["level"] = level
	}
	if project != "" {
		values["project"] = project
	}
	return values, nil
}

// projects reads the project list once.
func (c *chain) projects(ctx context.Context) (*policy.Projects, error) {
	c.projectsMu.Lock()
	defer c.projectsMu.Unlock()
	if c.projectList == nil {
		data, err := c.v.sources.VCS.Projects(ctx)
		if err != nil {
			return nil, err
		}
		if c.projectList, err = policy.ParseProjects(data); err != nil {
			return nil, err
		}
	}
	return c.projectList, nil
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
