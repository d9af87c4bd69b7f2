package metric

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// until is a window of Berlin, as of an instant. Dates are local, and the end is open.
func until(t *testing.T, from, to, watermark string) Window {
	t.Helper()
	zone, err := calendar.LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return Window{From: local(t, from), To: local(t, to), Watermark: local(t, watermark), Zone: zone, WeekStart: time.Monday, home: zone}
}

func local(t *testing.T, text string) time.Time {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, ":") {
		text += " 00:00"
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

const over = "2027-01-01"

// The other range of every kind of comparison, at the ends of months, at changes of the clock,
// and for periods that are running.
func TestWhatARangeIsComparedWith(t *testing.T) {
	cases := map[string]struct {
		from, to, watermark string
		last                *Last
		kind                ComparisonKind
		wantFrom, wantTo    string
	}{
		"1-28 May with 1-28 April":          {"2026-05-01", "2026-05-29", over, nil, LastMonth, "2026-04-01", "2026-04-29"},
		"May, on the 28th, with April":      {"2026-05-01", "2026-06-01", "2026-05-29", nil, PreviousPeriod, "2026-04-01", "2026-04-29"},
		"May, at noon of the 15th":          {"2026-05-01", "2026-06-01", "2026-05-15 12:00", nil, PreviousPeriod, "2026-04-01", "2026-04-15 12:00"},
		"May, on the 31st, with all April":  {"2026-05-01", "2026-06-01", "2026-05-31 12:00", nil, PreviousPeriod, "2026-04-01", "2026-05-01"},
		"all of May with all of April":      {"2026-05-01", "2026-06-01", over, nil, PreviousPeriod, "2026-04-01", "2026-05-01"},
		"a quarter with the one before":     {"2026-04-01", "2026-07-01", over, nil, PreviousPeriod, "2026-01-01", "2026-04-01"},
		"the 31st clamps":                   {"2026-03-31", "2026-04-01", over, nil, LastMonth, "2026-02-28", "2026-03-01"},
		"February with January":             {"2026-02-01", "2026-03-01", over, nil, LastMonth, "2026-01-01", "2026-02-01"},
		"29 February with the year before":  {"2024-02-29", "2024-03-01", over, nil, LastYear, "2023-02-28", "2023-03-01"},
		"seven days with those before":      {"2026-05-08", "2026-05-15", over, nil, PreviousPeriod, "2026-05-01", "2026-05-08"},
		"days over a change of the clock":   {"2026-03-25", "2026-04-01", over, nil, PreviousPeriod, "2026-03-18", "2026-03-25"},
		"by the clock":                      {"2026-05-01 10:00", "2026-05-01 16:30", over, nil, PreviousPeriod, "2026-05-01 03:30", "2026-05-01 10:00"},
		"a week ago":                        {"2026-05-14", "2026-05-15", over, nil, LastWeek, "2026-05-07", "2026-05-08"},
		"a week ago, a shorter day":         {"2026-04-05", "2026-04-06", over, nil, LastWeek, "2026-03-29", "2026-03-30"},
		"a year ago":                        {"2026-05-01", "2026-06-01", over, nil, LastYear, "2025-05-01", "2025-06-01"},
		"364 days ago, the same weekday":    {"2026-05-14", "2026-05-15", over, nil, Days364, "2025-05-15", "2025-05-16"},
		"the last 30 days, running":         {"2026-04-16", "2026-05-16", "2026-05-15 12:00", &Last{30, calendar.Day}, PreviousPeriod, "2026-03-17", "2026-04-15 12:00"},
		"this week, running":                {"2026-05-11", "2026-05-18", "2026-05-15 12:00", &Last{1, calendar.Week}, PreviousPeriod, "2026-05-04", "2026-05-08 12:00"},
		"what has not begun, with it whole": {"2026-06-01", "2026-07-01", "2026-05-15", nil, LastMonth, "2026-05-01", "2026-06-01"},
	}
	for name, c := range cases {
		w := until(t, c.from, c.to, c.watermark)
		other, _, err := w.compared(Comparison{Kind: c.kind}, c.last)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !other.From.Equal(local(t, c.wantFrom)) || !other.To.Equal(local(t, c.wantTo)) {
			t.Errorf("%s: %v to %v, want %s to %s", name, other.From.In(time.FixedZone("", 7200)), other.To, c.wantFrom, c.wantTo)
		}
	}
}

// Each bucket is compared with the one that stands in its place, and with no more.
func TestBucketsAreComparedOneByOne(t *testing.T) {
	cases := map[string]struct {
		from, to, watermark string
		kind                ComparisonKind
		interval            calendar.Interval
		want                []string // where each begins and ends; "": nothing
	}{
		"the end of May with April's": {"2026-05-29", "2026-06-01", over, LastMonth, calendar.Day, []string{
			"04-29 04-30", "04-30 05-01", "",
		}},
		"the end of March with February's": {"2026-03-27", "2026-04-01", over, LastMonth, calendar.Day, []string{
			"02-27 02-28", "02-28 03-01", "", "", "",
		}},
		"the turn of February with January's": {"2026-02-27", "2026-03-02", over, LastMonth, calendar.Day, []string{
			"01-27 01-28", "01-28 01-29", "02-01 02-02",
		}},
		"a running day": {"2026-05-14", "2026-05-16", "2026-05-15 12:00", LastWeek, calendar.Day, []string{
			"05-07 05-08", "05-08 05-08 12:00",
		}},
		"months": {"2026-02-01", "2026-04-01", over, LastMonth, calendar.Month, []string{"01-01 02-01", "02-01 03-01"}},
		"a week that is cut": {"2026-05-13", "2026-05-20", over, LastWeek, calendar.Week, []string{
			"05-06 05-11", "05-11 05-13",
		}},
	}
	for name, c := range cases {
		w := until(t, c.from, c.to, c.watermark)
		buckets, err := w.buckets(c.interval)
		if err != nil {
			t.Fatal(err)
		}
		other, s, err := w.compared(Comparison{Kind: c.kind}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range other.moved(buckets, *s, c.interval) {
			if !b.Start.Before(b.End) {
				got = append(got, "")
				continue
			}
			got = append(got, short(t, b.Start)+" "+short(t, b.End))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func short(t *testing.T, at time.Time) string {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(at.In(berlin).Format("01-02 15:04"), " 00:00")
}

func TestAChangeFromNothingIsNull(t *testing.T) {
	f := func(v float64) *float64 { return &v }
	cases := []struct{ now, then, difference, ratio *float64 }{
		{f(110), f(100), f(10), f(0.1)},
		{f(50), f(100), f(-50), f(-0.5)},
		{f(5), f(0), f(5), nil},
		{f(0), f(0), f(0), nil},
		{f(-5), f(-10), f(5), f(0.5)}, // from a loss of 10 to one of 5 is better by half
		{nil, f(1), nil, nil},
		{f(1), nil, nil, nil},
	}
	for _, c := range cases {
		got := changeOf(c.now, c.then)
		if !same(got.Difference, c.difference) || !same(got.Ratio, c.ratio) {
			t.Errorf("%v after %v: %v, %v", c.now, c.then, got.Difference, got.Ratio)
		}
	}
}

func same(a, b *float64) bool { return a == b || a != nil && b != nil && *a == *b }

func TestAMovingAverageIsOfCompleteBuckets(t *testing.T) {
	f := func(v float64) *float64 { return &v }
	got := smooth([]*float64{f(1), f(2), nil, f(6), f(9)}, 3, []bool{true, true, false})
	want := []*float64{f(1.5), f(4), nil}
	for i := range want {
		if !same(got[i], want[i]) {
			t.Errorf("average %d: %v, want %v", i, got[i], want[i])
		}
	}
	for i, sum := range cumulative([]*float64{f(1), nil, f(3)}) {
		if want := []float64{1, 1, 4}[i]; *sum != want {
			t.Errorf("sum %d: %v, want %v", i, *sum, want)
		}
	}
}

func TestAWrongComparisonNamesItsField(t *testing.T) {
	w := until(t, "2026-05-01", "2026-06-01", over)
	early := until(t, "2000-01-01", "2001-01-01", over)
	for name, c := range map[string]struct {
		w     Window
		c     Comparison
		field string
	}{
		"a range of nothing":  {w, Comparison{Kind: OtherRange}, "compare.range"},
		"a range beside LAST": {w, Comparison{Kind: LastWeek, From: &w.From}, "compare.range"},
		"what there is not":   {w, Comparison{Kind: "YESTERYEAR"}, "compare.kind"},
		"before all time":     {early, Comparison{Kind: LastYear}, "compare"},
		"a range upside down": {w, Comparison{Kind: OtherRange, From: &w.To, To: &w.From}, "range.to"},
	} {
		_, _, err := c.w.compared(c.c, nil)
		wantField(t, name, err, c.field)
	}
}
