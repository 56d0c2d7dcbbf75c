package queue

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// Bounds of a run's artifact listing.
const (
	MaxListingPages     = 500
	MaxListingPageBytes = 16 << 20
	listingPageSize     = "1000"
)

// Artifacts lists a run's artifacts, every page of them, by name. It says what
// is stored how: the content endpoints follow links without telling.
func (c *Client) Artifacts(ctx context.Context, run graph.RunRef) (map[string]graph.Artifact, error) {
	l, err := c.ArtifactsOf(ctx, run, nil)
	if err != nil {
		return nil, err
	}
	return l.Kept, nil
}

// ArtifactsOf is Artifacts for one who needs only those whose name keep tells
// to, nil: all. The others are checked and counted.
func (c *Client) ArtifactsOf(ctx context.Context, run graph.RunRef, keep func(name []byte) bool) (*graph.Artifacts, error) {
	what := "artifacts of " + run.String()
	route := fmt.Sprintf("/task/%s/runs/%s/artifacts", run.Task, run.Run)
	p := newListing(keep)
	defer p.names.Free()
	seen := map[string]bool{}
	query := url.Values{"limit": {listingPageSize}}
	for range MaxListingPages {
		doc, err := c.do(ctx, call{
			what: what, service: queueService, method: "GET", route: route, query: query, limit: MaxListingPageBytes, borrow: true,
		})
		if err != nil {
			return nil, err
		}
		if doc.Status != 200 {
			return nil, c.refused(what, fmt.Sprintf("queue:list-artifacts:%s:%s", run.Task, run.Run), doc)
		}
		token, err := p.page(doc.Body)
		doc.Free()
		if err != nil {
			return nil, malformed(what, "%v", err)
		}
		if token == "" {
			return &graph.Artifacts{Kept: p.kept, Names: p.names.Len()}, nil
		}
		if seen[token] {
			return nil, malformed(what, "the listing's pages go in a circle")
		}
		seen[token] = true
		query.Set("continuationToken", token)
	}
	return nil, &graph.UnavailableError{
		What: what, Reason: graph.TooLarge, Detail: fmt.Sprintf("more than the limit of %d pages", MaxListingPages),
	}
}

// listing reads entries without making a tree of them: a busy graph lists
// millions.
type listing struct {
	keep func([]byte) bool
	kept map[string]graph.Artifact
	// names are all of them.
	names *strictjson.Names
	// The entry that is read: there are millions, and none has its own.
	entry struct {
		name      []byte
		storage   graph.Storage
		expires   string
		setMember func(key, text []byte) error
	}
	// What entries have in common stands here once.
	expires string
	at      time.Time
}

func newListing(keep func([]byte) bool) *listing {
	l := &listing{keep: keep, kept: map[string]graph.Artifact{}, names: strictjson.NewNames()}
	l.entry.setMember = l.member
	return l
}

// page adds a page's entries and gives the next page's token, "" at the end.
func (l *listing) page(data []byte) (string, error) {
	var token, list any
	hasToken := false
	err := strictjson.Members(data, MaxListingPageBytes, func(name string, dec *jsontext.Decoder) (err error) {
		switch name {
		case "artifacts":
			if dec.PeekKind() == '[' {
				list = []any{}
				return l.artifacts(dec)
			}
			list, err = strictjson.Read(dec)
		case "continuationToken":
			hasToken = true
			token, err = strictjson.Read(dec)
		default:
			err = strictjson.Skip(dec)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if _, ok := list.([]any); !ok {
		return "", fmt.Errorf("/artifacts: want an array, found %s", strictjson.Kind(list))
	}
	if !hasToken {
		return "", nil
	}
	s, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("/continuationToken: want a string, found %s", strictjson.Kind(token))
	}
	return s, nil
}

func (l *listing) artifacts(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; dec.PeekKind() != ']'; i++ {
		if err := l.artifact(dec); err != nil {
			return fmt.Errorf("/artifacts/%d: %w", i, err)
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (l *listing) artifact(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return errors.Join(strictjson.Skip(dec), graph.CheckArtifactName(""))
	}
	e := &l.entry
	e.name, e.storage, e.expires = e.name[:0], "", ""
	if err := strictjson.Entries(dec, e.setMember); err != nil {
		return err
	}
	name, expires := e.name, e.expires
	a := graph.Artifact{Storage: e.storage}
	if err := graph.CheckArtifactName(string(name)); err != nil {
		return err
	}
	if a.Storage == "" {
		return fmt.Errorf("%q has no storage type", name)
	}
	if expires != "" && expires != l.expires {
		var err error
		if l.at, err = time.Parse(time.RFC3339, expires); err != nil {
			return fmt.Errorf("%q expires at %q, which is not an RFC 3339 time", name, tidy(expires))
		}
		l.expires = expires
	}
	if expires != "" {
		a.Expires = l.at
	}
	if !l.names.Add(name) {
		return fmt.Errorf("%q is listed twice", name)
	}
	if l.keep == nil || l.keep(name) {
		a.Name = string(name)
		l.kept[a.Name] = a
	}
	return nil
}

// member takes what is wanted of the entry that is read.
func (l *listing) member(key, text []byte) error {
	e := &l.entry
	switch string(key) {
	case "name":
		e.name = append(e.name[:0], text...)
	case "storageType":
		e.storage = known(text)
	case "expires":
		if e.expires = l.expires; string(text) != e.expires {
			e.expires = string(text)
		}
	}
	return nil
}

// known gives a constant for a storage type that has one.
func known(text []byte) graph.Storage {
	for _, k := range [...]graph.Storage{graph.S3, graph.Object, graph.Link, graph.Reference, graph.Error} {
		if string(text) == string(k) {
			return k
		}
	}
	return graph.Storage(text)
}
