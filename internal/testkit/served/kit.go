// Package served gives tests a whole server on a database of its own, and tenants to tell stories
// about. Tests of services do without: what they need is in testkit, which knows nothing of the
// server, so that it need not be built for them.
package served

import (
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// Kit is a whole Tidemark, server and worker, on a database of its own.
type Kit struct {
	URL  string // http://127.0.0.1:port, or https:// if it has a certificate
	DB   string // the database's URL, of its owner
	Node *app.Node

	Statements *testkit.Statements // what the server asks of the database for tenants
	MailDir    string              // where mail goes
}

// Start runs a server and a worker until the test ends.
func Start(t testing.TB) *Kit {
	t.Helper()
	return StartOn(t, testkit.Database(t))
}

// StartOn is Start on a database that is there already, such as that of another kit. Changes are
// made to the configuration before.
func StartOn(t testing.TB, database string, changes ...func(*app.Config)) *Kit {
	t.Helper()
	statements := &testkit.Statements{}
	config := app.Config{
		MaxEventBytes: event.MaxEventBytes, MaxBatchBytes: event.MaxBatchBytes,
		Tracer: statements, DatabaseURL: database, RedisURL: testkit.Env(t, "REDIS_URL"), Listen: "127.0.0.1:0",
		Pool: 8, LogLevel: "warn", LogFormat: "text",
		Archive: "file://" + t.TempDir(), SecretKeys: testkit.SecretKeys(t),
		Limits: withoutRates(app.DefaultLimits()), Documents: "open", AnswerCache: 8, HistoryMemory: 64, Live: app.DefaultLive(),
		People: app.PeopleConfig{MailDir: t.TempDir(), MailFrom: "tidemark@example.com", AppURL: "http://app.example.com", AllowPrivate: true},
	}
	for _, change := range changes {
		change(&config)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", config.Listen)
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	config.Listen = listener.Addr().String()
	node, err := app.NewNode(t.Context(), config, logger())
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, part := range []func() error{
		func() error { return node.Serve(ctx, listener) },
		func() error { return node.Work(ctx) },
	} {
		running.Go(func() {
			if err := part(); err != nil {
				t.Errorf("testkit: the node failed: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		running.Wait()
		node.Close()
	})
	scheme := "http://"
	if config.TLSCert != "" {
		scheme = "https://"
	}
	return &Kit{URL: scheme + listener.Addr().String(), DB: database, Node: node, Statements: statements, MailDir: config.People.MailDir}
}

// withoutRates lets a story ask as fast as it can: what the rates are is told by stories of
// their own.
func withoutRates(c app.LimitsConfig) app.LimitsConfig {
	c.ReadRate, c.WriteRate = 0, 0
	return c
}

// logger writes warnings to standard error: they show where a test fails.
func logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Exec runs a statement as the database's owner does in psql, past row security.
func (k *Kit) Exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	k.asOwner(t, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement, args...)
		return err
	})
}

// Scan reads one row as the database's owner.
func (k *Kit) Scan(t testing.TB, statement string, args []any, into ...any) {
	t.Helper()
	k.asOwner(t, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, statement, args...).Scan(into...)
	})
}

func (k *Kit) asOwner(t testing.TB, do func(ctx context.Context, conn *pgx.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, k.DB)
	if err != nil {
		t.Fatalf("testkit: connect: %v", err)
	}
	defer conn.Close(ctx)
	if err := do(ctx, conn); err != nil {
		t.Fatalf("testkit: %v", err)
	}
}

// Tenant is a company of a story, with its keys.
type Tenant struct {
	ID        tenant.ID
	WriteKey  string
	ReadKey   string
	ManageKey string

	kit *Kit
}

// Tenant makes a tenant whose days are those of the zone.
func (k *Kit) Tenant(t testing.TB, name, zone string) *Tenant {
	t.Helper()
	worker := k.Node.Worker()
	id, err := access.CreateTenant(t.Context(), worker, name, zone, time.Monday)
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	made := &Tenant{ID: id, kit: k}
	if made.WriteKey, err = access.CreateKey(t.Context(), worker, id, access.WriteKey, "write"); err != nil {
		t.Fatalf("testkit: %v", err)
	}
	if made.ReadKey, err = access.CreateKey(t.Context(), worker, id, access.ReadKey, "read"); err != nil {
		t.Fatalf("testkit: %v", err)
	}
	if made.ManageKey, err = access.CreateKey(t.Context(), worker, id, access.ManageKey, "manage"); err != nil {
		t.Fatalf("testkit: %v", err)
	}
	return made
}
