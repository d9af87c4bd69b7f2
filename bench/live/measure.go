//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// seriesDays are the points of a series.
const seriesDays = 90

// document is what is subscribed to.
type document struct {
	name, query string
	moves       bool // the series changes as well
}

// documents are a small field, and a series beside it, which stays as it is or changes as well. All
// begin with the tenant's name, which is what changes, and tells when.
func documents(minInterval int) []document {
	live := "live"
	if minInterval > 0 {
		live = fmt.Sprintf("live(minInterval: %d)", minInterval)
	}
	of := func(fields string) string {
		return "subscription { " + live + " { query { tenant { name } " + fields + "} } }"
	}
	series := of(fmt.Sprintf(`metric(key: "events") { series(range: {last: {count: %d, interval: DAY}}) { at values } } `, seriesDays))
	return []document{{"small", of(""), false}, {"series", series, false}, {"moving series", series, true}}
}

// setting is one row of the table, and what was measured in it, a round at a time.
type setting struct {
	subscribers, topics int
	document            document
	server, bare        []speed // as fast as can be
	paced, barePaced    []speed // at the rate at which delays count
}

// measure takes turns between the server and the broadcaster, so that whatever else the machine
// does meets both.
func (h *house) measure(ctx context.Context, o options, s *setting) error {
	for round := range o.rounds {
		message, err := h.measureServer(ctx, o, s)
		if err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		if err := h.measureBare(ctx, o, s, message); err != nil {
			return fmt.Errorf("%v, bare: %w", s, err)
		}
		if ours, theirs := s.server[round].bytes, s.bare[round].bytes; max(ours, theirs)*49 > min(ours, theirs)*50 {
			return fmt.Errorf("%v: an answer has %d bytes, and one of the broadcaster's %d", s, ours, theirs)
		}
		fmt.Fprintf(os.Stderr, "  %v, round %d: %.0f/s of %.0f/s, %.2f; paced p99 %v of %v\n    %v\n", s, round+1,
			s.server[round].perSecond, s.bare[round].perSecond, s.server[round].perSecond/s.bare[round].perSecond,
			s.paced[round].p99, s.barePaced[round].p99, s.server[round].cost)
	}
	return nil
}

// measureServer returns one of its messages as well.
func (h *house) measureServer(ctx context.Context, o options, s *setting) (message []byte, err error) {
	one, err := h.served(s.document, s.topics)
	if err != nil {
		return nil, err
	}
	if _, err := h.change(ctx, one, everyTopic); err != nil {
		return nil, err
	}
	fast, paced, err := h.load(ctx, o, s, one)
	if err != nil {
		return nil, err
	}
	s.server, s.paced = append(s.server, fast), append(s.paced, paced)
	_, err = h.client.await(ctx, 0, func() bool { message = h.client.sample; return true })
	return message, err
}

func (h *house) measureBare(ctx context.Context, o options, s *setting, message []byte) (err error) {
	bare, err := startBare(ctx, message, s.topics)
	if err != nil {
		return err
	}
	defer func() { err = bare.stop(err) }()
	fast, paced, err := h.load(ctx, o, s, bare)
	s.bare, s.barePaced = append(s.bare, fast), append(s.barePaced, paced)
	return err
}

// load subscribes, drives one side, and leaves.
func (h *house) load(ctx context.Context, o options, s *setting, one side) (fast, paced speed, err error) {
	defer h.client.close()
	if err := h.client.open(ctx, one.target(), s.subscribers, s.topics, dialsAtOnce); err != nil {
		return fast, paced, err
	}
	if err := h.calm(ctx); err != nil {
		return fast, paced, err
	}
	if fast, err = h.saturate(ctx, one, s.subscribers, o.length); err != nil {
		return fast, paced, err
	}
	paced, err = h.pace(ctx, one, s.subscribers, s.topics, o.paced, o.length)
	return fast, paced, err
}

// bounded reports whether the limits hold for it. Where the series changes as well, it is the
// database that is measured, which the broadcaster does not have.
func (s *setting) bounded() bool { return s.subscribers >= fullHouse && !s.document.moves }

func (s *setting) String() string {
	return fmt.Sprintf("%d subscribers, %d topics, %s", s.subscribers, s.topics, s.document.name)
}

// ratios are the server's answers against the broadcaster's, round by round.
func (s *setting) ratios() (list []float64) {
	for i := range s.server {
		list = append(list, s.server[i].perSecond/s.bare[i].perSecond)
	}
	return list
}

func (s *setting) ratio() float64 { return trial.Median(s.ratios()) }

// middle is the median of something that was measured in each round.
func middle[T float64 | time.Duration | int64](rounds []speed, of func(speed) T) T {
	var list []T
	for _, r := range rounds {
		list = append(list, of(r))
	}
	return trial.Median(list)
}

func perSecond(s speed) float64  { return s.perSecond }
func p50(s speed) time.Duration  { return s.p50 }
func p99(s speed) time.Duration  { return s.p99 }
func cpu(s speed) time.Duration  { return s.cost.server }
func rest(s speed) time.Duration { return s.cost.worker + s.cost.postgres + s.cost.redis }
func user(s speed) time.Duration { return s.cost.client }
func size(s speed) int64         { return s.bytes }
