//go:build linux

package main

import (
	"testing"
	"time"
)

// Every delay is told to a 32nd, from nanoseconds to hours.
func TestHistogram(t *testing.T) {
	for _, delay := range []time.Duration{40, 1000, 63 * time.Microsecond, 64 * time.Microsecond, 17 * time.Millisecond, time.Second, 3 * time.Hour} {
		var h histogram
		h.add(delay)
		if got := h.quantile(0.5); got <= delay || got > delay+delay/perOctave+1 {
			t.Errorf("%v is told as %v", delay, got)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var h histogram
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	for part, want := range map[float64]time.Duration{0.5: 501 * time.Millisecond, 0.99: 991 * time.Millisecond} {
		if got := h.quantile(part); got < want || got > want+want/16 {
			t.Errorf("%v of 1 to 1000 ms: %v", part, got)
		}
	}
	var none histogram
	if got := none.quantile(0.99); got != 0 {
		t.Errorf("of none: %v", got)
	}
}
