package customer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// seeing is somebody who may read what meets conditions, and nothing else.
func seeing(t testkit.Failer, id tenant.ID, conditions access.Conditions) context.Context {
	t.Helper()
	rows, err := access.NewRows(conditions)
	if err != nil {
		t.Fatal(err)
	}
	return access.With(context.Background(), access.Principal{
		Tenant: id, ID: uuid.UUID{8}, Kind: access.MemberKind, Rows: rows, Permissions: access.Of(access.Read, access.ReadPII),
	})
}

var regions = []any{"EU", "US", 1, 1.5, true, nil, map[string]any{"EU": 1}, []any{"EU"}, `"`, "EU'"}

func drawSayings(t *rapid.T) []event.Incoming {
	sayings := make([]event.Incoming, rapid.IntRange(1, 25).Draw(t, "sayings"))
	for i := range sayings {
		traits, err := json.Marshal(map[string]any{"region": rapid.SampledFrom(regions).Draw(t, "region")})
		if err != nil {
			t.Fatal(err)
		}
		e := event.Incoming{MessageID: fmt.Sprint("m", i), Timestamp: start.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "at")) * time.Minute)}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			e.Type, e.Traits = event.Identify, traits
		case 1:
			e.Type, e.TraitsOnce = event.Identify, traits
		case 2:
			e.Type, e.Traits, e.GroupID = event.Group, traits, rapid.SampledFrom([]string{"a1", "a2"}).Draw(t, "group")
		}
		e.UserID = rapid.SampledFrom(append([]string{""}, users...)).Draw(t, "user")
		e.AnonymousID = rapid.SampledFrom(gear).Draw(t, "device")
		sayings[i] = e
	}
	return sayings
}

// Who is seen by a condition on a trait is who has it by all that is known of them, under any
// of their ids; and of somebody who is not seen nothing is, whichever way they are asked for.
func TestASeenPersonHasTheTraitByAllTheirIds(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		id := h.Tenant(t, "UTC")
		h.send(t, id, drawSayings(t)...)
		value := rapid.SampledFrom([]any{"EU", "US", 1, 1.5, true, `"`, "EU'"}).Draw(t, "value")
		region := []access.Condition{{Trait: "region", In: []any{value}}}
		both := seeing(t, id, access.Conditions{People: region, Accounts: region})
		h.compareSeen(t, id, both, value)
		for name, ctx := range map[string]context.Context{
			"people": seeing(t, id, access.Conditions{Accounts: region}), "accounts": seeing(t, id, access.Conditions{People: region}),
		} {
			persons, accounts := h.everybody(t, id, ctx)
			if name == "people" && len(persons) > 0 || name == "accounts" && len(accounts) > 0 {
				t.Errorf("without a condition on %s, %v and %v are seen", name, persons, accounts)
			}
		}
	})
}

// everybody lists the traits of all persons and accounts that a caller sees, by number.
func (h *house) everybody(t testkit.Failer, id tenant.ID, ctx context.Context) (persons, accounts map[int64]customer.Traits) {
	t.Helper()
	identities, numbers := h.numbers(t, id, "identity"), h.numbers(t, id, "account")
	people, err := h.people.Persons(ctx, identities)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[int64]bool{}
	for _, p := range people {
		ids[p.ID] = true
	}
	if persons, err = h.people.PersonTraits(ctx, slices.Collect(maps.Keys(ids))); err != nil {
		t.Fatal(err)
	}
	for p := range ids { // of whom nothing was said
		if persons[p] == nil {
			persons[p] = customer.Traits{}
		}
	}
	seen, err := h.people.Accounts(ctx, numbers)
	if err != nil {
		t.Fatal(err)
	}
	if accounts, err = h.people.AccountTraits(ctx, slices.Collect(maps.Keys(seen))); err != nil {
		t.Fatal(err)
	}
	return persons, accounts
}

// numbers lists a tenant's identities or accounts, whoever may see them.
func (h *house) numbers(t testkit.Failer, id tenant.ID, table string) (numbers []int64) {
	t.Helper()
	err := h.Worker.InTx(context.Background(), func(tx pgx.Tx) error {
		rows, err := tx.Query(context.Background(), "select "+table+"_id from "+table+" where tenant_id = $1", id)
		if err != nil {
			return err
		}
		numbers, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return numbers
}

func (h *house) compareSeen(t *rapid.T, id tenant.ID, ctx context.Context, value any) {
	want, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	hidden := func(_ int64, traits customer.Traits) bool { return string(traits["region"]) != string(want) }
	allPersons, allAccounts := h.everybody(t, id, as(id))
	persons, accounts := h.everybody(t, id, ctx)
	every := slices.Collect(maps.Keys(allPersons))
	maps.DeleteFunc(allPersons, hidden)
	maps.DeleteFunc(allAccounts, hidden)
	if diff := gocmp.Diff(allPersons, persons); diff != "" {
		t.Errorf("persons with region %s (-want +got):\n%s", want, diff)
	}
	if diff := gocmp.Diff(allAccounts, accounts); diff != "" {
		t.Errorf("accounts with region %s (-want +got):\n%s", want, diff)
	}
	h.wantOthersHidden(t, ctx, every, persons, accounts)
}

// wantOthersHidden asks for the lists of everybody, and wants those of who is seen alone.
func (h *house) wantOthersHidden(t *rapid.T, ctx context.Context, every []int64, persons, accounts map[int64]customer.Traits) {
	t.Helper()
	identities, err1 := h.people.IdentityPages(ctx, every, 100, 0)
	histories, err2 := h.people.PersonHistories(ctx, every, 100, customer.Moment{})
	names, err3 := h.people.UserIDs(ctx, every)
	belongs, err4 := h.people.AccountPages(ctx, every, 100, 0)
	members, err5 := h.people.MemberPages(ctx, slices.Collect(maps.Keys(accounts)), 100, 0)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range every {
		if _, seen := persons[p]; !seen && len(identities[p].Items)+len(histories[p].Items)+len(names[p])+len(belongs[p].Items) > 0 {
			t.Errorf("person %d is not seen, and something of them is", p)
		} else if seen && len(identities[p].Items) == 0 {
			t.Errorf("person %d is seen without an id", p)
		}
		for _, a := range belongs[p].Items {
			if _, seen := accounts[a.ID]; !seen {
				t.Errorf("account %d is shown of person %d", a.ID, p)
			}
		}
	}
	for a, page := range members {
		for _, m := range page.Items {
			if _, seen := persons[m.ID]; !seen {
				t.Errorf("person %d is shown of account %d", m.ID, a)
			}
		}
	}
}
