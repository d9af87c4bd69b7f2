// Package testkit gives tests a database of their own, and the product's ways into it. It needs a
// real PostgreSQL and a real Redis, and fails loudly without.
package testkit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/migrations"
)

// setupWithin bounds making or dropping a database.
const setupWithin = time.Minute

// How to get what is missing.
const hint = "run the tests by `make test`, or by `go run ./internal/sandbox go test ./...`"

var databases atomic.Int64

// Database makes a migrated database for the test, and drops it at the end. It returns
// its URL, of a login that owns it.
func Database(t testing.TB) string {
	t.Helper()
	server := Env(t, "DATABASE_URL")
	ctx, cancel := context.WithTimeout(t.Context(), setupWithin)
	defer cancel()
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("testkit: connect to PostgreSQL: %v; %s", err, hint)
	}
	defer admin.Close(ctx)
	template, err := ensureTemplate(ctx, admin, server)
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), databases.Add(1))
	if _, err := admin.Exec(ctx, fmt.Sprintf("create database %s template %s", name, template)); err != nil {
		t.Fatalf("testkit: create database: %v", err)
	}
	t.Cleanup(func() { drop(t, server, name) })
	return withDatabase(t, server, name)
}

// Env gives an environment variable that names a service, and fails the test without it.
func Env(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("testkit: %s is not set: %s", name, hint)
	}
	return value
}

// ensureTemplate makes the migrated database that others are copied from. Its name tells
// which migrations it has; test processes that run at once wait for one of them to make it.
func ensureTemplate(ctx context.Context, admin *pgx.Conn, server string) (string, error) {
	name, err := templateName()
	if err != nil {
		return "", err
	}
	if _, err := admin.Exec(ctx, "select pg_advisory_lock(hashtext('testkit'))"); err != nil {
		return "", fmt.Errorf("lock: %w", err)
	}
	defer admin.Exec(ctx, "select pg_advisory_unlock(hashtext('testkit'))") //nolint:errcheck // it goes with the session
	var done bool
	if err := admin.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&done); err != nil {
		return "", fmt.Errorf("look for template: %w", err)
	}
	if done {
		return name, nil
	}
	unfinished := name + "_new"
	for _, statement := range []string{"drop database if exists " + unfinished, "create database " + unfinished} {
		if _, err := admin.Exec(ctx, statement); err != nil {
			return "", fmt.Errorf("make template: %w", err)
		}
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("parse DATABASE_URL: %w", err)
	}
	u.Path = "/" + unfinished
	if _, err := postgres.Migrate(ctx, u.String()); err != nil {
		return "", err
	}
	if _, err := admin.Exec(ctx, fmt.Sprintf("alter database %s rename to %s", unfinished, name)); err != nil {
		return "", fmt.Errorf("finish template: %w", err)
	}
	return name, nil
}

func templateName() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(migrations.FS, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := migrations.FS.ReadFile(path)
		sum.Write(data)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read migrations: %w", err)
	}
	return fmt.Sprintf("testkit_%x", sum.Sum(nil)[:8]), nil
}

func withDatabase(t testing.TB, server, name string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("testkit: DATABASE_URL is not a URL")
	}
	u.Path = "/" + name
	return u.String()
}

// drop ends what a test left open on its database, and removes it with its slot.
func drop(t testing.TB, server, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), setupWithin)
	defer cancel()
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Errorf("testkit: connect to drop %s: %v", name, err)
		return
	}
	defer admin.Close(ctx)
	if err := dropSlots(ctx, admin, name); err != nil {
		t.Errorf("testkit: drop slots: %v", err)
	}
	if _, err := admin.Exec(ctx, "drop database "+name+" with (force)"); err != nil && !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("testkit: drop database: %v", err)
	}
}

// dropSlots removes all slots of a database: a leader that was stopped while it made one has
// another, which goes with its connection.
func dropSlots(ctx context.Context, admin *pgx.Conn, database string) error {
	for {
		var slots []string
		err := admin.QueryRow(ctx, "select coalesce(array_agg(slot_name::text), '{}') from pg_replication_slots where database = $1", database).Scan(&slots)
		if err != nil || len(slots) == 0 {
			return err
		}
		for _, slot := range slots {
			if err := DropSlot(ctx, admin, slot); err != nil {
				return err
			}
		}
	}
}

// DropSlot removes a slot once its reader, who has just been stopped, is gone.
func DropSlot(ctx context.Context, admin *pgx.Conn, slot string) error {
	for {
		_, err := admin.Exec(ctx, `
			select pg_drop_replication_slot(slot_name)
			from pg_replication_slots
			where slot_name = $1`, slot)
		switch pgErr, ok := errors.AsType[*pgconn.PgError](err); {
		case ok && pgErr.Code == "42704": // undefined_object: it went meanwhile
			return nil
		case !ok || pgErr.Code != "55006": // object_in_use
			return err
		}
		_, err = admin.Exec(ctx, "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1 and active", slot)
		if err != nil {
			return err
		}
	}
}
