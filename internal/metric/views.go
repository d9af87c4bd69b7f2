package metric

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// RefreshState is what became of a refresh.
type RefreshState string

// RefreshReason is why a view was refreshed.
type RefreshReason string

// View is a materialized view, as the tenant that asks finds it.
type View struct {
	Name            string
	State           *RefreshState // of the last refresh; nil: there was none
	Reason          *RefreshReason
	StartedAt       *time.Time
	LastRefreshedAt *time.Time // to the end; nil: never
	LastDuration    *float64   // seconds
	StaleDays       int
	ClosedDays      int
	FreshUntil      *calendar.Date // nil: no day is over
	Error           *string
}

// lookAgain is how long an answer about views holds: that a day is over, nobody is told of.
const lookAgain = 20 * time.Second

// Views tells how the materialized views are.
func (s *Service) Views(ctx context.Context) (list []View, err error) {
	who, err := access.Require(ctx, access.ReadMetrics)
	if err != nil {
		return nil, err
	}
	names := viewNames()
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		queries := dbsqlc.New()
		now, err := queries.EventClock(ctx, tx)
		if err != nil {
			return fmt.Errorf("read clock: %w", err)
		}
		topic.NoteUntil(ctx, now.Add(lookAgain))
		topic.Note(ctx, topic.All(who.Tenant, topic.Day)) // a view is out of date where a day has changed
		topic.Note(ctx, topic.Exactly(tenant.None, topic.View, ""))
		freshness, err := queries.ViewFreshness(ctx, tx)
		if err != nil {
			return fmt.Errorf("read freshness of views: %w", err)
		}
		last, err := queries.ViewRefreshLast(ctx, tx, names)
		if err != nil {
			return fmt.Errorf("read refreshes of views: %w", err)
		}
		for _, name := range names {
			list = append(list, viewOf(name, freshness, last))
		}
		return nil
	})
	return list, err
}

func viewOf(name string, f dbsqlc.ViewFreshnessRow, last []dbsqlc.ViewRefreshLastRow) View {
	v := View{Name: name, ClosedDays: int(f.ClosedDays), StaleDays: int(f.TotalStale)}
	until := f.TotalUntil
	if name == "day_type" {
		v.StaleDays, until = int(f.TypeStale), f.TypeUntil
	}
	if until > 0 {
		v.FreshUntil = &until
	}
	for _, r := range last {
		if r.View == name {
			v.tell(r)
		}
	}
	return v
}

// tell says what became of its refreshes.
func (v *View) tell(r dbsqlc.ViewRefreshLastRow) {
	v.State, v.Reason, v.StartedAt = new(RefreshState(r.State)), new(RefreshReason(r.Reason)), new(r.StartedAt.UTC())
	if r.DoneAt != nil {
		v.LastRefreshedAt, v.LastDuration = new(r.DoneAt.UTC()), new(r.DoneAt.Sub(r.DoneSince).Seconds())
	}
	if r.Error != "" {
		v.Error = &r.Error
	}
}
