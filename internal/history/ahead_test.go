package history_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
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
