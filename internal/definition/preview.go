package definition

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// previewDays is how far a preview looks back, the running day included.
const previewDays = 90

// Preview is what a draft would give. Without figures it cannot be saved.
type Preview struct {
	Total       *metric.Value
	Series      *metric.Series
	Problems    []Problem
	Explanation *metric.Explanation
}

// Problem is something about a draft that its author should know.
type Problem struct {
	Field    string
	Message  string
	Blocking bool // whether it keeps the draft from being saved
}

// Preview works a draft out over the last 90 days, and saves nothing. The key is that of the
// metric that it would change; empty: a new one.
func (s *Service) Preview(ctx context.Context, key string, d Draft) (made Preview, err error) {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return made, err
	}
	made.Problems = []Problem{}
	blocked := func(err error) bool {
		f, is := fault.Of(err)
		if is {
			made.Problems = append(made.Problems, Problem{f.Field, f.Message, true})
		}
		return is
	}
	for _, err := range d.problems() {
		if !blocked(err) {
			return made, err
		}
	}
	if len(made.Problems) > 0 {
		return made, nil
	}
	var of *metric.Definition
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		if of, err = s.draw(ctx, tx, who, key, d); err != nil {
			return err
		}
		return warn(ctx, tx, d, &made)
	})
	if err != nil {
		if f, is := fault.Of(err); !is || f.Code != fault.BadUserInput || !blocked(err) {
			return made, err
		}
		return made, nil
	}
	return made, s.answer(ctx, of, &made)
}

// unsaved stands for the key of a draft that has none yet; nothing can be called so.
const unsaved = "(this one)"

// draw makes a metric of a draft among the tenant's others.
func (s *Service) draw(ctx context.Context, tx pgx.Tx, who access.Principal, key string, d Draft) (*metric.Definition, error) {
	noteAll(ctx)
	b, err := readBook(ctx, tx, s.catalog)
	if err != nil {
		return nil, err
	}
	if key == "" {
		key = unsaved
	} else if b.entries[key] == nil {
		return nil, errNone
	}
	if _, err := b.put(key, d); err != nil {
		return nil, err
	}
	made, err := b.define(key)
	if err != nil {
		return nil, err
	}
	if !who.May(made.Permission) {
		return nil, access.Lacking(made.Permission)
	}
	return made, b.checkAll(b.dependents(key), key)
}

// warn tells of types of events that were never seen: they may be misspelled.
func warn(ctx context.Context, tx pgx.Tx, d Draft, made *Preview) error {
	if d.Events == nil || len(d.Events.Types) == 0 {
		return nil
	}
	unseen, err := dbsqlc.New().MetricDefinitionUnseenTypes(ctx, tx, d.Events.Types)
	if err != nil {
		return fmt.Errorf("look for types: %w", err)
	}
	if len(unseen) > 0 {
		message := "No such event was ever seen: " + strings.Join(unseen[:min(len(unseen), 10)], ", ") + "."
		made.Problems = append(made.Problems, Problem{"input.events.types", message, false})
	}
	return nil
}

func (s *Service) answer(ctx context.Context, of *metric.Definition, made *Preview) error {
	ask := metric.Ask{
		Last: &metric.Last{Count: previewDays, Interval: calendar.Day}, Interval: calendar.Day,
		Compare: []metric.Comparison{{Kind: metric.PreviousPeriod}},
	}
	answers, explanation, err := s.metrics.Explain(ctx, []*metric.Question{{Of: of, Ask: ask}, {Of: of, Ask: ask, Series: true}})
	if err != nil {
		return err
	}
	made.Total, made.Series, made.Explanation = answers[0].Value, answers[1].Series, &explanation
	return nil
}
