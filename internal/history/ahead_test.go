package history_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// Histories that are in use follow what is done before anybody asks again, be it told or missed;
// those that nobody asked for are not read.
func TestHistoriesFollowBeforeAnybodyAsks(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	opened := func(id string) event.Incoming {
		return event.Incoming{MessageID: id, Type: "Opened", UserID: "ann", Timestamp: start}
	}
	h.append(t, acme, []event.Incoming{opened("m1")})
	h.append(t, globex, []event.Incoming{opened("m1")})
	if err := h.store.Ready(t.Context(), access.Principal{Tenant: acme}); err != nil {
		t.Fatal(err)
	}
	testkit.Run(t, func(ctx context.Context) error { return h.store.Run(ctx, slog.New(slog.DiscardHandler)) })
	for name, tell := range map[string]func(){
		"told":   func() { h.store.Changed(acme); h.store.Changed(globex) },
		"missed": h.store.Gap,
	} {
		before := h.store.Revision(acme)
		h.append(t, acme, []event.Incoming{opened(name)})
		tell()
		look := time.NewTicker(10 * time.Millisecond)
		late := time.After(time.Minute)
		for h.store.Revision(acme) <= before {
			select {
			case <-look.C:
			case <-late:
				t.Fatalf("%s: the histories stay as they were", name)
			}
		}
		look.Stop()
	}
	if n := h.store.Revision(globex); n != 0 {
		t.Errorf("histories that nobody asked for are there, at revision %d", n)
	}
}

// What waited in a log or in quarantine was received long before others that were stored earlier.
func TestEventsThatWaitedAreFound(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	who := access.Principal{Tenant: acme}
	for n := range 3 {
		h.append(t, acme, []event.Incoming{{MessageID: string(rune('a' + n)), Type: "Opened", UserID: "ann", Timestamp: start}})
		h.Exec(t, `update event set received_at = received_at - $1 * interval '1 day' where tenant_id = $2 and message_id = $3`, n, acme, string(rune('a'+n)))
		if err := h.store.Ready(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		rows := 0
		err := h.App.Read(t.Context(), acme, func(tx pgx.Tx) error {
			return h.store.Read(t.Context(), tx, who, history.Persons, nil, func(c *history.Columns) error {
				rows = c.Rows()
				return nil
			})
		})
		if err != nil || rows != n+1 {
			t.Errorf("%d events are kept, want %d: %v", rows, n+1, err)
		}
	}
}
