package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// PlanViolation is how often one rule was broken.
type PlanViolation struct {
	EventType   string
	Property    *string
	Rule        Rule
	Volume      int
	FirstSeenAt time.Time
	LastSeenAt  time.Time
	MessageID   string
}

// ViolationKey is where a violation stands in the list.
type ViolationKey struct {
	EventType, Property string
	Rule                Rule
}

// Key is where the violation stands in the list.
func (v *PlanViolation) Key() ViolationKey {
	return ViolationKey{v.EventType, text(v.Property), v.Rule}
}

// Violations lists what was found against the plan, by type, property and rule, and tells
// how many findings are not recorded.
func (s *Service) Violations(ctx context.Context, first int, after ViolationKey, types []string) (page PageOf[PlanViolation], unrecorded int, err error) {
	if err := checkFirst(first); err != nil {
		return page, 0, err
	}
	if err := checkTypes(types); err != nil {
		return page, 0, err
	}
	if !keepable(after.EventType + after.Property + string(after.Rule)) {
		return page, 0, fault.Input("after", "This is not a cursor of this list.")
	}
	spans := func(id tenant.ID) []topic.Span {
		return []topic.Span{only(id, topic.Violation), only(id, topic.Plan)}
	}
	err = s.read(ctx, spans, func(tx pgx.Tx) error {
		queries := dbsqlc.New()
		rows, err := queries.PlanViolationPage(ctx, tx, dbsqlc.PlanViolationPageParams{
			AfterType: after.EventType, AfterProperty: after.Property, AfterRule: string(after.Rule), Types: types, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read page of violations: %w", err)
		}
		list := make([]PlanViolation, len(rows))
		for i, r := range rows {
			list[i] = PlanViolation{
				EventType: r.Type, Property: orNull(r.Property), Rule: Rule(r.Rule), Volume: int(r.Volume),
				FirstSeenAt: r.FirstSeenAt.UTC(), LastSeenAt: r.LastSeenAt.UTC(), MessageID: r.MessageID,
			}
		}
		page = cut(list, first)
		total, err := queries.PlanViolationCount(ctx, tx, types)
		if err != nil {
			return fmt.Errorf("count violations: %w", err)
		}
		page.Total = int(total)
		state, err := queries.RegistryStateGet(ctx, tx)
		unrecorded = int(state.UnrecordedViolations)
		return err
	})
	return page, unrecorded, err
}

func quarantineSpans(id tenant.ID) []topic.Span { return []topic.Span{only(id, topic.Quarantine)} }

// Held lists the events in quarantine, the newest first, from the one before an id on.
func (s *Service) Held(ctx context.Context, first int, beforeID int64, types []string) (page PageOf[Held], err error) {
	if err := checkFirst(first); err != nil {
		return page, err
	}
	if err := checkTypes(types); err != nil {
		return page, err
	}
	err = s.read(ctx, quarantineSpans, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().QuarantinedEventPage(ctx, tx, dbsqlc.QuarantinedEventPageParams{
			Before: before(beforeID), Types: types, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read page of held events: %w", err)
		}
		list := make([]Held, len(rows))
		for i, r := range rows {
			list[i] = heldOf(r)
		}
		page = cut(list, first)
		total, err := dbsqlc.New().QuarantinedEventCount(ctx, tx, types)
		page.Total = int(total)
		return err
	})
	return page, err
}

// HeldByID finds an event in quarantine, or NOT_FOUND.
func (s *Service) HeldByID(ctx context.Context, id int64) (found *Held, err error) {
	err = s.read(ctx, quarantineSpans, func(tx pgx.Tx) error {
		list, err := HeldAfter(ctx, tx, Pick{IDs: []int64{id}}, 0, 1)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return errNothing
		}
		found = &list[0]
		return nil
	})
	return found, err
}

const (
	discardPage = 500
	discardMost = 10_000 // events that one call discards
)

// Discard forgets events in quarantine, the oldest first. It tells how many, and whether
// others are left that it has not come to.
func (s *Service) Discard(ctx context.Context, pick Pick) (discarded int, more bool, err error) {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return 0, false, err
	}
	for after, seen := int64(0), 0; seen < discardMost; {
		var page []Held
		err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
			if page, err = HeldAfter(ctx, tx, pick, after, discardPage); err != nil {
				return err
			}
			n, err := Decide(ctx, tx, Discarded, who.By(), page)
			discarded += n
			if err != nil {
				return err
			}
			return audit.Write(ctx, tx, audit.Entry{
				Action: audit.QuarantineDiscarded, Target: audit.Target{Type: "quarantine"}, Before: map[string]int{"events": n},
			})
		})
		if err != nil || len(page) < discardPage {
			return discarded, false, err
		}
		after, seen = page[len(page)-1].ID, seen+len(page)
	}
	return discarded, true, nil
}
