package history_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

type house struct {
	*testkit.House
	writer *event.Writer
	people *customer.Service
	eraser *customer.Eraser
	store  *history.Store
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := testkit.NewHouse(t)
	writer := event.NewWriter(h.App, event.WriterOptions{Linger: time.Microsecond})
	testkit.Run(t, writer.Run)
	store := history.NewStore(h.App, 1<<20)
	t.Cleanup(store.Close)
	return &house{h, writer, customer.NewService(h.App), customer.NewEraser(h.Worker), store}
}

var plan = history.Source{Kind: "PROPERTY", Path: `strict $."plan"`}

func (h *house) append(t testkit.Failer, id tenant.ID, events []event.Incoming) {
	t.Helper()
	items := make([]event.Item, len(events))
	for i, e := range events {
		items[i].Incoming = e
		if problem := items[i].Check(); problem != nil {
			t.Fatal(problem)
		}
	}
	if _, err := h.writer.Append(context.Background(), id, "default", items); err != nil {
		t.Fatal(err)
	}
}

// ready has the histories there. Where something was taken away, that is found by reading first.
func (h *house) ready(t *rapid.T, who access.Principal) {
	for {
		if err := h.store.Ready(context.Background(), who); err != nil {
			t.Fatal(err)
		}
		err := h.App.Read(context.Background(), who.Tenant, func(tx pgx.Tx) error {
			return h.store.Read(context.Background(), tx, who, history.Persons, nil, func(*history.Columns) error { return nil })
		})
		if err == nil {
			return
		}
		if !errors.Is(err, history.ErrAway) {
			t.Fatal(err)
		}
	}
}

