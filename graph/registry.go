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

func (r *Resolver) eventTypes(ctx context.Context, first int, after *string) (*model.EventTypeConnection, error) {
	name, err := parseCursor(after)
	if err != nil {
		return nil, err
	}
	page, unrecorded, err := r.Registry.EventTypes(ctx, first, name)
	if err != nil {
		return nil, err
	}
	c := &model.EventTypeConnection{TotalCount: page.Total, UnrecordedEvents: unrecorded}
	c.Edges, c.Nodes, c.PageInfo = connect[model.EventTypeEdge](ctx, page.List, page.More, after,
		func(t *registry.EventType) string { return t.Name })
	return c, nil
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
	before, err := placeOrStart(after, parseNumber)
	if err != nil {
		return nil, err
	}
	page, err := r.Registry.Changes(ctx, first, before, changes)
	if err != nil {
		return nil, err
	}
	c := &model.SchemaChangeConnection{TotalCount: page.Total}
	c.Edges, c.Nodes, c.PageInfo = connect[model.SchemaChangeEdge](ctx, page.List, page.More, after,
		func(c *registry.SchemaChange) string { return decimal(c.ID) })
	return c, nil
}

func (r *Resolver) trackingPlans(ctx context.Context, first int, after *string) (*model.TrackingPlanConnection, error) {
	before, err := placeOrStart(after, parseNumber)
	if err != nil {
		return nil, err
	}
	page, err := r.Registry.PlanVersions(ctx, first, int(min(before, 1<<31-1)))
	if err != nil {
		return nil, err
	}
	c := &model.TrackingPlanConnection{TotalCount: page.Total}
	c.Edges, c.Nodes, c.PageInfo = connect[model.TrackingPlanEdge](ctx, page.List, page.More, after,
		func(v *registry.Version) string { return strconv.Itoa(v.Number) })
	return c, nil
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

// violationKey writes where a violation stands in the list.
func violationKey(v *registry.PlanViolation) string {
	key := v.Key()
	text, err := json.Marshal([]string{key.EventType, key.Property, string(key.Rule)})
	if err != nil { // texts can be written
		return ""
	}
	return string(text)
}

func parseViolationKey(text string) (key registry.ViolationKey, ok bool) {
	var parts []string
	if json.Unmarshal([]byte(text), &parts) != nil || len(parts) != 3 {
		return key, false
	}
	return registry.ViolationKey{EventType: parts[0], Property: parts[1], Rule: registry.Rule(parts[2])}, true
}

func (r *Resolver) planViolations(ctx context.Context, first int, after *string, types []string) (*model.PlanViolationConnection, error) {
	key, err := placeOrStart(after, parseViolationKey)
	if err != nil {
		return nil, err
	}
	page, unrecorded, err := r.Registry.Violations(ctx, first, key, types)
	if err != nil {
		return nil, err
	}
	c := &model.PlanViolationConnection{TotalCount: page.Total, UnrecordedViolations: unrecorded}
	c.Edges, c.Nodes, c.PageInfo = connect[model.PlanViolationEdge](ctx, page.List, page.More, after, violationKey)
	return c, nil
}

func (r *Resolver) quarantinedEvents(ctx context.Context, first int, after *string, types []string) (*model.QuarantinedEventConnection, error) {
	before, err := placeOrStart(after, parseNumber)
	if err != nil {
		return nil, err
	}
	page, err := r.Registry.Held(ctx, first, before, types)
	if err != nil {
		return nil, err
	}
	c := &model.QuarantinedEventConnection{TotalCount: page.Total}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.QuarantinedEventEdge](ctx, page.List, page.More, after,
		func(h *registry.Held) string { return decimal(h.ID) }, toQuarantined)
	return c, nil
}

func toQuarantined(held *registry.Held) *model.QuarantinedEvent {
	e := event.Unpack(held).Incoming
	q := &model.QuarantinedEvent{
		ID: numberID(quarantinedNode, held.ID), Type: held.Type, MessageID: held.MessageID, Source: held.Source,
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

// orNull is null for what says nothing.
func orNull[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
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
		return found(r.Registry.EventType(ctx, key))
	}
	number, ok := parseNumber(key)
	if !ok {
		return nil, errNoNode
	}
	switch kind {
	case schemaChangeNode:
		return found(r.Registry.Change(ctx, number))
	case planNode:
		return found(r.Registry.PlanVersion(ctx, int(number)))
	}
	held, err := r.Registry.HeldByID(ctx, number)
	if err != nil {
		return nil, err
	}
	return toQuarantined(held), nil
}
