package calendar

import (
	"testing"
	"time"
)

// Days that are not 24 hours from midnight to midnight, with where they begin.
var oddDays = []struct {
	why, zone, date, start string
	length                 time.Duration
}{
	{"plain", "UTC", "2026-05-01", "2026-05-01T00:00:00Z", 24 * time.Hour},
	{"clocks go forward", "America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", 23 * time.Hour},
	{"clocks go back", "America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", 25 * time.Hour},
	{"local mean time until noon of 1883", "America/New_York", "1883-11-18", "1883-11-18T04:56:02Z", 24*time.Hour + 3*time.Minute + 58*time.Second},
	{"offset of 45 minutes", "Asia/Kathmandu", "2026-05-01", "2026-04-30T18:15:00Z", 24 * time.Hour},
	{"offset moved by 15 minutes", "Asia/Kathmandu", "1986-01-01", "1985-12-31T18:30:00Z", 23*time.Hour + 45*time.Minute},
	{"offset of 30 minutes", "Asia/Kolkata", "2026-05-01", "2026-04-30T18:30:00Z", 24 * time.Hour},
	{"forward by half an hour", "Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", 23*time.Hour + 30*time.Minute},
	{"back by half an hour", "Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 24*time.Hour + 30*time.Minute},
	{"back and forth by two hours", "Antarctica/Troll", "2026-03-29", "2026-03-29T00:00:00Z", 22 * time.Hour},

	{"no midnight: 00:00 becomes 01:00", "Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", 23 * time.Hour},
	{"no midnight", "Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", 23 * time.Hour},
	{"no midnight", "America/Havana", "2026-03-08", "2026-03-08T05:00:00Z", 23 * time.Hour},
	{"no midnight", "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", 23 * time.Hour},
	{"no midnight: 23:30 of the day before becomes 00:30", "America/Toronto", "1919-03-31", "1919-03-31T04:30:00Z", 23*time.Hour + 30*time.Minute},

	{"skipped, ends where it begins", "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0},
	{"before the skipped day", "Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", 24 * time.Hour},
	{"after the skipped day", "Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", 24 * time.Hour},
	{"skipped under local mean time", "Asia/Manila", "1844-12-31", "1844-12-31T15:56:08Z", 0},

	{"24:00 becomes 23:00: midnight once, late", "Africa/Cairo", "2026-10-29", "2026-10-28T21:00:00Z", 25 * time.Hour},
	{"24:00 becomes 23:00: midnight once, late", "Asia/Beirut", "2026-10-24", "2026-10-23T21:00:00Z", 25 * time.Hour},
	{"01:00 becomes 00:00: the first midnight counts", "America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", 25 * time.Hour},
	{"01:00 becomes 00:00: the first midnight counts", "Asia/Amman", "2021-10-29", "2021-10-28T21:00:00Z", 25 * time.Hour},
	{"00:01 becomes 23:01 of the day before", "America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", 25 * time.Hour},
	{"the day before that one", "America/St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", 24 * time.Hour},
	{"02:00 becomes 23:00 of the day before", "Antarctica/Casey", "2010-03-05", "2010-03-04T13:00:00Z", 27 * time.Hour},
	{"15:30 becomes 15:30 of the day before", "America/Sitka", "1867-10-19", "1867-10-18T09:01:13Z", 48 * time.Hour},
}

func TestStartOf(t *testing.T) {
	for _, c := range oddDays {
		zone, d := loadZone(t, c.zone), parseDate(t, c.date)
		start := zone.StartOf(d)
		if start != parseTime(t, c.start) {
			t.Errorf("%s (%s): %s begins at %s, want %s", c.zone, c.why, d, start, c.start)
		}
		if length := zone.StartOf(d + 1).Sub(start); length != c.length {
			t.Errorf("%s (%s): %s lasts %s, want %s", c.zone, c.why, d, length, c.length)
		}
	}
}

func TestDateOfAgreesWithStartOf(t *testing.T) {
	for _, c := range oddDays {
		zone, d := loadZone(t, c.zone), parseDate(t, c.date)
		start := zone.StartOf(d)
		if got := zone.DateOf(start.Add(-1)); got >= d {
			t.Errorf("%s (%s): just before the start of %s is %s", c.zone, c.why, d, got)
		}
		if c.length == 0 {
			if got := zone.DateOf(start); got != d+1 {
				t.Errorf("%s (%s): %s is skipped, its start is in %s", c.zone, c.why, d, got)
			}
			continue
		}
		for after := time.Duration(0); after < c.length; after += time.Minute {
			if got := zone.DateOf(start.Add(after)); got != d {
				t.Errorf("%s (%s): %s after the start of %s is in %s", c.zone, c.why, after, d, got)
			}
		}
	}
}

func TestSlotOf(t *testing.T) {
	for _, c := range []struct {
		zone, instant, date string
		slot                int
	}{
		{"UTC", "2026-05-01T00:00:00Z", "2026-05-01", 0},
		{"UTC", "2026-05-01T23:59:59.999Z", "2026-05-01", 95},
		{"UTC", "1969-12-31T23:59:59.999Z", "1969-12-31", 95},
		{"Asia/Kathmandu", "2026-04-30T18:15:00Z", "2026-05-01", 0},
		{"Asia/Kathmandu", "2026-04-30T18:14:59Z", "2026-04-30", 95},
		{"America/New_York", "2026-03-09T03:59:59Z", "2026-03-08", 91},
		{"America/New_York", "2026-11-02T04:59:59Z", "2026-11-01", 99},
		{"Africa/Cairo", "2026-04-23T22:00:00Z", "2026-04-24", 0},
		{"America/Havana", "2026-11-01T05:00:00Z", "2026-11-01", 4},
		// At 00:00:59 of the new day clocks show 23:01 again, for 59 minutes.
		{"America/St_Johns", "2010-11-07T02:30:59Z", "2010-11-07", 0},
		{"America/St_Johns", "2010-11-07T02:45:00Z", "2010-11-07", 1},
		{"America/St_Johns", "2010-11-07T03:30:00Z", "2010-11-07", 4},
		{"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31", 0},
	} {
		d, slot := loadZone(t, c.zone).SlotOf(parseTime(t, c.instant))
		if d != parseDate(t, c.date) || slot != c.slot {
			t.Errorf("%s: %s is in slot %d of %s, want %d of %s", c.zone, c.instant, slot, d, c.slot, c.date)
		}
	}
}

func TestZoneKeepsItsLastOffset(t *testing.T) {
	zone := loadZone(t, "America/New_York")
	for year, want := range map[int]int{2199: 4, 2200: 5, 9999: 5} {
		if got := zone.StartOf(NewDate(year, time.July, 4)).Hour(); got != want {
			t.Errorf("July 4 %d begins at %d:00 UTC, want %d:00", year, got, want)
		}
	}
}
