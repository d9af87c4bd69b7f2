package summary

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// The bounds of answers.
const (
	maxPage     = 100
	maxSeries   = 2_000
	maxVersions = 50 // of one figure
)

// Service answers what was kept.
type Service struct {
	app     *postgres.App
	metrics *metric.Service
}

// NewService makes the service.
func NewService(app *postgres.App, metrics *metric.Service) *Service { return &Service{app, metrics} }

// Query asks for figures that were kept.
type Query struct {
	Period   Period
	From, To *calendar.Date // of the periods' first days; nil: from the first, to the last
	AsOf     *time.Time     // as they were known then; nil: now
}

// The days that hold all others.
var (
	firstDay = calendar.NewDate(1900, time.January, 1)
	lastDay  = calendar.NewDate(2200, time.January, 1)
)

func (q Query) bounds() (from, to calendar.Date, err error) {
	from, to = firstDay, lastDay
	if q.From != nil {
		from = *q.From
	}
	if q.To != nil {
		to = *q.To
	}
	if from >= to {
		return from, to, fault.Input("to", "A range ends after it starts.")
	}
	return from, to, nil
}

// Page is a part of a list, the latest first.
type Page[T any] struct {
	Items []T
	More  bool
}

func pageOf[T any](items []T, first int) Page[T] {
	return Page[T]{items[:min(first, len(items))], len(items) > first}
}

func checkFirst(first int) error {
	if first < 1 || first > maxPage {
		return fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	return nil
}

// reading says who reads what was kept of a metric, if they are let see it, and that the answer
// depends on it, and on the settings that say which weeks there are.
func (s *Service) reading(ctx context.Context, key string) (tenant.ID, error) {
	who, err := access.Require(ctx, access.ReadMetrics)
	if err == nil {
		_, err = s.shown(ctx, key)
	}
	if err != nil {
		return tenant.None, err
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Summary, key))
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Terms, ""))
	return who.Tenant, nil
}

// shown finds a metric whose figures whoever asks may see.
func (s *Service) shown(ctx context.Context, key string) (*metric.Definition, error) {
	d, err := s.metrics.FindShown(ctx, key)
	if err != nil {
		return nil, err
	}
	_, err = access.Require(ctx, d.Permission)
	return d, err
}

// List gives a page of a metric's figures, those of the latest period first, of periods that began
// before a day; nil: of all.
func (s *Service) List(ctx context.Context, key string, q Query, first int, before *calendar.Date) (page Page[Summary], err error) {
	if err := checkFirst(first); err != nil {
		return page, err
	}
	from, to, err := q.bounds()
	if err != nil {
		return page, err
	}
	if before != nil {
		to = min(to, *before)
	}
	items, err := s.list(ctx, key, q, from, to, first+1)
	return pageOf(items, first), err
}

// Series gives a metric's figures in the order of time.
func (s *Service) Series(ctx context.Context, key string, q Query) ([]Summary, error) {
	from, to, err := q.bounds()
	if err != nil {
		return nil, err
	}
	items, err := s.list(ctx, key, q, from, to, maxSeries+1)
	if len(items) > maxSeries {
		return nil, fault.Input("from", "There are more than %d. Ask for a shorter range.", maxSeries)
	}
	slices.Reverse(items)
	return items, err
}

// Find gives a metric's figure of the period that begins on a day; nil: there is none.
func (s *Service) Find(ctx context.Context, key string, q Query, start calendar.Date) (*Summary, error) {
	items, err := s.list(ctx, key, q, start, start+1, 1)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return &items[0], nil
}

func (s *Service) list(ctx context.Context, key string, q Query, from, to calendar.Date, most int) (items []Summary, err error) {
	id, err := s.reading(ctx, key)
	if err != nil {
		return nil, err
	}
	err = s.app.Read(ctx, id, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().SummaryPage(ctx, tx, dbsqlc.SummaryPageParams{
			Metric: key, Period: dbsqlc.SummaryPeriod(q.Period), FromDay: from, ToDay: to, AsOf: q.AsOf, Most: int64(most),
		})
		if err != nil {
			return fmt.Errorf("read summaries: %w", err)
		}
		for _, r := range rows {
			items = append(items, toSummary(r))
		}
		return nil
	})
	return items, err
}

// ByID finds a figure by its id; NOT_FOUND if it is not there, or of a metric that is not shown.
func (s *Service) ByID(ctx context.Context, id uuid.UUID) (found Summary, err error) {
	who, err := access.Require(ctx, access.ReadMetrics)
	if err != nil {
		return found, err
	}
	topic.Note(ctx, topic.All(who.Tenant, topic.Summary))
	var rows []dbsqlc.SummaryGetByIDsRow
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err = dbsqlc.New().SummaryGetByIDs(ctx, tx, []uuid.UUID{id})
		return err
	})
	if err != nil {
		return found, fmt.Errorf("read summary: %w", err)
	}
	if len(rows) == 0 {
		return found, fault.New(fault.NotFound, "There is nothing with this id.").In("id")
	}
	found = toSummary(dbsqlc.SummaryPageRow(rows[0]))
	_, err = s.shown(ctx, found.Metric)
	return found, err
}

