package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// preflightWithin bounds looking at the services before anything starts.
const preflightWithin = 15 * time.Second

// oldestPostgres is the first version that will do, as PostgreSQL numbers them.
const oldestPostgres = 150000

// Needs is what a command asks of the database, beyond answering.
type Needs struct {
	Migrated bool // at the newest migration
	Feed     bool // logical decoding, and the right to read it
}

// Preflight looks at PostgreSQL and Redis, and reports at once everything about them that
// can't work.
func (c Config) Preflight(ctx context.Context, needs Needs) error {
	ctx, cancel := context.WithTimeout(ctx, preflightWithin)
	defer cancel()
	return errors.Join(c.checkDatabase(ctx, needs), c.checkRedis(ctx))
}

func (c Config) checkRedis(ctx context.Context) error {
	options, err := redis.ParseURL(c.RedisURL)
	if err != nil {
		return errors.New("REDIS_URL is not of the form redis://:password@host:6379/0")
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("REDIS_URL: Redis does not answer: %w", err)
	}
	return nil
}

func (c Config) checkDatabase(ctx context.Context, needs Needs) error {
	conn, err := pgx.Connect(ctx, c.DatabaseURL)
	if err != nil {
		return fmt.Errorf("DATABASE_URL: PostgreSQL does not answer: %w", err)
	}
	defer conn.Close(ctx)
	problems := []error{checkServer(ctx, conn, needs)}
	if needs.Migrated {
		problems = append(problems, c.checkMigrated(ctx, conn))
	}
	return errors.Join(problems...)
}

func checkServer(ctx context.Context, conn *pgx.Conn, needs Needs) error {
	var version int
	var walLevel string
	var replicates bool
	err := conn.QueryRow(ctx, `
		select current_setting('server_version_num')::int, current_setting('wal_level'), rolsuper or rolreplication
		from pg_roles
		where rolname = current_user`).Scan(&version, &walLevel, &replicates)
	if err != nil {
		return fmt.Errorf("DATABASE_URL: look at the server: %w", err)
	}
	var problems []error
	if version < oldestPostgres {
		problems = append(problems, fmt.Errorf("DATABASE_URL: PostgreSQL %d is too old: version 15 or later is needed", version/10000))
	}
	if needs.Feed && walLevel != "logical" {
		problems = append(problems, fmt.Errorf("DATABASE_URL: wal_level is %s, and live queries need logical: set it and restart PostgreSQL", walLevel))
	}
	if needs.Feed && !replicates {
		problems = append(problems, errors.New("DATABASE_URL: the login may not read changes: alter role … replication"))
	}
	return errors.Join(problems...)
}

func (c Config) checkMigrated(ctx context.Context, conn *pgx.Conn) error {
	pending, err := postgres.Pending(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	if pending {
		return errors.New("DATABASE_URL: the database is not at the newest migration: run tidemark migrate")
	}
	var member bool
	err = conn.QueryRow(ctx, `
		select pg_has_role('tidemark_app', 'member') and pg_has_role('tidemark_worker', 'member')`).Scan(&member)
	if err != nil {
		return fmt.Errorf("DATABASE_URL: look at the login's roles: %w", err)
	}
	if !member {
		return errors.New("DATABASE_URL: the login is not a member of tidemark_app and tidemark_worker: grant both to it")
	}
	return nil
}
