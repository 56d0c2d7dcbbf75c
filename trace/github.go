package trace

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/tree"
)

const (
	headsPrefix = "refs/heads/"
	tagsPrefix  = "refs/tags/"
)

// branchOf is the branch that a whole ref names; empty: none.
func branchOf(ref string) string {
	if b, ok := strings.CutPrefix(ref, headsPrefix); ok {
		return b
	}
	return ""
}

// headRef is the whole ref that a decision task says it was started for. A short
// name is a branch's.
func headRef(o *origin) string {
	d := o.decision.task.Definition()
	for _, name := range []string{"_HEAD_REF", "_HEAD_BRANCH"} {
		ref, ok := d.Env(o.product.EnvPrefix + name)
		switch {
		case !ok || ref == "":
		case strings.HasPrefix(ref, headsPrefix), strings.HasPrefix(ref, tagsPrefix):
			return ref
		default:
			return headsPrefix + ref
		}
	}
	return ""
}

// plainRef refuses a ref whose name could be more than a name where a template
// puts it: who may push to some branch chooses what tags and branches are called.
func plainRef(o *origin, ref string) *Finding {
	if claimedRef.matches(ref) {
		return nil
	}
	return &Finding{
		Rule: RuleContextUnvouched, Path: "/payload/env/" + o.product.EnvPrefix + "_HEAD_REF", Want: claimedRef.want, Got: clipText(ref),
		Message: "the name of this ref has characters that a command could take for something else",
		Hint:    "name branches and tags with A-Z a-z 0-9 @ . _ + - and slashes",
	}
}

// gitHub gives the source that answers for repositories on GitHub.
func (c *chain) gitHub() (GitHub, *Finding) {
	if c.v.sources.GitHub == nil {
		return nil, &Finding{Rule: RuleEvidenceUnavailable, Message: "nothing here can ask GitHub", Hint: "add a host of type github to vcsHosts in the policy"}
	}
	return c.v.sources.GitHub, nil
}

// locateOnBranch finds the commit on the branch that the decision task claims,
// or on the repository's default branch if it claims none. GitHub serves the
// commits of every fork under the name of each, so that a commit exists there
// proves nothing.
func (c *chain) locateOnBranch(ctx context.Context, o *origin) []Finding {
	gh, finding := c.gitHub()
	if finding != nil {
		return []Finding{*finding}
	}
	o.ref = headRef(o)
	if o.ref == "" {
		repository, err := gh.Repository(ctx, o.tree.Repository)
		if err != nil {
			return []Finding{unavailable(RuleRevisionNotInTree, err, "the default branch of "+o.tree.Repository.String())}
		}
		branch, _ := repository["default_branch"].(string)
		o.ref = headsPrefix + branch
	}
	if tag, ok := strings.CutPrefix(o.ref, tagsPrefix); ok {
		return c.locateTag(ctx, o, tag)
	}
	trusted, finding := c.branchTrusted(ctx, o, branchOf(o.ref))
	if finding != nil {
		return []Finding{*finding}
	}
	if !trusted {
		o.contribution = true
		c.offBranch(ctx, o, "branch "+clipText(branchOf(o.ref))+" is not one that")
		if !c.v.options.AcceptUntrustedTree {
			return nil // the rule on contributions says so
		}
	}
	contains, err := gh.Contains(ctx, o.tree, o.ref)
	if err != nil {
		f := unavailable(RuleRevisionNotInTree, err, fmt.Sprintf("whether %s is on %s", o.tree, o.ref))
		if gone(err) {
			if _, err := gh.Repository(ctx, o.tree.Repository); err != nil {
				return []Finding{unavailable(RuleRevisionNotInTree, err, "repository "+o.tree.Repository.String())}
			}
			f.Heals = true
			f.Hint = "try again if the branch comes back: one that was deleted can't say which commits it had"
		}
		return []Finding{f}
	}
	if !contains {
		return []Finding{notOnBranch(o)}
	}
	return nil
}

