package trace

import (
	"context"
	"iter"
	"maps"

	"github.com/mozilla-releng/cot/internal/render"
)

// gitHubPush is a push to a branch or a tag on GitHub. The webhook that
// announced it is recorded nowhere: what git and the API can't say of it is the
// task's own word, in a strict syntax.
type gitHubPush struct{}

func (gitHubPush) locate(ctx context.Context, c *chain, o *origin) []Finding {
	return c.locateOnBranch(ctx, o)
}

func (gitHubPush) attempts(ctx context.Context, c *chain, n *node) iter.Seq2[attempt, *Finding] {
	return func(yield func(attempt, *Finding) bool) {
		o := n.decision
		repository := gitHubRepository(o.tree.Repository, cloneURL(o.tree.Repository))
		push, finding := pushEvent(n, repository)
		if finding != nil {
			yield(attempt{}, finding)
			return
		}
		// Most templates need nothing that only the API knows, and it answers
		// strangers sixty times an hour.
		for a := range push.attempts(c, n) {
			if !yield(a, nil) {
				return
			}
		}
		if finding := push.ask(ctx, c, o); finding != nil {
			yield(attempt{}, finding)
			return
		}
		for a := range push.attempts(c, n) {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// pushed is what is known of a push.
type pushed struct {
	event   map[string]any
	claims  claims
	bases   []any    // what base_ref may have been
	refused *Finding // why the pusher is left out
	senders []any    // whose login it may have been, beside what the task says
}

func pushEvent(n *node, repository map[string]any) (*pushed, *Finding) {
	o := n.decision
	ref := headRef(o)
	if ref == "" {
		ref = o.ref
	}
	if finding := plainRef(o, ref); finding != nil {
		return nil, finding
	}
	p := &pushed{claims: claims{n: n}, bases: []any{nil}}
	p.event = map[string]any{"ref": ref, "after": o.claimedRevision, "deleted": false, "repository": repository}
	prefix := o.product.EnvPrefix
	if v, ok, f := p.claims.env(prefix+"_BASE_REV", claimedCommit, "event", "before"); f != nil {
		return nil, f
	} else if ok {
		p.event["before"] = v
	}
	if v, ok, f := p.claims.env(prefix+"_PUSH_DATE_TIME", claimedTime, "event", "repository", "pushed_at"); f != nil {
		return nil, f
	} else if ok {
		repository["pushed_at"] = v
	}
	if v, ok, f := p.claims.env(prefix+"_TRIGGERED_BY", claimedWord, "event", "sender", "login"); f != nil {
		return nil, f
	} else if ok {
		p.event["sender"] = map[string]any{"login": v}
	}
	for _, name := range []string{"_BASE_REF", "_BASE_BRANCH"} {
		if v, ok := n.task.Definition().Env(prefix + name); ok && v != "" && v != ref && claimedRef.matches(v) {
			p.bases = append(p.bases, v)
		}
	}
	owner, _ := n.task.Definition().Value()["metadata"].(map[string]any)
	if v, ok := owner["owner"].(string); ok {
		if _, ok, f := p.claims.take("/metadata/owner", v, claimedWord, "event", "pusher", "email"); ok {
			p.event["pusher"] = map[string]any{"email": v}
		} else {
			p.refused = f // not all templates use it
		}
	}
	return p, nil
}

// attempts gives the contexts that follow from what is known.
func (p *pushed) attempts(c *chain, n *node) iter.Seq[attempt] {
	return func(yield func(attempt) bool) {
		give := func(event map[string]any, base any) bool {
			values := baseContext(c, n, "github-push")
			event = maps.Clone(event)
			event["base_ref"] = base
			values["event"] = event
			a := attempt{context: values, claims: p.claims.list, adds: gitHubService, refused: p.refused}
			if base != nil {
				a.claims = append(a.claims[:len(a.claims):len(a.claims)], claim{
					path: []string{"event", "base_ref"}, at: "/payload/env", value: base, other: claimedRef.other,
				})
			}
			return yield(a)
		}
		for _, base := range p.bases {
			if !give(p.event, base) {
				return
			}
			for _, login := range p.senders {
				event := maps.Clone(p.event)
				event["sender"] = map[string]any{"login": login}
				if !give(event, base) {
					return
				}
			}
		}
	}
}

// ask adds what GitHub's API knows of the repository and the commit.
func (p *pushed) ask(ctx context.Context, c *chain, o *origin) *Finding {
	gh, finding := c.gitHub()
	if finding != nil {
		return finding
	}
	repository, err := gh.Repository(ctx, o.tree.Repository)
	if err != nil {
		f := unavailable(RuleContextUnvouched, err, "what GitHub says of "+o.tree.Repository.String())
		return &f
	}
	commit, err := gh.Commit(ctx, o.tree)
	if err != nil {
		f := unavailable(RuleContextUnvouched, err, "what GitHub says of "+o.tree.String())
		return &f
	}
	known, _ := p.event["repository"].(map[string]any)
	api, _ := render.Plain(repository).(map[string]any)
	delete(api, "pushed_at") // it is another by now
	p.event["repository"] = over(api, known)

	full, _ := render.Plain(commit).(map[string]any)
	inner, _ := full["commit"].(map[string]any)
	head := map[string]any{"id": o.tree.Revision.String(), "url": full["html_url"]}
	for _, k := range []string{"message", "author", "committer"} {
		head[k] = inner[k]
	}
	p.event["head_commit"] = head
	for _, who := range []string{"committer", "author"} {
		account, _ := full[who].(map[string]any)
		if login, ok := account["login"].(string); ok && login != "web-flow" && claimedWord.matches(login) {
			p.senders = append(p.senders, login)
		}
	}
	return nil
}
