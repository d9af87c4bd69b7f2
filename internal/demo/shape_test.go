package demo

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// year is a plan large enough for its shape to show.
var year = Plan{Seed: 1, Events: 300_000, Until: november}

func TestTablesSumToThousands(t *testing.T) {
	for _, p := range []*profile{northwind, globex} {
		sum := func(xs []int) (n int) {
			for _, x := range xs {
				n += x
			}
			return n
		}
		if a, b, c := sum(p.rhythm.workday[:]), sum(p.rhythm.restday[:]), sum(p.rhythm.days[:]); a != 1000 || b != 1000 || c != 7000 {
			t.Errorf("%s: hours sum to %d and %d, days to %d", p.Name, a, b, c)
		}
	}
}

func TestWeek(t *testing.T) {
	tests := []struct {
		company        Company
		least, most    float64 // a weekend day, of a weekday
		busy, idle     int     // hours of a weekday
		busier, factor float64
	}{
		{Companies()[0], 0.05, 0.35, 10, 12, 1.3, 8},
		{Companies()[1], 1.15, 2.5, 18, 10, 2.5, 8},
	}
	for _, test := range tests {
		weekdays, hours := week(test.company)
		weekend := float64(weekdays[time.Saturday]+weekdays[time.Sunday]) / 2
		weekday := float64(weekdays[time.Monday]+weekdays[time.Tuesday]+weekdays[time.Wednesday]+
			weekdays[time.Thursday]+weekdays[time.Friday]) / 5
		if share := weekend / weekday; share < test.least || share > test.most {
			t.Errorf("%s: a weekend day has %.2f of a weekday", test.company.Name, share)
		}
		if peak := float64(hours[test.busy]); peak < test.busier*float64(hours[test.idle]) || peak < test.factor*float64(hours[2]) {
			t.Errorf("%s: hours %v", test.company.Name, hours)
		}
	}
}

// week counts events by local weekday, and by local hour of working days.
func week(c Company) (weekdays [7]int, hours [24]int) {
	zone := mustZone(c.Zone)
	for e := range year.Generate(c) {
		at := e.At.In(zone)
		weekdays[at.Weekday()]++
		if at.Weekday() != time.Saturday && at.Weekday() != time.Sunday {
			hours[at.Hour()]++
		}
	}
	return weekdays, hours
}

func TestGrowth(t *testing.T) {
	from := november.AddDate(0, 0, -365)
	for _, c := range Companies() {
		quarters := [5]map[string]bool{{}, {}, {}, {}, {}}
		all := map[string]bool{}
		for e := range year.Generate(c) {
			all[e.UserID] = true
			if e.UserID != "" {
				quarters[e.At.Sub(from)/(92*24*time.Hour)][e.UserID] = true
			}
		}
		if first, last := len(quarters[0]), len(quarters[3]); last*10 < first*12 {
			t.Errorf("%s: %d active users in the first quarter, %d in the last", c.Name, first, last)
		}
		if each := year.Count(c) / len(all); each < 50 || each > 110 {
			t.Errorf("%s: %d events for each user", c.Name, each)
		}
	}
}

// Of the users of a month, a believable part comes on any one working day.
func TestStickiness(t *testing.T) {
	monday := november.AddDate(0, 0, -4)
	for _, c := range Companies() {
		day, month := map[string]bool{}, map[string]bool{}
		for e := range year.Generate(c) {
			if e.At.Before(monday.AddDate(0, 0, -27)) || !e.At.Before(monday.AddDate(0, 0, 1)) {
				continue
			}
			month[e.AnonymousID] = true
			if !e.At.Before(monday) {
				day[e.AnonymousID] = true
			}
		}
		if share := float64(len(day)) / float64(len(month)); share < 0.08 || share > 0.4 {
			t.Errorf("%s: DAU %d, MAU %d", c.Name, len(day), len(month))
		}
	}
}

