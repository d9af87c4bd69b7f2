package demo

import "time"

// germanHolidays are the ones of the whole country, and the two eves on which
// nobody works either.
func germanHolidays(year int, day civil) bool {
	switch day {
	case civil{time.January, 1}, civil{time.May, 1}, civil{time.October, 3},
		civil{time.December, 24}, civil{time.December, 25}, civil{time.December, 26}, civil{time.December, 31}:
		return true
	}
	switch daysAfterEaster(year, day) {
	case -2, 1, 39, 50: // Good Friday, Easter Monday, Ascension, Whit Monday
		return true
	}
	return false
}

// americanHolidays are those on which people are with their families, and not at
// the gym.
func americanHolidays(year int, day civil) bool {
	switch day {
	case civil{time.January, 1}, civil{time.July, 4}, civil{time.December, 24}, civil{time.December, 25}:
		return true
	}
	weekday := time.Date(year, day.month, day.day, 0, 0, 0, 0, time.UTC).Weekday()
	switch {
	case day.month == time.November && weekday == time.Thursday:
		return day.day >= 22 && day.day <= 28 // Thanksgiving
	case day.month == time.May && weekday == time.Monday:
		return day.day >= 25 // Memorial Day
	case day.month == time.September && weekday == time.Monday:
		return day.day <= 7 // Labor Day
	}
	return false
}

func daysAfterEaster(year int, day civil) int {
	at := time.Date(year, day.month, day.day, 0, 0, 0, 0, time.UTC)
	return int(at.Sub(easter(year)) / (24 * time.Hour))
}

// easter is the Gregorian Easter Sunday, by the anonymous algorithm.
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}
