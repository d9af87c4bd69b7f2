package scenario_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// When an event happened, and where it counts.
func TestTime(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"sent at corrects the clock", sentAtCorrectsTheClock},
		{"sent at corrects the clock of a mutation", sentAtCorrectsTheClockOfAMutation},
		{"a clock that is far ahead", aClockThatIsFarAhead},
		{"the order of arrival", theOrderOfArrival},
		{"late events change the past", lateEventsChangeThePast},
	})
}

// stored is what the database keeps of an event's time.
type stored struct {
	Occurred, Received time.Time
	Claimed            *time.Time
}

func (s story) stored(t *testing.T, id string) (e stored) {
	t.Helper()
	s.kit.Scan(t, `select occurred_at, received_at, claimed_at from event where tenant_id = $1 and message_id = $2`,
		[]any{s.acme.ID, id}, &e.Occurred, &e.Received, &e.Claimed)
	return e
}

// A sender's clock is corrected by what it said when it sent: only how long before sending
// an event happened counts, however wrong the clock is.
func sentAtCorrectsTheClock(t *testing.T, s story) {
	now := time.Now().UTC()
	for name, clock := range map[string]time.Time{
		"right": now, "three hours fast": now.Add(3 * time.Hour), "three days fast": now.Add(72 * time.Hour),
		"a year slow": now.AddDate(-1, 0, 0), "of 2001": time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC),
		"of 9999": time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			text := func(ago time.Duration) string { return clock.Add(-ago).Format(time.RFC3339Nano) }
			body := fmt.Sprintf(`{"sentAt":%q,"batch":[%s,%s,{"type":"track","event":"E","userId":"u1","messageId":"%s 3","timestamp":%q,"sentAt":%q}]}`,
				text(0), event(name+" 1", "E", "u1", text(time.Minute)), event(name+" 2", "E", "u1", text(time.Second)),
				name, text(time.Hour), text(30*time.Minute)) // the third has a sentAt of its own
			reply := s.kit.Do(t, http.MethodPost, "/v1/batch", s.acme.WriteKey, body)
			wantVerdicts(t, verdictsOf(t, reply, http.StatusOK), "ACCEPTED", "ACCEPTED", "ACCEPTED")
			for i, want := range []time.Duration{time.Minute, time.Second, 30 * time.Minute} {
				e := s.stored(t, fmt.Sprint(name, " ", i+1))
				if got := e.Received.Sub(e.Occurred); got != want || e.Claimed != nil {
					t.Errorf("event %d happened %s before it arrived, want %s; claimed %v", i+1, got, want, e.Claimed)
				}
			}
		})
	}
	s.wantStrangerEmpty(t)
}

// The same, sent by the mutation.
func sentAtCorrectsTheClockOfAMutation(t *testing.T, s story) {
	clock := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	one := input{"messageId": "m1", "type": "E", "userId": "u1", "timestamp": clock.Add(-time.Minute).Format(time.RFC3339)}
	answer := s.kit.Ask(t, s.acme.WriteKey, send, map[string]any{"events": []input{one}, "sentAt": clock.Format(time.RFC3339)})
	if answer.Errors != nil {
		t.Fatal(answer.Errors)
	}
	if e := s.stored(t, "m1"); e.Received.Sub(e.Occurred) != time.Minute {
		t.Errorf("stored %+v, want a minute before it arrived", e)
	}
}

// A clock more than a day ahead is not believed: arrival counts, and what it said is kept.
func aClockThatIsFarAhead(t *testing.T, s story) {
	for name, c := range map[string]struct {
		ahead    time.Duration
		believed bool
	}{
		"an hour behind": {-time.Hour, true}, "23 h ahead": {23 * time.Hour, true},
		"25 h ahead": {25 * time.Hour, false}, "a century ahead": {100 * 365 * 24 * time.Hour, false},
	} {
		claimed := time.Now().UTC().Add(c.ahead).Truncate(time.Microsecond)
		wantVerdicts(t, s.acme.Batch(t, event(name, "E", "u1", claimed.Format(time.RFC3339Nano))), "ACCEPTED")
		switch e := s.stored(t, name); {
		case c.believed && (!e.Occurred.Equal(claimed) || e.Claimed != nil):
			t.Errorf("%s: %+v, want %s", name, e, claimed)
		case !c.believed && (!e.Occurred.Equal(e.Received) || e.Claimed == nil || !e.Claimed.Equal(claimed)):
			t.Errorf("%s: %+v, want arrival, and %s kept", name, e, claimed)
		}
	}
	s.wantCount(t, 4, 1)
	wantRecounted(t, s.kit)
}

