package vcs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

const pull = "/repos/o/r/pulls/12"

func pullPage(n int) string {
	return fmt.Sprintf("%s/commits?per_page=100&page=%d", pull, n)
}

func commitList(from, to int) string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, `{"sha":"`+id(i)+`"}`)
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestPullRequestCommits(t *testing.T) {
	tests := map[string]struct {
		head  string
		pages []string
		want  int // commits, numbered from 1
		asked int // pages
	}{
		"one":                      {id(1), []string{commitList(1, 1)}, 1, 1},
		"a page":                   {id(100), []string{commitList(1, 100), "[]"}, 100, 2},
		"two pages":                {id(101), []string{commitList(1, 100), commitList(101, 101)}, 101, 2},
		"as many as there may be":  {id(250), []string{commitList(1, 100), commitList(101, 200), commitList(201, 250)}, 250, 3},
		"more, the head cut off":   {id(251), []string{commitList(1, 100), commitList(101, 200), commitList(201, 250)}, 251, 3},
		"more than GitHub's bound": {id(301), []string{commitList(1, 100), commitList(101, 200), commitList(201, 300), commitList(400, 450)}, 301, 3},
		"none but the head":        {id(1), []string{"[]"}, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.api.on(pull, say(200, `{"number":12,"head":{"sha":"`+tt.head+`"}}`))
			for i, p := range tt.pages {
				h.api.on(pullPage(i+1), say(200, p))
			}
			c := h.client(nil)
			for range 2 {
				got, err := c.PullRequestCommits(t.Context(), project(t).Repository, 12)
				if err != nil || len(got) != tt.want {
					t.Fatalf("%d commits, %v, want %d", len(got), err, tt.want)
				}
				for i, r := range got {
					if r.String() != id(i+1) {
						t.Fatalf("commit %d is %s", i, r)
					}
				}
			}
			if n := len(h.api.asked); n != 1+tt.asked {
				t.Errorf("%d requests, want %d", n, 1+tt.asked)
			}
		})
	}
}

func TestPullRequestCommitsThatCannotBeTrusted(t *testing.T) {
	good := `{"number":12,"head":{"sha":"` + id(1) + `"}}`
	tests := map[string]struct {
		object, page string
		text         string
	}{
		"another pull request": {`{"number":13,"head":{"sha":"` + id(1) + `"}}`, commitList(1, 1), "number 13"},
		"no head":              {`{"number":12}`, commitList(1, 1), "/head/sha"},
		"a head in part":       {`{"number":12,"head":{"sha":"0123"}}`, commitList(1, 1), "/head/sha"},
		"an object":            {good, `{"sha":"` + id(1) + `"}`, "want an array"},
		"too many on a page":   {good, commitList(1, 101), "at most 100"},
		"a commit in part":     {good, `[{"sha":"0123"}]`, "/0/sha of page 1"},
		"a text":               {good, `["` + id(1) + `"]`, "/0/sha of page 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.api.on(pull, say(200, tt.object))
			h.api.on(pullPage(1), say(200, tt.page))
			_, err := h.client(nil).PullRequestCommits(t.Context(), project(t).Repository, 12)
			wantReason(t, err, graph.Malformed, tt.text, "pull request 12 of https://github.com/o/r")
		})
	}
	h := newHub(t)
	h.api.on(pull, say(200, `{"number":12,"head":{"sha":"`+id(101)+`"}}`))
	h.api.on(pullPage(1), say(200, commitList(1, 100)))
	_, err := h.client(nil).PullRequestCommits(t.Context(), project(t).Repository, 12)
	wantReason(t, err, graph.NotFound) // the second page
}
