package audit_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// house is a database, with the product's ways in and the owner's.
type house struct {
	app    *postgres.App
	access *postgres.Access
	worker *postgres.Worker
	owner  *pgx.Conn
}

func newHouse(t *testing.T) house {
	t.Helper()
	url := testkit.Database(t)
	app, err := postgres.OpenApp(t.Context(), url, 8, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	signIn, err := postgres.OpenAccess(t.Context(), url, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(signIn.Close)
	worker, err := postgres.OpenWorker(t.Context(), url, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(worker.Close)
	owner, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.WithoutCancel(t.Context())) })
	return house{app, signIn, worker, owner}
}

func (h house) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := h.owner.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// acme and globex are companies; the log asks for no more of them than their ids.
var (
	acme   = tenant.ID{1}
	globex = tenant.ID{2}
)
