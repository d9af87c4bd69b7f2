package demo

import (
	"strings"
	"testing"
	"time"
)

// play runs a stream in simulated time, as a caller does that sleeps each pause.
func play(l *Live, from time.Time, length time.Duration, each func(Event)) {
	for now := from; ; {
		e, pause := l.Next(now)
		now = now.Add(pause)
		if now.Sub(from) > length {
			return
		}
		each(e)
	}
}

func TestLiveRate(t *testing.T) {
	for _, c := range Companies() {
		zone := mustZone(c.Zone)
		for _, perSecond := range []float64{0.05, 0.5} {
			l, n, days := NewLive(1, c, november, perSecond), 0, 14
			var byDay [7]int
			play(l, november, time.Duration(days)*oneDay, func(e Event) {
				n++
				byDay[e.At.In(zone).Weekday()]++
			})
			want := perSecond * float64(days) * 86_400
			if got := float64(n) / want; got < 0.97 || got > 1.03 {
				t.Errorf("%s at %g a second: %.3f times as many events", c.Name, perSecond, got)
			}
			if sunday, tuesday := byDay[time.Sunday], byDay[time.Tuesday]; (c.Key == "nw") != (sunday*3 < tuesday) {
				t.Errorf("%s: days %v", c.Name, byDay)
			}
		}
	}
}

func TestLiveCarriesOn(t *testing.T) {
	plan := Plan{Seed: 1, Events: 200_000, Until: november}
	for _, c := range Companies() {
		ids, people, visitors := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for e := range plan.Generate(c) {
			ids[e.MessageID], people[e.UserID], visitors[e.AnonymousID] = true, true, true
		}
		same, strange, last, types := 0, 0, november, c.Types()
		history := len(ids)
		play(NewLive(1, c, november, 1), november, 2*oneDay, func(e Event) {
			ids[e.MessageID], history = true, history+1
			if e.At.Before(last) || !isObject(e.Properties) || !isObject(e.Context) || !strings.Contains(strings.Join(types, ","), e.Type) {
				t.Fatalf("after %s: %+v", last, e)
			}
			last = e.At
			switch {
			case e.UserID == "" && visitors[e.AnonymousID]:
				t.Fatalf("a visitor of the history: %+v", e)
			case people[e.UserID]:
				same++
			default:
				strange++
			}
		})
		if len(ids) != history {
			t.Errorf("%s: %d ids for %d events", c.Name, len(ids), history)
		}
		if strange*3 > same || strange == 0 {
			t.Errorf("%s: %d events of people in the history, %d of others", c.Name, same, strange)
		}
	}
}

// A stream that starts again has other ids, and goes on at once.
func TestLiveStartsAgain(t *testing.T) {
	c, ids := Companies()[0], map[string]bool{}
	noon, n := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC), 0
	for i := range 3 {
		from := noon.Add(time.Duration(i) * time.Minute)
		play(NewLive(1, c, november, 5), from, time.Minute, func(e Event) {
			ids[e.MessageID], n = true, n+1
		})
	}
	if len(ids) != n || n < 300 {
		t.Errorf("%d ids for %d events", len(ids), n)
	}
}

// A laptop that slept does not send what it missed.
func TestLiveAfterSleep(t *testing.T) {
	l := NewLive(1, Companies()[1], november, 10)
	now := november.Add(20 * time.Hour)
	before, _ := l.Next(now)
	now = now.Add(3 * time.Hour)
	after, pause := l.Next(now)
	if after.At.Before(now) || pause > 10*time.Second || after.MessageID == before.MessageID {
		t.Errorf("%s after %s, in %s", after.At, now, pause)
	}
	late := after.At.Add(pause).Add(5 * time.Second)
	if e, pause := l.Next(late); pause != 0 || e.At.After(late) {
		t.Errorf("five seconds late, it waits %s for %s", pause, e.At)
	}
}

func TestLiveOfAPlan(t *testing.T) {
	plan := Plan{Seed: 1, Events: 2_000_000, Until: november}
	c := Companies()[1]
	if small, large := NewLive(1, c, november, 1), plan.Live(c, 1); large.settled <= small.settled {
		t.Errorf("%d people of 2,000,000 events, %d of any", large.settled, small.settled)
	}
	if plan.Live(c, 0) != nil {
		t.Error("a stream of nothing")
	}
}

func BenchmarkLive(b *testing.B) {
	l, now := NewLive(1, Companies()[0], november, 100), november
	b.ReportAllocs()
	for b.Loop() {
		_, pause := l.Next(now)
		now = now.Add(pause)
	}
}
