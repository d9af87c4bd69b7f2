package journey

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// ofMay asks for the first of May 2026, which is long over: nothing else extends what is noted.
func ofMay() metric.Ask {
	from, to := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)
	return metric.Ask{From: &from, To: &to, Zone: "UTC", Interval: calendar.Day}
}

// ofToday asks for the day that runs.
func ofToday() metric.Ask {
	from := time.Now().UTC().Truncate(day)
	to := from.Add(day)
	return metric.Ask{From: &from, To: &to, Zone: "UTC", Interval: calendar.Day}
}

func inDays(n int) string { return ofToday().From.AddDate(0, 0, n).Format(time.DateOnly) }

func retained(ask metric.Ask, returns Return, mode Mode, periods int) func(context.Context, *Service) error {
	return func(ctx context.Context, s *Service) error {
		_, err := s.Retention(ctx, RetentionAsk{Ask: ask, Unit: Users, Start: FirstEver, Return: returns, Mode: mode, Periods: periods, Weight: ByUnits})
		return err
	}
}

func led(direction Direction) func(context.Context, *Service) error {
	return func(ctx context.Context, s *Service) error {
		_, err := s.Paths(ctx, PathAsk{Ask: ofMay(), Unit: Users, Direction: direction, Depth: 2, Breadth: 3, Pause: day})
		return err
	}
}

// An answer that is live hears of every day whose events may change it, and of few others.
func TestJourneysHearOfTheDaysThatTheyDependOn(t *testing.T) {
	house := testkit.NewHouse(t)
	acme := house.Tenant(t, "UTC")
	histories := history.NewStore(house.App, 1<<20)
	t.Cleanup(histories.Close)
	s := NewService(metric.NewService(house.App, metric.NewCatalog(metric.Builtin())), histories)
	for name, c := range map[string]struct {
		answer func(context.Context, *Service) error
		hears  []string
		not    []string
	}{
		"whoever returns late has returned after all":     {retained(ofMay(), OnOrAfter, Calendar, 2), []string{"2026-04-30", "2026-05-02", "2098-01-01"}, nil},
		"and so where days are counted from the start":    {retained(ofMay(), OnOrAfter, Rolling, 2), []string{"2026-05-02", "2098-01-01"}, nil},
		"what is in no column does not matter":            {retained(ofMay(), On, Calendar, 2), []string{"2026-04-30", "2026-05-02"}, []string{"2098-01-01"}},
		"a day that begins with the start ends the next":  {retained(ofMay(), On, Rolling, 2), []string{"2026-05-02", "2026-05-03"}, []string{"2026-05-04"}},
		"however far ahead it is":                         {retained(ofToday(), On, Rolling, 5), []string{inDays(0), inDays(5)}, []string{inDays(7)}},
		"a path leads on while nothing else is done":      {led(After), []string{"2026-04-30", "2026-05-02", "2098-01-01"}, nil},
		"and what comes before it has happened before it": {led(Before), []string{"2026-04-30", "2026-05-01"}, []string{"2026-05-02"}},
	} {
		ctx, noted := topic.Record(access.With(t.Context(), access.Principal{Tenant: acme, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()}))
		if err := c.answer(ctx, s); err != nil {
			t.Fatal(err)
		}
		for _, day := range c.hears {
			if !hears(noted, acme, day) {
				t.Errorf("%s: nothing is heard of %s", name, day)
			}
		}
		for _, day := range c.not {
			if hears(noted, acme, day) {
				t.Errorf("%s: %s is heard of", name, day)
			}
		}
	}
}

func hears(noted *topic.Readings, id tenant.ID, day string) bool {
	return slices.ContainsFunc(noted.Spans(), func(s topic.Span) bool {
		return s.Holds(topic.Topic{Tenant: id, Subject: topic.Day, Key: day})
	})
}
