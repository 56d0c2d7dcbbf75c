package trace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mozilla-releng/cot/graph"
	"github.com/mozilla-releng/cot/internal/render"
	"github.com/mozilla-releng/cot/internal/strictjson"
)

// Artifacts in which a decision or action task says what may be asked of its
// graph, and what it was made with.
const (
	ActionsName    = "public/actions.json"
	ParametersName = "public/parameters.yml"
)

const (
	maxActionsBytes    = 64 << 20
	maxParametersBytes = render.MaxTemplateBytes
	maxOffered         = 20
)

// offeredAction is an entry of actions.json that a call is for, with what it
// hands to its hook for that call.
type offeredAction struct {
	permission string
	payload    any
}

// offeredActions gives the entries of a run's actions.json that have the call's
// name and callback, once the call's input fits their schema.
func (c *chain) offeredActions(ctx context.Context, l *link, call actionCall) ([]offeredAction, *Finding) {
	data, finding := c.readVouched(ctx, l, ActionsName, maxActionsBytes)
	if finding != nil {
		return nil, finding
	}
	top, err := strictjson.ParseObject(data, maxActionsBytes)
	if err != nil {
		return nil, &Finding{Rule: RuleActionUnknown, Message: fmt.Sprintf("%s of %s: %v", ActionsName, l.ref(), err)}
	}
	entries, _ := top["actions"].([]any)
	var found []map[string]any
	var names []string
	sameName := false
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		if name, ok := entry["name"].(string); ok && !slices.Contains(names, clipText(name)) {
			names = append(names, clipText(name))
			sameName = sameName || name == call.name && entry["kind"] == "hook" && call.callback != ""
		}
		if call.isFor(entry) {
			found = append(found, entry)
		}
	}
	if len(found) == 0 || len(found) > maxOffered {
		message := "%s of %s offers no such action"
		if sameName && len(found) == 0 {
			message = "%s of %s offers this action with another callback"
		}
		return nil, &Finding{
			Rule: RuleActionUnknown, Path: "/extra/action/name", Want: orNil(bounded(names)), Got: call.String(),
			Message: fmt.Sprintf(message, ActionsName, l.ref()),
			Hint:    "don't use it: trigger the action again from the graph that is meant; name and callback are always those of one entry",
		}
	}
	variables, _ := top["variables"].(map[string]any)
	values, finding := c.actionValues(ctx, l, variables, call)
	if finding != nil {
		return nil, finding
	}
	rctx, cancel := context.WithTimeout(ctx, renderTime)
	defer cancel()
	var out []offeredAction
	for _, entry := range found {
		if finding = checkActionInput(entry, call.input); finding != nil {
			continue
		}
		payload, err := render.Render(rctx, render.Plain(entry["hookPayload"]), values)
		if err != nil {
			finding = &Finding{Rule: RuleActionUnknown, Message: fmt.Sprintf("the hookPayload of action %s of %s: %v", call, l.ref(), err)}
			continue
		}
		out = append(out, offeredAction{permission: permissionOf(entry), payload: payload})
	}
	if len(out) == 0 {
		return nil, finding
	}
	return out, nil
}

// isFor tells whether an entry is the one that a call names.
func (call actionCall) isFor(entry map[string]any) bool {
	payload, _ := entry["hookPayload"].(map[string]any)
	decision, _ := payload["decision"].(map[string]any)
	act, _ := decision["action"].(map[string]any)
	return entry["kind"] == "hook" && len(act) > 0 &&
		(call.name == "" || entry["name"] == call.name) && (call.callback == "" || act["cb_name"] == call.callback)
}

func (call actionCall) String() string {
	switch {
	case call.name == "":
		return "callback " + clipText(call.callback)
	case call.callback == "":
		return clipText(call.name)
	}
	return fmt.Sprintf("%s (callback %s)", clipText(call.name), clipText(call.callback))
}

