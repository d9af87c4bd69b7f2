//go:build linux

package main

import (
	"math/bits"
	"time"
)

// histogram counts delays in steps of a 32nd of themselves.
type histogram struct {
	n     int
	steps [64 * perOctave]uint32
}

const (
	perOctave   = 32
	octaveShift = 5
)

func (h *histogram) add(delay time.Duration) {
	h.n++
	h.steps[stepOf(delay)]++
}

func stepOf(delay time.Duration) int {
	v := uint64(max(delay, perOctave))
	shift := bits.Len64(v) - 1 - octaveShift
	return shift*perOctave + int(v>>shift)
}

// upTo is the end of a step.
func upTo(step int) time.Duration {
	if step < 2*perOctave {
		return time.Duration(step + 1)
	}
	shift := step/perOctave - 1
	return time.Duration(step-shift*perOctave+1) << shift
}

// quantile is what a part of the delays does not exceed; zero of none.
func (h *histogram) quantile(part float64) time.Duration {
	left := int(part * float64(h.n))
	for step, n := range h.steps {
		if left -= int(n); left < 0 {
			return upTo(step)
		}
	}
	return 0
}
