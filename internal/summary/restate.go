package summary

import (
	"context"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// stale is a period that something has changed of since its figures were found.
type stale struct {
	Span
	dbsqlc.SummarizedStaleListRow
}

// restate finds the figures of all periods anew that have changed, the earliest first, and
// returns how many of them moved.
func (s *Summarizer) restate(ctx context.Context, of subject) (moved int, err error) {
	changed := map[Key]stale{}
	var spans []Span
	err = s.worker.InTx(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().SummarizedStaleList(ctx, tx, dbsqlc.SummarizedStaleListParams{TenantID: of.id, Definitions: of.defined})
		if err != nil {
			return fmt.Errorf("list periods that have changed: %w", err)
		}
		for _, r := range rows {
			span := of.settings.at(Key{Period(r.Period), r.PeriodStart})
			spans, changed[span.Key] = append(spans, span), stale{span, r}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, group := range together(spans) {
		n, err := s.keepAnew(ctx, of, group, changed)
		if err != nil {
			return moved, err
		}
		moved += n
	}
	return moved, nil
}

// keepAnew finds the figures of periods anew and keeps those that moved, unless somebody has done
// so meanwhile.
func (s *Summarizer) keepAnew(ctx context.Context, of subject, spans []Span, changed map[Key]stale) (moved int, err error) {
	was, err := s.read(ctx, of.id, spans)
	if err != nil {
		return 0, err
	}
	figures, err := s.figures(ctx, of.id, of.metrics, spans)
	if err != nil {
		return 0, err
	}
	err = s.inTurn(ctx, of.id, func(tx pgx.Tx) error {
		ours, err := advance(ctx, tx, of, spans, changed, was)
		if err != nil || len(ours) == 0 {
			return err
		}
		r := restating{tenant: of.id, period: dbsqlc.SummaryPeriod(spans[0].Period), changed: changed, rows: newRows(of, spans[0].Period, was)}
		if err := r.hold(ctx, tx, ours); err != nil {
			return err
		}
		for _, f := range figures {
			if ours[f.span.Start] {
				r.compare(f)
			}
		}
		moved = len(r.moved)
		return r.write(ctx, tx)
	})
	return moved, err
}

// advance notes what the periods are found from now, and tells which of them nobody else has.
func advance(ctx context.Context, tx pgx.Tx, of subject, spans []Span, changed map[Key]stale, was basis) (map[calendar.Date]bool, error) {
	params := dbsqlc.SummarizedAdvanceParams{
		TenantID: of.id, Period: dbsqlc.SummaryPeriod(spans[0].Period), Definitions: of.defined, FoundAt: was.at,
	}
	for _, span := range spans {
		params.PeriodStarts = append(params.PeriodStarts, span.Start)
		params.DataVersions = append(params.DataVersions, was.versions[span.End])
		params.Wases = append(params.Wases, changed[span.Key].DataVersion)
	}
	starts, err := dbsqlc.New().SummarizedAdvance(ctx, tx, params)
	if err != nil {
		return nil, fmt.Errorf("note periods: %w", err)
	}
	ours := map[calendar.Date]bool{}
	for _, start := range starts {
		ours[start] = true
	}
	return ours, nil
}

// restating compares what figures are with what they were.
type restating struct {
	tenant  tenant.ID
	period  dbsqlc.SummaryPeriod
	changed map[Key]stale
	rows    *rows

	holding map[held]dbsqlc.SummaryHoldingRow
	fresh   []figure // of metrics that there were none of
	same    dbsqlc.SummaryConfirmParams
	moved   []move
}

// held names a figure of a period.
type held struct {
	metric string
	start  calendar.Date
}

// move is a figure that is another one now.
type move struct {
	figure
	before dbsqlc.SummaryHoldingRow
	since  stale
}

func (r *restating) hold(ctx context.Context, tx pgx.Tx, ours map[calendar.Date]bool) error {
	params := dbsqlc.SummaryHoldingParams{TenantID: r.tenant, Period: r.period}
	for start := range ours {
		params.PeriodStarts = append(params.PeriodStarts, start)
	}
	rows, err := dbsqlc.New().SummaryHolding(ctx, tx, params)
	if err != nil {
		return fmt.Errorf("read what holds: %w", err)
	}
	r.holding = map[held]dbsqlc.SummaryHoldingRow{}
	for _, row := range rows {
		r.holding[held{row.Metric, row.PeriodStart}] = row
	}
	return nil
}

func (r *restating) compare(f figure) {
	before, known := r.holding[held{f.metric.Key, f.span.Start}]
	switch {
	case !known:
		r.fresh = append(r.fresh, f)
	case equal(number(before.Value), f.value) && before.Unit == string(f.metric.Unit) && currencyOf(before) == f.currency:
		r.same.SummaryIds = append(r.same.SummaryIds, before.SummaryID)
		r.same.DataVersions = append(r.same.DataVersions, r.rows.was.versions[f.span.End])
		r.same.DefinitionVersions = append(r.same.DefinitionVersions, int32(f.metric.Version))
	default:
		r.moved = append(r.moved, move{f, before, r.changed[f.span.Key]})
	}
}

// currencyOf is that of money, and empty of all else.
func currencyOf(r dbsqlc.SummaryHoldingRow) string {
	if r.Currency == nil {
		return ""
	}
	return *r.Currency
}

// closeEnough is what ratios and averages may differ by that are summed up in another order.
const closeEnough = 1e-9

func equal(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return math.Abs(*a-*b) <= closeEnough*max(math.Abs(*a), math.Abs(*b))
}

func (r *restating) write(ctx context.Context, tx pgx.Tx) error {
	r.same.TenantID, r.same.FoundAt = r.tenant, r.rows.was.at
	if err := dbsqlc.New().SummaryConfirm(ctx, tx, r.same); err != nil {
		return fmt.Errorf("confirm figures: %w", err)
	}
	for _, f := range r.fresh {
		if err := r.rows.add(f, 1, nil, evidence{}); err != nil {
			return err
		}
	}
	why, err := investigate(ctx, tx, r.tenant, r.moved, r.rows.was)
	if err != nil {
		return err
	}
	gone := make([]uuid.UUID, len(r.moved))
	for i, m := range r.moved {
		gone[i] = m.before.SummaryID
		if err := r.rows.add(m.figure, int(m.before.Version)+1, number(m.before.Value), why[i]); err != nil {
			return err
		}
	}
	if err := dbsqlc.New().SummarySupersede(ctx, tx, dbsqlc.SummarySupersedeParams{TenantID: r.tenant, SummaryIds: gone}); err != nil {
		return fmt.Errorf("supersede figures: %w", err)
	}
	return r.rows.insert(ctx, tx)
}
