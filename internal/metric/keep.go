package metric

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// keptAtOnce is how many days of a tenant are worked out in one transaction: so many that
// neighbours share what they read, and so few that it takes seconds.
const keptAtOnce = 92

// keep works out what is kept of closed days and is not as the days are now: windows of active
// users, and sessions. What it does not get to is left for the next time.
func (c *Closer) keep(ctx context.Context) (kept int, err error) {
	var stale []staleDays
	err = c.worker.InTx(ctx, func(tx pgx.Tx) error {
		stale, err = findStale(ctx, tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find days to keep: %w", err)
	}
	for _, s := range stale {
		err := c.worker.InTx(ctx, func(tx pgx.Tx) error {
			if ours, err := dbsqlc.New().ClosingTryLock(ctx, tx); err != nil || !ours {
				return err
			}
			kept += len(s.activity) + len(s.visits)
			if err := s.keep(ctx, tx); err != nil {
				return err
			}
			return tellKept(ctx, tx, s.id)
		})
		if err != nil {
			return kept, fmt.Errorf("keep days of tenant %s: %w", s.id, err)
		}
	}
	return kept, nil
}

// staleDays are days of a tenant whose figures are not kept as they are now.
type staleDays struct {
	id       tenant.ID
	zone     calendar.Zone
	activity []calendar.Date
	visits   []calendar.Date
}

// findStale gives the tenants that have any. Days whose events are in the archive are left
// alone: what was kept of their sessions before stands.
func findStale(ctx context.Context, tx pgx.Tx) ([]staleDays, error) {
	queries := dbsqlc.New()
	all, firsts, err := listTenants(ctx, tx)
	if err != nil {
		return nil, err
	}
	activity, err := queries.ActivityStaleList(ctx, tx, keptAtOnce)
	if err != nil {
		return nil, fmt.Errorf("list days of activity: %w", err)
	}
	visits, err := queries.VisitStaleList(ctx, tx, firsts)
	if err != nil {
		return nil, fmt.Errorf("list days of sessions: %w", err)
	}
	at := map[uuid.UUID]int{}
	for i, s := range all {
		at[uuid.UUID(s.id)] = i
	}
	for _, r := range activity {
		all[at[r.TenantID]].activity = append(all[at[r.TenantID]].activity, r.Day)
	}
	for _, r := range visits {
		all[at[r.TenantID]].visits = append(all[at[r.TenantID]].visits, r.Day)
	}
	return slices.DeleteFunc(all, func(s staleDays) bool { return len(s.activity)+len(s.visits) == 0 }), nil
}

// listTenants gives all tenants, and the first day of each whose events are all there.
func listTenants(ctx context.Context, tx pgx.Tx) (all []staleDays, firsts dbsqlc.VisitStaleListParams, err error) {
	queries := dbsqlc.New()
	firsts.Most = keptAtOnce
	tenants, err := queries.TenantList(ctx, tx)
	if err != nil {
		return nil, firsts, fmt.Errorf("list tenants: %w", err)
	}
	archived, err := queries.VisitRawSinceList(ctx, tx)
	if err != nil {
		return nil, firsts, fmt.Errorf("list archives: %w", err)
	}
	since := map[tenant.ID]time.Time{}
	for _, a := range archived {
		since[a.TenantID] = a.RawSince
	}
	for _, t := range tenants {
		zone, err := calendar.LoadZone(t.Zone)
		if err != nil {
			return nil, firsts, fmt.Errorf("load zone of tenant %s: %w", t.TenantID, err)
		}
		first := earliest
		if at, is := since[t.TenantID]; is {
			first = at.Add(visitPause)
		}
		all = append(all, staleDays{id: t.TenantID, zone: zone})
		firsts.TenantIds = append(firsts.TenantIds, uuid.UUID(t.TenantID))
		firsts.FirstDays = append(firsts.FirstDays, firstWhole(zone, first))
	}
	return all, firsts, nil
}

// firstWhole is the first day that begins at an instant or after it.
func firstWhole(zone calendar.Zone, at time.Time) calendar.Date {
	day := zone.DateOf(at)
	if zone.StartOf(day).Before(at) {
		day++
	}
	return day
}

func (s staleDays) keep(ctx context.Context, tx pgx.Tx) error {
	queries := dbsqlc.New()
	if n := len(s.activity); n > 0 {
		err := queries.ActivityKeep(ctx, tx, dbsqlc.ActivityKeepParams{
			TenantID: s.id, Days: s.activity, FirstDay: s.activity[0], LastDay: s.activity[n-1],
		})
		if err != nil {
			return fmt.Errorf("keep windows: %w", err)
		}
	}
	for _, day := range s.visits {
		err := queries.VisitKeep(ctx, tx, dbsqlc.VisitKeepParams{
			TenantID: s.id, Day: day, Starts: s.zone.StartOf(day), Ends: s.zone.StartOf(day + 1),
		})
		if err != nil {
			return fmt.Errorf("keep sessions of %s: %w", day, err)
		}
	}
	return nil
}
