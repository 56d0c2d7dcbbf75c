package queue

import (
	"context"
	"fmt"
	"net/url"
	"time"

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
	what := "artifacts of " + run.String()
	route := fmt.Sprintf("/task/%s/runs/%s/artifacts", run.Task, run.Run)
	out := map[string]graph.Artifact{}
	seen := map[string]bool{}
	query := url.Values{"limit": {listingPageSize}}
	for range MaxListingPages {
		doc, err := c.do(ctx, call{
			what: what, service: queueService, method: "GET", route: route, query: query, limit: MaxListingPageBytes,
		})
		if err != nil {
			return nil, err
		}
		if doc.Status != 200 {
			return nil, c.refused(what, fmt.Sprintf("queue:list-artifacts:%s:%s", run.Task, run.Run), doc)
		}
		token, err := addPage(out, doc.Body)
		if err != nil {
			return nil, malformed(what, "%v", err)
		}
		if token == "" {
			return out, nil
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

// addPage adds a page's entries and gives the next page's token, "" at the end.
func addPage(out map[string]graph.Artifact, data []byte) (string, error) {
	page, err := strictjson.ParseObject(data, MaxListingPageBytes)
	if err != nil {
		return "", err
	}
	list, ok := page["artifacts"].([]any)
	if !ok {
		return "", fmt.Errorf("/artifacts: want an array, found %s", strictjson.Kind(page["artifacts"]))
	}
	for i, v := range list {
		a, err := readArtifact(v)
		if err != nil {
			return "", fmt.Errorf("/artifacts/%d: %w", i, err)
		}
		if _, ok := out[a.Name]; ok {
			return "", fmt.Errorf("/artifacts/%d: %q is listed twice", i, a.Name)
		}
		out[a.Name] = a
	}
	v, ok := page["continuationToken"]
	if !ok {
		return "", nil
	}
	token, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("/continuationToken: want a string, found %s", strictjson.Kind(v))
	}
	return token, nil
}

func readArtifact(v any) (graph.Artifact, error) {
	m, _ := v.(map[string]any)
	name, _ := m["name"].(string)
	if err := graph.CheckArtifactName(name); err != nil {
		return graph.Artifact{}, err
	}
	storage, _ := m["storageType"].(string)
	if storage == "" {
		return graph.Artifact{}, fmt.Errorf("%q has no storage type", name)
	}
	a := graph.Artifact{Name: name, Storage: graph.Storage(storage)}
	if s, _ := m["expires"].(string); s != "" {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return graph.Artifact{}, fmt.Errorf("%q expires at %q, which is not an RFC 3339 time", name, tidy(s))
		}
		a.Expires = t
	}
	return a, nil
}
