package graph

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/journey"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// eventsOf turns what counts as something into the service's words.
func eventsOf(in model.EventMatchInput, field string) (e journey.Events, err error) {
	e.Field, e.Types = field, in.Types
	e.Filter, err = metricFilter(in.Filter, field+".filter")
	return e, err
}

// retentionOf adds the events to a question.
func retentionOf(ask journey.RetentionAsk, start model.EventMatchInput, back *model.EventMatchInput) (journey.RetentionAsk, error) {
	var err error
	if ask.StartWith, err = eventsOf(start, "startEvent"); err != nil || back == nil {
		return ask, err
	}
	returning, err := eventsOf(*back, "returnEvent")
	ask.ReturnWith = &returning
	return ask, err
}

// funnelOf adds steps, exclusions and the window to a question.
func funnelOf(ask journey.FunnelAsk, steps []model.EventMatchInput, exclusions []model.FunnelExclusionInput, within *model.DurationInput) (journey.FunnelAsk, error) {
	for i, step := range steps {
		e, err := eventsOf(step, fmt.Sprintf("steps[%d]", i))
		if err != nil {
			return ask, err
		}
		ask.Steps = append(ask.Steps, e)
	}
	for i, x := range exclusions {
		e, err := eventsOf(*x.Event, fmt.Sprintf("exclusions[%d].event", i))
		if err != nil {
			return ask, err
		}
		ask.Exclusions = append(ask.Exclusions, journey.ExclusionAsk{Of: e, After: x.After, Before: x.Before})
	}
	var err error
	ask.Within, err = durationOf(within, 7*24*time.Hour)
	return ask, err
}

// someEvents are all unless some are asked for.
func someEvents(in *model.EventMatchInput, field string) (journey.Events, error) {
	if in == nil {
		return journey.Events{}, nil
	}
	return eventsOf(*in, field)
}

// pathsOf adds the event and the pause to a question.
func pathsOf(ask journey.PathAsk, from model.EventMatchInput, within *model.DurationInput) (journey.PathAsk, error) {
	var err error
	if ask.From, err = eventsOf(from, "event"); err != nil {
		return ask, err
	}
	ask.Pause, err = durationOf(within, 30*time.Minute)
	return ask, err
}

// durationOf adds up the parts of a length of time.
func durationOf(in *model.DurationInput, unless time.Duration) (time.Duration, error) {
	if in == nil {
		return unless, nil
	}
	var total float64
	for _, part := range []struct {
		n    *int
		unit time.Duration
	}{{in.Days, 24 * time.Hour}, {in.Hours, time.Hour}, {in.Minutes, time.Minute}, {in.Seconds, time.Second}} {
		if part.n == nil {
			continue
		}
		if *part.n < 0 {
			return 0, fault.Input("within", "No part of it is below 0.")
		}
		total += float64(*part.n) * float64(part.unit)
	}
	return time.Duration(min(total, math.MaxInt64/2)), nil
}

// journeyAsk is what the questions about journeys have in common.
func journeyAsk(window *model.RangeInput, zone *string, weekStart *model.Weekday, compare []metric.Comparison) (metric.Ask, error) {
	return asking{window: window, zone: zone, weekStart: weekStart, compare: compare}.ask()
}

// unitsOf lists the units of a step.
func unitsOf(ctx context.Context, list func(metric.Page) (metric.Listing, error), first int, after *string) (*model.MetricEntityConnection, error) {
	ask, err := askFor(first, after, time.Time{})
	if err != nil {
		return nil, err
	}
	units, err := list(ask.Page)
	if err != nil {
		return nil, err
	}
	return entityConnection(ctx, &units, after)
}

// byOf are the dimensions of a breakdown; nil where there is none.
func byOf(in []model.DimensionInput) []metric.Dimension {
	if in == nil {
		return nil
	}
	return dimensionsOf(in)
}
