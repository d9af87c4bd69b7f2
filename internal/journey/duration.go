package journey

import (
	"math"
	"slices"
	"time"
)

// Durations tell how long something took, in seconds.
type Durations struct {
	Count           int
	Median          float64
	LowerQuartile   float64
	UpperQuartile   float64
	HistogramUpTo   []float64 // where each bar ends, half-open; the first begins at 0
	HistogramCounts []int
}

// bars are where the bars of a histogram end: steps that people think in.
var bars = []time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 3 * day, 7 * day, 14 * day, 30 * day,
	60 * day, 90 * day, 180 * day,
}

const day = 24 * time.Hour

// durations sums up how long something took, in microseconds, and at most so long; nil where it
// never happened. Quartiles lie between the two nearest values where they hit none, as those of
// PostgreSQL's percentile_cont do.
func durations(took []int64, most time.Duration) *Durations {
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	d := &Durations{
		Count: len(took), LowerQuartile: quantile(took, 0.25), Median: quantile(took, 0.5), UpperQuartile: quantile(took, 0.75),
	}
	at := 0
	for _, end := range append(slices.DeleteFunc(slices.Clone(bars), func(b time.Duration) bool { return b >= most }), most) {
		from := at
		for at < len(took) && took[at] < end.Microseconds() {
			at++
		}
		d.HistogramUpTo, d.HistogramCounts = append(d.HistogramUpTo, end.Seconds()), append(d.HistogramCounts, at-from)
	}
	return d
}

// quantile gives the value below which a part of sorted ones lies, in seconds.
func quantile(sorted []int64, part float64) float64 {
	place := part * float64(len(sorted)-1)
	low := int(math.Floor(place))
	high := min(low+1, len(sorted)-1)
	between := float64(sorted[low]) + (place-float64(low))*float64(sorted[high]-sorted[low])
	return between / float64(time.Second/time.Microsecond)
}
