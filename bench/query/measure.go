package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// pageResult is what a page came to, in answers a second, for each round.
type pageResult struct {
	name                     string
	bytes                    int
	cold, byHand, warm, kept []float64
}

// coldRatio is ours against the hand-written endpoint, where each answer is worked out.
func (p pageResult) coldRatio() float64 { return trial.Median(p.cold) / trial.Median(p.byHand) }

// warmRatio is ours against the same bytes from memory, where nothing has changed.
func (p pageResult) warmRatio() float64 { return trial.Median(p.warm) / trial.Median(p.kept) }

// measure takes turns between all, so that what else the machine does meets them alike.
func (h *house) measure(ctx context.Context, o options) (results []pageResult, err error) {
	for _, p := range pages {
		r, err := h.measurePage(ctx, o, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("  %s: cold %.0f/s of %.0f/s by hand, %.2f; unchanged %.0f/s of %.0f/s from memory, %.2f\n", p.name,
			trial.Median(r.cold), trial.Median(r.byHand), r.coldRatio(), trial.Median(r.warm), trial.Median(r.kept), r.warmRatio())
		results = append(results, r)
	}
	return results, nil
}

func (h *house) measurePage(ctx context.Context, o options, p page) (r pageResult, err error) {
	r.name = p.name
	c, err := h.clock(ctx)
	if err != nil {
		return r, err
	}
	var targets [4]target
	for i, base := range []string{h.cold, h.raw, h.warm, h.raw} {
		switch i {
		case 1:
			targets[i], err = targetOf(base, "/"+p.name, "", nil)
		case 3:
			targets[i], err = targetOf(base, "/memory/"+p.name, "", nil)
		default:
			targets[i], err = targetOf(base, "/graphql", h.read, p.body(c))
		}
		if err != nil {
			return r, err
		}
	}
	if r.bytes, err = wantSame(ctx, targets[:]); err != nil {
		return r, err
	}
	for round := -1; round < o.rounds; round++ { // the first one warms up
		for i, into := range []*[]float64{&r.cold, &r.byHand, &r.warm, &r.kept} {
			perSecond, err := targets[i].load(ctx, o.length)
			if err != nil {
				return r, err
			}
			if round >= 0 {
				*into = append(*into, perSecond)
			}
		}
	}
	_, err = wantSame(ctx, targets[:])
	return r, err
}

// wantSame fails where the four do not say the same of the data, but for the instants that they
// speak of.
func wantSame(ctx context.Context, targets []target) (size int, err error) {
	var first any
	for i, t := range targets {
		body, err := t.once(ctx)
		if err != nil {
			return 0, err
		}
		var answer struct {
			Data   any
			Errors any
		}
		if err := json.Unmarshal(body, &answer); err != nil || answer.Errors != nil || answer.Data == nil {
			return 0, fmt.Errorf("no answer: %w: %.300s", err, body)
		}
		data := withoutInstants(answer.Data)
		if i == 0 {
			first, size = data, len(body)
		} else if !reflect.DeepEqual(first, data) {
			return 0, fmt.Errorf("answers differ:\n%.2000v\n%.2000v", first, data)
		}
	}
	return size, nil
}

func withoutInstants(value any) any {
	switch v := value.(type) {
	case map[string]any:
		delete(v, "asOf")
		for key, member := range v {
			v[key] = withoutInstants(member)
		}
	case []any:
		for i, member := range v {
			v[i] = withoutInstants(member)
		}
	}
	return value
}

// clock is that of the tenant.
func (h *house) clock(ctx context.Context) (clock, error) {
	t, err := targetOf(h.cold, "/graphql", h.read, []byte(`{"query":"{ tenant { zone } }"}`))
	if err != nil {
		return clock{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	body, err := t.once(ctx)
	if err != nil {
		return clock{}, err
	}
	var answer struct {
		Data struct{ Tenant struct{ Zone string } }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return clock{}, fmt.Errorf("read the zone: %w", err)
	}
	return clockOf(answer.Data.Tenant.Zone)
}
