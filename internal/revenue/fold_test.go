package revenue

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

func TestMoneyIsConvertedAsItIsQuoted(t *testing.T) {
	day := calendar.NewDate(2026, 3, 10)
	quote := func(day calendar.Date, base, currency string, rate string) Quote {
		r, err := parseRate(rate)
		if err != nil {
			t.Fatal(err)
		}
		return Quote{day, base, currency, r}
	}
	rates := NewRates([]Quote{
		quote(day, "EUR", "USD", "1.10"), quote(day-10, "EUR", "USD", "1.25"), quote(day, "EUR", "JPY", "160"), quote(day, "EUR", "KWD", "0.335"),
	})
	cases := []struct {
		name     string
		from, to string
		day      calendar.Date
		amount   int64
		want     int64
	}{
		{"none", "USD", "USD", day - 100, 12_345, 12_345},
		{"as quoted", "EUR", "USD", day, 10_000, 11_000},
		{"the other way round, half up", "USD", "EUR", day, 10_000, 9_091},
		{"the latest quote on or before the day", "EUR", "USD", day - 1, 10_000, 12_500},
		{"on and after", "EUR", "USD", day + 100, 10_000, 11_000},
		{"into a currency without minor units", "EUR", "JPY", day, 10_000, 16_000},
		{"into one of three digits", "EUR", "KWD", day, 10_000, 33_500},
		{"by way of the base of both", "USD", "JPY", day, 11_000, 16_000},
	}
	for _, c := range cases {
		f, err := rates.factor(c.from, c.to, c.day)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := f.convert(c.amount); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for _, missing := range []struct {
		to  string
		day calendar.Date
	}{{"USD", day - 11}, {"GBP", day}} {
		_, err := rates.factor("EUR", missing.to, missing.day)
		if f, ok := fault.Of(err); !ok || f.Code != fault.BadUserInput || f.Field != "currency" {
			t.Errorf("EUR to %s on %s: %v, want a clear problem", missing.to, missing.day, err)
		}
	}
}

func TestRatesAreDecimalNumbers(t *testing.T) {
	for _, bad := range []string{"", "0", "-1", "1e3", "1/3", ".5", "1.", "1.2.3", "NaN", "10000000000", "0.0000000001", " 1"} {
		if rate, err := parseRate(bad); err == nil {
			t.Errorf("%q is taken as %v", bad, rate)
		}
	}
}

// one folds the customers' movements without a breakdown, in euros.
func one(t testing.TB, customers map[int64]map[int64][]State, rates *Rates, buckets ...calendar.Bucket) cells {
	t.Helper()
	f := &fold{now: at("2030-01-01"), currency: "EUR", rates: rates, group: func(int64, Leaf) int { return 0 }}
	if err := f.run(nil, rowsOf(calendar.UTC, AtPeriodEnd, customers, at("2030-01-01")), buckets); err != nil {
		t.Fatal(err)
	}
	return f.cells[0]
}

// rowsOf are the movements that are shown at an instant, as they are read.
func rowsOf(zone calendar.Zone, rule ChurnRule, customers map[int64]map[int64][]State, when time.Time) (rows []row) {
	for account, subscriptions := range customers {
		for _, m := range Derive(zone, rule, subscriptions) {
			if m.Shown.After(when) || !m.Hidden.IsZero() && !m.Hidden.After(when) {
				continue
			}
			for _, p := range m.Parts {
				rows = append(rows, row{p, m.At, account, m.Kind})
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if n := a.at.Compare(b.at); n != 0 {
			return n
		}
		return int(a.account - b.account)
	})
	return rows
}

func bucket(from, to string) calendar.Bucket { return calendar.Bucket{Start: at(from), End: at(to)} }

// Start 100, churn 10, contraction 10, expansion 10: the example of the definitions.
func TestTheExampleOfChurn(t *testing.T) {
	customers := map[int64]map[int64][]State{
		1: {1: {state("2026-01-05", Active, 10), state("2026-02-05", Canceled, 10)}},
		2: {2: {state("2026-01-05", Active, 30), state("2026-02-06", Active, 20)}},
		3: {3: {state("2026-01-05", Active, 60), state("2026-02-07", Active, 70)}},
		4: {4: {state("2026-02-10", Active, 500)}}, // new: neither kept nor lost
	}
	c := one(t, customers, NewRates(nil), bucket("2026-01-01", "2026-02-01"), bucket("2026-02-01", "2026-03-01"))
	want := [foldColumns]int64{
		colStart: 100, colNew: 500, colExpansion: 10, colContraction: 10, colChurn: 10, colEnd: 590,
		colCustomersStart: 3, colCustomersEnd: 3, colCustomersNew: 1, colCustomersChurned: 1, colKeptNet: 90, colKeptGross: 80,
	}
	if c[1] != want {
		t.Errorf("February: %v, want %v", c[1], want)
	}
	if c[0][colNew] != 100 || c[0][colEnd] != 100 || c[0][colKeptNet] != 0 {
		t.Errorf("January: %v", c[0])
	}
}

// Whoever comes back in the same bucket is not retained.
func TestWhatIsKeptIsWithoutReactivation(t *testing.T) {
	customers := map[int64]map[int64][]State{
		1: {1: {state("2026-01-05", Active, 100), state("2026-02-05", Canceled, 100), state("2026-02-20", Active, 300)}},
		2: {2: {state("2026-01-05", Active, 100), state("2026-02-05", Active, 150)}},
	}
	c := one(t, customers, NewRates(nil), bucket("2026-02-01", "2026-03-01"))[0]
	if c[colStart] != 200 || c[colKeptNet] != 150 || c[colKeptGross] != 100 || c[colReactivation] != 300 || c[colChurn] != 100 || c[colEnd] != 450 {
		t.Errorf("got %v", c)
	}
}

// A change of a rate is the line fx and no movement; while none changes it is 0.
func TestARateIsNoMovement(t *testing.T) {
	rates := NewRates([]Quote{
		{calendar.NewDate(2026, 1, 1), "USD", "EUR", big.NewRat(9, 10)}, {calendar.NewDate(2026, 2, 10), "USD", "EUR", big.NewRat(8, 10)},
	})
	customers := map[int64]map[int64][]State{1: {1: {state("2026-01-05", Active, 1_000, in("USD")), state("2026-02-20", Active, 1_500, in("USD"))}}}
	c := one(t, customers, rates, bucket("2026-01-01", "2026-02-01"), bucket("2026-02-01", "2026-03-01"), bucket("2026-03-01", "2026-04-01"))
	if c[0][colNew] != 900 || c[0][colFX] != 0 || c[0][colEnd] != 900 {
		t.Errorf("January: %v", c[0])
	}
	if c[1][colStart] != 900 || c[1][colFX] != -100 || c[1][colExpansion] != 400 || c[1][colEnd] != 1_200 {
		t.Errorf("February: %v", c[1])
	}
	if c[2][colFX] != 0 || c[2][colEnd] != 1_200 {
		t.Errorf("March: %v", c[2])
	}
}

// In every bucket, of any zone, in every group: start and what moved are the end, and the end is
// the next start. The end itself is recounted from the facts.
func TestTheLinesAddUp(t *testing.T) {
	zones := []calendar.Zone{zone(t, "UTC"), zone(t, "Europe/Berlin"), zone(t, "Asia/Kathmandu"), zone(t, "America/St_Johns")}
	rapid.Check(t, func(t *rapid.T) {
		customers := map[int64]map[int64][]State{}
		for id := range rapid.Int64Range(1, 4).Draw(t, "customers") {
			customers[id] = drawCustomer(t, 10*id)
		}
		var quotes []Quote
		for day := range 8 {
			if day == 0 || rapid.Bool().Draw(t, "quoted") {
				for _, currency := range []string{"USD", "JPY"} {
					rate := big.NewRat(rapid.Int64Range(70, 200).Draw(t, "rate"), 97)
					quotes = append(quotes, Quote{calendar.NewDate(2026, 3, 25+day), "EUR", currency, rate})
				}
			}
		}
		home := rapid.SampledFrom(zones).Draw(t, "home")
		grid := calendar.Grid{
			Zone:     rapid.SampledFrom(zones).Draw(t, "zone"),
			Interval: rapid.SampledFrom([]calendar.Interval{calendar.Hour, calendar.Day, calendar.Day, calendar.Week, calendar.Month}).Draw(t, "interval"),
		}
		now := at("2026-03-26").Add(time.Duration(rapid.IntRange(0, 10*24*4).Draw(t, "now")) * 15 * time.Minute)
		buckets, err := grid.Buckets(at("2026-03-26"), at("2026-04-06"), 2_000)
		if err != nil {
			t.Fatal(err)
		}
		by := rapid.SampledFrom([]func(account int64, l Leaf) int{
			func(int64, Leaf) int { return 0 },
			func(_ int64, l Leaf) int { return int(l.Plan) - 1 },
			func(_ int64, l Leaf) int { return slices.Index([]string{"EUR", "USD", "JPY"}, l.Currency) },
			func(account int64, _ Leaf) int { return int(account) },
		}).Draw(t, "by")
		f := &fold{home: home, now: now, currency: "EUR", rates: NewRates(quotes), group: by}
		rows := rowsOf(home, AtPeriodEnd, customers, now)
		cut := rapid.IntRange(0, len(buckets)-1).Draw(t, "opened at")
		opened := slices.IndexFunc(rows, func(r row) bool { return !r.at.Before(buckets[cut].Start) })
		if opened < 0 {
			opened = len(rows)
		}
		if err := f.run(rows[:opened], rows[opened:], buckets[cut:]); err != nil {
			t.Fatal(err)
		}
		for g := range f.groups {
			for i, c := range f.cells[g] {
				if sum := c[colStart] + c[colNew] + c[colExpansion] + c[colReactivation] - c[colContraction] - c[colChurn] + c[colFX]; sum != c[colEnd] {
					t.Fatalf("group %d, bucket %d: the lines add up to %d: %v", g, i, sum, c)
				}
				if i > 0 && c[colStart] != f.cells[g][i-1][colEnd] {
					t.Fatalf("group %d, bucket %d does not start where the last one ended: %v after %v", g, i, c, f.cells[g][i-1])
				}
				if c[colKeptGross] > c[colStart] || c[colKeptGross] > c[colKeptNet] || c[colKeptGross] < 0 {
					t.Fatalf("group %d, bucket %d keeps %v", g, i, c)
				}
			}
		}
		compareEnds(t, f, by, home, customers, buckets[cut:], quotes)
	})
}

// compareEnds recounts what the groups come to at the end of buckets after which nobody moved for
// a day: there the facts themselves are the standing.
func compareEnds(t *rapid.T, f *fold, by func(int64, Leaf) int, home calendar.Zone, customers map[int64]map[int64][]State, buckets []calendar.Bucket, quotes []Quote) {
	rates := NewRates(quotes)
	for i, b := range buckets {
		end := b.End
		if end.After(f.now) {
			end = f.now.Add(time.Microsecond) // what happens now has happened
		}
		want, customersWant := map[int]int64{}, map[int]map[int64]bool{}
		for account, subscriptions := range customers {
			for leaf, amount := range standing(subscriptions, AtPeriodEnd, end.Add(-time.Microsecond)) {
				factor, err := rates.factor(leaf.Currency, "EUR", f.day(b.End))
				if err != nil {
					t.Fatal(err)
				}
				g := by(account, leaf)
				want[g] += factor.convert(amount)
				if customersWant[g] == nil {
					customersWant[g] = map[int64]bool{}
				}
				customersWant[g][account] = true
			}
		}
		if i+1 < len(buckets) && !b.End.After(f.now) && movesAfter(f.home, customers, b.End, f.now) {
			continue
		}
		for g := range f.groups {
			if c := f.cells[g][i]; c[colEnd] != want[g] || c[colCustomersEnd] != int64(len(customersWant[g])) {
				t.Fatalf("group %d at %v: %v, want %d of %d", g, b.End, c, want[g], len(customersWant[g]))
			}
		}
	}
}

// movesAfter reports whether changes after an instant take part in movements that began before it.
func movesAfter(home calendar.Zone, customers map[int64]map[int64][]State, when, now time.Time) bool {
	for _, subscriptions := range customers {
		for _, c := range changesOf(AtPeriodEnd, subscriptions) {
			if !c.at.Before(when) && !c.at.After(now) && (c.at.Sub(when) <= time.Hour || home.DateOf(c.at) == home.DateOf(when.Add(-time.Microsecond))) {
				return true
			}
		}
	}
	return false
}
