//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A change is known by the instant at which it was made, in nanoseconds, of which the last
// three digits are its number instead.
const serials = 1000

// stampOf is that of a change made now.
func stampOf(serial int) int64 {
	now := time.Now().UnixNano()
	return now - now%serials + int64(serial%serials)
}

// tally is what the client has received. Its loop holds mu while it reads, and signals
// changed afterward.
type tally struct {
	changed chan struct{}

	mu       sync.Mutex
	answers  int64 // with the first ones
	bytes    int64
	bySerial [serials]int // answers of the latest changes
	delays   histogram
	answered int   // sockets that have their first answer
	expected int64 // what a first answer must say; zero: anything
	wrong    int   // first answers that said something else
	sample   []byte
	lost     int // sockets that ended without being asked to
	failure  error
}

// count notes an answer.
func (t *tally) count(message []byte, now int64) (stamp int64) {
	t.answers++
	t.bytes += int64(len(message))
	if stamp = readStamp(message); stamp != 0 {
		t.bySerial[stamp%serials]++
		t.delays.add(time.Duration(now - stamp))
	}
	return stamp
}

// fail keeps the first reason for which a socket was lost.
func (t *tally) fail(err error) {
	t.lost++
	if t.failure == nil {
		t.failure = err
	}
}

func (t *tally) signal() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// start makes room for the answers to a change.
func (t *tally) start(serial int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bySerial[serial%serials] = 0
}

// reached is how many answers came of a change, or of the one after it: who is slow may get
// that one alone.
func (t *tally) reached(serial int) int {
	return t.bySerial[serial%serials] + t.bySerial[(serial+1)%serials]
}

// reading is a look at the counts.
type reading struct {
	at      time.Time
	answers int64
	bytes   int64
}

// read looks at the counts, and begins to take delays anew.
func (t *tally) read() (r reading, delays histogram) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, delays = reading{time.Now(), t.answers, t.bytes}, t.delays
	t.delays = histogram{}
	return r, delays
}

// await waits until something holds of the counts. It fails when a socket is lost, and is
// content with less when the time is over: late tells so.
func (t *tally) await(ctx context.Context, within time.Duration, holds func() bool) (late bool, err error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		t.mu.Lock()
		held, lost, failure := holds(), t.lost, t.failure
		t.mu.Unlock()
		switch {
		case failure != nil:
			return false, fmt.Errorf("%d sockets were lost, the first by: %w", lost, failure)
		case held:
			return false, nil
		}
		select {
		case <-t.changed:
		case <-timer.C:
			return true, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
