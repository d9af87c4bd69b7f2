// Command ingest measures how many events a second come in through HTTP (JSON decoding,
// dedup, identities, presence and rollups included) against a raw COPY of the same rows into
// the same indexed, partitioned table, with the same number of connections, in the same run.
//
//	go run ./bench/ingest [-events 400000] [-rounds 3] [-stored 0] [-record bench/README.md]
//
// The limit is a ratio, since absolute times mean nothing on a shared machine. It exits with
// 1 where a ratio is below the limit.
package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// limit is what the ratio must be at least; aim is what it should be.
const (
	limit = 0.2
	aim   = 0.4
)

// warmUp is how many events are stored at least before anything is measured, so that plans
// are made, statistics taken and segments of the log there to be used again.
const warmUp = 300_000

type options struct {
	events int // in one measurement
	rounds int
	stored int // already there, before anything is measured
	record string
}

func main() {
	var o options
	flag.IntVar(&o.events, "events", 400_000, "events in one measurement")
	flag.IntVar(&o.rounds, "rounds", 3, "measurements of each kind; the median counts")
	flag.IntVar(&o.stored, "stored", 0, "events that are stored before anything is measured")
	flag.StringVar(&o.record, "record", "", "file to which the figures are added, such as bench/README.md")
	flag.Parse()
	trial.Main("ingest", func(ctx context.Context) error { return run(ctx, o) })
}

func run(ctx context.Context, o options) (err error) {
	h, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = h.close(err) }()
	if err := h.fill(ctx, max(o.stored, warmUp)); err != nil {
		return err
	}
	if err := h.checkpoint(ctx); err != nil {
		return err
	}
	var results []result
	for _, connections := range []int{1, 2} {
		r, err := h.measure(ctx, connections, o)
		if err != nil {
			return err
		}
		fmt.Println(r)
		results = append(results, r)
	}
	if err := trial.Record(ctx, o.record, "ingest", figures(o, results)); err != nil {
		return err
	}
	for _, r := range results {
		if r.ratio() < limit {
			return fmt.Errorf("a ratio of %.2f is below the limit of %.2f", r.ratio(), limit)
		}
	}
	return nil
}

// result is what one number of connections came to, in events a second.
type result struct {
	connections   int
	ingest, raw   []float64
	cost, rawCost cost
}

func (r result) ratio() float64 { return trial.Median(r.ingest) / trial.Median(r.raw) }

func (r result) String() string {
	return fmt.Sprintf("%d connection(s): ingest %.0f/s, raw COPY %.0f/s, ratio %.2f (limit %.2f, aim %.2f); %v",
		r.connections, trial.Median(r.ingest), trial.Median(r.raw), r.ratio(), limit, aim, r.cost)
}

// measure takes turns between the two, so that what else the machine does meets both.
func (h *house) measure(ctx context.Context, connections int, o options) (result, error) {
	r := result{connections: connections}
	for round := range o.rounds {
		load, err := h.prepare(ctx, connections, o.events)
		if err != nil {
			return r, err
		}
		ingested, spent, err := h.ingest(ctx, load)
		if err != nil {
			return r, err
		}
		copied, rawSpent, err := h.copyRaw(ctx, load)
		if err != nil {
			return r, err
		}
		fmt.Printf("  round %d: ingest %.0f/s, raw COPY %.0f/s, ratio %.2f\n    ingest: %v\n    raw: %v\n", round+1, ingested, copied, ingested/copied, spent, rawSpent)
		r.ingest, r.raw = append(r.ingest, ingested), append(r.raw, copied)
		r.cost, r.rawCost = spent, rawSpent
	}
	return r, nil
}
