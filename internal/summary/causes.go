package summary

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// evidence is why a figure moved, as far as it can be told.
type evidence struct {
	found []Cause
	late  int64 // events of the period
	acts  []string
}

func (e evidence) causes() string {
	names := make([]string, len(e.found))
	for i, c := range e.found {
		names[i] = string(c)
	}
	return strings.Join(names, " ")
}

// maxActs is how many corrections are named: of more it is told that there were some.
const maxActs = 20

func (e evidence) because() string { return strings.Join(e.acts[:min(len(e.acts), maxActs)], " ") }

func (e *evidence) add(c Cause) {
	if !slices.Contains(e.found, c) {
		e.found = append(e.found, c)
	}
}

// investigate finds out why figures moved: of what their periods were counted from, what came or
// was done since they were last found to hold.
func investigate(ctx context.Context, tx pgx.Tx, id tenant.ID, moved []move, now basis) ([]evidence, error) {
	if len(moved) == 0 {
		return nil, nil
	}
	late, err := lateEvents(ctx, tx, id, moved)
	if err != nil {
		return nil, err
	}
	corrections, err := dbsqlc.New().SummaryCorrections(ctx, tx, dbsqlc.SummaryCorrectionsParams{TenantID: id, Since: earliest(moved)})
	if err != nil {
		return nil, fmt.Errorf("look for corrections: %w", err)
	}
	list := make([]evidence, len(moved))
	for i, m := range moved {
		list[i], err = m.explain(late[m.span.Start], corrections, now, func() (bool, error) {
			return dbsqlc.New().SummaryLateBefore(ctx, tx, dbsqlc.SummaryLateBeforeParams{TenantID: id, Before: m.span.From, Since: m.since.FoundAt})
		})
		if err != nil {
			return nil, fmt.Errorf("look for late events: %w", err)
		}
	}
	return list, nil
}

// earliest is since when something may have been done that moved one of them.
func earliest(moved []move) time.Time {
	at := moved[0].since.FoundAt
	for _, m := range moved {
		if m.since.FoundAt.Before(at) {
			at = m.since.FoundAt
		}
	}
	return at
}

// lateEvents counts, by period, the events that came after its figures had been found.
func lateEvents(ctx context.Context, tx pgx.Tx, id tenant.ID, moved []move) (map[calendar.Date]int64, error) {
	params := dbsqlc.SummaryLateEventsParams{TenantID: id}
	var starts []calendar.Date
	for _, m := range moved {
		if slices.Contains(starts, m.span.Start) {
			continue
		}
		params.Ns = append(params.Ns, int32(len(starts)))
		params.Starts, params.Ends = append(params.Starts, m.span.From), append(params.Ends, m.span.To)
		params.Sinces = append(params.Sinces, m.since.FoundAt)
		starts = append(starts, m.span.Start)
	}
	rows, err := dbsqlc.New().SummaryLateEvents(ctx, tx, params)
	if err != nil {
		return nil, fmt.Errorf("count late events: %w", err)
	}
	late := map[calendar.Date]int64{}
	for _, r := range rows {
		late[starts[r.N]] = r.Late
	}
	return late, nil
}

// explain puts together what speaks for each cause. Where nothing is left but that somebody who
// was nobody known turned out to be a user, or that something was changed past us, it says so.
func (m move) explain(late int64, corrections []dbsqlc.SummaryCorrectionsRow, now basis, earlier func() (bool, error)) (evidence, error) {
	var e evidence
	if m.before.DefinitionVersion != int32(m.metric.Version) || m.before.Unit != string(m.metric.Unit) {
		e.add(Redefined)
	}
	if len(e.found) > 0 && now.versions[m.span.End] == m.since.DataVersion {
		return e, nil // of the same data
	}
	if late > 0 && m.metric.Permission != access.ReadRevenue {
		e.add(LateEvents)
		e.late = late
	}
	for _, c := range corrections {
		if c.At.After(m.since.FoundAt) && c.SeenBy < m.span.End && m.heeds(Cause(c.Cause)) {
			e.add(Cause(c.Cause))
			e.acts = append(e.acts, c.Because)
		}
	}
	if len(e.found) > 0 {
		return e, nil
	}
	before, err := earlier()
	switch {
	case err != nil:
		return e, err
	case m.metric.Permission == access.ReadRevenue:
		e.add(Revenue)
	case before && m.metric.Unit != metric.UnitEvents:
		e.add(LateEvents)
	case m.metric.Unit != metric.UnitEvents:
		e.add(Identity)
	default:
		e.add(OtherData)
	}
	return e, nil
}

// heeds tells whether a correction of who is who can move the metric: it does not matter to how
// many events there were, nor to revenue. Of an erased person the events are gone as well.
func (m move) heeds(c Cause) bool {
	switch {
	case m.metric.Permission == access.ReadRevenue:
		return false
	case c == Identity:
		return m.metric.Unit != metric.UnitEvents
	}
	return true
}
