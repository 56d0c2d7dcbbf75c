package trace

import (
	"context"
	"iter"
)

// hgCron is a job of a Mercurial tree's .cron.yml, as build-decision starts it
// for the newest push: the pushlog vouches for the push, the tree for the job.
type hgCron struct{ hgPush }

func (hgCron) attempts(ctx context.Context, c *chain, n *node) iter.Seq2[attempt, *Finding] {
	return func(yield func(attempt, *Finding) bool) {
		push, repository, finding := c.pushContext(ctx, n.decision)
		if finding != nil {
			yield(attempt{}, finding)
			return
		}
		crons, finding := c.cronContexts(ctx, n)
		if finding != nil {
			yield(attempt{}, finding)
			return
		}
		for _, cron := range crons {
			values := baseContext(c, n, "cron")
			values["push"], values["repository"] = pushValues(push, n.decision, "cron", ""), repository
			values["cron"] = cron.values
			if !yield(attempt{context: values, claims: cron.claims, adds: buildDecision, doubts: cron.doubts}, nil) {
				return
			}
		}
	}
}
