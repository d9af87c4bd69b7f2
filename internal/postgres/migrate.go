package postgres

import (
	"context"
	"database/sql"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that goose speaks through
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/tidemarkhq/tidemark/migrations"
)

// Migrate brings the database to the newest migration and returns how many it
// applied. Several processes may call it at once: one works, the others wait.
// Each migration is one transaction, so that a killed run converges on the next.
func Migrate(ctx context.Context, url string) (applied int, err error) {
	err = withProvider(url, func(provider *goose.Provider) error {
		done, err := provider.Up(ctx)
		applied = len(done)
		return err
	})
	if err != nil {
		return applied, fmt.Errorf("migrate: %w", err)
	}
	return applied, nil
}

// Pending reports whether the database is not yet at the newest migration.
func Pending(ctx context.Context, url string) (pending bool, err error) {
	err = withProvider(url, func(provider *goose.Provider) error {
		pending, err = provider.HasPending(ctx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for pending migrations: %w", err)
	}
	return pending, nil
}

func withProvider(url string, do func(*goose.Provider) error) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("make migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return do(provider)
}