// offBranch records for the rule on contributions that a branch, or what a tag
// names, is of a trusted repository but of no trusted branch.
func (c *chain) offBranch(ctx context.Context, o *origin, what string) {
	if _, known := o.product.Repository(o.tree.Repository); !known || !ownedBy(o.tree.Repository, o.product.Owner) {
		return
	}
	named, finding := c.namedBranches(ctx, o)
	if finding != nil {
		return
	}
	var trusted []string
	for _, name := range named {
		if ok, _ := c.branchTrusted(ctx, o, name); ok {
			trusted = append(trusted, name)
		}
	}
	o.offBranch = &Finding{
		Path: refPath(o), Want: orNil(bounded(trusted)), Got: orNil(clipText(o.ref)),
		Message: fmt.Sprintf("the chain leads to %s: %s policy trusts there for product %s", o.tree, what, o.product.Name),
	}
}

// refPath points to the variable that headRef reads.
func refPath(o *origin) string {
	for _, name := range []string{"_HEAD_REF", "_HEAD_BRANCH"} {
		if v, ok := o.decision.task.Definition().Env(o.product.EnvPrefix + name); ok && v != "" {
			return "/payload/env/" + o.product.EnvPrefix + name
		}
	}
	return ""
}

func notOnBranch(o *origin) Finding {
	return Finding{
		Rule: RuleRevisionNotInTree, Want: "a commit on " + o.ref, Got: o.tree.Revision.String(),
		Message: fmt.Sprintf("%s is not on %s, where the task says that it is from", o.tree, o.ref),
		Hint:    "use a task of a commit on that branch; GitHub shows those of forks and pull requests under the repository's name too, and somebody may have taken one",
	}
}

func gone(err error) bool {
	var u *graph.UnavailableError
	return errors.As(err, &u) && u.Reason == graph.NotFound
}

// locateTag settles a tag: it must name the origin's commit (which it decides
// where the task claims none), and that commit must be on a branch that policy
// trusts.
func (c *chain) locateTag(ctx context.Context, o *origin, tag string) []Finding {
	gh, finding := c.gitHub()
	if finding != nil {
		return []Finding{*finding}
	}
	ref, err := gh.Resolve(ctx, o.tree.Repository, tagsPrefix+tag)
	if err != nil {
		return []Finding{unavailable(RuleRevisionNotInTree, err, fmt.Sprintf("tag %q of %s", clipText(tag), o.tree.Repository))}
	}
	switch o.tree.Revision {
	case ref.Commit:
	case tree.Revision{}, ref.Object: // from here on the tag stands for its commit
		o.tree.Revision = ref.Commit
	default:
		return []Finding{{
			Rule: RuleRevisionNotInTree, Want: ref.Commit.String(), Got: o.tree.Revision.String(),
			Message: fmt.Sprintf("tag %q of %s names another commit", clipText(tag), o.tree.Repository),
			Hint:    "use the task that the tag's present commit started: the tag was moved since, or the task names one that it was not started for",
		}}
	}
	return c.locateOnTrusted(ctx, o)
}

// maxTagBranches bounds on how many branches a tag's commit is looked for.
const maxTagBranches = 50

// locateOnTrusted looks for the commit of a tag on the branches that policy
// trusts. On none, it is a contribution.
func (c *chain) locateOnTrusted(ctx context.Context, o *origin) []Finding {
	gh, finding := c.gitHub()
	if finding != nil {
		return []Finding{*finding}
	}
	tried := 0
	for branch, finding := range c.trustedBranches(ctx, o) {
		if finding != nil {
			return []Finding{*finding}
		}
		if tried++; tried > maxTagBranches {
			break
		}
		contains, err := gh.Contains(ctx, o.tree, headsPrefix+branch)
		switch {
		case err != nil && gone(err):
		case err != nil:
			return []Finding{unavailable(RuleRevisionNotInTree, err, fmt.Sprintf("whether %s is on %s", o.tree, branch))}
		case contains:
			o.ref = headsPrefix + branch
			return nil
		}
	}
	o.contribution = true // the rule on contributions says so
	c.offBranch(ctx, o, "the tag's commit is on no branch that")
	return nil
}

