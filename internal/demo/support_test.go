package demo

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// The same account has asked the same, in order, and all that can happen happens to somebody.
func TestTicketsAreAHistory(t *testing.T) {
	plan := Plan{Seed: 1, Until: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	happened, asked := map[string]bool{}, 0
	const accounts = 4_000
	for i := range accounts {
		account := fmt.Sprint("acct-", i)
		seen := plan.Until.AddDate(0, 0, -i%365)
		list := plan.Tickets(northwind.Company, account, "u1", seen)
		if again := plan.Tickets(northwind.Company, account, "u1", seen); !reflect.DeepEqual(again, list) {
			t.Fatalf("%s asked two things", account)
		}
		if len(list) > 0 {
			asked++
		}
		for _, k := range list {
			after := func(at time.Time) bool { return at.IsZero() || !at.Before(k.OpenedAt) && at.Before(plan.Until) }
			if k.OpenedAt.Before(seen) || !after(k.OpenedAt) || !after(k.RepliedAt) || !after(k.SolvedAt) || !after(k.UpdatedAt) {
				t.Fatalf("%s: %+v", account, k)
			}
			happened[k.Status], happened[k.Rating], happened[k.Priority], happened[k.Channel] = true, true, true, true
		}
	}
	if asked < accounts/(asking+2) || asked > accounts/(asking-2) {
		t.Errorf("%d of %d accounts asked", asked, accounts)
	}
	for _, what := range []string{"OPEN", "PENDING", "ON_HOLD", "SOLVED", "CLOSED", "GOOD", "BAD", "URGENT", "chat"} {
		if !happened[what] {
			t.Errorf("no ticket is %s", what)
		}
	}
}
