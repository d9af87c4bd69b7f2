package summary

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// figure is what a metric came to in a period.
type figure struct {
	metric   *metric.Definition
	span     Span
	value    *float64
	currency string
	exact    bool
}

// defined gives a word for each tenant that names all of its metrics and how they are defined, and
// the currency of those of money. It is read before the metrics are: what is defined in between is
// found to have changed.
func (s *Summarizer) defined(ctx context.Context, tx pgx.Tx, of map[tenant.ID]Settings) (map[tenant.ID]string, error) {
	var ours strings.Builder
	for _, d := range s.metrics.Ours() {
		fmt.Fprintf(&ours, "%s %d\n", d.Key, d.Version)
	}
	names, ids := map[tenant.ID]string{}, []uuid.UUID{}
	for id, settings := range of {
		names[id], ids = ours.String()+settings.Currency+"\n", append(ids, uuid.UUID(id))
	}
	rows, err := dbsqlc.New().SummaryDefinitions(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("list definitions: %w", err)
	}
	for _, r := range rows {
		names[r.TenantID] += fmt.Sprintf("%s %d\n", r.Key, r.Version)
	}
	for id, all := range names {
		names[id] = fmt.Sprintf("%x", sha256.Sum256([]byte(all)))[:16]
	}
	return names, nil
}

// looked is a word for what a look at all periods depends on besides their days.
func (s Settings) looked(defined string) string { return fmt.Sprint(defined, " ", int(s.WeekStart)) }

// figures finds every metric in periods of one kind, which are given in the order of time: all of
// them from one snapshot, whatever their number. Periods that are not over by the database's
// clock are left out.
func (s *Summarizer) figures(ctx context.Context, id tenant.ID, metrics []*metric.Definition, spans []Span) (found []figure, err error) {
	first, last := spans[0], spans[len(spans)-1]
	ask := metric.Ask{From: &first.From, To: &last.To, Interval: calendar.Interval(first.Period)}
	questions := make([]*metric.Question, len(metrics))
	for i, d := range metrics {
		questions[i] = &metric.Question{Of: d, Ask: ask, Series: true}
	}
	for i, answer := range s.metrics.Answer(access.With(ctx, access.House(id)), questions) {
		if f, ok := fault.Of(answer.Err); ok && (f.Code == fault.BadUserInput || f.Code == fault.NotFound) {
			continue // it cannot be told, as for want of an exchange rate, or is given up: the others can
		}
		if answer.Err != nil {
			return nil, fmt.Errorf("find %s: %w", metrics[i].Key, answer.Err)
		}
		found = append(found, pick(answer.Series, spans)...)
	}
	return found, nil
}

// pick takes the figures of periods out of a series. The definition is the one that it was
// answered by.
func pick(series *metric.Series, spans []Span) (found []figure) {
	place := map[time.Time]int{}
	for i, at := range series.At {
		place[at.UTC()] = i
	}
	currency := ""
	if c := series.MoneyCurrency(); c != nil {
		currency = *c
	}
	for _, span := range spans {
		if i, ok := place[span.From.UTC()]; ok && series.Complete[i] {
			found = append(found, figure{series.Of, span, series.Values[i], currency, series.Exact})
		}
	}
	return found
}
