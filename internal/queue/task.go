package queue

import (
	"context"
	"regexp"

	"golang.org/x/sync/errgroup"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// Task gives a task's definition and status.
func (c *Client) Task(ctx context.Context, id graph.TaskID) (*graph.Task, error) {
	task := &graph.Task{ID: id}
	what := "task " + id.String()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		data, err := c.get(ctx, queueService, what, "/task/"+id.String(), "queue:get-task:"+id.String(), graph.MaxDefinitionBytes)
		if err != nil {
			return err
		}
		if task.Definition, err = graph.ParseDefinition(data); err != nil {
			return malformed(what, "%v", err)
		}
		return nil
	})
	g.Go(func() error {
		data, err := c.get(ctx, queueService, what, "/task/"+id.String()+"/status", "queue:status:"+id.String(), graph.MaxStatusBytes)
		if err != nil {
			return err
		}
		if task.State, task.Runs, err = graph.ParseStatus(id, data); err != nil {
			return malformed(what, "%v", err)
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return task, nil
}

// get reads an answer that must be 200.
func (c *Client) get(ctx context.Context, s service, what, route, scope string, limit int64) ([]byte, error) {
	doc, err := c.do(ctx, call{what: what, service: s, method: "GET", route: route, limit: limit})
	if err != nil {
		return nil, err
	}
	if doc.Status != 200 {
		return nil, c.refused(what, scope, doc)
	}
	return doc.Body, nil
}

var namespacePattern = regexp.MustCompile(`^[\x21-\x7e]+$`)

// FindTask finds the task that holds an index path. An answer for another path
// is an error.
func (c *Client) FindTask(ctx context.Context, namespace string) (graph.TaskID, error) {
	if len(namespace) > 1024 || !namespacePattern.MatchString(namespace) || dotSegment(namespace) {
		return graph.TaskID{}, malformed("index path", "%q is not one", tidy(namespace))
	}
	what := "index path " + namespace
	data, err := c.get(ctx, indexService, what, "/task/"+segment(namespace), "index:find-task:"+namespace, maxAnswer)
	if err != nil {
		return graph.TaskID{}, err
	}
	m, err := strictjson.ParseObject(data, maxAnswer)
	if err != nil {
		return graph.TaskID{}, malformed(what, "%v", err)
	}
	if got, _ := m["namespace"].(string); got != namespace {
		return graph.TaskID{}, malformed(what, "the answer is for %q", tidy(got))
	}
	s, _ := m["taskId"].(string)
	id, err := graph.ParseTaskID(s)
	if err != nil {
		return graph.TaskID{}, malformed(what, "%v", err)
	}
	return id, nil
}

// dotSegment tells whether servers may take a whole path segment for "here" or
// "above".
func dotSegment(s string) bool { return s == "." || s == ".." }
