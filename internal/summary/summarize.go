package summary

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// atOnce is how many periods are found, and kept, together: a reading of each metric, and one
// transaction.
const atOnce = 120

// Summarize makes up for every period of a tenant that is over and has not been summarized, and
// restates those that have changed. Done again, it finds nothing to do.
func (s *Summarizer) Summarize(ctx context.Context, id tenant.ID, now time.Time) error {
	settings, known, err := s.settings(ctx, id)
	if err != nil || !known {
		return err
	}
	of, err := s.begin(ctx, id, settings)
	if err != nil {
		return err
	}
	made, err := s.makeUp(ctx, of, now)
	if err != nil {
		return fmt.Errorf("summarize tenant %s: %w", id, err)
	}
	restated, err := s.restate(ctx, of)
	if err != nil {
		return fmt.Errorf("restate tenant %s: %w", id, err)
	}
	if err := s.end(ctx, of); err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "periods were summarized", "tenant", id.String(), "periods", made, "restated", restated)
	return nil
}

// subject is whose figures are found, and which.
type subject struct {
	id       tenant.ID
	settings Settings
	metrics  []*metric.Definition
	defined  string
}

// begin finds the tenant's metrics, its own ones as well. From here on nobody has looked at all
// periods, until end says so: if this process ends before, another one begins anew.
func (s *Summarizer) begin(ctx context.Context, id tenant.ID, settings Settings) (of subject, err error) {
	err = s.worker.InTx(ctx, func(tx pgx.Tx) error {
		words, err := s.defined(ctx, tx, map[tenant.ID]Settings{id: settings})
		if err != nil {
			return err
		}
		of = subject{id: id, settings: settings, defined: words[id]}
		return dbsqlc.New().SummaryLookBegin(ctx, tx, id)
	})
	if err != nil {
		return of, fmt.Errorf("begin with the summaries of tenant %s: %w", id, err)
	}
	of.metrics, err = s.metrics.Shown(access.With(ctx, access.House(id)))
	if err != nil {
		return of, fmt.Errorf("list metrics: %w", err)
	}
	return of, nil
}

// end notes that all that is kept of the tenant holds, unless something has changed meanwhile.
func (s *Summarizer) end(ctx context.Context, of subject) error {
	err := s.worker.InTx(ctx, func(tx pgx.Tx) error {
		return dbsqlc.New().SummaryLookEnd(ctx, tx, dbsqlc.SummaryLookEndParams{
			TenantID: of.id, Definitions: of.defined, Looked: of.settings.looked(of.defined),
		})
	})
	if err != nil {
		return fmt.Errorf("note what holds of tenant %s: %w", of.id, err)
	}
	return nil
}

