package tail_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/tail"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Servers store at the same time, connections of the database are cut, readers come and go: what
// was told and what was left out are what was stored, each once and in the same order.
func TestNothingIsMissedOrTwice(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "Europe/Berlin"), h.Tenant(t, "UTC")
	quick, slow := h.follow(t, acme, tail.Query{}), h.follow(t, acme, tail.Query{Rate: 7})
	const servers, batches = 3, 25
	var writing, rest sync.WaitGroup
	for server := range servers {
		w := h.newWriter(t)
		writing.Go(func() {
			for n := range batches {
				h.insist(t, w, acme, someBatch(t, fmt.Sprint(server, " ", n)))
				h.insist(t, w, globex, someBatch(t, fmt.Sprint(server, " ", n)))
			}
		})
	}
	over := make(chan struct{})
	go func() { writing.Wait(); close(over) }()
	rest.Go(func() { h.cut(t, over) })
	for quick.some(over, 1+rand.IntN(5)) {
		quick.leave()
		quick = h.goOn(t, acme, quick)
	}
	rest.Wait()
	h.streams.Gap()
	rows, err := h.Owner.Query(t.Context(), "select message_id from event where tenant_id = $1 order by event_id", acme)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var stored []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		stored = append(stored, id)
	}
	quick.until(t, len(stored))
	slow.until(t, len(stored))
	if quick.skipped != 0 {
		t.Errorf("%d were left out of what is within the rate", quick.skipped)
	}
	if len(slow.told) == 0 || slow.skipped == 0 {
		t.Errorf("of %d, a slow stream has told %d", len(stored), len(slow.told))
	}
	wantWithin(t, "all", quick.ids(), stored)
	wantWithin(t, "a sample", slow.ids(), stored)
}

// some reads so many batches; false: it was over before.
func (r *reader) some(over <-chan struct{}, n int) bool {
	for range n {
		select {
		case b := <-r.batches:
			r.note(b)
		case <-over:
			return false
		}
	}
	return true
}

// wantWithin tells whether what was told is part of what was stored, in its order.
func wantWithin(t *testing.T, what string, told, stored []string) {
	t.Helper()
	at := 0
	for _, id := range told {
		for at < len(stored) && stored[at] != id {
			at++
		}
		if at == len(stored) {
			t.Fatalf("%s: %s is not in its place, or is told again", what, id)
		}
		at++
	}
}

// someBatch are up to twenty events of the last two months.
func someBatch(t *testing.T, name string) []event.Item {
	items := make([]event.Item, 1+rand.IntN(20))
	for i := range items {
		items[i] = did(fmt.Sprint(name, " ", i), "E", "u", rand.IntN(24*60))
		if problem := items[i].Check(); problem != nil {
			t.Error(problem)
		}
	}
	return items
}

// insist stores a batch, however often that fails.
func (h *house) insist(t *testing.T, w *event.Writer, id tenant.ID, items []event.Item) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var err error
	for ctx.Err() == nil {
		if _, err = w.Append(ctx, id, "site", items); err == nil {
			h.streams.Changed(id)
			return
		}
	}
	t.Errorf("a batch could not be stored: %v", err)
}

// cut ends connections of the servers, one after the other, until all is over.
func (h *house) cut(t *testing.T, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(50 * time.Millisecond):
			h.Exec(t, `select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and application_name = 'tidemark' order by random() limit 1`)
		}
	}
}

// goOn reads on behind what a reader has, however often it fails to begin.
func (h *house) goOn(t *testing.T, id tenant.ID, r *reader) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(as(t.Context(), id))
	t.Cleanup(cancel)
	for end := time.Now().Add(within); time.Now().Before(end); {
		if batches, err := h.streams.Follow(ctx, tail.Query{Rate: 1000, After: &r.cursor}); err == nil {
			return &reader{batches: batches, leave: cancel, cursor: r.cursor, told: r.told, skipped: r.skipped}
		}
	}
	t.Fatal("the stream could not go on")
	return nil
}
