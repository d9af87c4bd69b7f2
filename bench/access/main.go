// Command access measures what the checks of permissions cost, against the dashboard that
// they stand before, in the same run.
//
//	go run ./bench/access [-events 200000] [-rounds 5] [-record bench/README.md]
//
// The limit is a share, since absolute times mean nothing on a shared machine. It exits with
// 1 where the share is above the limit.
package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// limit is how much of a dashboard's time the checks may take.
const limit = 0.01

type options struct {
	events int // of the demo
	rounds int
	record string
}

func main() {
	var o options
	flag.IntVar(&o.events, "events", 200_000, "events that the dashboard is about")
	flag.IntVar(&o.rounds, "rounds", 5, "measurements of each kind; the median counts")
	flag.StringVar(&o.record, "record", "", "file to which the figures are added, such as bench/README.md")
	flag.Parse()
	trial.Main("access", func(ctx context.Context) error { return run(ctx, o) })
}

func run(ctx context.Context, o options) (err error) {
	h, err := open(ctx, o.events)
	if err != nil {
		return err
	}
	defer func() { err = h.close(err) }()
	r, err := h.measure(ctx, o.rounds)
	if err != nil {
		return err
	}
	fmt.Print(r)
	if err := trial.Record(ctx, o.record, "access", figures(o, r)); err != nil {
		return err
	}
	if r.share() > limit {
		return fmt.Errorf("the checks take %.3f %% of a dashboard, and may take %.0f %%", 100*r.share(), 100*limit)
	}
	return nil
}

// result is what was measured, a time for each round.
type result struct {
	dashboard    []time.Duration // 12 widgets, from the request's context to the answer's bytes
	authenticate []time.Duration // whose key it is
	permit       []time.Duration // what the operation takes, against what the caller has
	open, hidden []time.Duration // 50 events with their personal fields, and with those hidden
}

// checks is what a request pays for permissions.
func (r result) checks() time.Duration { return trial.Median(r.authenticate) + trial.Median(r.permit) }

func (r result) share() float64 { return float64(r.checks()) / float64(trial.Median(r.dashboard)) }

func (r result) String() string {
	return fmt.Sprintf(`dashboard of 12 widgets  %v
whose key it is          %v
what it may do           %v
together                 %.3f %% of the dashboard (limit %.0f %%)
50 events                %v, with 4 fields hidden each %v
`, trial.Median(r.dashboard), trial.Median(r.authenticate), trial.Median(r.permit), 100*r.share(), 100*limit, trial.Median(r.open), trial.Median(r.hidden))
}
