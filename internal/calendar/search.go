package calendar

// at gives the span that holds an instant.
func (tl *timeline) at(unix int64) *span {
	return tl.last(func(s *span) bool { return s.from <= unix })
}

// last gives the last span that holds, where the first one does and none does
// after one that does not.
func (tl *timeline) last(holds func(*span) bool) *span {
	low, high := 0, len(tl.spans)
	for high-low > 1 {
		if middle := int(uint(low+high) / 2); holds(&tl.spans[middle]) {
			low = middle
		} else {
			high = middle
		}
	}
	return &tl.spans[low]
}

// date gives the date of an instant, and the date's first instant.
func (tl *timeline) date(unix int64) (Date, int64) {
	s := tl.at(unix)
	d := s.dateAt(unix)
	if d > s.shown {
		return d, s.startOf(d)
	}
	// It began under an earlier offset.
	return d, tl.startOf(d)
}

// startOf gives the first instant of a date: it lies in the span before which
// the date had not been shown, and after which it had.
func (tl *timeline) startOf(d Date) int64 {
	return tl.last(func(s *span) bool { return s.shown < d }).startOf(d)
}

// day numbers the dates on, leaving out those that never were, so that the
// number of the next day is one more.
func (tl *timeline) day(d Date) int {
	n := int(d)
	for _, skipped := range tl.skipped {
		if skipped <= d {
			n--
		}
	}
	return n
}

// dateOfDay is the inverse of day.
func (tl *timeline) dateOfDay(n int) Date {
	d := Date(n)
	for _, skipped := range tl.skipped {
		if skipped <= d {
			d++
		}
	}
	return d
}

// hour gives the number of the hour that holds an instant.
func (tl *timeline) hour(unix int64) int { return int(tl.at(unix).hourAt(unix)) }

// startOfHour gives the first instant of the hour with a number.
func (tl *timeline) startOfHour(n int) int64 {
	return tl.last(func(s *span) bool { return s.hour <= int64(n) }).startOfHour(int64(n))
}