func (s *Summarizer) makeUp(ctx context.Context, of subject, now time.Time) (made int, err error) {
	done := map[Key]bool{}
	err = s.worker.InTx(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().SummarizedList(ctx, tx, of.id)
		if err != nil {
			return fmt.Errorf("list what is summarized: %w", err)
		}
		for _, r := range rows {
			done[Key{Period(r.Period), r.PeriodStart}] = true
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, spans := range together(Plan(of.settings, done, now)) {
		n, err := s.keepNew(ctx, of, spans)
		if err != nil {
			return made, err
		}
		made += n
	}
	return made, nil
}

// together puts periods of one kind that lie near each other into groups, each in the order of
// time; the groups stay in the order of what is given.
func together(spans []Span) (groups [][]Span) {
	open := map[Period]int{}
	for _, span := range spans {
		i, ok := open[span.Period]
		if ok && near(groups[i][0], span) {
			groups[i] = append(groups[i], span)
			continue
		}
		open[span.Period] = len(groups)
		groups = append(groups, []Span{span})
	}
	for _, g := range groups {
		slices.SortFunc(g, func(a, b Span) int { return a.From.Compare(b.From) })
	}
	return groups
}

// longest is how many days a period may have.
var longest = map[Period]calendar.Date{Day: 1, Week: 7, Month: 31}

// near tells whether two periods lie within as many as are found together.
func near(a, b Span) bool {
	apart := a.Start - b.Start
	if apart < 0 {
		apart = -apart
	}
	return apart < (atOnce-1)*longest[a.Period]
}

// basis is what figures are found from: the days as they were at an instant. They are read
// after it, so that what changes in between is found to have changed.
type basis struct {
	at       time.Time
	versions map[calendar.Date]int64 // by the end of a period
}

func (s *Summarizer) read(ctx context.Context, id tenant.ID, spans []Span) (r basis, err error) {
	ends := make([]calendar.Date, len(spans))
	for i, span := range spans {
		ends[i] = span.End
	}
	r.versions = map[calendar.Date]int64{}
	err = s.worker.InTx(ctx, func(tx pgx.Tx) error {
		if r.at, err = dbsqlc.New().EventClock(ctx, tx); err != nil {
			return fmt.Errorf("read clock: %w", err)
		}
		rows, err := dbsqlc.New().SummaryDataVersions(ctx, tx, dbsqlc.SummaryDataVersionsParams{TenantID: id, Befores: ends})
		for _, row := range rows {
			r.versions[row.Before] = row.DataVersion
		}
		return err
	})
	if err != nil {
		return r, fmt.Errorf("read versions of days: %w", err)
	}
	return r, nil
}

// keepNew finds the figures of periods and keeps them, unless somebody has kept them meanwhile.
func (s *Summarizer) keepNew(ctx context.Context, of subject, spans []Span) (made int, err error) {
	was, err := s.read(ctx, of.id, spans)
	if err != nil {
		return 0, err
	}
	figures, err := s.figures(ctx, of.id, of.metrics, spans)
	if err != nil {
		return 0, err
	}
	over := spansOf(figures)
	if len(over) == 0 {
		return 0, nil
	}
	err = s.inTurn(ctx, of.id, func(tx pgx.Tx) error {
		params := dbsqlc.SummarizedInsertParams{
			TenantID: of.id, Period: dbsqlc.SummaryPeriod(over[0].Period), Definitions: of.defined, FoundAt: was.at,
		}
		for _, span := range over {
			params.PeriodStarts = append(params.PeriodStarts, span.Start)
			params.PeriodEnds = append(params.PeriodEnds, span.End)
			params.DataVersions = append(params.DataVersions, was.versions[span.End])
		}
		fresh, err := dbsqlc.New().SummarizedInsert(ctx, tx, params)
		if err != nil {
			return fmt.Errorf("note periods: %w", err)
		}
		made = len(fresh)
		rows := newRows(of, over[0].Period, was)
		for _, f := range figures {
			if slices.Contains(fresh, f.span.Start) {
				if err := rows.add(f, 1, nil, evidence{}); err != nil {
					return err
				}
			}
		}
		return rows.insert(ctx, tx)
	})
	return made, err
}

// spansOf lists the periods that figures are of, each once.
func spansOf(figures []figure) (spans []Span) {
	for _, f := range figures {
		if f.metric != figures[0].metric {
			break
		}
		spans = append(spans, f.span)
	}
	return spans
}

// inTurn runs fn in a transaction in which nobody else writes the tenant's summaries.
func (s *Summarizer) inTurn(ctx context.Context, id tenant.ID, fn func(tx pgx.Tx) error) error {
	return s.worker.InTx(ctx, func(tx pgx.Tx) error {
		if err := dbsqlc.New().SummaryLock(ctx, tx, id.String()); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		return fn(tx)
	})
}

// rows are those that are to be written together.
type rows struct {
	dbsqlc.SummaryInsertParams
	was basis
}

func newRows(of subject, period Period, was basis) *rows {
	return &rows{dbsqlc.SummaryInsertParams{
		TenantID: of.id, Period: dbsqlc.SummaryPeriod(period), Zone: of.settings.Zone.String(), FoundAt: was.at,
	}, was}
}

// add adds a figure; from the second version on with what it was before, and why it is no longer.
func (r *rows) add(f figure, version int, before *float64, why evidence) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	r.SummaryIds = append(r.SummaryIds, id)
	r.Metrics = append(r.Metrics, f.metric.Key)
	r.PeriodStarts = append(r.PeriodStarts, f.span.Start)
	r.StartsAts = append(r.StartsAts, f.span.From)
	r.EndsAts = append(r.EndsAts, f.span.To)
	r.Versions = append(r.Versions, int32(version))
	r.Values = append(r.Values, orNaN(f.value))
	r.Units = append(r.Units, string(f.metric.Unit))
	r.Currencies = append(r.Currencies, f.currency)
	r.DefinitionVersions = append(r.DefinitionVersions, int32(f.metric.Version))
	r.Exacts = append(r.Exacts, f.exact)
	r.DataVersions = append(r.DataVersions, r.was.versions[f.span.End])
	r.Wases = append(r.Wases, orNaN(before))
	r.Causes = append(r.Causes, why.causes())
	r.LateEvents = append(r.LateEvents, why.late)
	r.Becauses = append(r.Becauses, why.because())
	return nil
}

func (r *rows) insert(ctx context.Context, tx pgx.Tx) error {
	if len(r.SummaryIds) == 0 {
		return nil
	}
	if err := dbsqlc.New().SummaryInsert(ctx, tx, r.SummaryInsertParams); err != nil {
		return fmt.Errorf("keep %d figures: %w", len(r.SummaryIds), err)
	}
	return nil
}

func orNaN(n *float64) float64 {
	if n == nil {
		return math.NaN()
	}
	return *n
}
