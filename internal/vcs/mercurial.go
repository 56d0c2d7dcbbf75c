package vcs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
	"github.com/mozilla-releng/cot/trace"
	"github.com/mozilla-releng/cot/trace/tree"
)

const (
	defaultPushlog = "{repo}/json-pushes?changeset={revision}&version=2&full=1"
	defaultRawFile = "{repo}/raw-file/{revision}/{file}"
)

// mercurial reads hgweb with the pushlog extension.
type mercurial struct {
	fetch   *fetcher
	pushlog form
	rawFile form
}

func newMercurial(f *fetcher, cfg HostConfig) (*mercurial, error) {
	if cfg.API != "" || cfg.Git != "" {
		return nil, errors.New("api and git are for hosts of type github")
	}
	if cfg.Pushlog == "" {
		cfg.Pushlog = defaultPushlog
	}
	if cfg.RawFile == "" {
		cfg.RawFile = defaultRawFile
	}
	m := &mercurial{fetch: f}
	var err error
	if m.pushlog, err = newForm("pushlog", cfg.Pushlog, "{revision}"); err != nil {
		return nil, err
	}
	if m.rawFile, err = newForm("rawFile", cfg.RawFile, "{revision}", "{file}"); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *mercurial) pushes(ctx context.Context, t tree.Tree) ([]trace.Push, error) {
	what := "pushlog of " + t.String()
	data, err := m.fetch.get(ctx, what, m.pushlog.fill(t, ""), MaxPushlogBytes,
		"no such revision in that repository, or no such repository")
	if err != nil {
		return nil, err
	}
	pushes, err := parsePushlog(data)
	if err != nil {
		return nil, &graph.UnavailableError{What: what, Reason: graph.Malformed, Detail: err.Error()}
	}
	return pushes, nil
}

func (m *mercurial) file(ctx context.Context, t tree.Tree, path string, limit int64) ([]byte, error) {
	what := fmt.Sprintf("file %s of %s", strconv.Quote(path), t)
	if err := checkFile(path); err != nil {
		return nil, refused(what, err.Error(), "")
	}
	return m.fetch.get(ctx, what, m.rawFile.fill(t, path), limit, "no such file at that revision, or no such revision")
}

var pushIDPattern = regexp.MustCompile(`^(0|[1-9][0-9]{0,17})$`)

// parsePushlog reads json-pushes, version 2, by push number. An empty list is
// an answer: no push has the revision.
func parsePushlog(data []byte) ([]trace.Push, error) {
	top, err := strictjson.ParseObject(data, MaxPushlogBytes)
	if err != nil {
		return nil, err
	}
	all, ok := top["pushes"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("/pushes: want an object, found %s", strictjson.Kind(top["pushes"]))
	}
	pushes := make([]trace.Push, 0, len(all))
	for id, v := range all {
		at := strictjson.Pointer("/pushes", id)
		if !pushIDPattern.MatchString(id) {
			return nil, fmt.Errorf("%s: not a push number", at)
		}
		p, err := parsePush(at, v)
		if err != nil {
			return nil, err
		}
		p.ID = id
		pushes = append(pushes, p)
	}
	sort.Slice(pushes, func(i, j int) bool {
		a, b := pushes[i].ID, pushes[j].ID
		return len(a) < len(b) || len(a) == len(b) && a < b // no leading zeros
	})
	return pushes, nil
}

func parsePush(at string, v any) (trace.Push, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return trace.Push{}, fmt.Errorf("%s: want an object, found %s", at, strictjson.Kind(v))
	}
	user, ok := m["user"].(string)
	if !ok {
		return trace.Push{}, fmt.Errorf("%s/user: want a string, found %s", at, strictjson.Kind(m["user"]))
	}
	number, _ := m["date"].(strictjson.Number)
	date, err := number.Int()
	if err != nil {
		return trace.Push{}, fmt.Errorf("%s/date: want whole seconds, found %q", at, string(number))
	}
	list, ok := m["changesets"].([]any)
	if !ok {
		return trace.Push{}, fmt.Errorf("%s/changesets: want an array, found %s", at, strictjson.Kind(m["changesets"]))
	}
	p := trace.Push{User: user, Date: date}
	for i, e := range list {
		c, err := parseChangeset(fmt.Sprintf("%s/changesets/%d", at, i), e)
		if err != nil {
			return trace.Push{}, err
		}
		p.Changesets = append(p.Changesets, c)
	}
	return p, nil
}

func parseChangeset(at string, v any) (trace.Changeset, error) {
	m, ok := v.(map[string]any)
	if !ok { // without full=1 a changeset is its node alone
		return trace.Changeset{}, fmt.Errorf("%s: want an object, found %s", at, strictjson.Kind(v))
	}
	node, _ := m["node"].(string)
	rev, err := tree.ParseRevision(node)
	if err != nil {
		return trace.Changeset{}, fmt.Errorf("%s/node: %w", at, err)
	}
	desc, ok := m["desc"].(string)
	if !ok {
		return trace.Changeset{}, fmt.Errorf("%s/desc: want a string, found %s", at, strictjson.Kind(m["desc"]))
	}
	c := trace.Changeset{Node: rev, Desc: desc}
	if parents, ok := m["parents"]; ok {
		list, ok := parents.([]any)
		if !ok {
			return trace.Changeset{}, fmt.Errorf("%s/parents: want an array, found %s", at, strictjson.Kind(parents))
		}
		for _, e := range list {
			s, ok := e.(string)
			if !ok {
				return trace.Changeset{}, fmt.Errorf("%s/parents: want strings, found %s", at, strictjson.Kind(e))
			}
			c.Parents = append(c.Parents, s)
		}
	}
	return c, nil
}
