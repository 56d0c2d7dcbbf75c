package trace

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/mozilla-releng/cot/internal/render"
)

// gitHubRelease is a release that was published on GitHub. Its decision task
// names a tag; from then on the tag stands for the commit that it names, which
// must be on a branch that policy trusts.
type gitHubRelease struct{}

func (gitHubRelease) locate(ctx context.Context, c *chain, o *origin) []Finding {
	return c.locateTag(ctx, o, releaseTag(o))
}

// releaseTag is the tag that the decision task claims.
func releaseTag(o *origin) string {
	if o.tree.Revision.IsZero() {
		return strings.TrimPrefix(o.claimedRevision, tagsPrefix)
	}
	for _, name := range []string{"_HEAD_TAG", "_HEAD_REF"} {
		if tag, ok := o.decision.task.Definition().Env(o.product.EnvPrefix + name); ok && tag != "" {
			return strings.TrimPrefix(tag, tagsPrefix)
		}
	}
	return ""
}

func (gitHubRelease) attempts(ctx context.Context, c *chain, n *node) iter.Seq2[attempt, *Finding] {
	o := n.decision
	gh, finding := c.gitHub()
	if finding != nil {
		return failed(*finding)
	}
	tag := releaseTag(o)
	object, err := gh.Release(ctx, o.tree.Repository, tag)
	if err != nil {
		return failed(unavailable(RuleRevisionNotInTree, err, fmt.Sprintf("release %q of %s", clipText(tag), o.tree.Repository)))
	}
	repository, err := gh.Repository(ctx, o.tree.Repository)
	if err != nil {
		return failed(unavailable(RuleContextUnvouched, err, "what GitHub says of "+o.tree.Repository.String()))
	}
	if finding := plainRef(o, tagsPrefix+tag); finding != nil {
		return failed(*finding)
	}
	release, _ := render.Plain(object).(map[string]any)
	if from, _ := release["target_commitish"].(string); plainRef(o, headsPrefix+from) != nil {
		return failed(*plainRef(o, headsPrefix+from))
	}
	// Free text of who made the release, and of nobody who may push to the tree.
	delete(release, "body")
	delete(release, "name")
	return func(yield func(attempt, *Finding) bool) {
		own := claims{n: n}
		api, _ := render.Plain(repository).(map[string]any)
		author, _ := release["author"].(map[string]any)
		senders := []any{author["login"]}
		if v, ok, f := own.env(o.product.EnvPrefix+"_TRIGGERED_BY", claimedWord, "event", "sender", "login"); f != nil {
			yield(attempt{}, f)
			return
		} else if ok && v != author["login"] {
			senders = []any{v}
		}
		for _, sender := range senders {
			values := baseContext(c, n, "github-release")
			values["event"] = map[string]any{
				"action": "published", "release": release, "sender": map[string]any{"login": sender},
				"repository": over(api, gitHubRepository(o.tree.Repository, cloneURL(o.tree.Repository))),
			}
			if !yield(attempt{context: values, claims: own.list, adds: gitHubService}, nil) {
				return
			}
		}
	}
}
