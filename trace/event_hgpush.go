package trace

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

// hgPush is a push to a Mercurial repository. Everything in its context comes
// from the pushlog, the project list and policy; only "now" is the task's
// created.
type hgPush struct{}

func (hgPush) locate(ctx context.Context, c *chain, o *origin) []Finding {
	_, finding := c.push(ctx, o)
	if finding != nil {
		return []Finding{*finding}
	}
	return nil
}

func (hgPush) attempts(ctx context.Context, c *chain, n *node) iter.Seq2[attempt, *Finding] {
	return func(yield func(attempt, *Finding) bool) {
		push, repository, finding := c.pushContext(ctx, n.decision)
		if finding != nil {
			yield(attempt{}, finding)
			return
		}
		for _, comment := range pushComments(push) {
			values := baseContext(c, n, "hg-push")
			values["push"], values["repository"] = pushValues(push, n.decision, push.User, comment), repository
			if !yield(attempt{context: values, adds: buildDecision}, nil) {
				return
			}
		}
	}
}

// push gives the pushlog's one push of the origin's revision.
func (c *chain) push(ctx context.Context, o *origin) (Push, *Finding) {
	pushes, err := c.v.sources.VCS.Pushes(ctx, o.tree)
	if err != nil {
		f := unavailable(RuleRevisionNotInTree, err, "the pushlog of "+o.tree.String())
		return Push{}, &f
	}
	return onePush(o, pushes)
}

// pushContext gives what all events of a Mercurial repository are rendered with.
func (c *chain) pushContext(ctx context.Context, o *origin) (Push, map[string]any, *Finding) {
	push, finding := c.push(ctx, o)
	if finding != nil {
		return Push{}, nil, finding
	}
	repository, finding := c.repositoryContext(ctx, o, "hg", "")
	return push, repository, finding
}

// pushValues are the context's push.
func pushValues(p Push, o *origin, owner, comment string) map[string]any {
	values := map[string]any{
		"revision": o.tree.Revision.String(), "owner": owner, "pushlog_id": p.ID, "pushdate": float64(p.Date), "comment": comment,
	}
	if first := p.Changesets[0]; len(first.Parents) > 0 {
		values["base_revision"] = first.Parents[0]
	}
	return values
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
			Hint:    "use the graph of the push's last changeset: decision tasks are started for that alone; find out who made this one",
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
