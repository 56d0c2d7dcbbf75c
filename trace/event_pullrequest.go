package trace

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace/tree"
)

// pullRequest is a pull request on GitHub: always a contribution, whoever made
// it and from wherever.
type pullRequest struct{ tasksFor string }

func (pullRequest) locate(_ context.Context, _ *chain, o *origin) []Finding {
	o.contribution = true
	return nil // which commits are the pull request's is for attempts
}

func (e pullRequest) attempts(ctx context.Context, c *chain, n *node) iter.Seq2[attempt, *Finding] {
	base, number, finding := pullRequestOf(n)
	if finding != nil {
		return failed(*finding)
	}
	pr, finding := c.pullRequest(ctx, n.decision, base, number)
	if finding != nil {
		return failed(*finding)
	}
	return func(yield func(attempt, *Finding) bool) {
		o, own := n.decision, claims{n: n}
		prefix := o.product.EnvPrefix
		head, _ := pr["head"].(map[string]any)
		onto, _ := pr["base"].(map[string]any)
		// Both move with every push; the commit is known to be the pull request's.
		head["sha"] = o.tree.Revision.String()
		if v, ok, f := own.env(prefix+"_BASE_REV", claimedCommit, "event", "pull_request", "base", "sha"); f != nil {
			yield(attempt{}, f)
			return
		} else if ok {
			onto["sha"] = v
		}
		if v, ok, f := own.env(prefix+"_PUSH_DATE_TIME", claimedTime, "event", "pull_request", "head", "updated_at"); f != nil {
			yield(attempt{}, f)
			return
		} else if ok {
			head["updated_at"] = v
			if headRepository, ok := head["repo"].(map[string]any); ok {
				headRepository["pushed_at"] = v
				own.list = append(own.list, claim{
					path: []string{"event", "pull_request", "head", "repo", "pushed_at"}, at: own.list[len(own.list)-1].at, value: v, other: claimedTime.other,
				})
			}
		}
		headUser, _ := head["user"].(map[string]any)
		user, _ := pr["user"].(map[string]any)
		senders := []any{headUser["login"], user["login"]}
		if v, ok, f := own.env(prefix+"_TRIGGERED_BY", claimedWord, "event", "sender", "login"); f != nil {
			yield(attempt{}, f)
			return
		} else if ok {
			senders = []any{v}
		}
		for _, sender := range slices.Compact(senders) {
			for _, action := range []string{"synchronize", "opened", "reopened", "ready_for_review"} {
				values := baseContext(c, n, e.tasksFor)
				values["event"] = map[string]any{
					"action": action, "number": float64(number), "pull_request": pr,
					"repository": onto["repo"], "sender": map[string]any{"login": sender},
				}
				if !yield(attempt{context: values, claims: own.list, adds: gitHubService}, nil) {
					return
				}
			}
		}
	}
}

// pullRequestOf reads which pull request of which repository the task claims.
func pullRequestOf(n *node) (tree.Repository, int64, *Finding) {
	d, prefix := n.task.Definition(), n.decision.product.EnvPrefix
	at := "/payload/env/" + prefix + "_PULL_REQUEST_NUMBER"
	text, _ := d.Env(prefix + "_PULL_REQUEST_NUMBER")
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil || number < 1 {
		return tree.Repository{}, 0, &Finding{
			Rule: RuleContextUnvouched, Path: at, Got: clipText(text), Want: "a number",
			Message: "the task does not say which pull request it was started for, so nothing can be asked about it",
			Hint:    "have .taskcluster.yml put event.pull_request.number into that variable",
		}
	}
	where, ok := d.Env(prefix + "_BASE_REPOSITORY")
	if !ok {
		return n.decision.tree.Repository, number, nil
	}
	base, err := tree.ParseRepository(where)
	if err != nil {
		return tree.Repository{}, 0, &Finding{Rule: RuleRepositoryUntrusted, Path: "/payload/env/" + prefix + "_BASE_REPOSITORY", Message: err.Error()}
	}
	if base.Host() != n.decision.tree.Repository.Host() {
		return tree.Repository{}, 0, &Finding{
			Rule: RuleRepositoryUntrusted, Path: "/payload/env/" + prefix + "_BASE_REPOSITORY", Got: base.String(), Want: n.decision.tree.Repository.Host(),
			Message: "a pull request can't come from another host than it goes to",
		}
	}
	return base, number, nil
}

// pullRequest gives the API's object, for use in a context, if the origin's
// commit is one of that pull request.
func (c *chain) pullRequest(ctx context.Context, o *origin, base tree.Repository, number int64) (map[string]any, *Finding) {
	gh, finding := c.gitHub()
	if finding != nil {
		return nil, finding
	}
	what := fmt.Sprintf("pull request %d of %s", number, base)
	object, err := gh.PullRequest(ctx, base, number)
	if err != nil {
		f := unavailable(RuleRevisionNotInTree, err, what)
		return nil, &f
	}
	pr, _ := render.Plain(object).(map[string]any)
	head, ok1 := pr["head"].(map[string]any)
	_, ok2 := pr["base"].(map[string]any)
	if !ok1 || !ok2 {
		return nil, &Finding{Rule: RuleContextUnvouched, Message: what + " has no head or no base", Got: strictjson.Kind(pr["head"])}
	}
	from, ok := head["repo"].(map[string]any)
	if !ok {
		return nil, &Finding{
			Rule: RuleRevisionNotInTree, Got: o.tree.Repository.String(),
			Message: fmt.Sprintf("the repository that %s came from was deleted, so nobody says any more where its commits are from", what),
		}
	}
	url, _ := from["html_url"].(string)
	if r, err := tree.ParseRepository(url); err != nil || r != o.tree.Repository {
		return nil, &Finding{
			Rule: RuleRevisionNotInTree, Want: url, Got: o.tree.Repository.String(),
			Message: fmt.Sprintf("%s comes from another repository than the task names", what),
		}
	}
	if head["sha"] == o.tree.Revision.String() {
		return pr, nil
	}
	commits, err := gh.PullRequestCommits(ctx, base, number)
	if err != nil {
		f := unavailable(RuleRevisionNotInTree, err, "the commits of "+what)
		return nil, &f
	}
	if !slices.Contains(commits, o.tree.Revision) {
		return nil, &Finding{
			Rule: RuleRevisionNotInTree, Want: "a commit of " + what, Got: o.tree.Revision.String(),
			Message: fmt.Sprintf("%s is no commit of %s", o.tree, what),
			Hint:    "use a task of the pull request's present commits: it was rewritten since, or the task names one that it was not started for",
		}
	}
	return pr, nil
}