// Of one instant, events keep the order in which they arrived, which is the batch's.
func theOrderOfArrival(t *testing.T, s story) {
	var want []string
	for batch := range 3 {
		var events []string
		for i := range 20 {
			id := fmt.Sprintf("%d-%02d", batch, 19-i) // not the order of their names
			events, want = append(events, event(id, "E", "u1", noon)), append(want, id)
		}
		s.acme.Batch(t, events...)
	}
	got, _ := s.walkEvents(t, 7, nil)
	slices.Reverse(got)
	wantEqual(t, "order", got, want)
}

const aMay = `{ events(range: {from: "2026-05-01T22:00:00Z", to: "2026-05-05T22:00:00Z"}) { count timeline { counts } byType { types counts } }
	active: metric(key: "active_users") { series(range: {from: "2026-05-01T22:00:00Z", to: "2026-05-05T22:00:00Z"}) { values } }
	fresh: metric(key: "new_users") { series(range: {from: "2026-05-01T22:00:00Z", to: "2026-05-05T22:00:00Z"}) { values } } }`

type aMayAnswer struct {
	Events struct {
		Count    int
		Timeline struct{ Counts []int }
		ByType   struct {
			Types  []string
			Counts []int
		}
	}
	Active, Fresh struct{ Series struct{ Values []int } }
}

// Late events change the bucket that they belong to, whatever is materialized already.
func lateEventsChangeThePast(t *testing.T, s story) {
	want := func(when string, timeline, active, fresh []int, types []string, counts []int) {
		t.Helper()
		var got aMayAnswer
		s.acme.Query(t, aMay, nil, &got)
		wantEqual(t, when+": events", got.Events.Timeline.Counts, timeline)
		wantEqual(t, when+": count", got.Events.Count, sum(timeline))
		wantEqual(t, when+": active", got.Active.Series.Values, active)
		wantEqual(t, when+": new", got.Fresh.Series.Values, fresh)
		wantEqual(t, when+": types", got.Events.ByType.Types, types)
		wantEqual(t, when+": counts", got.Events.ByType.Counts, counts)
	}
	s.acme.Batch(t, event("m1", "Buy", "u1", "2026-05-04T12:00:00Z"), event("m2", "Visit", "u1", "2026-05-05T12:00:00Z"))
	s.globex.Batch(t, event("g1", "Buy", "u1", "2026-05-04T12:00:00Z"))
	materialize(t, s.kit)
	want("materialized", []int{0, 0, 1, 1}, []int{0, 0, 1, 1}, []int{0, 0, 1, 0}, []string{"Buy", "Visit"}, []int{1, 1})

	// u1 was there two days earlier already, u2 is new in a day that is closed.
	s.acme.Batch(t, event("late1", "Visit", "u1", "2026-05-02T12:00:00Z"), event("late2", "Visit", "u2", "2026-05-04T13:00:00Z"))
	want("after late events", []int{1, 0, 2, 1}, []int{1, 0, 2, 1}, []int{1, 0, 1, 0}, []string{"Visit", "Buy"}, []int{3, 1})
	materialize(t, s.kit)
	want("materialized again", []int{1, 0, 2, 1}, []int{1, 0, 2, 1}, []int{1, 0, 1, 0}, []string{"Visit", "Buy"}, []int{3, 1})

	s.acme.Batch(t, event("late1", "Visit", "u1", "2026-05-02T12:00:00Z")) // a repeat changes nothing
	s.kit.Exec(t, `delete from event_rollup where tenant_id = $1 and type = 'Buy'`, s.acme.ID)
	want("after psql took the Buys", []int{1, 0, 1, 1}, []int{1, 0, 2, 1}, []int{1, 0, 1, 0}, []string{"Visit"}, []int{3})
	if events, users := count(t, s.globex); events != 1 || users != 1 {
		t.Errorf("the stranger has %d events of %d users, want its own one", events, users)
	}
}
