package summary

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
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

// catalog is the metrics of a tenant, and a word that names all of them and how they are defined.
func (s *Summarizer) catalog(ctx context.Context, id tenant.ID) ([]*metric.Definition, string, error) {
	list, err := s.metrics.Shown(access.With(ctx, access.House(id)))
	if err != nil {
		return nil, "", fmt.Errorf("list metrics: %w", err)
	}
	var names strings.Builder
	for _, d := range list {
		fmt.Fprintf(&names, "%s %d\n", d.Key, d.Version)
	}
	return list, fmt.Sprintf("%x", sha256.Sum256([]byte(names.String())))[:16], nil
}

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
		if f, ok := fault.Of(answer.Err); ok && f.Code == fault.BadUserInput {
			continue // it cannot be told, as for want of an exchange rate: the others can
		}
		if answer.Err != nil {
			return nil, fmt.Errorf("find %s: %w", metrics[i].Key, answer.Err)
		}
		found = append(found, pick(metrics[i], answer.Series, spans)...)
	}
	return found, nil
}

// pick takes the figures of periods out of a series.
func pick(d *metric.Definition, series *metric.Series, spans []Span) (found []figure) {
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
			found = append(found, figure{d, span, series.Values[i], currency, series.Exact})
		}
	}
	return found
}