// Nobody does things in an impossible order; a few have been there before the
// history, and a few come back after months.
func TestLives(t *testing.T) {
	for _, c := range Companies() {
		lives, seen := map[string]map[string]bool{}, map[string]time.Time{}
		old, back := 0, 0
		for e := range year.Generate(c) {
			who := e.UserID
			if who == "" {
				continue
			}
			if lives[who] == nil {
				lives[who], seen[who] = map[string]bool{"old hand": e.Type != "Signed Up"}, e.At
				if e.Type != "Signed Up" {
					old++
				}
			}
			if !possible(e.Type, lives[who]) {
				t.Fatalf("%s: %s by %s, who did %v", c.Name, e.Type, who, lives[who])
			}
			if e.At.Sub(seen[who]) > 45*24*time.Hour {
				back++
			}
			lives[who][e.Type], seen[who] = true, e.At
		}
		if old == 0 || old > len(lives)/8 || back < len(lives)/100 {
			t.Errorf("%s: of %d users %d never signed up, %d came back", c.Name, len(lives), old, back)
		}
	}
}

// possible tells whether somebody can do a thing after all that it did.
func possible(name string, did map[string]bool) bool {
	switch name {
	case "Signed Up":
		return len(did) == 1 && !did["old hand"]
	case "Checkout Failed", "Order Completed":
		return did["Checkout Started"]
	case "Subscription Started":
		return did["Checkout Started"] && (did["Trial Started"] || did["old hand"])
	case "Subscription Cancelled":
		return did["Subscription Started"] || did["old hand"]
	}
	return true
}

func TestHolidays(t *testing.T) {
	days := map[string]int{}
	for e := range year.Generate(Companies()[0]) {
		days[e.At.Format("01-02")]++
	}
	for holiday, ordinary := range map[string]string{"05-14": "05-07", "12-25": "12-11", "04-06": "04-13"} {
		if days[holiday]*3 > days[ordinary] {
			t.Errorf("%s has %d events, %s %d", holiday, days[holiday], ordinary, days[ordinary])
		}
	}
}

func TestEaster(t *testing.T) {
	for _, want := range []string{"2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2038-04-25"} {
		day, _ := time.Parse(time.DateOnly, want)
		if got := easter(day.Year()); !got.Equal(day) {
			t.Errorf("Easter %s, want %s", got, want)
		}
	}
}

// What a chart may be broken down by is there.
func TestProperties(t *testing.T) {
	everywhere := []string{"country", "browser", "os", "device", "app_version"}
	extra := map[string][]string{
		pageView: {"path", "title"}, "Signed Up": {"plan", "referrer", "method"},
		"Checkout Started": {"plan", "amount", "currency"}, "Checkout Failed": {"amount", "currency", "reason"},
		"Subscription Started": {"plan", "amount", "currency"}, "Order Completed": {"amount", "currency", "item"},
		"Feature Enabled": {"plan", "feature"}, "Search Performed": {"results"},
	}
	for _, c := range Companies() {
		plans, versions, campaigns := map[any]bool{}, map[any]bool{}, map[any]bool{}
		for e := range (Plan{Seed: 1, Events: 60_000, Until: november}).Generate(c) {
			props, context := parsed(t, e.Properties), parsed(t, e.Context)
			for _, name := range append(extra[e.Type], everywhere...) {
				if _, ok := props[name]; !ok {
					t.Fatalf("%s: %s without %s: %s", c.Name, e.Type, name, e.Properties)
				}
			}
			if page, _ := context["page"].(map[string]any); !strings.HasSuffix(page["url"].(string), page["path"].(string)) {
				t.Fatalf("%s: page %v", c.Name, page)
			}
			if context["library"] == nil || context["userAgent"] == nil || context["locale"] == nil {
				t.Fatalf("%s: context %s", c.Name, e.Context)
			}
			plans[props["plan"]], versions[props["app_version"]], campaigns[props["utm_campaign"]] = true, true, true
		}
		if len(plans) != 5 || len(versions) < 20 || len(campaigns) < 5 {
			t.Errorf("%s: plans %v, versions %v, campaigns %v", c.Name, plans, versions, campaigns)
		}
	}
}

func parsed(t *testing.T, raw json.RawMessage) (o map[string]any) {
	t.Helper()
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return o
}
