package app

import (
	"context"
	"runtime/debug"
	"time"
)

// Waves of connections leave garbage behind that the runtime would keep for the next, at twice
// what the connections hold.
const (
	trimEvery = 5 * time.Second
	wave      = 1_000 // connections
)

// trim gives memory back to the system once a wave of connections has come or gone, until ctx
// ends. count tells how many there are.
func trim(ctx context.Context, count func() int, giveBack func()) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	trimmed, before := 0, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := count()
		calm := apart(now, before) < wave/10
		if calm && apart(now, trimmed) >= wave {
			giveBack()
			trimmed = now
		}
		before = now
	}
}

func apart(a, b int) int { return max(a-b, b-a) }

// giveBack collects garbage and returns what is free: some tens of milliseconds of a processor.
func giveBack() { debug.FreeOSMemory() }
