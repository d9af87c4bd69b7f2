package event

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// arrival is when the database received the event, by its own clock.
var arrival = noon.Add(123 * time.Microsecond)

func TestAnEventIsPutOnTheDatabasesClock(t *testing.T) {
	const day = 24 * time.Hour
	year := func(y int) time.Time { return time.Date(y, 7, 1, 0, 0, 0, 0, time.UTC) }
	cases := []struct {
		name              string
		timestamp, sentAt time.Time
		want, claimed     time.Time
	}{
		{"without a clock, it happened on arrival", time.Time{}, time.Time{}, arrival, time.Time{}},
		{"sent at some time, of no known time", time.Time{}, noon.Add(-day), arrival, time.Time{}},
		{"a clock that is believed", noon.Add(-day), time.Time{}, noon.Add(-day), time.Time{}},
		{"sent an hour after", noon.Add(-day), noon.Add(-day + time.Hour), arrival.Add(-time.Hour), time.Time{}},
		{"sent before it happened", noon, noon.Add(-time.Minute), arrival.Add(time.Minute), time.Time{}},
		{"a clock three days ahead, corrected", noon.Add(3 * day), noon.Add(3*day + time.Second), arrival.Add(-time.Second), time.Time{}},
		{"a clock in the year 9999, corrected", year(9999), year(9999).Add(time.Second), arrival.Add(-time.Second), time.Time{}},
		{"another zone", noon.In(time.FixedZone("", -7200)), time.Time{}, noon, time.Time{}},
		{"nanoseconds are cut", noon.Add(-time.Nanosecond), time.Time{}, noon.Add(-time.Microsecond), time.Time{}},
		{"nanoseconds are cut after the correction", noon.Add(700), noon.Add(1_200), arrival.Add(-time.Microsecond), time.Time{}},
		{"24 hours ahead", arrival.Add(day), time.Time{}, arrival.Add(day), time.Time{}},
		{"24 hours and less than a microsecond", arrival.Add(day + 999), time.Time{}, arrival.Add(day), time.Time{}},
		{"24 hours and a microsecond", arrival.Add(day + time.Microsecond), time.Time{}, arrival, arrival.Add(day + time.Microsecond)},
		{"more than 24 hours ahead after the correction", noon, noon.Add(-2 * day), arrival, noon},
		{"the year 9999", year(9999).Add(1_500), time.Time{}, arrival, year(9999).Add(time.Microsecond)},
		{"sent in the year 1", noon, year(1), arrival, noon},
		{"the first instant that is taken", Earliest, time.Time{}, Earliest, time.Time{}},
		{"the first instant after the correction", arrival, arrival.Add(arrival.Sub(Earliest)), Earliest, time.Time{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := Incoming{Timestamp: c.timestamp, SentAt: c.sentAt}
			got, problem := e.place(arrival)
			if problem != nil {
				t.Fatal(problem)
			}
			want := placed{receivedAt: arrival, occurredAt: c.want, claimedAt: c.claimed}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(placed{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.occurredAt.Location() != time.UTC {
				t.Errorf("in zone %v, want UTC", got.occurredAt.Location())
			}
		})
	}
}

// An event that waited in a queue was received when a server took it, and not when it was
// written; a server's clock that is ahead of the database's is not believed.
func TestAnEventThatWaitedWasReceivedBefore(t *testing.T) {
	earlier := arrival.Add(-time.Hour)
	for received, want := range map[time.Time]time.Time{
		earlier: earlier, arrival: arrival, arrival.Add(time.Minute): arrival, {}: arrival,
	} {
		e := Incoming{ReceivedAt: received, Timestamp: noon, SentAt: noon}
		got, problem := e.place(arrival)
		if problem != nil || !got.receivedAt.Equal(want) || !got.occurredAt.Equal(want) {
			t.Errorf("received at %v: %+v, %v, want %v", received, got, problem, want)
		}
	}
}

func TestEventsBeforeTheYear2000AreNotTaken(t *testing.T) {
	day := 24 * time.Hour
	for name, e := range map[string]Incoming{
		"by its clock":            {Timestamp: Earliest.Add(-time.Nanosecond)},
		"after the correction":    {Timestamp: Earliest.Add(day), SentAt: arrival.Add(2 * day)},
		"sent in the year 9999":   {Timestamp: noon, SentAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
		"one microsecond before":  {Timestamp: arrival, SentAt: arrival.Add(arrival.Sub(Earliest) + time.Microsecond)},
		"one nanosecond too much": {Timestamp: arrival, SentAt: arrival.Add(arrival.Sub(Earliest) + 1)},
	} {
		if at, problem := e.place(arrival); problem == nil || problem.Code != fault.BadUserInput || problem.Field != "timestamp" {
			t.Errorf("%s: %v, %v; want a problem of timestamp", name, at.occurredAt, problem)
		}
	}
}

// Events of one batch keep their order, and their distances, whatever the sender's clock.
func TestTheCorrectionMovesABatchAsOne(t *testing.T) {
	sentAt := noon.Add(-90 * 24 * time.Hour)
	for _, before := range []time.Duration{0, time.Microsecond, time.Second, 48 * time.Hour} {
		e := Incoming{Timestamp: sentAt.Add(-before), SentAt: sentAt}
		if got, problem := e.place(arrival); problem != nil || !got.occurredAt.Equal(arrival.Add(-before)) {
			t.Errorf("%v before sending: %v, %v", before, got.occurredAt, problem)
		}
	}
}

func TestIdsThatStandForNobodyJoinNothing(t *testing.T) {
	cases := []struct {
		user, anonymous string
		id              string
		isDevice, ok    bool
	}{
		{"u", "a", "u", false, true},
		{"u", "", "u", false, true},
		{"", "a", "a", true, true},
		{"null", "a", "a", true, true},
		{"undefined", "a", "a", true, true},
		{"0", "a", "a", true, true},
		{"u", "null", "u", false, true},
		{"null", "undefined", "", false, false},
		{"0", "0", "", false, false},
		{"", "null", "", false, false},
		{"00", "", "00", false, true}, // odd, but somebody's
		{" ", "", " ", false, true},
	}
	for _, c := range cases {
		e := Incoming{UserID: c.user, AnonymousID: c.anonymous}
		who, ok := e.doer()
		if ok != c.ok || ok && (who.Distinct != c.id || who.Anonymous != c.isDevice) {
			t.Errorf("user %q, device %q: %+v, %v; want %q, %v, %v", c.user, c.anonymous, who, ok, c.id, c.isDevice, c.ok)
		}
	}
}

func TestAMessageIsKnownByItsSourceAndID(t *testing.T) {
	seen := map[[16]byte]int{}
	for range 2 {
		for _, m := range [][2]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"b", "a"}, {"a", "c"}} {
			seen[messageKey(m[0], m[1])]++
		}
	}
	for key, times := range seen {
		if times != 2 || len(seen) != 5 {
			t.Errorf("%x is the key of %d messages; there are %d keys, want 5, each of one message, twice", key, times, len(seen))
		}
	}
}
