package vcs

import (
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/trace/tree"
)

func TestWorld(t *testing.T) {
	w := fixtures.Release(1)
	s, err := w.Serve(fixtures.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c, err := New(Config{
		Hosts: map[string]HostConfig{fixtures.Host: {
			Type:    "hg",
			Pushlog: s.VCSURL + "/{path}/json-pushes?changeset={revision}&version=2&full=1",
			RawFile: s.VCSURL + "/{path}/raw-file/{revision}/{file}",
		}},
		Projects: s.VCSURL + "/projects.yml", Transport: newTransport(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	tip := w.Push.Changesets[len(w.Push.Changesets)-1]
	where := at(t, w.Central.URL())
	if where.Revision, err = tree.ParseRevision(tip.Node); err != nil {
		t.Fatal(err)
	}
	pushes, err := c.Pushes(t.Context(), where)
	if err != nil || len(pushes) != 1 || pushes[0].User != w.Push.User || pushes[0].Date != w.Push.Date.Unix() {
		t.Fatalf("pushes: %+v, %v", pushes, err)
	}
	if got := pushes[0].Changesets; len(got) != 2 || got[1].Node.String() != tip.Node || got[1].Desc != tip.Desc {
		t.Errorf("changesets: %+v", got)
	}
	for name, want := range w.Push.Files {
		got, err := c.File(t.Context(), where, name, 1<<20)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	_, err = c.File(t.Context(), where, "no/such/file", 100)
	wantReason(t, err, graph.NotFound)
	_, err = c.Pushes(t.Context(), at(t, w.Central.URL()))
	wantReason(t, err, graph.NotFound, "no such revision")
	if got, err := c.Projects(t.Context()); err != nil || !strings.Contains(string(got), "mozilla-central") {
		t.Errorf("projects: %d bytes, %v", len(got), err)
	}
	if n := s.Count("/json-pushes"); n != 2 {
		t.Errorf("the pushlog was asked %d times for two revisions", n)
	}
}
