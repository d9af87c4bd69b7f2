// Command query measures how many answers a second GraphQL gives: against a hand-written
// endpoint that reads the same rows by net/http and pgx, where each answer is worked out, and
// against the same bytes from memory, where nothing has changed. It also measures how soon a
// delta is in the answers, and what work a query is as the tables grow.
//
//	go run ./bench/query [-events 1000000,10000000] [-dir DIR] [-rounds 5] [-seconds 2] [-record bench/README.md]
//	go run ./bench/query -events 1000000 -plans docs/performance.md
//
// The limits are ratios, since absolute times mean nothing on a shared machine. It exits with
// 1 where one is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// What a ratio must be at least, and what it should be.
const (
	coldLimit, coldAim = 0.6, 0.8
	warmAim            = 0.4
	deltaAim           = 100 * time.Millisecond
)

// connections are how many the load client keeps alive.
const connections = 32

type options struct {
	sizes   []int  // of the data sets, in events
	dir     string // where they are kept; empty: nowhere
	rounds  int
	length  time.Duration // of one measurement
	record  string
	profile string
	plans   string
}

func main() {
	if address := os.Getenv(rawListen); address != "" {
		trial.Main("query", func(ctx context.Context) error { return serveRaw(ctx, address) })
		return
	}
	var o options
	sizes := flag.String("events", "1000000,10000000", "events of each data set")
	flag.StringVar(&o.dir, "dir", "", "folder to keep the data sets in between runs; temporary if not given")
	flag.IntVar(&o.rounds, "rounds", 5, "measurements of each kind; the median counts")
	flag.DurationVar(&o.length, "length", 2*time.Second, "how long each lasts")
	flag.StringVar(&o.record, "record", "", "file to which the figures are added, such as bench/README.md")
	flag.StringVar(&o.profile, "profile", "", "folder for CPU profiles of each page, of a server in this process")
	flag.StringVar(&o.plans, "plans", "", "write the plans of hot statements into this file, such as docs/performance.md, and measure nothing")
	flag.Parse()
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1_000 {
			fmt.Fprintln(os.Stderr, "query: -events are numbers from 1,000 on, with commas between")
			os.Exit(2)
		}
		o.sizes = append(o.sizes, n)
	}
	trial.Main("query", func(ctx context.Context) error { return run(ctx, o) })
}

// result is what was measured on one data set.
type result struct {
	events int
	pages  []pageResult
	deltas []delta
	work   []work
}

func run(ctx context.Context, o options) error {
	var results []result
	for _, events := range o.sizes {
		r, err := measureOn(ctx, o, events)
		if err != nil {
			return fmt.Errorf("%d events: %w", events, err)
		}
		results = append(results, r)
	}
	if o.profile != "" || o.plans != "" {
		return nil
	}
	text := figures(o, results)
	fmt.Print(text)
	if err := trial.Record(ctx, o.record, "query", text); err != nil {
		return err
	}
	var missed []error
	for _, r := range results {
		missed = append(missed, r.check())
	}
	return errors.Join(missed...)
}

// measureOn takes all measurements on one data set. The delta comes last: it changes the data.
func measureOn(ctx context.Context, o options, events int) (r result, err error) {
	h, err := open(ctx, o, events)
	if err != nil {
		return r, err
	}
	defer func() { err = h.close(err) }()
	r.events = events
	switch {
	case o.profile != "":
		return r, h.profileAll(ctx, o)
	case o.plans != "":
		return r, h.plans(ctx, o.plans)
	}
	if r.pages, err = h.measure(ctx, o); err != nil {
		return r, err
	}
	if r.work, err = h.explain(ctx); err != nil {
		return r, err
	}
	r.deltas, err = h.deltas(ctx)
	return r, err
}

// check says what is below a limit.
func (r result) check() error {
	var missed []error
	for _, p := range r.pages {
		if ratio := p.coldRatio(); ratio < coldLimit {
			missed = append(missed, fmt.Errorf("%s at %d events: %.2f of the hand-written endpoint, and must be %.1f", p.name, r.events, ratio, coldLimit))
		}
		if ratio := p.warmRatio(); ratio < warmAim {
			missed = append(missed, fmt.Errorf("%s at %d events, unchanged: %.2f of the bytes from memory, and must be %.1f", p.name, r.events, ratio, warmAim))
		}
	}
	for _, d := range r.deltas {
		if d.took() > deltaAim {
			missed = append(missed, fmt.Errorf("a %s delta at %d events: %v, and must be %v", d.name, r.events, d.took(), deltaAim))
		}
	}
	return errors.Join(missed...)
}
