package calendar

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// anyMoment draws a zone and an instant: any, or within two days of a change of
// the zone's clocks, or of one of the few that took clocks from after midnight
// to before it.
func anyMoment(t *testing.T) *rapid.Generator[moment] {
	var zones []Zone
	var changes, overMidnight []moment
	for _, name := range zoneNames(t) {
		zone := loadZone(t, name)
		zones = append(zones, zone)
		for _, s := range zone.timeline().spans[1:] {
			change := moment{zone, instant(s.from)}
			changes = append(changes, change)
			if NewDate(change.local().Date()) < NewDate(moment{zone, instant(s.from - 1)}.local().Date()) {
				overMidnight = append(overMidnight, change)
			}
		}
	}
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) moment {
			unix := rapid.Int64Range(yearStart(1800), yearStart(2199)).Draw(t, "unix")
			return moment{rapid.SampledFrom(zones).Draw(t, "zone"), time.Unix(unix, 0)}
		}),
		near(changes),
		near(overMidnight),
	)
}

func near(changes []moment) *rapid.Generator[moment] {
	return rapid.Custom(func(t *rapid.T) moment {
		m := rapid.SampledFrom(changes).Draw(t, "change")
		minutes := rapid.IntRange(-2*24*60, 2*24*60).Draw(t, "minutes")
		nanoseconds := rapid.IntRange(0, int(time.Minute)-1).Draw(t, "nanoseconds")
		m.Time = m.Time.Add(time.Duration(minutes)*time.Minute + time.Duration(nanoseconds))
		return m
	})
}

type moment struct {
	Zone Zone
	Time time.Time
}

func (m moment) local() time.Time { return m.Time.In(m.Zone.Location()) }

func yearStart(year int) int64 { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix() }

func anyGrid(zone Zone) *rapid.Generator[Grid] {
	return rapid.Custom(func(t *rapid.T) Grid {
		return Grid{
			Zone:      zone,
			Interval:  rapid.SampledFrom([]Interval{Hour, Day, Week, Month, Quarter, Year}).Draw(t, "interval"),
			WeekStart: time.Weekday(rapid.IntRange(0, 6).Draw(t, "week starts")),
		}
	})
}

// TestTimelineHasTheOffsets compares with package time: on either side of every
// change, and in every summer and on every last day of a year, so that a change
// cannot be missing.
func TestTimelineHasTheOffsets(t *testing.T) {
	for _, name := range zoneNames(t) {
		zone := loadZone(t, name)
		var instants []time.Time
		for year := 1970; year < horizon; year++ {
			instants = append(instants, time.Date(year, 12, 31, 12, 0, 0, 0, time.UTC), time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC))
		}
		for _, s := range zone.timeline().spans[1:] {
			instants = append(instants, instant(s.from-1), instant(s.from))
		}
		for _, at := range instants {
			_, want := at.In(zone.Location()).Zone()
			if got := zone.timeline().at(at.Unix()).offset; got != int64(want) {
				t.Errorf("%s at %s: offset %d, want %d", name, at, got, want)
			}
		}
	}
}

func TestOffsetAtAnyMoment(t *testing.T) {
	moments := anyMoment(t)
	rapid.Check(t, func(t *rapid.T) {
		m := moments.Draw(t, "moment")
		_, want := m.local().Zone()
		if got := m.Zone.timeline().at(m.Time.Unix()).offset; got != int64(want) {
			t.Fatalf("%s at %s: offset %d, want %d", m.Zone, m.Time, got, want)
		}
	})
}

// TestDateIsTheLatestShown looks at the clock in every minute of the two days
// before. No zone has ever gone back by more than one day; since 1970 clocks
// change on whole minutes.
func TestDateIsTheLatestShown(t *testing.T) {
	moments := anyMoment(t).Filter(func(m moment) bool { return m.Time.Unix() > 0 })
	rapid.Check(t, func(t *rapid.T) {
		m := moments.Draw(t, "moment")
		want := NewDate(m.local().Date())
		minute := m.Time.Truncate(time.Minute)
		for i := range 2 * 24 * 60 {
			shown := minute.Add(-time.Duration(i) * time.Minute).In(m.Zone.Location())
			want = max(want, NewDate(shown.Date()))
		}
		if got := m.Zone.DateOf(m.Time); got != want {
			t.Fatalf("%s: %s is in %s, want %s", m.Zone, m.local(), got, want)
		}
	})
}

