package registry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// maxPage is how many elements one page of any list has at most.
const maxPage = 200

// Service answers for the tenant that asks.
type Service struct {
	app   *postgres.App
	plans *Plans
}

// NewService makes the service. A plan that it saves holds at once for whoever asks plans.
func NewService(app *postgres.App, plans *Plans) *Service { return &Service{app, plans} }

// EventType is what was observed of one type, and what the plan says about it.
type EventType struct {
	Name                   string
	Description            *string // the plan's
	Volume                 int
	FirstSeenAt            time.Time
	LastSeenAt             time.Time
	Planned                bool
	PropertyCount          int
	UnrecordedPropertyUses int
}

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

// PageOf is a part of a list.
type PageOf[T any] struct {
	List  []T
	More  bool // whether others follow
	Total int  // on all pages
}

// cut takes off the one more that was read to learn whether others follow.
func cut[T any](list []T, first int) PageOf[T] {
	return PageOf[T]{List: list[:min(len(list), first)], More: len(list) > first}
}

func checkFirst(first int) error {
	if first < 1 || first > maxPage {
		return fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	return nil
}

var errNoType = fault.New(fault.NotFound, "No event of this type was seen. The query eventTypes lists those that were.").In("name")

// everyDay is any day: what is observed changes with the day that an event falls on, and
// that is what the feed tells of.
func everyDay(id tenant.ID) topic.Span {
	return topic.Span{Tenant: id, Subject: topic.Day, From: "0", To: "9999-12-31"}
}

func only(id tenant.ID, subject topic.Subject) topic.Span { return topic.Exactly(id, subject, "") }

// read runs fn for the tenant that asks, and notes what the answer depends on.
func (s *Service) read(ctx context.Context, spans func(tenant.ID) []topic.Span, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return err
	}
	for _, span := range spans(who.Tenant) {
		topic.Note(ctx, span)
	}
	return s.app.Read(ctx, who.Tenant, fn)
}

func observedSpans(id tenant.ID) []topic.Span {
	return []topic.Span{everyDay(id), only(id, topic.Plan)}
}

// EventTypes lists the types by name, from the one after a name on.
func (s *Service) EventTypes(ctx context.Context, first int, after string) (page PageOf[EventType], unrecorded int, err error) {
	if err := checkFirst(first); err != nil {
		return page, 0, err
	}
	err = s.read(ctx, observedSpans, func(tx pgx.Tx) error {
		queries := dbsqlc.New()
		rows, err := queries.EventTypePage(ctx, tx, dbsqlc.EventTypePageParams{After: after, Most: int64(first) + 1})
		if err != nil {
			return fmt.Errorf("read page of event types: %w", err)
		}
		plan, err := currentPlan(ctx, tx)
		if err != nil {
			return err
		}
		page = cut(typesOf(rows, plan), first)
		total, err := queries.EventTypeCount(ctx, tx)
		if err != nil {
			return fmt.Errorf("count event types: %w", err)
		}
		page.Total = int(total)
		state, err := queries.RegistryStateGet(ctx, tx)
		unrecorded = int(state.UnrecordedEvents)
		return err
	})
	return page, unrecorded, err
}

// EventType finds one type, or NOT_FOUND.
func (s *Service) EventType(ctx context.Context, name string) (found *EventType, err error) {
	err = s.read(ctx, observedSpans, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().EventTypeListByNames(ctx, tx, []string{name})
		if err != nil {
			return fmt.Errorf("read event type: %w", err)
		}
		if len(rows) == 0 {
			return errNoType
		}
		plan, err := currentPlan(ctx, tx)
		found = &typesOf([]dbsqlc.EventTypePageRow{dbsqlc.EventTypePageRow(rows[0])}, plan)[0]
		return err
	})
	return found, err
}

// currentPlan reads the plan that holds; nil: there is none.
func currentPlan(ctx context.Context, tx pgx.Tx) (*Plan, error) {
	version, err := currentVersion(ctx, tx)
	if err != nil || version == nil {
		return nil, err
	}
	return &version.Plan, nil
}

