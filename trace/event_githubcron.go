package trace

import (
	"context"
	"iter"
)

// gitHubCron is a job of a GitHub tree's .cron.yml, as build-decision starts it
// for the tip of a branch. Templates of before taskgraph see it as a release
// that nobody made.
type gitHubCron struct{}

func (gitHubCron) locate(ctx context.Context, c *chain, o *origin) []Finding {
	return c.locateOnBranch(ctx, o)
}

func (gitHubCron) attempts(ctx context.Context, c *chain, n *node) iter.Seq2[attempt, *Finding] {
	return func(yield func(attempt, *Finding) bool) {
		o := n.decision
		branch := branchOf(o.ref)
		if finding := plainRef(o, o.ref); finding != nil {
			yield(attempt{}, finding)
			return
		}
		repository, finding := c.repositoryContext(ctx, o, "git", branch)
		var crons []cronContext
		if finding == nil {
			crons, finding = c.cronContexts(ctx, n)
		}
		if finding != nil {
			yield(attempt{}, finding)
			return
		}
		release := map[string]any{"tag_name": o.tree.Revision.String(), "target_commitish": branch}
		event := map[string]any{
			"repository": gitHubRepository(o.tree.Repository, o.tree.Repository.String()),
			"release":    release, "sender": map[string]any{"login": "TaskclusterHook"},
		}
		own := claims{n: n}
		prefix := o.product.EnvPrefix
		if at, ok, finding := own.env(prefix+"_PUSH_DATE_TIME", claimedTime, "event", "release", "published_at"); finding != nil {
			yield(attempt{}, finding)
			return
		} else if ok {
			release["published_at"] = at
		}
		if by, ok, finding := own.env(prefix+"_TRIGGERED_BY", claimedWord, "event", "sender", "login"); finding != nil {
			yield(attempt{}, finding)
			return
		} else if ok {
			event["sender"] = map[string]any{"login": by}
		}
		for _, cron := range crons {
			values := baseContext(c, n, "cron")
			values["repository"], values["event"], values["cron"] = repository, event, cron.values
			values["push"] = map[string]any{"revision": o.tree.Revision.String(), "branch": branch, "owner": "cron"}
			a := attempt{context: values, adds: buildDecision, doubts: cron.doubts}
			a.claims = append(append(a.claims, cron.claims...), own.list...)
			if !yield(a, nil) {
				return
			}
		}
	}
}