func TestInstantsAreInTheirDay(t *testing.T) {
	moments := anyMoment(t)
	rapid.Check(t, func(t *rapid.T) {
		m := moments.Draw(t, "moment")
		d := m.Zone.DateOf(m.Time)
		start, next := m.Zone.StartOf(d), m.Zone.StartOf(d+1)
		if start.After(m.Time) || !m.Time.Before(next) {
			t.Fatalf("%s: %s lasts from %s until %s, without %s", m.Zone, d, start, next, m.Time)
		}
		later := m.Time.Add(time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(t, "later")))
		if m.Zone.DateOf(later) < d {
			t.Fatalf("%s: %s has %s, the later %s has %s", m.Zone, m.Time, d, later, m.Zone.DateOf(later))
		}
		slotDate, slot := m.Zone.SlotOf(m.Time)
		if slotDate != d || slot != int(m.Time.Sub(start)/Slot) {
			t.Fatalf("%s: %s is in slot %d of %s", m.Zone, m.Time, slot, slotDate)
		}
	})
}

func TestBucketsTile(t *testing.T) {
	moments := anyMoment(t)
	rapid.Check(t, func(t *rapid.T) {
		m := moments.Draw(t, "moment")
		grid := anyGrid(m.Zone).Draw(t, "grid")
		start, next := grid.Floor(m.Time), grid.Next(m.Time)
		if start.After(m.Time) || !m.Time.Before(next) {
			t.Fatalf("[%s, %s) is without %s", start, next, m.Time)
		}
		if grid.Floor(start) != start || grid.Floor(next) != next || grid.Floor(next.Add(-1)) != start {
			t.Fatalf("[%s, %s) has another floor within", start, next)
		}
		n := rapid.IntRange(1, 100).Draw(t, "n")
		end := grid.Add(start, n)
		buckets, err := grid.Buckets(m.Time, end, n)
		if err != nil || len(buckets) != n || buckets[0].Start != start || buckets[n-1].End != end {
			t.Fatalf("%d buckets from %s until %s: %v, %v", n, start, end, buckets, err)
		}
		for i, b := range buckets {
			if !b.Start.Before(b.End) || i > 0 && b.Start != buckets[i-1].End || grid.Next(b.Start) != b.End {
				t.Fatalf("bucket %d is [%s, %s)", i, b.Start, b.End)
			}
		}
		if back := grid.Add(end, -n); back != start {
			t.Fatalf("%d on and back from %s is %s", n, start, back)
		}
	})
}

// TestHoursAreTheClocks holds hours against what the clock shows: one hour and
// one offset within, another hour or offset on either side.
func TestHoursAreTheClocks(t *testing.T) {
	moments := anyMoment(t)
	face := func(at time.Time, zone Zone) [5]int {
		at = at.In(zone.Location())
		year, month, day := at.Date()
		_, offset := at.Zone()
		return [5]int{year, int(month), day, at.Hour(), offset}
	}
	rapid.Check(t, func(t *rapid.T) {
		m := moments.Draw(t, "moment")
		grid := Grid{Zone: m.Zone, Interval: Hour}
		start, next := grid.Floor(m.Time), grid.Next(m.Time)
		want := face(m.Time, m.Zone)
		if face(start, m.Zone) != want || face(next.Add(-1), m.Zone) != want {
			t.Fatalf("%s: the hour of %s begins with %s and ends with %s", m.Zone, m.local(), start, next)
		}
		if face(start.Add(-1), m.Zone) == want || face(next, m.Zone) == want {
			t.Fatalf("%s: the hour of %s is longer than [%s, %s)", m.Zone, m.local(), start, next)
		}
	})
}
