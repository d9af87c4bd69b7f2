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
	Roles []string // that the login must be a member of; with any, the newest migration as well
	Feed  bool     // logical decoding, and the right to read it
	Redis bool
	Kafka bool // its brokers, if events go through it
}

// Preflight looks at PostgreSQL, Redis and Kafka, and reports at once everything about them that
// can't work.
func (c Config) Preflight(ctx context.Context, needs Needs) error {
	ctx, cancel := context.WithTimeout(ctx, preflightWithin)
	defer cancel()
	problems := []error{c.checkDatabase(ctx, needs)}
	if needs.Redis {
		problems = append(problems, c.checkRedis(ctx))
	}
	if needs.Kafka && c.UsesKafka() {
		problems = append(problems, c.checkKafka(ctx))
	}
	return errors.Join(problems...)
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
	if len(needs.Roles) > 0 {
		problems = append(problems, c.checkMigrated(ctx, conn, needs.Roles))
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

func (c Config) checkMigrated(ctx context.Context, conn *pgx.Conn, roles []string) error {
	var made bool
	if err := conn.QueryRow(ctx, "select to_regclass('goose_db_version') is not null").Scan(&made); err != nil {
		return fmt.Errorf("DATABASE_URL: look for migrations: %w", err)
	}
	if !made {
		return errMigrate
	}
	for _, role := range roles {
		var member bool
		if err := conn.QueryRow(ctx, "select pg_has_role($1, 'member')", role).Scan(&member); err != nil {
			return fmt.Errorf("DATABASE_URL: look at the login's roles: %w", err)
		}
		if !member {
			return fmt.Errorf("DATABASE_URL: the login is not a member of %s: grant it", role)
		}
	}
	pending, err := postgres.Pending(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	if pending {
		return errMigrate
	}
	return nil
}

var errMigrate = errors.New("DATABASE_URL: the database is not at the newest migration: run tidemark migrate")
