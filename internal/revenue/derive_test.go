package revenue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

func at(text string) time.Time {
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(form, text); err == nil {
			return t
		}
	}
	panic(text)
}

func zone(t testing.TB, name string) calendar.Zone {
	t.Helper()
	z, err := calendar.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// told writes movements for comparing: those that are never hidden.
func told(list []Movement) string {
	var lines []string
	for _, m := range list {
		if m.Hidden.IsZero() {
			lines = append(lines, fmt.Sprintf("%s %s %d %s", m.At.Format("01-02T15:04"), m.Kind, m.Amount(), m.Currency))
		}
	}
	return strings.Join(lines, "; ")
}

func state(when string, status Status, monthly int64, set ...func(*State)) State {
	s := State{At: at(when), Status: status, Plan: 1, Currency: "EUR", Monthly: monthly}
	for _, f := range set {
		f(&s)
	}
	return s
}

func plan(id int64) func(*State)        { return func(s *State) { s.Plan = id } }
func in(currency string) func(*State)   { return func(s *State) { s.Currency = currency } }
func starts(when string) func(*State)   { return func(s *State) { s.Start = at(when) } }
func period(when string) func(*State)   { return func(s *State) { s.PeriodEnd = at(when) } }
func canceled(when string) func(*State) { return func(s *State) { s.Canceled = at(when) } }
func ended(when string) func(*State)    { return func(s *State) { s.End = at(when) } }
func trial(from, to string) func(*State) {
	return func(s *State) { s.TrialStart, s.TrialEnd = at(from), at(to) }
}

func TestMonthlyIsNetAndPerMonth(t *testing.T) {
	cases := map[string]struct {
		terms Terms
		want  int64
	}{
		"a year of 2,000.00 is 166.67":       {Terms{200_000, 1, 0, Year, 1}, 16_667},
		"a month is itself":                  {Terms{1_999, 1, 0, Month, 1}, 1_999},
		"a quarter":                          {Terms{10_000, 1, 0, Month, 3}, 3_333},
		"half up":                            {Terms{1, 1, 0, Month, 2}, 1},
		"two years":                          {Terms{240_000, 1, 0, Year, 2}, 10_000},
		"52 weeks are a year":                {Terms{1_200, 1, 0, Week, 1}, 5_200},
		"365 days are a year":                {Terms{1_200, 1, 0, Day, 1}, 36_500},
		"ten seats":                          {Terms{900, 10, 0, Month, 1}, 9_000},
		"ten seats, less a discount":         {Terms{900, 10, 1_500, Month, 1}, 7_500},
		"a discount of more than the charge": {Terms{900, 1, 1_500, Month, 1}, 0},
		"at the bounds":                      {Terms{maxAmount, 1, 0, Day, 1}, 304_166_666_666_667},
		"a year of one yen, rounded to none": {Terms{1, 1, 0, Year, 1}, 0},
	}
	for name, c := range cases {
		if got := c.terms.Monthly(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// The sentences of the definitions, one by one.
func TestMovementsAreWhatTheDefinitionsSay(t *testing.T) {
	berlin := "Europe/Berlin"
	cases := []struct {
		name string
		zone string
		rule ChurnRule
		subs map[int64][]State
		want string
	}{
		{name: "new: first ever above 0", subs: map[int64][]State{1: {state("2026-01-05T10:00", Active, 100)}}, want: "01-05T10:00 NEW 100 EUR"},
		{name: "higher is expansion", subs: map[int64][]State{1: {state("2026-01-05", Active, 100), state("2026-02-05", Active, 150)}},
			want: "01-05T00:00 NEW 100 EUR; 02-05T00:00 EXPANSION 50 EUR"},
		{name: "lower, still above 0, is contraction", subs: map[int64][]State{1: {state("2026-01-05", Active, 100), state("2026-02-05", Active, 60)}},
			want: "01-05T00:00 NEW 100 EUR; 02-05T00:00 CONTRACTION -40 EUR"},
		{name: "to 0 is churn, and from 0 again is reactivation", subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-02-05", Canceled, 100), state("2026-03-05", Active, 80)}},
			want: "01-05T00:00 NEW 100 EUR; 02-05T00:00 CHURN -100 EUR; 03-05T00:00 REACTIVATION 80 EUR"},
		{name: "cancelling one of two subscriptions is contraction", subs: map[int64][]State{
			1: {state("2026-01-05", Active, 100), state("2026-02-05", Canceled, 100)}, 2: {state("2026-01-05", Active, 30)}},
			want: "01-05T00:00 NEW 130 EUR; 02-05T00:00 CONTRACTION -100 EUR"},
		{name: "churn takes effect when the paid period ends", subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-02-10", Canceled, 100, canceled("2026-02-10"), period("2026-03-05"))}},
			want: "01-05T00:00 NEW 100 EUR; 03-05T00:00 CHURN -100 EUR"},
		{name: "or at cancellation, where that is set", rule: AtCancellation, subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-02-10", Canceled, 100, canceled("2026-02-10"), period("2026-03-05"))}},
			want: "01-05T00:00 NEW 100 EUR; 02-10T00:00 CHURN -100 EUR"},
		{name: "a cancellation taken back never churned", subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-02-10", Active, 100, canceled("2026-02-10"), period("2026-03-05")), state("2026-02-20", Active, 100)}},
			want: "01-05T00:00 NEW 100 EUR"},
		{name: "an end that is told late was when it was", subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-03-10", Canceled, 100, ended("2026-03-01"))}},
			want: "01-05T00:00 NEW 100 EUR; 03-01T00:00 CHURN -100 EUR"},
		{name: "a first state may tell of an earlier start", subs: map[int64][]State{1: {state("2026-03-10", Active, 100, starts("2026-01-05"))}},
			want: "01-05T00:00 NEW 100 EUR"},
		{name: "and of a later one", subs: map[int64][]State{1: {state("2026-01-10", Active, 100, starts("2026-02-01"))}}, want: "02-01T00:00 NEW 100 EUR"},
		{name: "a trial is no revenue until it is paid for", subs: map[int64][]State{1: {
			state("2026-01-05", Trialing, 100, trial("2026-01-05", "2026-01-19")), state("2026-01-19T00:05", Active, 100)}},
			want: "01-19T00:05 NEW 100 EUR"},
		{name: "a trial that ends by itself", subs: map[int64][]State{1: {state("2026-01-05", Active, 100, trial("2026-01-05", "2026-01-19"))}},
			want: "01-19T00:00 NEW 100 EUR"},
		{name: "a trial that nobody paid for", subs: map[int64][]State{1: {
			state("2026-01-05", Trialing, 100, trial("2026-01-05", "2026-01-19")), state("2026-01-19", Canceled, 100)}}},
		{name: "a pause charges nothing, a charge that failed is tried again", subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-02-05", PastDue, 100), state("2026-03-05", Paused, 100)}},
			want: "01-05T00:00 NEW 100 EUR; 03-05T00:00 CHURN -100 EUR"},
		{name: "changes within 60 minutes are one", subs: map[int64][]State{
			1: {state("2026-01-05", Active, 100), state("2026-02-05T23:30", Canceled, 100)}, 2: {state("2026-02-06T00:30", Active, 120)}},
			want: "01-05T00:00 NEW 100 EUR; 02-06T00:30 EXPANSION 20 EUR"},
		{name: "and changes of another day are another", subs: map[int64][]State{
			1: {state("2026-01-05", Active, 100), state("2026-02-05T23:30", Canceled, 100)}, 2: {state("2026-02-06T00:31", Active, 120)}},
			want: "01-05T00:00 NEW 100 EUR; 02-05T23:30 CHURN -100 EUR; 02-06T00:31 REACTIVATION 120 EUR"},
		{name: "a customer moves once a day", subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-02-05T09:00", Active, 150), state("2026-02-05T15:00", Active, 130)}},
			want: "01-05T00:00 NEW 100 EUR; 02-05T15:00 EXPANSION 30 EUR"},
		{name: "of the tenant's zone", zone: berlin, subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-02-05T09:00", Active, 150), state("2026-02-05T23:15", Active, 130)}},
			want: "01-05T00:00 NEW 100 EUR; 02-05T09:00 EXPANSION 50 EUR; 02-05T23:15 CONTRACTION -20 EUR"},
		{name: "what comes and goes in a day is nothing", subs: map[int64][]State{1: {
			state("2026-01-05T09:00", Active, 100), state("2026-01-05T15:00", Canceled, 100), state("2026-03-05", Active, 100)}},
			want: "03-05T00:00 NEW 100 EUR"},
		{name: "another plan is one movement of two parts", subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-02-05", Active, 150, plan(2))}},
			want: "01-05T00:00 NEW 100 EUR; 02-05T00:00 EXPANSION 50 EUR"},
		{name: "another currency goes down in one and up in the other", subs: map[int64][]State{1: {
			state("2026-01-05", Active, 100), state("2026-02-05", Active, 110, in("USD"))}},
			want: "01-05T00:00 NEW 100 EUR; 02-05T00:00 CONTRACTION -100 EUR; 02-05T00:00 EXPANSION 110 USD"},
	}
	for _, c := range cases {
		if c.zone == "" {
			c.zone = "UTC"
		}
		if got := told(Derive(zone(t, c.zone), c.rule, c.subs)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// A day's movement is shown as far as it has gone: what is due this evening does not hide what
// happened this morning.
func TestMovementsAreShownAsTimeGoesOn(t *testing.T) {
	list := Derive(calendar.UTC, AtPeriodEnd, map[int64][]State{1: {
		state("2026-01-05", Active, 100), state("2026-02-05T09:00", Active, 150, canceled("2026-02-05T09:00"), period("2026-02-05T18:00"))}})
	seen := func(when string) string {
		var shown []Movement
		for _, m := range list {
			if !m.Shown.After(at(when)) && (m.Hidden.IsZero() || m.Hidden.After(at(when))) {
				m.Hidden = time.Time{}
				shown = append(shown, m)
			}
		}
		return told(shown)
	}
	for when, want := range map[string]string{
		"2026-01-04":       "",
		"2026-02-05T08:59": "01-05T00:00 NEW 100 EUR",
		"2026-02-05T10:00": "01-05T00:00 NEW 100 EUR; 02-05T09:00 EXPANSION 50 EUR",
		"2026-02-05T18:00": "01-05T00:00 NEW 100 EUR; 02-05T18:00 CHURN -100 EUR",
	} {
		if got := seen(when); got != want {
			t.Errorf("at %s:\n got %s\nwant %s", when, got, want)
		}
	}
}

func TestTrialsEndWhenTheyDo(t *testing.T) {
	cases := []struct {
		name   string
		states []State
		want   string
	}{
		{"paid for", []State{state("2026-01-05", Trialing, 100, trial("2026-01-05", "2026-01-19")), state("2026-01-19", Active, 100)}, "01-05 01-19 true"},
		{"given up", []State{state("2026-01-05", Trialing, 100, trial("2026-01-05", "2026-01-19")), state("2026-01-12", Canceled, 100)}, "01-05 01-12 false"},
		{"running", []State{state("2026-01-05", Trialing, 100)}, "01-05 - false"},
		{"of a snapshot", []State{state("2026-03-01", Active, 100, trial("2026-01-05", "2026-01-19"))}, "01-05 01-19 true"},
		{"none", []State{state("2026-03-01", Active, 100)}, ""},
	}
	for _, c := range cases {
		var got []string
		for _, tr := range Trials(1, c.states, AtPeriodEnd) {
			end := "-"
			if !tr.End.IsZero() {
				end = tr.End.Format("01-02")
			}
			got = append(got, fmt.Sprint(tr.Start.Format("01-02"), " ", end, " ", tr.Converted))
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}
