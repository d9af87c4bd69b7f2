package demo

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// The same account has the same history, in order, and all that can happen happens to somebody.
func TestBillingIsAHistory(t *testing.T) {
	plan := Plan{Seed: 1, Until: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	happened := map[string]bool{}
	for i := range 2_000 {
		account := fmt.Sprint("acct-", i)
		seen := plan.Until.AddDate(0, 0, -i%365)
		standings, bills := plan.Billing(northwind.Company, account, seen)
		if again, same := plan.Billing(northwind.Company, account, seen); !reflect.DeepEqual(again, standings) || !reflect.DeepEqual(same, bills) {
			t.Fatalf("%s has two histories", account)
		}
		for n, s := range standings {
			if n > 0 && !s.At.After(standings[n-1].At) || !s.At.Before(plan.Until) || s.At.Before(seen) || s.Seats < 1 || s.Amount < 1 {
				t.Fatalf("%s: %+v after %+v", account, s, standings[max(n, 1)-1])
			}
			happened[s.Status], happened[s.Currency] = true, true
			if n > 0 && s.Status == "ACTIVE" && standings[n-1].Status == "CANCELED" {
				happened["back"] = true
			}
			if n > 0 && s.Seats > standings[n-1].Seats {
				happened["more"] = true
			}
		}
		for _, b := range bills {
			happened[fmt.Sprint("paid ", b.Paid)] = true
		}
	}
	for _, what := range []string{"TRIALING", "ACTIVE", "CANCELED", "EUR", "USD", "GBP", "back", "more", "paid true", "paid false"} {
		if !happened[what] {
			t.Errorf("nobody's history has %s", what)
		}
	}
	if rates := plan.Rates(); len(rates) < 100 || !rates[0].Day.Before(plan.Until.AddDate(-1, 0, 0)) {
		t.Errorf("there are %d rates", len(rates))
	}
}
