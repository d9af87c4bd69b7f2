package graph

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

const (
	maxPropertyList = 500   // properties of one type in one answer
	maxPicked       = 1_000 // ids in one mutation
)

// edgesOf gives a page's edges and their cursors.
func edgesOf[T, E any](list []T, key func(*T) string, edge func(cursor string, node *T) E) (edges []E, cursors []string) {
	edges = make([]E, len(list))
	for i := range list {
		cursors = append(cursors, cursorOf(key(&list[i])))
		edges[i] = edge(cursors[i], &list[i])
	}
	return edges, cursors
}

// pageOf gives what all connections have: where the page lies.
func pageOf[T any](page registry.PageOf[T], cursors []string, after *string) *model.PageInfo {
	info := pageInfo(cursors, after, page.More)
	return &info
}

// parseNumberCursor reads a cursor that is a number above 0; without one it is 0.
func parseNumberCursor(after *string) (int64, error) {
	key, err := parseCursor(after)
	if err != nil || after == nil {
		return 0, err
	}
	number, err := parseNumber(key)
	if err != nil {
		return 0, errBadCursor
	}
	return number, nil
}

func decimal(number int64) string { return strconv.FormatInt(number, 10) }

func (r *Resolver) eventTypes(ctx context.Context, first int, after *string) (*model.EventTypeConnection, error) {
	name, err := parseCursor(after)
	if err != nil {
		return nil, err
	}
	page, unrecorded, err := r.Registry.EventTypes(ctx, first, name)
	if err != nil {
		return nil, err
	}
	edges, cursors := edgesOf(page.List, func(t *registry.EventType) string { return t.Name },
		func(cursor string, t *registry.EventType) model.EventTypeEdge {
			return model.EventTypeEdge{Cursor: cursor, Node: t}
		})
	return &model.EventTypeConnection{
		Edges: edges, Nodes: page.List, PageInfo: pageOf(page, cursors, after), TotalCount: page.Total, UnrecordedEvents: unrecorded,
	}, nil
}

func (r *Resolver) firstProperties(ctx context.Context, t *registry.EventType, first int) ([]registry.EventProperty, error) {
	if first < 1 || first > maxPropertyList {
		return nil, fault.Input("first", "Between 1 and %d are allowed.", maxPropertyList)
	}
	list, err := r.Registry.Properties(ctx, t)
	return list[:min(len(list), first)], err
}

// typeChanged reports whether any property of the type came in several kinds.
func (r *Resolver) typeChanged(ctx context.Context, t *registry.EventType) (bool, error) {
	list, err := r.Registry.Properties(ctx, t)
	for i := range list {
		if list[i].TypeChanged {
			return true, err
		}
	}
	return false, err
}

func (r *Resolver) schemaChanges(ctx context.Context, first int, after *string, changes []registry.ChangeKind) (*model.SchemaChangeConnection, error) {
	before, err := parseNumberCursor(after)
	if err != nil {
		return nil, err
	}
	page, err := r.Registry.Changes(ctx, first, before, changes)
	if err != nil {
		return nil, err
	}
	edges, cursors := edgesOf(page.List, func(c *registry.SchemaChange) string { return decimal(c.ID) },
		func(cursor string, c *registry.SchemaChange) model.SchemaChangeEdge {
			return model.SchemaChangeEdge{Cursor: cursor, Node: c}
		})
	return &model.SchemaChangeConnection{
		Edges: edges, Nodes: page.List, PageInfo: pageOf(page, cursors, after), TotalCount: page.Total,
	}, nil
}

func (r *Resolver) trackingPlans(ctx context.Context, first int, after *string) (*model.TrackingPlanConnection, error) {
	before, err := parseNumberCursor(after)
	if err != nil {
		return nil, err
	}
	page, err := r.Registry.PlanVersions(ctx, first, int(min(before, 1<<31-1)))
	if err != nil {
		return nil, err
	}
	edges, cursors := edgesOf(page.List, func(v *registry.Version) string { return strconv.Itoa(v.Number) },
		func(cursor string, v *registry.Version) model.TrackingPlanEdge {
			return model.TrackingPlanEdge{Cursor: cursor, Node: v}
		})
	return &model.TrackingPlanConnection{
		Edges: edges, Nodes: page.List, PageInfo: pageOf(page, cursors, after), TotalCount: page.Total,
	}, nil
}

// savePlan saves a plan, or tells what it would make of what is stored.
func (r *Resolver) savePlan(ctx context.Context, plan registry.Plan, preview bool, days int, basedOn *int) (*model.SavedTrackingPlan, error) {
	if preview {
		seen, err := r.Registry.Preview(ctx, plan, days)
		if err != nil {
			return nil, err
		}
		return &model.SavedTrackingPlan{Preview: seen}, nil
	}
	saved, err := r.Registry.Save(ctx, plan, basedOn)
	if err != nil {
		return nil, err
	}
	return &model.SavedTrackingPlan{Plan: saved}, nil
}

