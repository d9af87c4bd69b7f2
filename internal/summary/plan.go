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
	Currency  string        // of money
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

// Due lists a job for each tenant of whom something is to be summarized, or to be restated. It
// reads as much as there are tenants, and the days of those whom something happened to.
func (s *Summarizer) Due(ctx context.Context, now time.Time) (due []job.Args, err error) {
	err = s.worker.InTx(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().SummaryTenantList(ctx, tx)
		if err != nil {
			return fmt.Errorf("list tenants: %w", err)
		}
		known := map[tenant.ID]Settings{}
		for _, r := range rows {
			if known[r.TenantID], err = settingsOf(dbsqlc.SummaryTenantGetRow(r)); err != nil {
				return err
			}
		}
		due, err = s.due(ctx, tx, known, now)
		return err
	})
	return due, err
}

func (s *Summarizer) due(ctx context.Context, tx pgx.Tx, known map[tenant.ID]Settings, now time.Time) ([]job.Args, error) {
	defined, err := s.defined(ctx, tx, known)
	if err != nil {
		return nil, err
	}
	latest, over := map[uuid.UUID]calendar.Date{}, dbsqlc.SummarizedMissingParams{}
	for id, settings := range known {
		day := Latest(settings, now)
		latest[uuid.UUID(id)] = day
		if settings.First <= day {
			over.TenantIds, over.Days = append(over.TenantIds, uuid.UUID(id)), append(over.Days, day)
		}
	}
	missing, err := dbsqlc.New().SummarizedMissing(ctx, tx, over)
	if err != nil {
		return nil, fmt.Errorf("look for days that are not summarized: %w", err)
	}
	changed, err := changed(ctx, tx, known, defined)
	if err != nil {
		return nil, fmt.Errorf("look for periods that have changed: %w", err)
	}
	for _, id := range changed {
		missing = append(missing, uuid.UUID(id))
	}
	return jobsOf(missing, latest), nil
}

// changed finds the tenants of whom a period has changed. All days are read of those alone of whom
// something in the past has.
func changed(ctx context.Context, tx pgx.Tx, known map[tenant.ID]Settings, defined map[tenant.ID]string) ([]tenant.ID, error) {
	look, stale := dbsqlc.SummaryLookDueParams{}, dbsqlc.SummarizedStaleTenantsParams{}
	for id, settings := range known {
		look.TenantIds, look.Definitions = append(look.TenantIds, uuid.UUID(id)), append(look.Definitions, settings.looked(defined[id]))
	}
	may, err := dbsqlc.New().SummaryLookDue(ctx, tx, look)
	if err != nil || len(may) == 0 {
		return nil, err
	}
	for _, id := range may {
		stale.TenantIds, stale.Definitions = append(stale.TenantIds, id), append(stale.Definitions, defined[tenant.ID(id)])
	}
	return dbsqlc.New().SummarizedStaleTenants(ctx, tx, stale)
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
	return Settings{zone, time.Weekday(r.WeekStart), r.FirstDay, r.Currency}, nil
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
