package summary

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/job"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Period is how long what is summarized lasts.
type Period string

// The periods, as in the schema's enum SummaryPeriod.
const (
	Day   Period = "DAY"
	Week  Period = "WEEK"
	Month Period = "MONTH"
)

// periods are all of them, with how many are made up at most.
var periods = []struct {
	Period
	back int
}{{Day, 400}, {Week, 104}, {Month, 60}}

// Valid tells whether it is one of the periods.
func (p Period) Valid() bool { return p == Day || p == Week || p == Month }

// Settings are what the periods of a tenant depend on.
type Settings struct {
	Zone      calendar.Zone
	WeekStart time.Weekday
	First     calendar.Date // the first day of which anything is known
}

// Key names a period of a tenant.
type Key struct {
	Period
	Start calendar.Date
}

// Span is a period of a tenant, by its days and by its instants. Both are half-open.
type Span struct {
	Key
	End      calendar.Date
	From, To time.Time
}

func (s Settings) grid(p Period) calendar.Grid {
	return calendar.Grid{Zone: s.Zone, Interval: calendar.Interval(p), WeekStart: s.WeekStart}
}

func (s Settings) span(p Period, from, to time.Time) Span {
	return Span{Key{p, s.Zone.DateOf(from)}, s.Zone.DateOf(to), from, to}
}

// at is the period that begins on a day.
func (s Settings) at(k Key) Span {
	from := s.Zone.StartOf(k.Start)
	return s.span(k.Period, from, s.grid(k.Period).Next(from))
}

// Plan lists the periods that are over and have not been done, the newest first: those since the
// first day of the tenant, and no more than are made up.
func Plan(s Settings, done map[Key]bool, now time.Time) []Span {
	var due []Span
	for _, p := range periods {
		grid := s.grid(p.Period)
		for to, n := grid.Floor(now), 0; n < p.back; n++ {
			from := grid.Add(to, -1)
			span := s.span(p.Period, from, to)
			if span.End <= s.First {
				break
			}
			if !done[span.Key] {
				due = append(due, span)
			}
			to = from
		}
	}
	slices.SortStableFunc(due, func(a, b Span) int { return cmp.Or(b.To.Compare(a.To), b.From.Compare(a.From)) })
	return due
}

// Latest is the latest day that is over.
func Latest(s Settings, now time.Time) calendar.Date {
	grid := s.grid(Day)
	return s.Zone.DateOf(grid.Add(now, -1))
}

// Due lists a job for each tenant of whom something is to be summarized, or to be restated.
func (s *Summarizer) Due(ctx context.Context, now time.Time) (due []job.Args, err error) {
	err = s.worker.InTx(ctx, func(tx pgx.Tx) error {
		queries := dbsqlc.New()
		rows, err := queries.SummaryTenantList(ctx, tx)
		if err != nil {
			return fmt.Errorf("list tenants: %w", err)
		}
		latest := map[uuid.UUID]calendar.Date{}
		look, known := dbsqlc.SummarizedMissingParams{}, dbsqlc.SummarizedStaleTenantsParams{}
		for _, r := range rows {
			settings, err := settingsOf(dbsqlc.SummaryTenantGetRow(r))
			if err != nil {
				return err
			}
			day := Latest(settings, now)
			latest[uuid.UUID(r.TenantID)] = day
			_, defined, err := s.catalog(ctx, r.TenantID)
			if err != nil {
				return err
			}
			known.TenantIds, known.Definitions = append(known.TenantIds, uuid.UUID(r.TenantID)), append(known.Definitions, defined)
			if settings.First <= day {
				look.TenantIds, look.Days = append(look.TenantIds, uuid.UUID(r.TenantID)), append(look.Days, day)
			}
		}
		missing, err := queries.SummarizedMissing(ctx, tx, look)
		if err != nil {
			return fmt.Errorf("look for days that are not summarized: %w", err)
		}
		stale, err := queries.SummarizedStaleTenants(ctx, tx, known)
		if err != nil {
			return fmt.Errorf("look for periods that have changed: %w", err)
		}
		for _, id := range stale {
			missing = append(missing, uuid.UUID(id))
		}
		due = jobsOf(missing, latest)
		return nil
	})
	return due, err
}

// jobsOf makes a job for each of these tenants, as far as there is a day of theirs that is over.
func jobsOf(tenants []uuid.UUID, latest map[uuid.UUID]calendar.Date) (jobs []job.Args) {
	slices.SortFunc(tenants, func(a, b uuid.UUID) int { return cmp.Compare(a.String(), b.String()) })
	for _, id := range slices.Compact(tenants) {
		if day, known := latest[id]; known {
			jobs = append(jobs, tenantArgs{ID: tenant.ID(id).String(), Day: day.String()})
		}
	}
	return jobs
}

func settingsOf(r dbsqlc.SummaryTenantGetRow) (Settings, error) {
	zone, err := calendar.LoadZone(r.Zone)
	if err != nil {
		return Settings{}, fmt.Errorf("load zone of tenant %s: %w", r.TenantID, err)
	}
	return Settings{zone, time.Weekday(r.WeekStart), r.FirstDay}, nil
}

// settings are those of a tenant; false: nothing is known of it yet.
func (s *Summarizer) settings(ctx context.Context, id tenant.ID) (settings Settings, known bool, err error) {
	err = s.worker.InTx(ctx, func(tx pgx.Tx) error {
		row, err := dbsqlc.New().SummaryTenantGet(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tenant: %w", err)
		}
		known = true
		settings, err = settingsOf(row)
		return err
	})
	return settings, known, err
}
