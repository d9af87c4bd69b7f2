// Command cohort measures how long retention and a funnel take over millions of events: against
// the same questions as plain SQL over the table of raw events, and against DuckDB over the same
// rows. All three have to give the same figures.
//
//	go run ./bench/cohort [-events 10000000] [-dir DIR] [-rounds 5] [-record bench/README.md]
//
// The limits are ratios of the medians of one run, in turns, since absolute times mean nothing on
// a shared machine. It exits with 1 where one is missed. DuckDB comes by npm, pinned; Node.js has
// to be there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// What a question may take at most of DuckDB's time, and what it should.
const (
	retentionLimit = 0.2
	funnelLimit    = 1.0
	aim            = 0.2
)

type options struct {
	events  int
	dir     string
	rounds  int
	record  string
	skipRaw bool
}

func main() {
	var o options
	flag.IntVar(&o.events, "events", 10_000_000, "events of all tenants")
	flag.StringVar(&o.dir, "dir", "", "folder to keep the data in between runs; temporary if not given")
	flag.IntVar(&o.rounds, "rounds", 5, "measurements of each kind; the median counts")
	flag.StringVar(&o.record, "record", "", "file to which the figures are added, such as bench/README.md")
	flag.BoolVar(&o.skipRaw, "skip-sql", false, "leave plain SQL out, which takes longest")
	flag.Parse()
	trial.Main("cohort", func(ctx context.Context) error { return run(ctx, o) })
}

// timing is how long a question took each.
type timing struct {
	question        question
	ours, raw, duck []time.Duration
	rows            int // of the tenant that was asked about
	firstAsk        time.Duration
}

func run(ctx context.Context, o options) (err error) {
	h, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	var timings []timing
	for _, q := range questions {
		t, err := h.measure(ctx, q, o)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		timings = append(timings, t)
		fmt.Println(t.line())
	}
	fresh, err := h.delta(ctx)
	if err != nil {
		return err
	}
	figures, missed := report(o, h, timings, fresh)
	fmt.Println(figures)
	if err := trial.Record(ctx, o.record, "cohort", figures); err != nil {
		return err
	}
	return missed
}

// measure asks in turns, and holds the figures against each other.
func (h *house) measure(ctx context.Context, q question, o options) (t timing, err error) {
	t.question, t.rows = q, h.tenants[q.tenant].events
	took := func(of *[]time.Duration, ask func() (string, error)) (string, error) {
		start := time.Now()
		answer, err := ask()
		*of = append(*of, time.Since(start))
		return answer, err
	}
	var first []time.Duration
	if _, err := took(&first, func() (string, error) { return q.ours(ctx, h) }); err != nil {
		return t, err
	}
	t.firstAsk = first[0]
	for round := range o.rounds {
		ours, err := took(&t.ours, func() (string, error) { return q.ours(ctx, h) })
		if err != nil {
			return t, err
		}
		duck, took, err := h.duck.ask(q.duck(h))
		if err != nil {
			return t, err
		}
		t.duck = append(t.duck, took)
		if ours != duck {
			return t, fmt.Errorf("we say\n%s\nDuckDB says\n%s", ours, duck)
		}
		if o.skipRaw || round > 0 && round >= o.rounds/2 { // it takes seconds
			continue
		}
		raw, took2, err := h.askRaw(ctx, q.raw(h))
		if err != nil {
			return t, err
		}
		t.raw = append(t.raw, took2)
		if ours != raw {
			return t, fmt.Errorf("we say\n%s\nPostgreSQL says\n%s", ours, raw)
		}
	}
	return t, nil
}

func (t timing) ratio() float64 {
	return float64(trial.Median(t.ours)) / float64(trial.Median(t.duck))
}

func (t timing) limit() float64 {
	if strings.HasPrefix(t.question.name, "retention") {
		return retentionLimit
	}
	return funnelLimit
}

func (t timing) line() string {
	raw := "-"
	if len(t.raw) > 0 {
		raw = trial.Median(t.raw).Round(time.Millisecond).String()
	}
	return fmt.Sprintf("| %s | %d | %v | %v | %s | **%.2f** | %.1f | %.1f | %v |", t.question.name, t.rows,
		trial.Median(t.ours).Round(100*time.Microsecond), trial.Median(t.duck).Round(time.Millisecond),
		raw, t.ratio(), t.limit(), aim, t.firstAsk.Round(time.Millisecond))
}

func report(o options, h *house, timings []timing, fresh time.Duration) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d processors, %s; %d events of %d tenants, %d rounds in turns, all three on one machine; DuckDB %s on all processors.\n\n",
		runtime.NumCPU(), runtime.Version(), o.events, len(h.tenants), o.rounds, h.duck.version)
	b.WriteString("| question | events of the tenant | Tidemark | DuckDB | plain SQL | of DuckDB's time | limit | aim | the first time |\n|---|---|---|---|---|---|---|---|---|\n")
	var missed error
	for _, t := range timings {
		b.WriteString(t.line() + "\n")
		if t.ratio() > t.limit() {
			missed = errors.Join(missed, fmt.Errorf("%s takes %.2f of DuckDB's time, more than %.2f", t.question.name, t.ratio(), t.limit()))
		}
	}
	fmt.Fprintf(&b, "\nThe first time a tenant's histories, or the values of a property, are read. %d events more, all over the year, were in the next answer after %v.\n",
		deltaEvents, fresh.Round(time.Millisecond))
	return b.String(), missed
}
