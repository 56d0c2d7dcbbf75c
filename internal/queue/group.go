package queue

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"

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
			what: g.what, service: queueService, method: "GET", route: route, query: query, limit: MaxGroupPageBytes, borrow: true,
		})
		if err != nil {
			return err
		}
		if doc.Status != 200 {
			return c.refused(g.what, "queue:list-task-group:"+g.group.ID.String(), doc)
		}
		token, err := g.page(doc.Body)
		doc.Free()
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
	top := map[string]any{}
	err := strictjson.Members(data, MaxGroupPageBytes, func(name string, dec *jsontext.Decoder) (err error) {
		if name == "tasks" && dec.PeekKind() == '[' {
			top[name] = []any{}
			return g.tasks(dec)
		}
		top[name], err = strictjson.Read(dec)
		return err
	})
	if err != nil {
		return "", err
	}
	if got, _ := top["taskGroupId"].(string); got != g.group.ID.String() {
		return "", fmt.Errorf("the answer is for %q", tidy(got))
	}
	if s, _ := top["sealed"].(string); s != "" {
		if g.group.Sealed, err = time.Parse(time.RFC3339, s); err != nil {
			return "", fmt.Errorf("/sealed: %q is not an RFC 3339 time", tidy(s))
		}
	}
	if _, ok := top["tasks"].([]any); !ok {
		return "", fmt.Errorf("/tasks: want an array, found %s", strictjson.Kind(top["tasks"]))
	}
	token, ok := top["continuationToken"].(string)
	if _, has := top["continuationToken"]; has && !ok {
		return "", fmt.Errorf("/continuationToken: want a string, found %s", strictjson.Kind(top["continuationToken"]))
	}
	return token, nil
}

// tasks reads a page's tasks one after the other.
func (g *groupListing) tasks(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; dec.PeekKind() != ']'; i++ {
		if err := g.next(dec); err != nil {
			return fmt.Errorf("/tasks/%d: %w", i, err)
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (g *groupListing) next(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		v, err := strictjson.Read(dec)
		if err != nil {
			return err
		}
		return fmt.Errorf("want an object, found %s", strictjson.Kind(v))
	}
	var definition []byte
	var status map[string]any
	err := strictjson.Object(dec, func(name string, dec *jsontext.Decoder) error {
		if name == "task" {
			raw, err := dec.ReadValue() // add reads it strictly
			definition = raw.Clone()
			return err
		}
		v, err := strictjson.Read(dec)
		if name == "status" {
			status, _ = v.(map[string]any)
		}
		return err
	})
	if err != nil {
		return err
	}
	return g.add(definition, status)
}

func (g *groupListing) add(definition []byte, status map[string]any) error {
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
		t := g.group.Tasks[i]
		t.State, t.Runs = state, runs
		if definition == nil || t.Holds(definition) {
			return nil
		}
		_, err := strictjson.Parse(definition, MaxGroupPageBytes)
		return err
	}
	d, err := graph.ParseDefinition(definition)
	if err != nil {
		return fmt.Errorf("task %s: %w", id, err)
	}
	if d.TaskGroupID != g.group.ID {
		return fmt.Errorf("task %s is of group %s", id, d.TaskGroupID)
	}
	g.at[id] = len(g.group.Tasks)
	g.group.Tasks = append(g.group.Tasks, &graph.Listed{ID: id, State: state, Runs: runs, Packed: d.Pack()})
	return nil
}
