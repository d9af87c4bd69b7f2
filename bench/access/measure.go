package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/graph/generated"
	"github.com/tidemarkhq/tidemark/internal/access"
)

// How often each thing is done in a round.
const (
	dashboards = 50
	checks     = 200_000
	pages      = 200
)

// dashboard is a page of widgets as a browser asks for it: a figure and its 90 days each.
func dashboard() string {
	var text strings.Builder
	text.WriteString("{")
	for i := range 12 {
		metric := []string{"events", "active_users", "new_users"}[i%3]
		fmt.Fprintf(&text, ` w%d: metric(key: %q) { name unit value(range: {last: {count: %d, interval: DAY}}) { value }
			series(range: {last: {count: 90, interval: DAY}}, interval: DAY) { at values complete asOf } }`, i, metric, 7*(i+1))
	}
	return text.String() + " }"
}

const events = `{ events { list(first: 50) { nodes { type occurredAt messageId userId anonymousId properties context } } } }`

// measure takes turns between all, so that what else the machine does meets them alike.
func (h *house) measure(ctx context.Context, rounds int) (r result, err error) {
	who, err := h.keys.Key(ctx, h.key)
	if err != nil {
		return r, err
	}
	known := access.With(ctx, who)
	viewer := who
	viewer.Permissions = access.Viewer.Permissions()
	for range rounds {
		for _, one := range []struct {
			into *[]time.Duration
			n    int
			do   func() error
		}{
			{&r.dashboard, dashboards, h.asking(known, dashboard())},
			{&r.authenticate, checks, func() error { _, err := h.keys.Key(ctx, h.key); return err }},
			{&r.permit, checks, h.permitting(known)},
			{&r.open, pages, h.asking(known, events)},
			{&r.hidden, pages, h.asking(access.With(ctx, viewer), events)},
		} {
			took, err := timed(one.n, one.do)
			if err != nil {
				return r, err
			}
			*one.into = append(*one.into, took)
		}
	}
	return r, nil
}

func (h *house) asking(ctx context.Context, document string) func() error {
	return func() error {
		size, err := h.ask(ctx, document)
		if err == nil && size < 1_000 {
			err = fmt.Errorf("the answer has %d bytes only", size)
		}
		return err
	}
}

// permitting checks the dashboard's operation again and again, as is done once a request.
func (h *house) permitting(ctx context.Context) func() error {
	permit := graph.NewPermit(generated.NewExecutableSchema(generated.Config{}).Schema(), nil, nil) // a query denies no mutation
	operation, err := h.operation(ctx, dashboard())
	return func() error {
		if err != nil {
			return err
		}
		if refused := permit.MutateOperationContext(ctx, operation); refused != nil {
			return refused
		}
		return nil
	}
}

// figures is what is recorded: the conditions, and the results.
func figures(o options, r result) string {
	return fmt.Sprintf("%d processors, %s, all in one process; %d events, %d rounds.\n\n```\n%v```\n",
		runtime.NumCPU(), runtime.Version(), o.events, o.rounds, r)
}
