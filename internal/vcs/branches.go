package vcs

import (
	"context"
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace/tree"
)

const (
	refsPerPage = 100
	refPages    = 10
)

// branches lists the branches whose names begin with a prefix, by name.
func (g *gitHub) branches(ctx context.Context, r tree.Repository, prefix string) ([]string, error) {
	what := fmt.Sprintf("branches %s* of %s", prefix, r)
	if err := checkRef("refs/heads/" + prefix + "x"); err != nil {
		return nil, refused(what, err.Error(), "")
	}
	var out []string
	for page := 1; page <= refPages; page++ {
		at, err := endpoint(what, r, fmt.Sprintf("/git/matching-refs/heads/%s?per_page=%d&page=%d", escapePath(prefix), refsPerPage, page))
		if err != nil {
			return nil, err
		}
		v, err := g.api.value(ctx, question{what: what, path: at, missing: "no such repository"})
		if err != nil {
			return nil, err
		}
		list, ok := v.([]any)
		if !ok {
			return nil, malformed(what, "want an array, found "+strictjson.Kind(v))
		}
		for i, e := range list {
			m, _ := e.(map[string]any)
			name, ok := strings.CutPrefix(text(m, "ref"), "refs/heads/")
			if !ok || !strings.HasPrefix(name, prefix) || checkRef("refs/heads/"+name) != nil {
				return nil, malformed(what, fmt.Sprintf("/%d/ref is %s", i, quoted(text(m, "ref"))))
			}
			out = append(out, name)
		}
		if len(list) < refsPerPage {
			break
		}
	}
	return out, nil
}
