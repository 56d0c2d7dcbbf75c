package vcs

import (
	"context"
	"fmt"
	"slices"

	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace/tree"
)

// GitHub lists at most 250 commits of a pull request.
const (
	commitsPerPage = 100
	commitPages    = 3
)

func (g *gitHub) pullRequest(ctx context.Context, r tree.Repository, n int64) (map[string]any, error) {
	what := fmt.Sprintf("pull request %d of %s", n, r)
	at, err := pullEndpoint(what, r, n, "")
	if err != nil {
		return nil, err
	}
	o, err := g.api.object(ctx, question{what: what, path: at, missing: "no such pull request, or no such repository"})
	if err != nil {
		return nil, err
	}
	if !number(o, "number", n) {
		return nil, malformed(what, fmt.Sprintf("the answer is about number %v", o["number"]))
	}
	return o, nil
}

// pullRequestCommits lists commits page by page. A long list is cut by GitHub,
// so the head is added where it is not among them.
func (g *gitHub) pullRequestCommits(ctx context.Context, r tree.Repository, n int64) ([]tree.Revision, error) {
	what := fmt.Sprintf("commits of pull request %d of %s", n, r)
	o, err := g.pullRequest(ctx, r, n)
	if err != nil {
		return nil, err
	}
	head, _ := o["head"].(map[string]any)
	tip, err := tree.ParseRevision(text(head, "sha"))
	if err != nil {
		return nil, malformed(what, "/head/sha: "+err.Error())
	}
	var out []tree.Revision
	for page := 1; page <= commitPages; page++ {
		revs, err := g.commitPage(ctx, what, r, n, page)
		if err != nil {
			return nil, err
		}
		out = append(out, revs...)
		if len(revs) < commitsPerPage {
			break
		}
	}
	if !slices.Contains(out, tip) {
		out = append(out, tip)
	}
	return out, nil
}

func (g *gitHub) commitPage(ctx context.Context, what string, r tree.Repository, n int64, page int) ([]tree.Revision, error) {
	at, err := pullEndpoint(what, r, n, fmt.Sprintf("/commits?per_page=%d&page=%d", commitsPerPage, page))
	if err != nil {
		return nil, err
	}
	v, err := g.api.value(ctx, question{what: what, path: at, missing: "no such pull request, or no such repository"})
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok || len(list) > commitsPerPage {
		return nil, malformed(what, fmt.Sprintf("want an array of at most %d commits, found %s of %d", commitsPerPage, strictjson.Kind(v), len(list)))
	}
	var out []tree.Revision
	for i, e := range list {
		c, _ := e.(map[string]any)
		rev, err := tree.ParseRevision(text(c, "sha"))
		if err != nil {
			return nil, malformed(what, fmt.Sprintf("/%d/sha of page %d: %s", i, page, err))
		}
		out = append(out, rev)
	}
	return out, nil
}

func pullEndpoint(what string, r tree.Repository, n int64, rest string) (string, error) {
	if n < 1 {
		return "", refused(what, "pull requests are numbered from 1", "")
	}
	return endpoint(what, r, fmt.Sprintf("/pulls/%d%s", n, rest))
}
