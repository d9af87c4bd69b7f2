package summary_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/summary"
)

func zone(t testing.TB, name string) calendar.Zone {
	t.Helper()
	z, err := calendar.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func day(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A period is due from the very instant at which it is over by the tenant's clocks.
func TestWhatIsDue(t *testing.T) {
	for name, c := range map[string]struct {
		zone      string
		weekStart time.Weekday
		first     string
		now       string
		done      []string
		want      []string
	}{
		"nothing before the first midnight": {"UTC", time.Monday, "2026-05-01", "2026-05-01T23:59:59Z", nil, nil},
		"a day, at midnight":                {"UTC", time.Monday, "2026-05-01", "2026-05-02T00:00:00Z", nil, []string{"DAY 2026-05-01"}},
		"not what is done": {
			"UTC", time.Monday, "2026-05-01", "2026-05-04T00:00:00Z", []string{"DAY 2026-05-02", "WEEK 2026-04-27"},
			[]string{"DAY 2026-05-03", "DAY 2026-05-01"},
		},
		"the newest first, and what begins last first of what ends together": {
			"UTC", time.Monday, "2026-05-30", "2026-06-01T00:00:00Z", nil,
			[]string{"DAY 2026-05-31", "WEEK 2026-05-25", "MONTH 2026-05-01", "DAY 2026-05-30"},
		},
		"weeks from Sunday":             {"UTC", time.Sunday, "2026-05-02", "2026-05-03T12:00:00Z", nil, []string{"DAY 2026-05-02", "WEEK 2026-04-26"}},
		"midnight in Berlin, not yet":   {"Europe/Berlin", time.Monday, "2026-05-01", "2026-05-01T21:59:59Z", nil, nil},
		"midnight in Berlin":            {"Europe/Berlin", time.Monday, "2026-05-01", "2026-05-01T22:00:00Z", nil, []string{"DAY 2026-05-01"}},
		"midnight in Kathmandu":         {"Asia/Kathmandu", time.Monday, "2026-05-01", "2026-05-01T18:15:00Z", nil, []string{"DAY 2026-05-01"}},
		"a day of 23 hours, not yet":    {"America/New_York", time.Monday, "2026-03-08", "2026-03-09T03:59:59Z", nil, nil},
		"a day of 23 hours":             {"America/New_York", time.Monday, "2026-03-08", "2026-03-09T04:00:00Z", nil, []string{"DAY 2026-03-08", "WEEK 2026-03-02"}},
		"a day of 25 hours, not yet":    {"America/New_York", time.Monday, "2026-11-01", "2026-11-02T04:59:59Z", nil, nil},
		"a day of 25 hours":             {"America/New_York", time.Monday, "2026-11-01", "2026-11-02T05:00:00Z", nil, []string{"DAY 2026-11-01", "WEEK 2026-10-26"}},
		"a midnight that is skipped":    {"Africa/Cairo", time.Monday, "2026-04-23", "2026-04-23T22:00:00Z", nil, []string{"DAY 2026-04-23"}},
		"a day that begins at one":      {"Africa/Cairo", time.Monday, "2026-04-24", "2026-04-24T20:59:59Z", nil, nil},
		"a date that there never was":   {"Pacific/Apia", time.Monday, "2011-12-29", "2011-12-31T10:00:00Z", nil, []string{"DAY 2011-12-31", "MONTH 2011-12-01", "DAY 2011-12-29"}},
		"no day before the first known": {"UTC", time.Monday, "2026-05-05", "2026-05-06T00:00:00Z", nil, []string{"DAY 2026-05-05"}},
	} {
		t.Run(name, func(t *testing.T) {
			done := map[summary.Key]bool{}
			for _, text := range c.done {
				period, start, _ := cut(text)
				done[summary.Key{Period: period, Start: day(t, start)}] = true
			}
			settings := summary.Settings{Zone: zone(t, c.zone), WeekStart: c.weekStart, First: day(t, c.first)}
			var got []string
			for _, span := range summary.Plan(settings, done, instant(t, c.now)) {
				got = append(got, string(span.Period)+" "+span.Start.String())
				if !span.From.Before(span.To) || span.To.After(instant(t, c.now)) {
					t.Errorf("%s lasts from %v to %v", got[len(got)-1], span.From, span.To)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("due (-want +got):\n%s", diff)
			}
		})
	}
}

func cut(text string) (summary.Period, string, bool) {
	for i, r := range text {
		if r == ' ' {
			return summary.Period(text[:i]), text[i+1:], true
		}
	}
	return "", text, false
}

// After years of silence no more is made up than is worth it, without a gap.
func TestNoMoreIsMadeUpThanIsWorthIt(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe"} {
		settings := summary.Settings{Zone: zone(t, name), WeekStart: time.Monday, First: day(t, "2000-01-01")}
		count, last := map[summary.Period]int{}, map[summary.Period]summary.Span{}
		for _, span := range summary.Plan(settings, nil, instant(t, "2026-05-15T12:00:00Z")) {
			count[span.Period]++
			if after, ok := last[span.Period]; ok && (!span.To.Equal(after.From) || span.End != after.Start) {
				t.Errorf("%s: after %v comes %v", name, span, after)
			}
			last[span.Period] = span
		}
		if diff := cmp.Diff(map[summary.Period]int{summary.Day: 400, summary.Week: 104, summary.Month: 60}, count); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