func typesOf(rows []dbsqlc.EventTypePageRow, plan *Plan) []EventType {
	list := make([]EventType, len(rows))
	for i, r := range rows {
		list[i] = EventType{
			Name: r.Name, Volume: int(r.Volume), FirstSeenAt: r.FirstSeenAt.UTC(), LastSeenAt: r.LastSeenAt.UTC(),
			PropertyCount: int(r.Properties), UnrecordedPropertyUses: int(r.UnrecordedProperties),
		}
		if e := plan.event(r.Name); e != nil {
			list[i].Planned, list[i].Description = true, e.Description
		}
	}
	return list
}

// Properties lists the properties of several types at once.
func (s *Service) Properties(ctx context.Context, types []string) (map[string][]EventProperty, error) {
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

// ForgetSamples forgets all samples of the tenant. New ones come with new events.
func (s *Service) ForgetSamples(ctx context.Context) (forgotten int, err error) {
	who, err := access.Require(ctx, access.Manage)
	if err != nil {
		return 0, err
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		forgotten, err = ForgetSamples(ctx, tx)
		return err
	})
	return forgotten, err
}

// ForgetSamples forgets the samples of the transaction's tenant, for whoever erases data.
func ForgetSamples(ctx context.Context, tx pgx.Tx) (int, error) {
	queries := dbsqlc.New()
	n, err := queries.EventPropertyForgetSamples(ctx, tx)
	if err != nil {
		return 0, fmt.Errorf("forget samples: %w", err)
	}
	if err := queries.RegistryStateForgotSamples(ctx, tx); err != nil {
		return 0, fmt.Errorf("note that samples were forgotten: %w", err)
	}
	return int(n), nil
}

// before turns a cursor that counts down into what the statement takes.
func before(cursor int64) int64 {
	if cursor == 0 {
		return math.MaxInt64
	}
	return cursor
}

// SchemaChange is something that changed about the events of a tenant.
type SchemaChange struct {
	ID         int64
	Change     ChangeKind
	EventType  string
	Property   *string
	Kind       *Kind
	Was        []Kind
	MessageID  string
	OccurredAt time.Time
	RecordedAt time.Time
}

// Changes lists what changed, the newest first, from the one before an id on.
func (s *Service) Changes(ctx context.Context, first int, beforeID int64, only []ChangeKind) (page PageOf[SchemaChange], err error) {
	if err := checkFirst(first); err != nil {
		return page, err
	}
	var changes []string
	for _, c := range only {
		changes = append(changes, string(c))
	}
	err = s.read(ctx, observedSpans, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().SchemaChangePage(ctx, tx, dbsqlc.SchemaChangePageParams{
			Before: before(beforeID), Changes: changes, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read page of schema changes: %w", err)
		}
		list := make([]SchemaChange, len(rows))
		for i, r := range rows {
			list[i] = schemaChangeOf(r)
		}
		page = cut(list, first)
		total, err := dbsqlc.New().SchemaChangeCount(ctx, tx, changes)
		page.Total = int(total)
		return err
	})
	return page, err
}

func schemaChangeOf(r dbsqlc.SchemaChangePageRow) SchemaChange {
	c := SchemaChange{
		ID: r.SchemaChangeID, Change: ChangeKind(r.Change), EventType: r.Type, Property: r.Property, Was: []Kind{},
		MessageID: r.MessageID, OccurredAt: r.OccurredAt.UTC(), RecordedAt: r.RecordedAt.UTC(),
	}
	if r.Kind != nil {
		kind := Kind(*r.Kind)
		c.Kind = &kind
	}
	for _, k := range r.Was {
		c.Was = append(c.Was, Kind(k))
	}
	return c
}

var errNothing = fault.New(fault.NotFound, "There is nothing with this id.").In("id")

// Change finds one change, or NOT_FOUND.
func (s *Service) Change(ctx context.Context, id int64) (found *SchemaChange, err error) {
	err = s.read(ctx, observedSpans, func(tx pgx.Tx) error {
		row, err := dbsqlc.New().SchemaChangeGet(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("read schema change: %w", err)
		}
		c := schemaChangeOf(dbsqlc.SchemaChangePageRow(row))
		found = &c
		return nil
	})
	return found, err
}
