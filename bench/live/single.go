//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// singlePause lies between two changes, so that the server has nothing else to do.
const singlePause = 350 * time.Millisecond

// push is how long one change takes to one subscriber.
type push struct {
	changes  int
	p50, p99 time.Duration
}

// single makes one change after the other, for one subscriber.
func (h *house) single(ctx context.Context, o options) (result push, err error) {
	one, err := h.served(documents(o.minInterval)[0], 1)
	if err != nil {
		return result, err
	}
	if err := h.client.open(ctx, one.target(), 1, 1, 1); err != nil {
		return result, err
	}
	defer h.client.close()
	if err := h.calm(ctx); err != nil {
		return result, err
	}
	h.client.read() // what came so far does not count
	for range o.singles {
		serial, err := h.change(ctx, one, everyTopic)
		if err != nil {
			return result, err
		}
		late, err := h.client.await(ctx, lateAfter, func() bool { return h.client.reached(serial) > 0 })
		if err == nil && late {
			err = fmt.Errorf("a change did not arrive within %v", lateAfter)
		}
		if err == nil {
			err = pause(ctx, singlePause)
		}
		if err != nil {
			return result, err
		}
	}
	_, delays := h.client.read()
	return push{delays.n, delays.quantile(0.5), delays.quantile(0.99)}, nil
}

// pause lets time pass, which is what is measured.
func pause(ctx context.Context, length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
