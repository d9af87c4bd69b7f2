package registry

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
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

	page *typePage // in which it was read
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

// keepable reports whether PostgreSQL could have kept a text; what it could not have, it
// need not be asked for.
func keepable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// maxTypes is how many types a filter may name.
const maxTypes = 1_000

func checkTypes(types []string) error {
	if len(types) > maxTypes {
		return fault.Input("types", "At most %d types are allowed.", maxTypes)
	}
	for _, t := range types {
		if !keepable(t) {
			return fault.Input("types", "A type has a character that no event's can have.")
		}
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
	who, err := access.Require(ctx, access.ReadSchema)
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
	if !keepable(after) {
		return page, 0, fault.Input("after", "This is not a cursor of this list.")
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
	if !keepable(name) {
		return nil, errNoType
	}
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
	list, page := make([]EventType, len(rows)), &typePage{}
	for i, r := range rows {
		page.names = append(page.names, r.Name)
		list[i] = EventType{
			page: page,
			Name: r.Name, Volume: int(r.Volume), FirstSeenAt: r.FirstSeenAt.UTC(), LastSeenAt: r.LastSeenAt.UTC(),
			PropertyCount: int(r.Properties), UnrecordedPropertyUses: int(r.UnrecordedProperties),
		}
		if e := plan.event(r.Name); e != nil {
			list[i].Planned, list[i].Description = true, e.Description
		}
	}
	return list
}

// ForgetSamples forgets all samples of the tenant. New ones come with new events.
func (s *Service) ForgetSamples(ctx context.Context) (forgotten int, err error) {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return 0, err
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		if forgotten, err = ForgetSamples(ctx, tx); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.SamplesForgotten, Target: audit.Target{Type: "registry"}, Before: map[string]int{"samples": forgotten},
		})
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
