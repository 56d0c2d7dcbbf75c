package queue

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// Bounds of a task group's listing.
const (
	MaxGroupTasks     = 100_000
	MaxGroupPages     = 4000
	MaxGroupPageBytes = 256 << 20
	groupPageSize     = "250"
	// maxGroupListings is how often a group is listed that grows meanwhile.
	maxGroupListings = 4
)

// Group lists a task group with definitions and statuses. Its pages are offsets
// into a list that may grow, so tasks may be repeated or skipped: it is listed
// until a listing has no task that the one before lacked.
func (c *Client) Group(ctx context.Context, id graph.TaskID) (*graph.Group, error) {
	g := &groupListing{
		what: "task group " + id.String(), group: &graph.Group{ID: id}, at: map[graph.TaskID]int{},
	}
	for range maxGroupListings {
		before := len(g.group.Tasks)
		if err := c.listGroup(ctx, g); err != nil {
			return nil, err
		}
		g.group.Growing = before > 0 && len(g.group.Tasks) > before
		if len(g.group.Tasks) == before {
			return g.group, nil
		}
	}
	return g.group, nil
}

type groupListing struct {
	what  string
	group *graph.Group
	at    map[graph.TaskID]int
}

// listGroup goes over every page once.
func (c *Client) listGroup(ctx context.Context, g *groupListing) error {
	route := fmt.Sprintf("/task-group/%s/list", g.group.ID)
	query := url.Values{"limit": {groupPageSize}}
	seen := map[string]bool{}
	for range MaxGroupPages {
		doc, err := c.do(ctx, call{
			what: g.what, service: queueService, method: "GET", route: route, query: query, limit: MaxGroupPageBytes,
		})
		if err != nil {
			return err
		}
		if doc.Status != 200 {
			return c.refused(g.what, "queue:list-task-group:"+g.group.ID.String(), doc)
		}
		token, err := g.page(doc.Body)
		switch {
		case err != nil:
			return malformed(g.what, "%v", err)
		case token == "":
			return nil
		case seen[token]:
			return malformed(g.what, "the listing's pages go in a circle")
		case len(g.group.Tasks) > MaxGroupTasks:
			return &graph.UnavailableError{
				What: g.what, Reason: graph.TooLarge, Detail: fmt.Sprintf("more than the limit of %d tasks", MaxGroupTasks),
			}
		}
		seen[token] = true
		query.Set("continuationToken", token)
	}
	return &graph.UnavailableError{
		What: g.what, Reason: graph.TooLarge, Detail: fmt.Sprintf("more than the limit of %d pages", MaxGroupPages),
	}
}

// page adds a page's tasks and gives the next page's token. A task that is there
// already gets its newer status.
func (g *groupListing) page(data []byte) (string, error) {
	page, err := strictjson.ParseObject(data, MaxGroupPageBytes)
	if err != nil {
		return "", err
	}
	if got, _ := page["taskGroupId"].(string); got != g.group.ID.String() {
		return "", fmt.Errorf("the answer is for %q", tidy(got))
	}
	if s, _ := page["sealed"].(string); s != "" {
		if g.group.Sealed, err = time.Parse(time.RFC3339, s); err != nil {
			return "", fmt.Errorf("/sealed: %q is not an RFC 3339 time", tidy(s))
		}
	}
	list, ok := page["tasks"].([]any)
	if !ok {
		return "", fmt.Errorf("/tasks: want an array, found %s", strictjson.Kind(page["tasks"]))
	}
	for i, v := range list {
		if err := g.add(v); err != nil {
			return "", fmt.Errorf("/tasks/%d: %w", i, err)
		}
	}
	token, ok := page["continuationToken"].(string)
	if _, has := page["continuationToken"]; has && !ok {
		return "", fmt.Errorf("/continuationToken: want a string, found %s", strictjson.Kind(page["continuationToken"]))
	}
	return token, nil
}

func (g *groupListing) add(v any) error {
	entry, _ := v.(map[string]any)
	status, _ := entry["status"].(map[string]any)
	text, _ := status["taskId"].(string)
	id, err := graph.ParseTaskID(text)
	if err != nil {
		return err
	}
	state, runs, err := graph.NewStatus(id, status)
	if err != nil {
		return err
	}
	if i, known := g.at[id]; known {
		t := *g.group.Tasks[i]
		t.State, t.Runs = state, runs
		g.group.Tasks[i] = &t
		return nil
	}
	value, ok := entry["task"].(map[string]any)
	if !ok {
		return fmt.Errorf("task %s: want a definition, found %s", id, strictjson.Kind(entry["task"]))
	}
	definition, err := graph.NewDefinition(value)
	if err != nil {
		return fmt.Errorf("task %s: %w", id, err)
	}
	if definition.TaskGroupID != g.group.ID {
		return fmt.Errorf("task %s is of group %s", id, definition.TaskGroupID)
	}
	g.at[id] = len(g.group.Tasks)
	g.group.Tasks = append(g.group.Tasks, &graph.Task{ID: id, Definition: definition, State: state, Runs: runs})
	return nil
}
