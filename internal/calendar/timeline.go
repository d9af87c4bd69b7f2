package calendar

import (
	"math"
	"slices"
	"time"
)

const (
	hourSeconds = 60 * 60

	// horizon is the year from which on a zone keeps its last offset. Until
	// then a zone with summer time has two changes each year.
	horizon = 2200

	// beginning stands for the first instant; seconds and hours still add to it.
	beginning = math.MinInt64 / 2
)

// timeline is a zone's rules, laid out: every change of its offset, in order.
type timeline struct {
	location *time.Location
	spans    []span // never empty; the first begins at the beginning of time
	skipped  []Date // the dates that never were, in order
}

// span is a longest run of instants under one offset. It ends where the next
// one begins.
type span struct {
	from   int64 // its first instant, in Unix seconds
	offset int64 // of local time, in seconds east of UTC
	hour   int64 // number of its first hour; each span begins a new one
	shown  Date  // the latest local date shown before it
}

// layOut lists the offsets of the location until the horizon.
func layOut(location *time.Location) *timeline {
	// No zone had changed its clocks by the year 1.
	t := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).In(location)
	_, offset := t.Zone()
	tl := &timeline{location: location}
	tl.spans = []span{{
		from:   beginning,
		offset: int64(offset),
		hour:   floorDiv(beginning+int64(offset), hourSeconds),
		shown:  math.MinInt32,
	}}
	for t, ok := nextBound(t); ok && t.Year() < horizon; t, ok = nextBound(t) {
		tl.change(t)
	}
	tl.spans = slices.Clip(tl.spans)
	return tl
}

// nextBound gives an instant after t until which the offset at t stays. The
// offset may or may not change there; ok is false if it never does again.
func nextBound(t time.Time) (bound time.Time, ok bool) {
	_, bound = t.ZoneBounds()
	if bound.IsZero() {
		return bound, false
	}
	// On the last day of a leap year, rules without an end in the tz database
	// make ZoneBounds answer with that day's start (seen in Go 1.26): it takes
	// the year to have 365 days. They do not change their clocks on that day.
	if !bound.After(t) {
		bound = t.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour).In(t.Location())
	}
	return bound, true
}

// change begins a span at t, if the offset changes there.
func (tl *timeline) change(t time.Time) {
	_, offset := t.Zone()
	last := &tl.spans[len(tl.spans)-1]
	if int64(offset) == last.offset {
		return
	}
	next := span{
		from:   t.Unix(),
		offset: int64(offset),
		hour:   last.hourAt(t.Unix()-1) + 1,
		shown:  last.dateAt(t.Unix() - 1),
	}
	for d := next.shown + 1; d < next.dateAt(next.from); d++ {
		tl.skipped = append(tl.skipped, d)
	}
	tl.spans = append(tl.spans, next)
}

// dateAt gives the date of an instant in the span: the latest date shown so far.
func (s *span) dateAt(unix int64) Date {
	return max(s.shown, Date(floorDiv(unix+s.offset, daySeconds)))
}

// startOf gives the first instant in the span at which the date has been
// reached.
func (s *span) startOf(d Date) int64 {
	return max(s.from, int64(d)*daySeconds-s.offset)
}

// hourAt gives the number of the hour that holds an instant of the span. Hours
// of the clock are numbered on, so that a repeated one has a number of its own.
func (s *span) hourAt(unix int64) int64 {
	return s.hour + floorDiv(unix+s.offset, hourSeconds) - floorDiv(s.from+s.offset, hourSeconds)
}

// startOfHour gives the first instant of an hour of the span.
func (s *span) startOfHour(n int64) int64 {
	local := n - s.hour + floorDiv(s.from+s.offset, hourSeconds)
	return max(s.from, local*hourSeconds-s.offset)
}
