package vcs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

func TestBranches(t *testing.T) {
	const first = "/repos/o/r/git/matching-refs/heads/releases/?per_page=100&page=1"
	refs := func(names ...string) string {
		for i, n := range names {
			names[i] = fmt.Sprintf(`{"ref":%q}`, n)
		}
		return "[" + strings.Join(names, ",") + "]"
	}
	for name, answer := range map[string]string{
		"another prefix": refs("refs/heads/main"), "a tag": refs("refs/tags/releases/1"), "no name": `[{}]`,
		"a name that is none": refs("refs/heads/releases/a..b"), "an object": `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.api.on(first, say(200, answer))
			_, err := h.client(nil).Branches(t.Context(), project(t).Repository, "releases/")
			wantReason(t, err, graph.Malformed)
		})
	}
	h := newHub(t)
	var many []string
	for i := range refsPerPage {
		many = append(many, fmt.Sprintf("refs/heads/releases/%03d", i))
	}
	h.api.on(first, say(200, refs(slices.Clone(many)...)))
	h.api.on(strings.Replace(first, "&page=1", "&page=2", 1), say(200, refs("refs/heads/releases/last")))
	got, err := h.client(nil).Branches(t.Context(), project(t).Repository, "releases/")
	if err != nil || len(got) != refsPerPage+1 || got[0] != "releases/000" || got[refsPerPage] != "releases/last" {
		t.Errorf("%d branches, %v", len(got), err)
	}
	_, err = h.client(nil).Branches(t.Context(), project(t).Repository, "../")
	wantReason(t, err, graph.Refused)
}
