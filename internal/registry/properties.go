package registry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

const propertiesWithin = 10 * time.Second

// EventProperty is what was observed of one property, and what the plan says about it.
type EventProperty struct {
	Name        string
	Description *string // the plan's
	Kinds       []ObservedKind
	Volume      int
	FirstSeenAt time.Time
	LastSeenAt  time.Time
	TypeChanged bool // values of several kinds came, null aside
	Planned     bool
	Required    bool
	Personal    bool
}

// ObservedKind is what was observed of the values of one kind.
type ObservedKind struct {
	Kind        Kind
	Volume      int
	FirstSeenAt time.Time
	LastSeenAt  time.Time
	Sample      *string
}

// typePage is the types that were read together, and so have their properties read together.
type typePage struct {
	names      []string
	once       sync.Once
	properties map[string][]EventProperty
	err        error
}

// Properties lists the properties of a type by name. The first who asks reads those of all
// types of its page.
func (s *Service) Properties(ctx context.Context, t *EventType) ([]EventProperty, error) {
	p := t.page
	p.once.Do(func() {
		// Others wait for the answer, though the first one goes away.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), propertiesWithin)
		defer cancel()
		p.properties, p.err = s.properties(ctx, p.names)
	})
	if list := p.properties[t.Name]; list != nil || p.err != nil {
		return list, p.err
	}
	return []EventProperty{}, nil
}

func (s *Service) properties(ctx context.Context, types []string) (map[string][]EventProperty, error) {
	properties := make(map[string][]EventProperty, len(types))
	err := s.read(ctx, observedSpans, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().EventPropertyListByTypes(ctx, tx, types)
		if err != nil {
			return fmt.Errorf("read properties: %w", err)
		}
		plan, err := currentPlan(ctx, tx)
		if err != nil {
			return err
		}
		for i := range rows {
			addKind(properties, &rows[i])
		}
		for eventType, list := range properties {
			e := plan.event(eventType)
			for i := range list {
				list[i].settle(e.property(list[i].Name))
			}
		}
		return nil
	})
	return properties, err
}

// addKind adds a row to its property; the rows come in order of type and name.
func addKind(properties map[string][]EventProperty, r *dbsqlc.EventPropertyListByTypesRow) {
	list := properties[r.Type]
	if len(list) == 0 || list[len(list)-1].Name != r.Name {
		list = append(list, EventProperty{Name: r.Name, FirstSeenAt: r.FirstSeenAt.UTC(), LastSeenAt: r.LastSeenAt.UTC()})
		properties[r.Type] = list
	}
	p := &list[len(list)-1]
	p.Volume += int(r.Volume)
	if r.FirstSeenAt.Before(p.FirstSeenAt) {
		p.FirstSeenAt = r.FirstSeenAt.UTC()
	}
	if r.LastSeenAt.After(p.LastSeenAt) {
		p.LastSeenAt = r.LastSeenAt.UTC()
	}
	p.Kinds = append(p.Kinds, ObservedKind{
		Kind: Kind(r.Kind), Volume: int(r.Volume), FirstSeenAt: r.FirstSeenAt.UTC(), LastSeenAt: r.LastSeenAt.UTC(), Sample: r.Sample,
	})
}

func (p *EventProperty) settle(planned *PlannedProperty) {
	kinds := 0
	for _, k := range p.Kinds {
		if k.Kind != Null {
			kinds++
		}
	}
	p.TypeChanged = kinds > 1
	if planned != nil {
		p.Planned, p.Description = true, planned.Description
		p.Required, p.Personal = planned.Required, planned.Personal
	}
}
