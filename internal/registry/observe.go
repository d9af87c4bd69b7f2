package registry

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Observe records what a batch had of each type and property, and what was found against the
// plan, in the transaction that stores the batch. Only one transaction of a tenant at a time
// may do so.
func Observe(ctx context.Context, tx pgx.Tx, observations []Observation) error {
	if len(observations) == 0 {
		return nil
	}
	types := gather(observations)
	known, changes, err := observeTypes(ctx, tx, types)
	if err != nil {
		return err
	}
	more, err := observeProperties(ctx, tx, known, planVersion(observations))
	if err != nil {
		return err
	}
	if err := recordChanges(ctx, tx, append(changes, more...)); err != nil {
		return err
	}
	return CountViolations(ctx, tx, violationsOf(observations))
}

// planVersion is the plan by which personal properties were told from others; if there were
// several, one that is no longer current, so that no sample is taken.
func planVersion(observations []Observation) int32 {
	version := observations[0].Finding.rules.version()
	for i := range observations {
		version = min(version, observations[i].Finding.rules.version())
	}
	return version
}

// observeTypes records the types, as far as there is room, and returns those recorded.
func observeTypes(ctx context.Context, tx pgx.Tx, types []*typeSeen) (known []*typeSeen, changes []change, err error) {
	p := dbsqlc.EventTypeObserveParams{Most: MaxEventTypes}
	for _, t := range types {
		p.Names = append(p.Names, t.name)
		p.FirstSeenAts = append(p.FirstSeenAts, t.first)
		p.LastSeenAts = append(p.LastSeenAts, t.last)
		p.Volumes = append(p.Volumes, t.volume)
	}
	rows, err := dbsqlc.New().EventTypeObserve(ctx, tx, p)
	if err != nil {
		return nil, nil, fmt.Errorf("observe event types: %w", err)
	}
	volumes := make(map[string]int64, len(rows))
	for _, r := range rows {
		volumes[r.Name] = r.Volume
	}
	var unrecorded int64
	for _, t := range types {
		volume, recorded := volumes[t.name]
		if !recorded {
			unrecorded += t.volume
			continue
		}
		known = append(known, t)
		if volume == t.volume { // nothing of it was there before
			changes = append(changes, change{kind: NewEventType, eventType: t.name, by: t.by})
		}
	}
	if unrecorded > 0 {
		err = addUnrecorded(ctx, tx, unrecorded, 0)
	}
	return known, changes, err
}

func addUnrecorded(ctx context.Context, tx pgx.Tx, events, violations int64) error {
	err := dbsqlc.New().RegistryStateAdd(ctx, tx, dbsqlc.RegistryStateAddParams{Events: events, Violations: violations})
	if err != nil {
		return fmt.Errorf("count what is not recorded: %w", err)
	}
	return nil
}

// propertyKey is a property of one kind, of one type.
type propertyKey struct {
	eventType string
	Property
}

// observeProperties records the properties of types that are recorded, as far as there is room.
func observeProperties(ctx context.Context, tx pgx.Tx, types []*typeSeen, version int32) ([]change, error) {
	p := dbsqlc.EventPropertyObserveParams{Most: MaxProperties, PlanVersion: version}
	for _, t := range types {
		for _, s := range t.properties {
			p.Types = append(p.Types, t.name)
			p.Names = append(p.Names, s.Name)
			p.Kinds = append(p.Kinds, string(s.Kind))
			p.FirstSeenAts = append(p.FirstSeenAts, s.first)
			p.LastSeenAts = append(p.LastSeenAts, s.last)
			p.Volumes = append(p.Volumes, s.volume)
			p.Samples = append(p.Samples, s.sample)
		}
	}
	volumes := map[propertyKey]int64{}
	if len(p.Types) > 0 {
		rows, err := dbsqlc.New().EventPropertyObserve(ctx, tx, p)
		if err != nil {
			return nil, fmt.Errorf("observe properties: %w", err)
		}
		for _, r := range rows {
			volumes[propertyKey{r.Type, Property{r.Name, Kind(r.Kind)}}] = r.Volume
		}
	}
	return settleProperties(ctx, tx, types, volumes)
}

// settleProperties works out what is new, and counts what is not recorded.
func settleProperties(ctx context.Context, tx pgx.Tx, types []*typeSeen, volumes map[propertyKey]int64) ([]change, error) {
	made := make(map[*typeSeen][]*propertySeen)
	for _, t := range types {
		for _, s := range t.properties {
			volume, recorded := volumes[propertyKey{t.name, s.Property}]
			switch {
			case !recorded:
				t.unrecorded += s.volume
			case volume == s.volume:
				made[t] = append(made[t], s)
			}
		}
	}
	changes, grown, err := propertyChanges(ctx, tx, types, made)
	if err != nil {
		return nil, err
	}
	var p dbsqlc.EventTypeGrowParams
	for _, t := range types {
		if grown[t] > 0 || t.unrecorded > 0 {
			p.Names = append(p.Names, t.name)
			p.Properties = append(p.Properties, grown[t])
			p.Unrecorded = append(p.Unrecorded, t.unrecorded)
		}
	}
	if len(p.Names) == 0 {
		return changes, nil
	}
	if err := dbsqlc.New().EventTypeGrow(ctx, tx, p); err != nil {
		return nil, fmt.Errorf("count properties: %w", err)
	}
	return changes, nil
}
