//go:build linux

package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	ahead     = 1                // a change is made while answers to so many before it are on their way
	enough    = 0.9              // of the subscribers have an answer: the next change may be made
	lateAfter = 2 * time.Second  // the next change is made whatever came
	settled   = 10 * time.Second // for the last answers to come, at most
	quiet     = 300 * time.Millisecond
)

// speed is what one load came to.
type speed struct {
	perSecond float64 // answers that reached the client
	bytes     int64   // of one of them
	p50, p99  time.Duration
	cost      cost // of one of them
}

// saturate makes changes of all topics as fast as their answers come, for a while. A quarter
// as long before that is not counted.
func (h *house) saturate(ctx context.Context, s side, subscribers int, length time.Duration) (speed, error) {
	change := func() error {
		serial, err := h.change(ctx, s, everyTopic)
		if err != nil {
			return err
		}
		need := int(enough * float64(subscribers))
		_, err = h.client.await(ctx, lateAfter, func() bool { return h.client.reached(serial-ahead) >= need })
		return err
	}
	if err := during(length/4, change); err != nil {
		return speed{}, err
	}
	begun := h.begin(s)
	if err := during(length, change); err != nil {
		return speed{}, err
	}
	result := begun.end(time.Now())
	return result, h.calm(ctx)
}

// pace makes changes at a rate that comes to so many answers a second in all, of one topic
// after the other, for a while.
func (h *house) pace(ctx context.Context, s side, subscribers, topics, perSecond int, length time.Duration) (speed, error) {
	ticker := time.NewTicker(time.Duration(subscribers/topics) * time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	begun, start := h.begin(s), time.Now()
	var group errgroup.Group
	group.SetLimit(publishers)
	for topic := 0; time.Since(start) < length && ctx.Err() == nil; topic = (topic + 1) % topics {
		group.Go(func() error { _, err := h.change(ctx, s, topic); return err })
		<-ticker.C
	}
	if err := group.Wait(); err != nil {
		return speed{}, err
	}
	until := time.Now()
	err := h.calm(ctx) // the answers to the last changes count
	return begun.end(until), err
}

func during(length time.Duration, do func() error) error {
	for start := time.Now(); time.Since(start) < length; {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// change makes one, and returns its number.
func (h *house) change(ctx context.Context, s side, topic int) (serial int, err error) {
	serial = int(h.serial.Add(1))
	h.client.start(serial)
	return serial, s.publish(ctx, topic, stampOf(serial))
}

// calm waits until no more answers come.
func (h *house) calm(ctx context.Context) error {
	ticker := time.NewTicker(quiet)
	defer ticker.Stop()
	var before int64
	for range settled / quiet {
		var answers int64
		if _, err := h.client.await(ctx, 0, func() bool { answers = h.client.answers; return true }); err != nil {
			return err
		}
		if answers == before {
			return nil
		}
		before = answers
		<-ticker.C
	}
	return nil
}

// begun is a load under way.
type begun struct {
	h      *house
	side   side
	spent  cost
	counts reading
}

func (h *house) begin(s side) begun {
	counts, _ := h.client.read()
	return begun{h, s, h.spent(s), counts}
}

// end tells what came since the beginning; until is when changes were made last.
func (b begun) end(until time.Time) speed {
	counts, delays := b.h.client.read()
	answers := counts.answers - b.counts.answers
	return speed{
		perSecond: float64(answers) / until.Sub(b.counts.at).Seconds(),
		bytes:     (counts.bytes - b.counts.bytes) / max(answers, 1),
		p50:       delays.quantile(0.5), p99: delays.quantile(0.99),
		cost: b.h.spent(b.side).since(b.spent, answers),
	}
}
