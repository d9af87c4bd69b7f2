package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

const (
	deltaEvents = 10_000
	deltaBatch  = 500 // events of one request
	deltaRounds = 3
	lateDays    = 180 // over which late events are spread
)

// delta is how long it takes until events are in the answers.
type delta struct {
	name   string
	stored []time.Duration // until the last request was acknowledged
	after  []time.Duration // from then until an answer had all of them
}

// took is what is to be short: nothing needs to be refreshed after the acknowledgement.
func (d delta) took() time.Duration { return trial.Median(d.after) }

// deltas sends events that happened now, and events of the last half year.
func (h *house) deltas(ctx context.Context) ([]delta, error) {
	hot, late := delta{name: "hot"}, delta{name: "late"}
	for range deltaRounds {
		for _, d := range []*delta{&hot, &late} {
			if err := h.delta(ctx, d, d == &late); err != nil {
				return nil, fmt.Errorf("%s delta: %w", d.name, err)
			}
		}
	}
	for _, d := range []delta{hot, late} {
		fmt.Printf("  %s delta of %d events: stored in %v, in the answers %v later\n", d.name, deltaEvents, trial.Median(d.stored), d.took())
	}
	return []delta{hot, late}, nil
}

func (h *house) delta(ctx context.Context, d *delta, late bool) error {
	before, err := h.count(ctx)
	if err != nil {
		return err
	}
	bodies, err := deltaBodies(late)
	if err != nil {
		return err
	}
	start := time.Now()
	group, sending := errgroup.WithContext(ctx)
	for _, body := range bodies {
		group.Go(func() error { return h.send(sending, body) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	acknowledged := time.Now()
	after, err := h.count(ctx)
	if err != nil {
		return err
	}
	if after != before+deltaEvents { // what is acknowledged is counted
		return fmt.Errorf("%d events became %d with %d more", before, after, deltaEvents)
	}
	d.stored = append(d.stored, acknowledged.Sub(start))
	d.after = append(d.after, time.Since(acknowledged))
	return nil
}

// deltaBodies are the requests, with message ids of their own.
func deltaBodies(late bool) (bodies [][]byte, err error) {
	now, run := time.Now().UTC(), uuid.NewString()
	for first := 0; first < deltaEvents; first += deltaBatch {
		var batch []map[string]any
		for i := first; i < first+deltaBatch; i++ {
			at := now.Add(-time.Duration(i) * time.Millisecond)
			if late {
				at = now.Add(-time.Duration(i) * (lateDays * 24 * time.Hour / deltaEvents))
			}
			batch = append(batch, map[string]any{
				"type": "track", "event": "Delta", "messageId": fmt.Sprint(run, "-", i), "userId": fmt.Sprint("delta-", i%1_000),
				"timestamp": at, "properties": map[string]int{"n": i},
			})
		}
		body, err := json.Marshal(map[string]any{"batch": batch})
		if err != nil {
			return nil, fmt.Errorf("write a batch: %w", err)
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

func (h *house) send(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.warm+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.SetBasicAuth(h.write, "")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("send events: %w", err)
	}
	defer response.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(response.Body); err != nil || bytes.Count(answer.Bytes(), []byte(`"ACCEPTED"`)) != deltaBatch {
		return fmt.Errorf("send events: %s: %w: %.300s", response.Status, err, answer.Bytes())
	}
	return nil
}

// count asks the server that keeps answers.
func (h *house) count(ctx context.Context) (events int, err error) {
	const query = `{"query":"{ metric(key: \"events\") { series(range: {last: {count: 200, interval: DAY}}, interval: DAY) { values } } }"}`
	t, err := targetOf(h.warm, "/graphql", h.read, []byte(query))
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	body, err := t.once(ctx)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			Metric struct{ Series struct{ Values []float64 } }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, fmt.Errorf("read the count: %w", err)
	}
	for _, n := range answer.Data.Metric.Series.Values {
		events += int(n)
	}
	return events, nil
}
