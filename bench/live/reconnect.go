//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// reconnectors are how many come back at once.
const reconnectors = 1000

// comeback is how long it takes until all have their first answer again.
type comeback struct {
	why   string
	took  time.Duration
	wrong int // of the answers
}

// reconnect drops all subscribers, makes a change meanwhile, and has them all come at once:
// once by their own doing, and once because the server was started anew.
func (h *house) reconnect(ctx context.Context, o options) (results []comeback, err error) {
	one, err := h.served(documents(o.minInterval)[0], 1)
	if err != nil {
		return nil, err
	}
	defer func() { h.client.do(func() { h.client.expected, h.client.redial = 0, false; h.client.closeAll() }) }()
	for range o.rounds {
		again, err := h.hungUp(ctx, one)
		if err != nil {
			return nil, err
		}
		restarted, err := h.restarted(ctx)
		if err != nil {
			return nil, err
		}
		results = append(results, again, restarted)
	}
	return results, nil
}

func (h *house) hungUp(ctx context.Context, one served) (result comeback, err error) {
	if err := h.client.open(ctx, one.target(), reconnectors, 1, dialsAtOnce); err != nil {
		return result, err
	}
	h.client.close()
	if err := h.expect(ctx, one); err != nil {
		return result, err
	}
	start := time.Now()
	err = h.client.open(ctx, one.target(), reconnectors, 1, reconnectors)
	return h.cameBack("all hung up and connected at once", start), err
}

// restarted has the same sockets try again and again while the server is away; the clock starts
// when it says that it is ready.
func (h *house) restarted(ctx context.Context) (result comeback, err error) {
	h.client.do(func() { h.client.redial, h.client.answered = true, 0 })
	if err := h.startServer(ctx); err != nil {
		return result, err
	}
	start := time.Now()
	if err := h.client.answeredAll(ctx, reconnectors); err != nil {
		return result, err
	}
	result = h.cameBack("the server was started anew", start)
	h.client.do(func() { h.client.redial, h.client.expected = false, 0; h.client.closeAll() })
	return result, nil
}

// expect makes a change, which every first answer must tell of from now on.
func (h *house) expect(ctx context.Context, one served) error {
	serial := int(h.serial.Add(1))
	stamp := stampOf(serial)
	if err := one.publish(ctx, everyTopic, stamp); err != nil {
		return fmt.Errorf("change while nobody is there: %w", err)
	}
	h.client.do(func() { h.client.expected = stamp })
	return nil
}

func (h *house) cameBack(why string, start time.Time) comeback {
	took := time.Since(start)
	h.client.mu.Lock()
	defer h.client.mu.Unlock()
	return comeback{why, took, h.client.wrong}
}