// Place names a metric's figure of a period, in all its versions.
type Place struct {
	Metric string
	Period Period
	Start  calendar.Date
}

// Place is where a figure stands.
func (s Summary) Place() Place { return Place{s.Metric, s.Period, s.Start} }

// Histories gives all that some figures ever were, the latest first; at most 50 of each. Whoever
// asks has been shown the figures.
func (s *Service) Histories(ctx context.Context, places []Place) (map[Place][]Summary, error) {
	who, err := access.Require(ctx, access.ReadMetrics)
	if err != nil {
		return nil, err
	}
	params := dbsqlc.SummaryHistoryParams{Most: maxVersions}
	for _, p := range places {
		topic.Note(ctx, topic.Exactly(who.Tenant, topic.Summary, p.Metric))
		params.Metrics, params.Periods = append(params.Metrics, p.Metric), append(params.Periods, string(p.Period))
		params.PeriodStarts = append(params.PeriodStarts, p.Start)
	}
	found := map[Place][]Summary{}
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().SummaryHistory(ctx, tx, params)
		if err != nil {
			return fmt.Errorf("read histories of summaries: %w", err)
		}
		for _, r := range rows {
			one := toSummary(dbsqlc.SummaryPageRow(r))
			found[one.Place()] = append(found[one.Place()], one)
		}
		return nil
	})
	return found, err
}

// RestatedQuery asks for what was restated.
type RestatedQuery struct {
	Metric   *string // nil: of all that the caller is shown
	Period   *Period // nil: of all
	From, To *calendar.Date
}

// Restatements gives a page of what was restated, the latest first, after one; nil: from the
// latest.
func (s *Service) Restatements(ctx context.Context, q RestatedQuery, first int, after *uuid.UUID) (page Page[Restatement], err error) {
	who, err := access.Require(ctx, access.ReadMetrics)
	if err == nil {
		err = checkFirst(first)
	}
	if err != nil {
		return page, err
	}
	from, to, err := Query{From: q.From, To: q.To}.bounds()
	if err != nil {
		return page, err
	}
	params := dbsqlc.RestatementPageParams{BeforeID: uuid.Max, FromDay: from, ToDay: to, Most: int64(first) + 1}
	if params.Metrics, err = s.keys(ctx, who, q.Metric); err != nil {
		return page, err
	}
	if q.Period != nil {
		params.Period = dbsqlc.NullSummaryPeriod{SummaryPeriod: dbsqlc.SummaryPeriod(*q.Period), Valid: true}
	}
	if after != nil {
		params.BeforeID = *after
	}
	for _, key := range params.Metrics {
		topic.Note(ctx, topic.Exactly(who.Tenant, topic.Summary, key))
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Terms, ""))
	var items []Restatement
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().RestatementPage(ctx, tx, params)
		if err != nil {
			return fmt.Errorf("read restatements: %w", err)
		}
		for _, r := range rows {
			items = append(items, Restatement{toSummary(dbsqlc.SummaryPageRow(r))})
		}
		return nil
	})
	return pageOf(items, first), err
}

// keys are those of the metrics that are asked for, of those whose figures the caller may see.
func (s *Service) keys(ctx context.Context, who access.Principal, one *string) ([]string, error) {
	if one != nil {
		d, err := s.shown(ctx, *one)
		if f, ok := fault.Of(err); ok && f.Field != "" {
			return nil, f.In("metric")
		}
		if err != nil {
			return nil, err
		}
		return []string{d.Key}, nil
	}
	shown, err := s.metrics.Shown(ctx)
	list := []string{}
	for _, d := range shown {
		if who.May(d.Permission) {
			list = append(list, d.Key)
		}
	}
	return list, err
}

func toSummary(r dbsqlc.SummaryPageRow) Summary {
	s := Summary{
		ID: r.SummaryID, Metric: r.Metric, Period: Period(r.Period), Start: r.PeriodStart,
		From: r.StartsAt.UTC(), To: r.EndsAt.UTC(), Zone: r.Zone, Version: int(r.Version),
		Value: number(r.Value), Unit: metric.Unit(r.Unit), Currency: r.Currency,
		DefinitionVersion: int(r.DefinitionVersion), Exact: r.Exact, DataVersion: r.DataVersion,
		FoundAt: r.FoundAt.UTC(), RecordedAt: r.RecordedAt.UTC(), SupersededAt: r.SupersededAt,
		Was: number(r.Was), LateEvents: int(r.LateEvents), Because: r.Because,
	}
	for _, c := range r.Causes {
		s.Causes = append(s.Causes, Cause(c))
	}
	return s
}