// same holds what is kept against what is there.
func (h *house) same(t *rapid.T, who access.Principal) {
	h.ready(t, who)
	for _, unit := range []history.Unit{history.Persons, history.Accounts} {
		need := history.Need{Source: plan}
		err := h.App.Read(context.Background(), who.Tenant, func(tx pgx.Tx) error {
			var kept string
			err := h.store.Read(context.Background(), tx, who, unit, []history.Need{need}, func(c *history.Columns) error {
				kept = c.Dump(unit, plan)
				return nil
			})
			if err != nil {
				return err
			}
			fresh, err := history.Fresh(context.Background(), tx)
			if err != nil {
				return err
			}
			if err := history.Fill(context.Background(), tx, fresh, need); err != nil {
				return err
			}
			if want := fresh.Dump(unit, plan); kept != want {
				t.Fatalf("kept of %d:\n%s\nwant\n%s", unit, kept, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func drawEvents(t *rapid.T, from int) []event.Incoming {
	events := make([]event.Incoming, rapid.IntRange(1, 8).Draw(t, "events"))
	for i := range events {
		properties, _ := json.Marshal(map[string]any{"plan": rapid.SampledFrom([]any{nil, "pro", 1, []string{"x"}}).Draw(t, "plan")})
		events[i] = event.Incoming{
			MessageID: fmt.Sprintf("m%d", from+i), Type: rapid.SampledFrom([]string{"Opened", "Paid", event.Identify}).Draw(t, "type"),
			Timestamp:  start.Add(time.Duration(rapid.IntRange(0, 60*24).Draw(t, "at")) * time.Hour),
			UserID:     rapid.SampledFrom([]string{"", "ann", "ben", "cem"}).Draw(t, "user"),
			GroupID:    rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "account"),
			Properties: properties,
		}
		if events[i].AnonymousID = rapid.SampledFrom([]string{"", "phone", "tablet"}).Draw(t, "device"); events[i].UserID == "" && events[i].AnonymousID == "" {
			events[i].AnonymousID = "null"
		}
	}
	return events
}

// Whatever comes, late, or corrects who is who, what is kept is what is there: after each step,
// or after several, and after the rows were sorted again.
func TestHistoriesAreWhatIsThere(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(rt *rapid.T) {
		id := h.Tenant(rt, rapid.SampledFrom([]string{"UTC", "Asia/Kathmandu"}).Draw(rt, "zone"))
		who := access.Principal{Tenant: id, ID: uuid.UUID{7}, Kind: access.ManageKey, Permissions: access.ManageKey.Permissions()}
		ctx := access.With(context.Background(), who)
		var merges []customer.Merge
		for step := range rapid.IntRange(1, 8).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"events", "events", "events", "merge", "undo", "detach", "erase", "sort"}).Draw(rt, "step") {
			case "events":
				h.append(rt, id, drawEvents(rt, 100*step))
			case "merge":
				if m, err := h.merge(ctx, rapid.Permutation([]string{"ann", "ben", "cem"}).Draw(rt, "who")); err == nil {
					merges = append(merges, m)
				}
			case "undo":
				if len(merges) > 0 {
					_, _ = h.people.Undo(ctx, merges[len(merges)-1].ID)
				}
			case "detach":
				phone := h.Number(t, "select coalesce(max(identity_id), 0) from identity where tenant_id = $1 and distinct_id = 'phone'", id)
				_, _ = h.people.Detach(ctx, int64(phone), "another's")
			case "erase":
				if p, err := h.people.FindPerson(ctx, new("cem"), nil); err == nil && p != nil {
					if _, err := h.people.Erase(ctx, p.ID, "asked for"); err == nil {
						if err := h.eraser.Erase(context.Background()); err != nil {
							rt.Fatal(err)
						}
					}
				}
			case "sort":
				h.sort(rt, who)
			}
			if rapid.Bool().Draw(rt, "look") {
				h.same(rt, who)
			}
		}
		h.same(rt, who)
	})
}

func (h *house) merge(ctx context.Context, users []string) (customer.Merge, error) {
	from, err := h.people.FindPerson(ctx, &users[0], nil)
	if err != nil {
		return customer.Merge{}, err
	}
	into, err := h.people.FindPerson(ctx, &users[1], nil)
	if err != nil {
		return customer.Merge{}, err
	}
	if from == nil || into == nil {
		return customer.Merge{}, context.Canceled
	}
	return h.people.Merge(ctx, from.ID, into.ID, "one person")
}

func (h *house) sort(t *rapid.T, who access.Principal) {
	h.ready(t, who)
	err := h.App.Read(context.Background(), who.Tenant, func(tx pgx.Tx) error {
		return h.store.Read(context.Background(), tx, who, history.Accounts, nil, func(c *history.Columns) error {
			c.Sort()
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A tenant that makes no room for itself is told so, and the one asked for last stays.
func TestTheStoreIsBounded(t *testing.T) {
	h := newHouse(t)
	small := history.NewStore(h.App, 40*3) // three events
	t.Cleanup(small.Close)
	read := func(id tenant.ID) (rows int, err error) {
		if err := small.Ready(t.Context(), access.Principal{Tenant: id}); err != nil {
			return 0, err
		}
		err = h.App.Read(t.Context(), id, func(tx pgx.Tx) error {
			return small.Read(t.Context(), tx, access.Principal{Tenant: id}, history.Persons, nil, func(c *history.Columns) error {
				rows = c.Rows()
				return nil
			})
		})
		return rows, err
	}
	of := func(n int) tenant.ID {
		id := h.Tenant(t, "UTC")
		for i := range n {
			h.append(t, id, []event.Incoming{{MessageID: fmt.Sprint(i), Type: "Opened", UserID: "ann", Timestamp: start}})
		}
		return id
	}
	one, two, many := of(2), of(3), of(4)
	for _, id := range []tenant.ID{one, two, one} {
		if n, err := read(id); err != nil || n == 0 {
			t.Errorf("got %d rows, %v", n, err)
		}
	}
	if _, err := read(many); err == nil {
		t.Error("four events where three have room")
	}
}