// violationCursor writes where a violation stands in the list.
func violationCursor(v *registry.PlanViolation) string {
	key := v.Key()
	text, err := json.Marshal([]string{key.EventType, key.Property, string(key.Rule)})
	if err != nil { // texts can be written
		return ""
	}
	return string(text)
}

func parseViolationCursor(after *string) (key registry.ViolationKey, err error) {
	text, err := parseCursor(after)
	if err != nil || after == nil {
		return key, err
	}
	var parts []string
	if json.Unmarshal([]byte(text), &parts) != nil || len(parts) != 3 {
		return key, errBadCursor
	}
	return registry.ViolationKey{EventType: parts[0], Property: parts[1], Rule: registry.Rule(parts[2])}, nil
}

func (r *Resolver) planViolations(ctx context.Context, first int, after *string, types []string) (*model.PlanViolationConnection, error) {
	key, err := parseViolationCursor(after)
	if err != nil {
		return nil, err
	}
	page, unrecorded, err := r.Registry.Violations(ctx, first, key, types)
	if err != nil {
		return nil, err
	}
	edges, cursors := edgesOf(page.List, violationCursor, func(cursor string, v *registry.PlanViolation) model.PlanViolationEdge {
		return model.PlanViolationEdge{Cursor: cursor, Node: v}
	})
	return &model.PlanViolationConnection{
		Edges: edges, Nodes: page.List, PageInfo: pageOf(page, cursors, after), TotalCount: page.Total, UnrecordedViolations: unrecorded,
	}, nil
}

func (r *Resolver) quarantinedEvents(ctx context.Context, first int, after *string, types []string) (*model.QuarantinedEventConnection, error) {
	before, err := parseNumberCursor(after)
	if err != nil {
		return nil, err
	}
	page, err := r.Registry.Held(ctx, first, before, types)
	if err != nil {
		return nil, err
	}
	nodes := make([]model.QuarantinedEvent, len(page.List))
	cursors := make([]string, len(page.List))
	for i := range page.List {
		nodes[i], cursors[i] = *toQuarantined(&page.List[i]), cursorOf(decimal(page.List[i].ID))
	}
	c := &model.QuarantinedEventConnection{
		Edges: make([]model.QuarantinedEventEdge, len(nodes)), Nodes: nodes,
		PageInfo: pageOf(page, cursors, after), TotalCount: page.Total,
	}
	for i := range nodes {
		c.Edges[i] = model.QuarantinedEventEdge{Cursor: cursors[i], Node: &nodes[i]}
	}
	return c, nil
}

func toQuarantined(held *registry.Held) *model.QuarantinedEvent {
	e := event.Unpack(held).Incoming
	q := &model.QuarantinedEvent{
		ID: nodeID(quarantinedNode, decimal(held.ID)), Type: held.Type, MessageID: held.MessageID, Source: held.Source,
		ReceivedAt: held.ReceivedAt, UserID: orNull(e.UserID), AnonymousID: orNull(e.AnonymousID),
		Properties: e.Properties, Traits: e.Traits, Field: held.Field, Reason: held.Reason, PlanVersion: held.PlanVersion,
	}
	if q.Properties == nil {
		q.Properties = []byte("{}")
	}
	if !e.Timestamp.IsZero() {
		at := e.Timestamp.UTC()
		q.Timestamp = &at
	}
	return q
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// pickOf reads which events in quarantine are meant. An id of nothing picks nothing.
func pickOf(ids, types []string) (pick registry.Pick, err error) {
	if ids == nil {
		return registry.Pick{Types: types}, nil
	}
	if len(ids) < 1 || len(ids) > maxPicked {
		return pick, fault.Input("ids", "Between 1 and %d are allowed.", maxPicked)
	}
	pick.Types = types
	for _, id := range ids {
		number, err := numberOf(quarantinedNode, "ids", id)
		if err != nil {
			return pick, err
		}
		pick.IDs = append(pick.IDs, number)
	}
	return pick, nil
}

// findObserved finds what an id of the registry names.
func (r *Resolver) findObserved(ctx context.Context, kind, key string) (model.Node, error) {
	if kind == eventTypeNode {
		found, err := r.Registry.EventType(ctx, key)
		if err != nil {
			return nil, missing(err)
		}
		return found, nil
	}
	number, err := parseNumber(key)
	if err != nil {
		return nil, errNoNode
	}
	switch kind {
	case schemaChangeNode:
		found, err := r.Registry.Change(ctx, number)
		if err != nil {
			return nil, err
		}
		return found, nil
	case planNode:
		found, err := r.Registry.PlanVersion(ctx, int(number))
		if err != nil {
			return nil, missing(err)
		}
		return found, nil
	}
	found, err := r.Registry.HeldByID(ctx, number)
	if err != nil {
		return nil, err
	}
	return toQuarantined(found), nil
}

// missing gives one answer to an id of nothing, whatever the subject says of it.
func missing(err error) error {
	if f, ok := fault.Of(err); ok && f.Code == fault.NotFound {
		return errNoNode
	}
	return err
}
