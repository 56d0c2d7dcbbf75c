package vcs

import (
	"testing"

	"github.com/mozilla-releng/cot/graph"
)

func TestContains(t *testing.T) {
	compared := func(status, base string) string {
		return `{"status":"` + status + `","merge_base_commit":{"sha":"` + base + `"},"files":[]}`
	}
	tests := map[string]struct {
		tip, answer string
		want        bool
		reason      graph.Reason
		asked       int
	}{
		"the tip":                          {revision, "", true, "", 0},
		"an ancestor":                      {id(1), compared("ahead", revision), true, "", 1},
		"a descendant":                     {id(1), compared("behind", id(1)), false, "", 1},
		"of another branch":                {id(1), compared("diverged", id(2)), false, "", 1},
		"unknown, or of no common history": {id(1), "", false, "", 1},
		"an ancestor of another base":      {id(1), compared("ahead", id(2)), false, graph.Malformed, 1},
		"diverged from itself":             {id(1), compared("diverged", revision), false, graph.Malformed, 1},
		"identical, but it is not":         {id(1), compared("identical", revision), false, graph.Malformed, 1},
		"ahead, and no more":               {id(1), `{"status":"ahead"}`, false, graph.Malformed, 1},
		"ahead of nothing":                 {id(1), `{"status":"ahead","merge_base_commit":null}`, false, graph.Malformed, 1},
		"no status":                        {id(1), `{"merge_base_commit":{"sha":"` + revision + `"}}`, false, graph.Malformed, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.gitSays(tt.tip + " refs/heads/main")
			if tt.answer != "" {
				h.api.on("/repos/o/r/compare/"+revision+"..."+tt.tip+"?per_page=1", say(200, tt.answer))
			}
			c := h.client(nil)
			for range 2 {
				got, err := c.Contains(t.Context(), project(t), "refs/heads/main")
				if tt.reason != "" {
					wantReason(t, err, tt.reason)
				} else if err != nil || got != tt.want {
					t.Errorf("%v, %v, want %v", got, err, tt.want)
				}
				if err != nil && got {
					t.Error("true in spite of an error")
				}
			}
			if len(h.api.asked) != tt.asked {
				t.Errorf("the API was asked %d times, want %d", len(h.api.asked), tt.asked)
			}
		})
	}
	h := newHub(t)
	h.gitSays()
	_, err := h.client(nil).Contains(t.Context(), project(t), "refs/heads/main")
	wantReason(t, err, graph.NotFound, "has no such ref")
	h.api.wantAsked(t)
}
