package metric

import (
	"errors"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// It is Friday noon in Berlin.
var berlin = dbsqlc.TenantGetRow{
	Zone: "Europe/Berlin", WeekStart: 1, Watermark: time.Date(2026, 5, 15, 10, 0, 0, 0, time.UTC),
}

func at(text string) *time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return &t
}

func TestARangeIsMadeDefinite(t *testing.T) {
	sunday := time.Sunday
	cases := map[string]struct {
		ask      Ask
		from, to string
	}{
		"nothing: the last 30 days":  {Ask{}, "2026-04-15T22:00:00Z", "2026-05-15T22:00:00Z"},
		"from: to the end of today":  {Ask{From: at("2026-05-01T00:00:00Z")}, "2026-05-01T00:00:00Z", "2026-05-15T22:00:00Z"},
		"from and to":                {Ask{From: at("2026-05-01T00:07:00+02:00"), To: at("2026-05-02T00:00:00Z")}, "2026-04-30T22:07:00Z", "2026-05-02T00:00:00Z"},
		"the running hour":           {Ask{Last: &Last{1, calendar.Hour}}, "2026-05-15T10:00:00Z", "2026-05-15T11:00:00Z"},
		"two weeks from Monday":      {Ask{Last: &Last{2, calendar.Week}}, "2026-05-03T22:00:00Z", "2026-05-17T22:00:00Z"},
		"two weeks from Sunday":      {Ask{Last: &Last{2, calendar.Week}, WeekStart: &sunday}, "2026-05-02T22:00:00Z", "2026-05-16T22:00:00Z"},
		"a quarter of another zone":  {Ask{Last: &Last{1, calendar.Quarter}, Zone: "Asia/Kolkata"}, "2026-03-31T18:30:00Z", "2026-06-30T18:30:00Z"},
		"three months over a change": {Ask{Last: &Last{3, calendar.Month}}, "2026-02-28T23:00:00Z", "2026-05-31T22:00:00Z"},
	}
	for name, c := range cases {
		w, err := c.ask.window(berlin)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !w.From.Equal(*at(c.from)) || !w.To.Equal(*at(c.to)) {
			t.Errorf("%s: %v to %v, want %s to %s", name, w.From, w.To, c.from, c.to)
		}
	}
}

func TestAWrongRangeNamesItsField(t *testing.T) {
	cases := map[string]struct {
		ask   Ask
		field string
	}{
		"to without from":      {Ask{To: at("2026-05-01T00:00:00Z")}, "range.from"},
		"to before from":       {Ask{From: at("2026-05-02T00:00:00Z"), To: at("2026-05-01T00:00:00Z")}, "range.to"},
		"nothing between":      {Ask{From: at("2026-05-01T00:00:00Z"), To: at("2026-05-01T00:00:00Z")}, "range.to"},
		"from after today":     {Ask{From: at("2026-05-17T00:00:00Z")}, "range.to"},
		"before 2000":          {Ask{From: at("1999-12-31T00:00:00Z")}, "range.from"},
		"after 2100":           {Ask{From: at("2026-05-01T00:00:00Z"), To: at("2100-01-02T00:00:00Z")}, "range.to"},
		"last and from":        {Ask{From: at("2026-05-01T00:00:00Z"), Last: &Last{1, calendar.Day}}, "range.last"},
		"last 0":               {Ask{Last: &Last{0, calendar.Day}}, "range.last.count"},
		"last too many":        {Ask{Last: &Last{10_001, calendar.Day}}, "range.last.count"},
		"last before 2000":     {Ask{Last: &Last{30, calendar.Year}}, "range.last.count"},
		"last of what":         {Ask{Last: &Last{1, "FORTNIGHT"}}, "range.last.interval"},
		"a zone of no one":     {Ask{Zone: "Europe/Atlantis"}, "zone"},
		"a zone of the server": {Ask{Zone: "Local"}, "zone"},
	}
	for name, c := range cases {
		_, err := c.ask.window(berlin)
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.BadUserInput || f.Field != c.field {
			t.Errorf("%s: %v, want BAD_USER_INPUT of %s", name, err, c.field)
		}
	}
}

func TestBucketsHaveTheirBound(t *testing.T) {
	w, err := Ask{Last: &Last{10_000, calendar.Hour}}.window(berlin)
	if err != nil {
		t.Fatal(err)
	}
	for interval, field := range map[calendar.Interval]string{calendar.Hour: "interval", "DECADE": "interval"} {
		_, err := w.buckets(interval)
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Field != field {
			t.Errorf("%s: %v, want a fault of %s", interval, err, field)
		}
	}
	if buckets, err := w.buckets(calendar.Day); err != nil || len(buckets) != 418 {
		t.Errorf("%d days, %v, want 418", len(buckets), err)
	}
}

// A bucket is put together from whole days, parts of days and the rest, each once.
func TestCoverTakesABucketApart(t *testing.T) {
	ask := Ask{From: at("2026-05-01T12:07:00Z"), To: at("2026-05-04T01:20:30Z")}
	w, err := ask.window(berlin)
	if err != nil {
		t.Fatal(err)
	}
	c := Grid{Window: w, Buckets: w.whole()}.cover()
	want := []struct{ name, got, want string }{
		{"days", spans(c.days), "2026-05-01T22:00:00Z/2026-05-02T22:00:00Z 2026-05-02T22:00:00Z/2026-05-03T22:00:00Z"},
		{"slots", spans(c.slots), "2026-05-01T12:15:00Z/2026-05-01T22:00:00Z 2026-05-03T22:00:00Z/2026-05-04T01:15:00Z"},
		{"raw", spans(c.raw), "2026-05-01T12:07:00Z/2026-05-01T12:15:00Z 2026-05-04T01:15:00Z/2026-05-04T01:20:30Z"},
	}
	for _, c := range want {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

func spans(pieces []piece) (text string) {
	for i, p := range pieces {
		if i > 0 {
			text += " "
		}
		text += p.start.Format(time.RFC3339) + "/" + p.end.Format(time.RFC3339)
	}
	return text
}
