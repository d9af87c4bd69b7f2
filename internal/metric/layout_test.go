package metric

import (
	"reflect"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// A range is laid out once, and anew for whatever makes it another one.
func TestARangeIsLaidOutOnce(t *testing.T) {
	w, err := Ask{From: at("2026-05-01T12:07:00Z"), To: at("2026-05-04T01:20:30Z")}.window(berlin)
	if err != nil {
		t.Fatal(err)
	}
	layout := func(w Window, interval calendar.Interval) *layout {
		l, err := w.layout(interval)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	days := layout(w, calendar.Day)
	if layout(w, calendar.Day) != days || w.laid(days, calendar.Day, nil).layout() != days {
		t.Error("it is laid out again")
	}
	if _, err := w.layout(""); err == nil {
		t.Error("there is no interval")
	}
	changes := map[string]func(*Window){
		"from":      func(w *Window) { w.From = w.From.Add(1) },
		"to":        func(w *Window) { w.To = w.To.Add(1) },
		"zone":      func(w *Window) { w.Zone = calendar.UTC },
		"home":      func(w *Window) { w.home = calendar.UTC },
		"weekStart": func(w *Window) { w.WeekStart++ },
		"rawSince":  func(w *Window) { w.rawSince = w.From.AddDate(0, 0, 1) },
		"narrowed":  func(w *Window) { w.narrowed = true },
	}
	for name, change := range changes {
		other := w
		change(&other)
		if layout(other, calendar.Day) == days {
			t.Errorf("%s is not what it was, and the layout is", name)
		}
	}
	g := w.laid(days, calendar.Day, nil)
	g.Buckets = g.Buckets[1:]
	if got, want := len(g.cover().starts), len(days.buckets)-1; got != want {
		t.Errorf("other buckets are laid out as %d, want %d", got, want)
	}
	g = w.laid(days, calendar.Day, nil)
	g.narrowed = true
	if c := g.cover(); len(c.days)+len(c.slots)+len(c.raw) > 0 {
		t.Errorf("who sees some rows is counted for by %+v", c)
	}
}

func TestJoinRuns(t *testing.T) {
	for name, c := range map[string]struct{ runs, want []run }{
		"none":           {nil, nil},
		"one":            {[]run{{3, 5}}, []run{{3, 5}}},
		"one in another": {[]run{{1, 90}, {30, 40}}, []run{{1, 90}}},
		"in disorder":    {[]run{{100, 120}, {1, 41}}, []run{{1, 120}}},
		"a gap":          {[]run{{1, 40}, {40 + maxGap, 150}}, []run{{1, 150}}},
		"too wide a gap": {[]run{{1, 40}, {41 + maxGap, 150}}, []run{{1, 40}, {41 + maxGap, 150}}},
	} {
		if got := joinRuns(c.runs); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestBucketsOfDays(t *testing.T) {
	first, last, buckets := bucketsOfDays([]piece{{bucket: 1, day: 12}, {bucket: 0, day: 10}, {bucket: 2, day: 14}})
	if want := []int32{0, -1, 1, -1, 2}; first != 10 || last != 14 || !reflect.DeepEqual(buckets, want) {
		t.Errorf("%d to %d: %v, want %v", first, last, buckets, want)
	}
	if first, last, buckets := bucketsOfDays(nil); first <= last || len(buckets) > 0 {
		t.Errorf("none: %d to %d: %v", first, last, buckets)
	}
}
