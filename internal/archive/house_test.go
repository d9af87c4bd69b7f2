package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// house is a database with an archive in a folder of its own.
type house struct {
	*testkit.House
	store *faulty
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return &house{testkit.NewHouse(t), &faulty{Store: folder(t)}}
}

func folder(t *testing.T) archive.Store {
	t.Helper()
	location, err := archive.ParseLocation("file://" + t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store, err := location.Open()
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// archive makes an archive on the house's store, of small parts.
func (h *house) archive(t *testing.T) *archive.Archive {
	t.Helper()
	return archive.New(h.Worker, h.store, slog.New(slog.DiscardHandler), archive.Options{PartEvents: 7, PageEvents: 3, TempDir: t.TempDir()})
}

// tenant makes one that keeps so many months; 0: all.
func (h *house) tenant(t *testing.T, months int) tenant.ID {
	t.Helper()
	id := h.Tenant(t, "Europe/Berlin")
	if months > 0 {
		if err := access.SetEventRetention(t.Context(), h.Worker, id, &months); err != nil {
			t.Fatal(err)
		}
	}
	return id
}

func (h *house) tenantRow(t *testing.T, id tenant.ID) dbsqlc.TenantListRow {
	t.Helper()
	all, err := access.Tenants(t.Context(), h.Worker)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		if row.TenantID == id {
			return row
		}
	}
	t.Fatal("there is no such tenant")
	return dbsqlc.TenantListRow{}
}

func (h *house) run(t *testing.T, id tenant.ID) error {
	t.Helper()
	return h.archive(t).Run(t.Context(), h.tenantRow(t, id), func(int) {})
}

func (h *house) mustRun(t *testing.T, id tenant.ID) {
	t.Helper()
	if err := h.run(t, id); err != nil {
		t.Fatal(err)
	}
}

func (h *house) restore(t *testing.T, id tenant.ID, month time.Time) int64 {
	t.Helper()
	n, err := h.archive(t).Restore(t.Context(), archive.Restore{Tenant: id, From: month, To: month.AddDate(0, 0, 3), Keep: time.Hour}, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// awaitGone waits until the database has noticed that whoever was killed is gone.
func (h *house) awaitGone(t *testing.T, id tenant.ID) {
	t.Helper()
	h.Exec(t, "select pg_advisory_xact_lock(hashtextextended('tidemark_archive/' || $1::text, 0))", id.String())
}

// month is the first instant of the month so many months ago, by the database's clock.
func (h *house) month(t *testing.T, ago int) (at time.Time) {
	t.Helper()
	err := h.Owner.QueryRow(t.Context(), `select (date_trunc('month', now() at time zone 'UTC') - make_interval(months => $1)) at time zone 'UTC'`, ago).Scan(&at)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// happened puts so many events into a month, past the writer.
func (h *house) happened(t *testing.T, id tenant.ID, month time.Time, events int) {
	t.Helper()
	h.Exec(t, "select event_partition_ensure($1)", month)
	h.Exec(t, `
		insert into event (tenant_id, occurred_at, type, identity_id, user_id, source, message_id, properties, context)
		select $1, $2::timestamptz + n * interval '1 hour', 'E' || n % 3, 1 + n % 4, 'u' || n % 4, 'default', 'm' || n, jsonb_build_object('n', n), '{}'
		from generate_series(1, $3) n`, id, month, events)
}

// events is all that the database has of a tenant's events, each as text.
func (h *house) events(t *testing.T, id tenant.ID) []string {
	t.Helper()
	rows, err := h.Owner.Query(t.Context(), "select e::text from event e where tenant_id = $1 order by occurred_at, event_id", id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// wantWhole holds what is left of a tenant, database and archive together, against what
// there was: nothing is lost, nothing is twice, and no object is there without its part.
func (h *house) wantWhole(t *testing.T, id tenant.ID, want []string) {
	t.Helper()
	for _, p := range h.parts(t, id) {
		if p.State != dbsqlc.ArchiveStateDropped {
			t.Errorf("%s is %s", p.Path, p.State)
		}
	}
	h.wantObjects(t)
	if damage, err := h.archive(t).Verify(t.Context(), id, func(int, int) {}); err != nil || len(damage) > 0 {
		t.Errorf("verify: %v, %v", damage, err)
	}
	a := h.archive(t)
	_, err := a.Restore(t.Context(), archive.Restore{Tenant: id, From: event.Earliest, To: time.Now().AddDate(1, 0, 0), Keep: time.Hour}, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, h.events(t, id)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// wantObjects compares the store with the manifest.
func (h *house) wantObjects(t *testing.T) {
	t.Helper()
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	parts := h.Number(t, "select count(*) from archive_part")
	if len(h.store.there) != parts || h.Number(t, "select count(*) from archive_part where state = 'discarded'") > 0 {
		t.Errorf("%d objects of %d parts", len(h.store.there), parts)
	}
}

func (h *house) parts(t *testing.T, id tenant.ID) []archive.Part {
	t.Helper()
	parts, err := h.archive(t).Parts(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

var errInjected = errors.New("injected")

// faulty is a store that fails where it is told to.
type faulty struct {
	archive.Store
	mu     sync.Mutex
	calls  int
	there  map[string]bool
	before func(call int, what, path string) error // may fail the call
	after  func(call int, what, path string) error // may fail it once it is done
	spoil  func(path string, content []byte) []byte
}

func (f *faulty) around(what, path string, do func() error) error {
	f.mu.Lock()
	f.calls++
	call, before, after := f.calls, f.before, f.after
	f.mu.Unlock()
	if before != nil {
		if err := before(call, what, path); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if after != nil {
		return after(call, what, path)
	}
	return nil
}

func (f *faulty) Put(ctx context.Context, path string, content *io.SectionReader) error {
	return f.around("put", path, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.there == nil {
			f.there = map[string]bool{}
		}
		if f.there[path] {
			return fmt.Errorf("%s is written twice", path)
		}
		f.there[path] = true
		return f.Store.Put(ctx, path, content)
	})
}

func (f *faulty) Get(ctx context.Context, path string) (object io.ReadCloser, err error) {
	err = f.around("get", path, func() error {
		object, err = f.Store.Get(ctx, path)
		return err
	})
	if err != nil || f.spoil == nil {
		return object, err
	}
	defer object.Close()
	content, err := io.ReadAll(object)
	return io.NopCloser(bytes.NewReader(f.spoil(path, content))), err
}

func (f *faulty) Remove(ctx context.Context, path string) error {
	return f.around("remove", path, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.there, path)
		return f.Store.Remove(ctx, path)
	})
}
