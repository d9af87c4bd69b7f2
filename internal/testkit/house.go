package testkit

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// House is a database with the product's ways in and the owner's, past row security: for tests
// of services, without a server.
type House struct {
	URL    string // of the database, of its owner
	App    *postgres.App
	Worker *postgres.Worker
	Owner  *pgxpool.Pool
}

// How many connections a house has of each kind at most.
const (
	appConns    = 6
	workerConns = 4
)

// NewHouse makes a database, and opens it until the test ends.
func NewHouse(t testing.TB) *House {
	t.Helper()
	h := &House{URL: Database(t)}
	h.App = h.AnotherApp(t, nil)
	var err error
	if h.Worker, err = postgres.OpenWorker(t.Context(), h.URL, workerConns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Worker.Close)
	if h.Owner, err = pgxpool.New(t.Context(), h.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Owner.Close)
	return h
}

// AnotherApp opens the database as another server would.
func (h *House) AnotherApp(t testing.TB, tracer pgx.QueryTracer) *postgres.App {
	t.Helper()
	app, err := postgres.OpenApp(t.Context(), h.URL, appConns, tracer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	return app
}

// Failer is what testing.T and rapid.T have in common.
type Failer interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

// Tenant makes a company whose days begin in a zone, and whose weeks begin on Monday.
func (h *House) Tenant(t Failer, zone string) tenant.ID {
	t.Helper()
	id, err := access.CreateTenant(context.Background(), h.Worker, "Somebody", zone, time.Monday)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Exec runs a statement as the owner.
func (h *House) Exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := h.Owner.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// Number reads one number as the owner.
func (h *House) Number(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	if err := h.Owner.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Run runs a part of the product until stop is called, which may be again, or the test ends.
// The test fails if the part does.
func Run(t testing.TB, part func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := part(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}
