package identity_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// house is a database with the product's ways in.
type house struct{ *testkit.House }

func newHouse(t *testing.T) *house {
	t.Helper()
	return &house{testkit.NewHouse(t)}
}

// in runs a transaction of a tenant.
func (h *house) in(t testkit.Failer, id tenant.ID, do func(ctx context.Context, tx pgx.Tx) error) {
	t.Helper()
	ctx := context.Background()
	if err := h.App.InTenant(ctx, id, func(tx pgx.Tx) error { return do(ctx, tx) }); err != nil {
		t.Fatal(err)
	}
}

var utc = func() calendar.Zone {
	zone, err := calendar.LoadZone("UTC")
	if err != nil {
		panic(err)
	}
	return zone
}()

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// at is so many minutes after noon.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// key is the n-th message's.
func key(n int) uuid.UUID { return uuid.UUID{byte(n >> 8), byte(n)} }

// see brings sightings in, one transaction each.
func (h *house) see(t testkit.Failer, id tenant.ID, all ...func(*identity.Sightings)) {
	t.Helper()
	for _, note := range all {
		h.in(t, id, func(ctx context.Context, tx pgx.Tx) error {
			s := identity.NewSightings(utc)
			note(s)
			_, err := s.Resolve(ctx, tx)
			return err
		})
	}
}

// person tells whose an id is, by the user or device at the root.
func (h *house) person(t testkit.Failer, id tenant.ID, k identity.Key) (root string) {
	t.Helper()
	h.in(t, id, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select case when p.anonymous then 'device ' else '' end || p.distinct_id
			from identity i join identity p on p.identity_id = i.person_id
			where i.anonymous = $1 and i.distinct_id = $2`, k.Anonymous, k.Distinct).Scan(&root)
	})
	return root
}

// born tells when each person was, by the root; those never active are left out.
func (h *house) born(t testkit.Failer, id tenant.ID) map[string]time.Time {
	t.Helper()
	found := map[string]time.Time{}
	h.in(t, id, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select case when anonymous then 'device ' else '' end || distinct_id, born_at
			from identity where born_at is not null`)
		if err != nil {
			return err
		}
		var name string
		var when time.Time
		_, err = pgx.ForEachRow(rows, []any{&name, &when}, func() error {
			found[name] = when.UTC()
			return nil
		})
		return err
	})
	return found
}
