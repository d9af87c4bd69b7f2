package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// within bounds every wait of these tests.
const within = 10 * time.Second

// house is a database, with the product's ways in and the owner's.
type house struct {
	app    *postgres.App
	worker *postgres.Worker
	owner  *pgx.Conn
}

func newHouse(t *testing.T) house {
	t.Helper()
	url := testkit.Database(t)
	app, err := postgres.OpenApp(t.Context(), url, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	worker, err := postgres.OpenWorker(t.Context(), url, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(worker.Close)
	owner, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.WithoutCancel(t.Context())) })
	return house{app, worker, owner}
}

func (h house) tenant(t *testing.T, name string) tenant.ID {
	t.Helper()
	id, err := access.CreateTenant(t.Context(), h.worker, name, "UTC", time.Monday)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (h house) key(t *testing.T, id tenant.ID, kind access.Kind, name string) string {
	t.Helper()
	key, err := access.CreateKey(t.Context(), h.worker, id, kind, name)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// revoke ends a tenant's keys of a name, of which there must be so many.
func (h house) revoke(t *testing.T, id tenant.ID, name string, want int64) {
	t.Helper()
	if n, err := access.RevokeKeys(t.Context(), h.worker, id, name); err != nil || n != want {
		t.Fatalf("revoked %d keys, %v; want %d", n, err, want)
	}
}

func (h house) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := h.owner.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%s did not come about within %v", what, within)
		}
	}
}
