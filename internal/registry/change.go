package registry

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// ChangeKind is what changed about a tenant's events.
type ChangeKind string

// The changes, as in the schema's enum SchemaChangeKind. Null is the absence of a value, and
// so no change of kind: a property that was null so far is new once, and a known one that is
// null for once is not changed.
const (
	NewEventType ChangeKind = "NEW_EVENT_TYPE"
	NewProperty  ChangeKind = "NEW_PROPERTY"
	TypeChanged  ChangeKind = "TYPE_CHANGED"
)

// change is one that a batch has brought.
type change struct {
	kind      ChangeKind
	eventType string
	property  Property // none of a new type
	was       []Kind
	by        *Observation
}

// propertyChanges tells what the new rows of properties mean, in the order in which the
// batch brought them, and how many new names each type has.
func propertyChanges(ctx context.Context, tx pgx.Tx, types []*typeSeen, made map[*typeSeen][]*propertySeen) (changes []change, grown map[*typeSeen]int32, err error) {
	if len(made) == 0 {
		return nil, nil, nil
	}
	before, err := kindsBefore(ctx, tx, made)
	if err != nil {
		return nil, nil, err
	}
	grown = map[*typeSeen]int32{}
	for _, t := range types {
		for _, s := range made[t] {
			name := propertyName{t.name, s.Name}
			was := before[name]
			if len(was) == 0 {
				grown[t]++
			}
			if kind, is := changeOf(was, s.Kind); is {
				changes = append(changes, change{kind: kind, eventType: t.name, property: s.Property, was: was, by: s.by})
			}
			before[name] = append(was[:len(was):len(was)], s.Kind)
		}
	}
	return changes, grown, nil
}

// changeOf tells what it means that a property comes in a kind that it never had.
func changeOf(was []Kind, now Kind) (ChangeKind, bool) {
	if len(was) == 0 {
		return NewProperty, true
	}
	return TypeChanged, now != Null && (len(was) > 1 || was[0] != Null)
}

type propertyName struct{ eventType, name string }

// kindsBefore lists the kinds that properties had before this batch.
func kindsBefore(ctx context.Context, tx pgx.Tx, made map[*typeSeen][]*propertySeen) (map[propertyName][]Kind, error) {
	isMade := map[propertyKey]bool{}
	var p dbsqlc.EventPropertyKindListParams
	for t, properties := range made {
		for _, s := range properties {
			isMade[propertyKey{t.name, s.Property}] = true
			p.Types = append(p.Types, t.name)
			p.Names = append(p.Names, s.Name)
		}
	}
	rows, err := dbsqlc.New().EventPropertyKindList(ctx, tx, p)
	if err != nil {
		return nil, fmt.Errorf("list kinds: %w", err)
	}
	before := map[propertyName][]Kind{}
	for _, r := range rows {
		if !isMade[propertyKey{r.Type, Property{r.Name, Kind(r.Kind)}}] {
			name := propertyName{r.Type, r.Name}
			before[name] = append(before[name], Kind(r.Kind))
		}
	}
	return before, nil
}

func recordChanges(ctx context.Context, tx pgx.Tx, changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	var p dbsqlc.SchemaChangeInsertParams
	for _, c := range changes {
		p.Changes = append(p.Changes, string(c.kind))
		p.Types = append(p.Types, c.eventType)
		p.Properties = append(p.Properties, c.property.Name)
		p.Kinds = append(p.Kinds, string(c.property.Kind))
		p.Was = append(p.Was, joinKinds(c.was))
		p.MessageIds = append(p.MessageIds, c.by.MessageID)
		p.OccurredAts = append(p.OccurredAts, c.by.At)
	}
	if err := dbsqlc.New().SchemaChangeInsert(ctx, tx, p); err != nil {
		return fmt.Errorf("insert schema changes: %w", err)
	}
	return nil
}

func joinKinds(kinds []Kind) string {
	texts := make([]string, len(kinds))
	for i, k := range kinds {
		texts[i] = string(k)
	}
	return strings.Join(texts, ",")
}