// actionValues is the context of hookPayload: the conventions of actions.json,
// and the parameters of the run that published it.
func (c *chain) actionValues(ctx context.Context, l *link, variables map[string]any, call actionCall) (render.Context, *Finding) {
	values := render.Context{"now": l.run.Resolved.UTC().Format(queueTime)}
	for k, v := range variables {
		values[k] = render.Plain(v)
	}
	values["taskGroupId"], values["taskId"], values["input"] = l.node.id.String(), nil, render.Plain(call.input)
	if !call.target.IsZero() {
		values["taskId"] = call.target.String()
	}
	if _, listed := l.listing[ParametersName]; !listed {
		return values, nil // a payload that needs them can't be rendered
	}
	data, finding := c.readVouched(ctx, l, ParametersName, maxParametersBytes)
	if finding != nil {
		return nil, finding
	}
	parameters, err := render.PyYAML(data)
	if err != nil {
		return nil, &Finding{Rule: RuleContextUnvouched, Message: fmt.Sprintf("%s of %s: %v", ParametersName, l.ref(), err)}
	}
	values["parameters"] = parameters
	return values, nil
}

// genericPermission is that of actions that need no more than their level gives.
const genericPermission = "generic"

// permissionOf is the permission that an action's hook is made for.
func permissionOf(entry map[string]any) string {
	extra, _ := entry["extra"].(map[string]any)
	for _, v := range []any{extra["actionPerm"], entry["actionPerm"]} {
		if s, ok := v.(string); ok {
			return s
		}
	}
	if id, _ := entry["hookId"].(string); id != "" && !strings.Contains(id, "generic/") {
		payload, _ := entry["hookPayload"].(map[string]any)
		decision, _ := payload["decision"].(map[string]any)
		act, _ := decision["action"].(map[string]any)
		s, _ := act["cb_name"].(string)
		return s
	}
	return genericPermission
}

// readVouched reads a small artifact whole, if the run's document vouches for
// its bytes.
func (c *chain) readVouched(ctx context.Context, l *link, name string, limit int64) ([]byte, *Finding) {
	digests, finding := l.digests(name)
	if finding != nil {
		return nil, finding
	}
	for _, afresh := range []bool{false, true} {
		body, err := c.openVouched(ctx, l.ref(), name, digests, limit, afresh)
		var data []byte
		if err == nil {
			data, err = io.ReadAll(body)
		}
		finding = nil
		if err != nil {
			f := unavailable(RuleArtifactUnavailable, err, name+" of "+l.ref().String())
			finding = &f
		}
		for _, d := range digests {
			h := d.New()
			h.Write(data)
			if sum := h.Sum(nil); finding == nil && !d.Matches(sum) {
				finding = wrongDigest(l, name, d, sum)
			}
		}
		if body == nil || !body.finish(finding == nil) {
			return data, finding
		}
	}
	return nil, finding
}

// wrongDigest is the finding for bytes that are not those that were vouched for.
func wrongDigest(l *link, name string, want Digest, sum []byte) *Finding {
	return &Finding{
		Rule: RuleArtifactHash, Path: strictjson.Pointer("/artifacts", name),
		Message: fmt.Sprintf("%s of %s is not what the worker hashed", name, l.ref()),
		Want:    want.Hex(), Got: fmt.Sprintf("%x", sum),
		Hint: "storage holds other bytes than the task uploaded, or transport changed them; try again, then suspect storage",
	}
}

func (c *chain) readAll(ctx context.Context, run graph.RunRef, name string, limit int64) ([]byte, error) {
	room := c.room()
	defer c.giveBack(room)
	data, err := c.readInto(ctx, room, run, name, limit)
	return bytes.Clone(data), err
}

// readInto reads an artifact into a room, where it stays until that is given back.
func (c *chain) readInto(ctx context.Context, room *bytes.Buffer, run graph.RunRef, name string, limit int64) ([]byte, error) {
	body, err := c.v.sources.Artifacts.Open(ctx, run, name, limit)
	if err != nil {
		return nil, err
	}
	_, err = room.ReadFrom(body)
	return room.Bytes(), errors.Join(err, body.Close())
}

// room gives an empty room, most often as large as what was read in it before.
func (c *chain) room() *bytes.Buffer {
	if room, ok := c.rooms.Get().(*bytes.Buffer); ok {
		return room
	}
	return bytes.NewBuffer(make([]byte, 0, bytes.MinRead))
}

func (c *chain) giveBack(room *bytes.Buffer) {
	if room.Reset(); room.Cap() <= 1<<20 {
		c.rooms.Put(room)
	}
}
