package tail

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However readings fall, no more is given in a time than the rate lets through in it and in one
// burst, and a reader who waits as told is always given something.
func TestABudgetKeepsToItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, maxRate).Draw(t, "rate")
		began := time.Unix(0, 0)
		now, given := began, 0
		b := budgetOf(rate, began, began)
		for _, ms := range rapid.SliceOfN(rapid.IntRange(0, 5000), 1, 50).Draw(t, "waits") {
			now = now.Add(max(time.Duration(ms)*time.Millisecond, b.wait()+time.Microsecond))
			b.grow(now)
			if b.events < 1 {
				t.Fatalf("after waiting, %v may be given", b.events)
			}
			n := int(b.share(1, 1))
			b.spend(n)
			given += n
		}
		if most := float64(rate) * (now.Sub(began) + burst).Seconds(); float64(given) > most+1 {
			t.Fatalf("%d were given in %v, at most %v may be", given, now.Sub(began), most)
		}
	})
}

// Who comes back has what came meanwhile to make up for, within bounds.
func TestABudgetMakesUp(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		rate int
		away time.Duration
		want float64
	}{
		{100, 0, 200},
		{100, -time.Hour, 200}, // clocks are apart
		{100, time.Minute, 6_000},
		{100, 24 * time.Hour, maxBehind},
		{1, 24 * time.Hour, maxBehind},
		{1, 0, 2},
		{maxRate, time.Second, 2_000},
	} {
		b := budgetOf(c.rate, now.Add(-c.away), now)
		if b.grow(now.Add(time.Hour)); b.events != c.want {
			t.Errorf("at %d a second after %v: %v, want %v", c.rate, c.away, b.events, c.want)
		}
	}
}

// A cursor reads as it was written, and nothing else is one.
func TestCursors(t *testing.T) {
	now := time.UnixMilli(1_780_000_000_000)
	rapid.Check(t, func(t *rapid.T) {
		p := place{rapid.Int64Min(0).Draw(t, "id"), now.Add(-time.Duration(rapid.IntRange(0, 86_400_000).Draw(t, "ms")) * time.Millisecond)}
		got, err := parseCursor(p.cursor(), now)
		if err != nil || got.id != p.id || !got.at.Equal(p.at) {
			t.Fatalf("%v reads as %v, %v", p, got, err)
		}
		if text := rapid.String().Draw(t, "text"); text != p.cursor() {
			if got, err := parseCursor(text, now); err == nil && got.cursor() != text {
				t.Fatalf("%q reads as %v", text, got)
			}
		}
	})
	for name, p := range map[string]place{
		"no number": {-1, now}, "too old": {1, now.Add(-goodFor - time.Millisecond)}, "not yet": {1, now.Add(aheadBy + time.Millisecond)},
	} {
		if _, err := parseCursor(p.cursor(), now); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
