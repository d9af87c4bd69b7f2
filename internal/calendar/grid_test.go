package calendar

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Each case lists where the buckets that overlap [from, to) start, and where
// the last one ends.
func TestBuckets(t *testing.T) {
	for name, c := range map[string]struct {
		grid     Grid
		zone     string
		from, to string
		want     []string
	}{
		"hours": {Grid{Interval: Hour}, "UTC",
			"2026-05-01T10:59:59Z", "2026-05-01T12:00:01Z",
			[]string{"2026-05-01T10:00:00Z", "2026-05-01T11:00:00Z", "2026-05-01T12:00:00Z", "2026-05-01T13:00:00Z"}},
		"hours before 1970": {Grid{Interval: Hour}, "UTC",
			"1969-12-31T22:30:00Z", "1970-01-01T00:00:00Z",
			[]string{"1969-12-31T22:00:00Z", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"}},
		"hours of a :45 zone": {Grid{Interval: Hour}, "Asia/Kathmandu",
			"2026-05-01T10:00:00Z", "2026-05-01T10:15:01Z",
			[]string{"2026-05-01T09:15:00Z", "2026-05-01T10:15:00Z", "2026-05-01T11:15:00Z"}},
		"repeated hour": {Grid{Interval: Hour}, "America/New_York",
			"2026-11-01T05:00:00Z", "2026-11-01T08:00:00Z",
			[]string{"2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z", "2026-11-01T08:00:00Z"}},
		"missing hour": {Grid{Interval: Hour}, "America/New_York",
			"2026-03-08T06:00:00Z", "2026-03-08T08:00:00Z",
			[]string{"2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z"}},
		"half an hour missing: 02:00 becomes 02:30": {Grid{Interval: Hour}, "Australia/Lord_Howe",
			"2026-10-03T15:00:00Z", "2026-10-03T17:00:00Z",
			[]string{"2026-10-03T14:30:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z", "2026-10-03T17:00:00Z"}},
		"half an hour repeated: 02:00 becomes 01:30": {Grid{Interval: Hour}, "Australia/Lord_Howe",
			"2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z",
			[]string{"2026-04-04T14:00:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"}},
		"days of 24, 23 and 24 hours": {Grid{Interval: Day}, "America/New_York",
			"2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z",
			[]string{"2026-03-07T05:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "2026-03-10T04:00:00Z"}},
		"no bucket for a skipped day": {Grid{Interval: Day}, "Pacific/Apia",
			"2011-12-29T12:00:00Z", "2012-01-01T00:00:00Z",
			[]string{"2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z", "2012-01-01T10:00:00Z"}},
		"weeks from Monday": {Grid{Interval: Week, WeekStart: time.Monday}, "Europe/Berlin",
			"2026-03-25T00:00:00Z", "2026-04-01T00:00:00Z",
			[]string{"2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z", "2026-04-05T22:00:00Z"}},
		"weeks from Sunday": {Grid{Interval: Week}, "UTC",
			"2026-05-03T00:00:00Z", "2026-05-10T00:00:00Z",
			[]string{"2026-05-03T00:00:00Z", "2026-05-10T00:00:00Z"}},
		"weeks from Saturday, before 1970": {Grid{Interval: Week, WeekStart: time.Saturday}, "UTC",
			"1969-12-31T00:00:00Z", "1969-12-31T00:00:01Z",
			[]string{"1969-12-27T00:00:00Z", "1970-01-03T00:00:00Z"}},
		"months": {Grid{Interval: Month}, "Asia/Kolkata",
			"2026-01-31T18:29:59Z", "2026-01-31T18:30:01Z",
			[]string{"2025-12-31T18:30:00Z", "2026-01-31T18:30:00Z", "2026-02-28T18:30:00Z"}},
		"quarters": {Grid{Interval: Quarter}, "UTC",
			"2026-03-31T23:59:59Z", "2026-07-01T00:00:01Z",
			[]string{"2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z"}},
		"a year whose first midnight is missing": {Grid{Interval: Year}, "Asia/Kathmandu",
			"1986-06-01T00:00:00Z", "1986-06-02T00:00:00Z",
			[]string{"1985-12-31T18:30:00Z", "1986-12-31T18:15:00Z"}},
		"a nanosecond": {Grid{Interval: Year}, "UTC",
			"2026-12-31T23:59:59.999999999Z", "2027-01-01T00:00:00Z",
			[]string{"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
		"empty":    {Grid{Interval: Hour}, "UTC", "2026-05-01T10:30:00Z", "2026-05-01T10:30:00Z", nil},
		"reversed": {Grid{Interval: Hour}, "UTC", "2026-05-01T10:30:00Z", "2026-05-01T10:00:00Z", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.grid.Zone = loadZone(t, c.zone)
			got, err := c.grid.Buckets(parseTime(t, c.from), parseTime(t, c.to), max(0, len(c.want)-1))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, bounds(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// bounds lists where the buckets start, and where the last one ends.
func bounds(buckets []Bucket) (list []string) {
	for _, bucket := range buckets {
		list = append(list, bucket.Start.Format(time.RFC3339Nano))
	}
	if n := len(buckets); n > 0 {
		list = append(list, buckets[n-1].End.Format(time.RFC3339Nano))
	}
	return list
}

func TestTooManyBuckets(t *testing.T) {
	first, last := parseTime(t, "0001-01-01T00:00:00Z"), parseTime(t, "9999-12-31T00:00:00Z")
	grid := Grid{Zone: loadZone(t, "America/New_York"), Interval: Hour}
	for _, c := range []struct {
		from, to time.Time
		limit    int
	}{
		{first, last, 1000},
		{first, last, 50_000_000},
		{first, first.Add(25 * time.Hour), 25}, // it begins within an hour, so 26 overlap
		{first, first.Add(1), 0},
	} {
		allocated := testing.AllocsPerRun(1, func() { grid.Buckets(c.from, c.to, c.limit) })
		buckets, err := grid.Buckets(c.from, c.to, c.limit)
		f, _ := fault.Of(err)
		if buckets != nil || f.Code != fault.BadUserInput || f.Field != "interval" || allocated > 20 {
			t.Errorf("[%s, %s) up to %d: %d buckets, %v, %f allocations", c.from, c.to, c.limit, len(buckets), err, allocated)
		}
	}
	if _, err := grid.Buckets(first, first.Add(25*time.Hour), 26); err != nil {
		t.Error(err)
	}
}

func TestGridAdd(t *testing.T) {
	for _, c := range []struct {
		zone     string
		interval Interval
		from     string
		n        int
		want     string
	}{
		{"America/New_York", Day, "2026-03-01T05:00:00Z", 30, "2026-03-31T04:00:00Z"},
		{"America/New_York", Day, "2026-03-31T04:00:00Z", -30, "2026-03-01T05:00:00Z"},
		{"America/New_York", Hour, "2026-10-31T04:00:00Z", 24 + 25, "2026-11-02T05:00:00Z"},
		{"Australia/Lord_Howe", Hour, "2026-10-02T13:30:00Z", 2 * 24, "2026-10-04T13:00:00Z"},
		{"Pacific/Apia", Day, "2011-12-29T10:00:00Z", 2, "2011-12-31T10:00:00Z"},
		{"Pacific/Apia", Day, "2011-12-31T10:00:00Z", -2, "2011-12-29T10:00:00Z"},
		{"UTC", Week, "2026-05-03T00:00:00Z", -52, "2025-05-04T00:00:00Z"},
		{"UTC", Month, "2026-05-01T00:00:00Z", -17, "2024-12-01T00:00:00Z"},
		{"UTC", Quarter, "2026-04-01T00:00:00Z", 3, "2027-01-01T00:00:00Z"},
		{"UTC", Year, "2026-01-01T00:00:00Z", -2026, "0000-01-01T00:00:00Z"},
		{"UTC", Day, "2026-05-01T12:00:00Z", 1_000_000, "4764-03-28T00:00:00Z"},
		{"UTC", Month, "2026-05-01T00:00:00Z", 0, "2026-05-01T00:00:00Z"},
	} {
		grid := Grid{Zone: loadZone(t, c.zone), Interval: c.interval}
		if got := grid.Add(parseTime(t, c.from), c.n); got != parseTime(t, c.want) {
			t.Errorf("%s: %s and %d %s = %s, want %s", c.zone, c.from, c.n, c.interval, got, c.want)
		}
	}
}

func TestInvalidIntervals(t *testing.T) {
	now := parseTime(t, "2026-05-01T12:00:00Z")
	for _, interval := range []Interval{"", "day", "MINUTE"} {
		if interval.Valid() {
			t.Errorf("%q is valid", interval)
		}
		grid := Grid{Interval: interval}
		_, err := grid.Buckets(now, now, 10)
		if f, _ := fault.Of(err); f.Field != "interval" {
			t.Errorf("%q: %v", interval, err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q has a floor", interval)
				}
			}()
			grid.Floor(now)
		}()
	}
}
