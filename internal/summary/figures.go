package summary

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// figure is what a metric came to in a period.
type figure struct {
	metric *metric.Definition
	span   Span
	value  *float64
	exact  bool
}

// definitions names all metrics and how they are defined, in a word.
func definitions() string {
	var names strings.Builder
	for _, d := range metric.Catalog() {
		fmt.Fprintf(&names, "%s %d\n", d.Key, d.Version)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(names.String())))[:16]
}

// figures finds every metric in periods of one kind, which are given in the order of time: each
// metric in one go, whatever the number of periods. Those that are not over by the database's
// clock are left out.
func (s *Summarizer) figures(ctx context.Context, id tenant.ID, spans []Span) (found []figure, err error) {
	ctx = access.With(ctx, access.House(id))
	first, last := spans[0], spans[len(spans)-1]
	ask := metric.Ask{From: &first.From, To: &last.To, Interval: calendar.Interval(first.Period)}
	for _, d := range metric.Catalog() {
		series, err := s.metrics.Series(ctx, d, ask)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", d.Key, err)
		}
		place := map[time.Time]int{}
		for i, at := range series.At {
			place[at.UTC()] = i
		}
		for _, span := range spans {
			if i, ok := place[span.From.UTC()]; ok && series.Complete[i] {
				found = append(found, figure{d, span, series.Values[i], series.Exact})
			}
		}
	}
	return found, nil
}
