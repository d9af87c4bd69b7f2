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
	earned, err := earnings(ctx, tx, id, moved)
	if err != nil {
		return nil, err
	}
	list := make([]evidence, len(moved))
	for i, m := range moved {
		list[i], err = m.explain(facts{late[m.span.Start], corrections, earned}, now, func() (bool, error) {
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

// earnings finds, by when figures had been found, the first day whose revenue was changed since.
func earnings(ctx context.Context, tx pgx.Tx, id tenant.ID, moved []move) (map[time.Time]calendar.Date, error) {
	var sinces []time.Time
	for _, m := range moved {
		if m.any(earns) && !slices.ContainsFunc(sinces, m.since.FoundAt.Equal) {
			sinces = append(sinces, m.since.FoundAt)
		}
	}
	first := map[time.Time]calendar.Date{}
	if len(sinces) == 0 {
		return first, nil
	}
	rows, err := dbsqlc.New().SummaryEarningsSince(ctx, tx, dbsqlc.SummaryEarningsSinceParams{TenantID: id, Sinces: sinces})
	if err != nil {
		return nil, fmt.Errorf("look for changes of revenue: %w", err)
	}
	for _, r := range rows {
		first[r.Since.UTC()] = r.Day
	}
	return first, nil
}

// facts are what happened since a figure had been found.
type facts struct {
	late        int64 // events of its period
	corrections []dbsqlc.SummaryCorrectionsRow
	earned      map[time.Time]calendar.Date
}

// explain puts together what speaks for each cause. Where nothing is left but that somebody who
// was nobody known turned out to be a user, or that something was changed past us, it says so.
func (m move) explain(known facts, now basis, earlier func() (bool, error)) (evidence, error) {
	var e evidence
	if m.before.DefinitionVersion != int32(m.metric.Version) || m.before.Unit != string(m.metric.Unit) || currencyOf(m.before) != m.currency {
		e.add(Redefined)
	}
	if len(e.found) > 0 && now.versions[m.span.End] == m.since.DataVersion {
		return e, nil // of the same data
	}
	if known.late > 0 && m.any(happens) {
		e.add(LateEvents)
		e.late = known.late
	}
	for _, c := range known.corrections {
		if c.At.After(m.since.FoundAt) && c.SeenBy < m.span.End && m.heeds(Cause(c.Cause)) {
			e.add(Cause(c.Cause))
			e.acts = append(e.acts, c.Because)
		}
	}
	if day, changed := known.earned[m.since.FoundAt.UTC()]; changed && day < m.span.End && m.any(earns) {
		e.add(Revenue)
	}
	if len(e.found) > 0 {
		return e, nil
	}
	before, err := earlier()
	switch {
	case err != nil:
		return e, err
	case before && m.any(aboutPeople):
		e.add(LateEvents)
	case m.any(earns):
		e.add(Revenue)
	case m.any(aboutPeople):
		e.add(Identity)
	default:
		e.add(OtherData)
	}
	return e, nil
}

// heeds tells whether a correction of who is who can move the figure. Of an erased person the
// events are gone as well.
func (m move) heeds(c Cause) bool {
	if c == Identity {
		return m.any(aboutPeople)
	}
	return m.any(happens)
}

// any tells whether something holds for the metric, or for a part of its formula.
func (m move) any(holds func(*metric.Definition) bool) bool {
	if m.metric.Parts == nil {
		return holds(m.metric)
	}
	return slices.ContainsFunc(m.metric.Parts, holds)
}

// earns tells whether a metric is worked out of revenue, and happens whether it is of events.
func earns(d *metric.Definition) bool { return d.Permission == access.ReadRevenue }

func happens(d *metric.Definition) bool { return !earns(d) }

// aboutPeople tells whether it matters to a metric who did what: not to how many events there
// were, nor to the sum of what they say, unless it is told by who somebody is.
func aboutPeople(d *metric.Definition) bool {
	if d.Custom {
		return d.Permission == access.ReadPII || slices.ContainsFunc(d.Needs, func(c metric.Column) bool { return c.Reader.List != nil })
	}
	return happens(d) && d.Unit != metric.UnitEvents
}
