//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// warmUp is how many subscribers come and go before memory is looked at, so that what the
// server makes once is made.
const warmUp = 100

// memory is what subscribers cost a server that has nothing else to do, in bytes each.
type memory struct {
	subscribers   int
	idle          int64         // subscribed, with the first answer
	pushed        int64         // and idle again after pushes
	left          int64         // once all have left
	gone          time.Duration // from then until their connections were gone
	bare          int64         // of the bare broadcaster, idle
	before, after int64         // of the process as a whole
}

// idle measures it on a server of its own.
func (h *house) idle(ctx context.Context, o options, subscribers int) (m memory, err error) {
	m.subscribers = subscribers
	if err := h.startServer(ctx); err != nil {
		return m, err
	}
	one, err := h.served(documents(o.minInterval)[0], 1)
	if err != nil {
		return m, err
	}
	if err := h.warm(ctx, o, one); err != nil {
		return m, err
	}
	m.before = trial.Resident(one.pid())
	files := trial.Descriptors(one.pid())
	message, err := h.fill(ctx, o, one, &m)
	if err != nil {
		return m, err
	}
	start := time.Now()
	h.client.close()
	for trial.Descriptors(one.pid()) > files+warmUp/10 {
		if err := pause(ctx, 10*time.Millisecond); err != nil || time.Since(start) > connectedWithin {
			return m, errors.Join(err, fmt.Errorf("%d descriptors are still open", trial.Descriptors(one.pid())))
		}
	}
	m.gone = time.Since(start)
	if err := pause(ctx, o.settle); err != nil {
		return m, err
	}
	m.after = trial.Resident(one.pid())
	m.left = (m.after - m.before) / int64(subscribers)
	m.bare, err = h.idleBare(ctx, o, subscribers, message)
	return m, err
}

// fill subscribes, lets the server rest, has it push, and lets it rest again.
func (h *house) fill(ctx context.Context, o options, one served, m *memory) (message []byte, err error) {
	if err := h.client.open(ctx, one.target(), m.subscribers, 1, dialsAtOnce); err != nil {
		return nil, err
	}
	each := func() (int64, error) {
		err := pause(ctx, o.settle)
		fmt.Fprintf(os.Stderr, "  %d bytes of memory after %v\n", trial.Resident(one.pid()), o.settle)
		return (trial.Resident(one.pid()) - m.before) / int64(m.subscribers), err
	}
	if m.idle, err = each(); err != nil {
		return nil, err
	}
	if _, err := h.saturate(ctx, one, m.subscribers, o.length); err != nil {
		return nil, err
	}
	if m.pushed, err = each(); err != nil {
		return nil, err
	}
	_, err = h.client.await(ctx, 0, func() bool { message = h.client.sample; return true })
	return message, err
}

// warm has some subscribers come and go.
func (h *house) warm(ctx context.Context, o options, one side) error {
	if err := h.client.open(ctx, one.target(), warmUp, 1, dialsAtOnce); err != nil {
		return err
	}
	h.client.close()
	return pause(ctx, o.settle)
}

func (h *house) idleBare(ctx context.Context, o options, subscribers int, message []byte) (each int64, err error) {
	bare, err := startBare(ctx, message, 1)
	if err != nil {
		return 0, err
	}
	defer func() { err = bare.stop(err) }()
	if err := h.warm(ctx, o, bare); err != nil {
		return 0, err
	}
	before := trial.Resident(bare.pid())
	if err := h.client.open(ctx, bare.target(), subscribers, 1, dialsAtOnce); err != nil {
		return 0, err
	}
	defer h.client.close()
	err = pause(ctx, o.settle)
	return (trial.Resident(bare.pid()) - before) / int64(subscribers), err
}
