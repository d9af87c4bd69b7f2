// Package calendar cuts time into the days, weeks and hours that people in a
// time zone see. Every instant belongs to exactly one of each, in any IANA zone
// and across every change of its clocks; and the zones come with the program, so
// that all machines agree about them.
//
// A zone is laid out once as a timeline: its offset changes in order, each with
// the latest date shown before it. From there every question, such as which day
// an instant is in or when a date begins, is one binary search.
//
// # Days
//
// Date d runs from the first instant whose local date is d or later until the
// first whose local date is later than d. So a day whose midnight does not exist
// begins at the first instant that does, a date that a zone leaves out has no
// instants, and when clocks go back over midnight the repeated stretch belongs to
// the new day if that had already begun.
package calendar

import "time"

// Slot is the grain of rollups: a quarter of an hour, counted in UTC. Every
// zone's days have begun on a slot since the year 2000 (TestDaysFitTheirSlots).
const Slot = 15 * time.Minute

// SlotsPerDay is the room kept for the slots of one day: 32 hours. Days since
// the year 2000 have stayed below it in every zone (TestDaysFitTheirSlots).
const SlotsPerDay = 128

// FloorSlot gives the start of the slot that holds t, in UTC.
func FloorSlot(t time.Time) time.Time { return t.UTC().Truncate(Slot) }

// CeilSlot gives the first start of a slot that is not before t, in UTC.
func CeilSlot(t time.Time) time.Time {
	start := FloorSlot(t)
	if start.Before(t) {
		return start.Add(Slot)
	}
	return start
}

// OnSlot tells whether a slot starts at t.
func OnSlot(t time.Time) bool { return FloorSlot(t).Equal(t) }

// Never stands behind all instants that are kept, where a list cannot have a null.
var Never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Earlier is the earlier of two instants.
func Earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Later is the later of two instants.
func Later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// instant is the time of a Unix second, in UTC.
func instant(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

// floorDiv divides and rounds down, where Go rounds towards zero: the second
// before 1970 lies in day -1, not in day 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