// trustedBranches are those that a tag's commit may be on, each once, likeliest
// first: the one that a release was made from, the default branch, those that
// policy or the project list names, those that they name by a wildcard.
func (c *chain) trustedBranches(ctx context.Context, o *origin) iter.Seq2[string, *Finding] {
	return func(yield func(string, *Finding) bool) {
		gh, finding := c.gitHub()
		if finding != nil {
			yield("", finding)
			return
		}
		seen := map[string]bool{"": true}
		give := func(branch string) bool {
			if seen[branch] || strings.Contains(branch, "*") {
				return true
			}
			seen[branch] = true
			trusted, finding := c.branchTrusted(ctx, o, branch)
			if finding != nil {
				yield("", finding)
				return false
			}
			return !trusted || yield(branch, nil)
		}
		fail := func(err error, what string) {
			f := unavailable(RuleRevisionNotInTree, err, what)
			yield("", &f)
		}
		if tasksForOf(o.decision) == "github-release" {
			release, err := gh.Release(ctx, o.tree.Repository, releaseTag(o))
			if err != nil {
				fail(err, fmt.Sprintf("release %q of %s", clipText(releaseTag(o)), o.tree.Repository))
				return
			}
			if from, _ := release["target_commitish"].(string); !give(from) {
				return
			}
		}
		repository, err := gh.Repository(ctx, o.tree.Repository)
		if err != nil {
			fail(err, "the default branch of "+o.tree.Repository.String())
			return
		}
		if byDefault, _ := repository["default_branch"].(string); !give(byDefault) {
			return
		}
		names, finding := c.namedBranches(ctx, o)
		if finding != nil {
			yield("", finding)
			return
		}
		for _, name := range names {
			if !give(name) {
				return
			}
		}
		for _, name := range names {
			prefix, _, wild := strings.Cut(name, "*")
			if !wild {
				continue
			}
			branches, err := gh.Branches(ctx, o.tree.Repository, prefix)
			if err != nil {
				fail(err, fmt.Sprintf("branches %s* of %s", prefix, o.tree.Repository))
				return
			}
			for _, branch := range branches {
				if !give(branch) {
					return
				}
			}
		}
	}
}

// namedBranches are the branches, some with wildcards, that policy or the
// project list names for the origin's repository.
func (c *chain) namedBranches(ctx context.Context, o *origin) ([]string, *Finding) {
	pattern, _ := o.product.Repository(o.tree.Repository)
	if len(pattern.Branches) > 0 || c.v.policy.Projects.IsZero() {
		return pattern.Branches, nil
	}
	list, err := c.projects(ctx)
	if err != nil {
		return nil, c.noProjects(err)
	}
	project, _ := list.Lookup(o.tree.Repository)
	var names []string
	for _, b := range project.Branches {
		names = append(names, b.Name)
	}
	return names, nil
}

// gitHubRepository is a repository as events have it, as far as its name says it.
func gitHubRepository(r tree.Repository, cloneURL string) map[string]any {
	owner, name := strings.Trim(path.Dir(r.Path()), "/"), path.Base(r.Path())
	full := owner + "/" + name
	return map[string]any{
		"name": name, "full_name": full, "html_url": r.String(), "url": r.String(), "clone_url": cloneURL,
		"ssh_url": "git@" + r.Host() + ":" + full + ".git", "git_url": "git://" + r.Host() + "/" + full + ".git",
		"owner": map[string]any{"login": owner, "name": owner},
	}
}

func cloneURL(r tree.Repository) string { return r.String() + ".git" }

// over lays an object of the API under what is known better.
func over(api, known map[string]any) map[string]any {
	out := maps.Clone(api)
	if out == nil {
		out = map[string]any{}
	}
	maps.Copy(out, known)
	return out
}
