package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// readyTimeout is how long a server may be silent. One that says that it is
// recovering from a crash is not silent, and may take longer.
const readyTimeout = 60 * time.Second

// awaitReady returns when the server answers and our database exists; at once,
// with an error, if the server ends.
func (c *cluster) awaitReady(ctx context.Context, server *process, address string) error {
	silence := time.NewTimer(readyTimeout)
	defer silence.Stop()
	running, stop := whileRuns(ctx, server)
	defer stop()
	for {
		err := c.probe(running, address)
		switch {
		case err == nil:
			return nil
		case says(err, "57P03"): // cannot_connect_now
			silence.Reset(readyTimeout)
		case answers(err):
			return c.refused(server, err)
		}
		select {
		case <-server.done:
			return fmt.Errorf("it ended: %s", server.ending())
		case <-ctx.Done():
			return fmt.Errorf("wait until it answers: %w", context.Cause(ctx))
		case <-silence.C:
			return fmt.Errorf("it did not answer within %s: %w", readyTimeout, err)
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// refused explains an answer that is not a yes. If our server is about to end,
// someone else's answered on the port that ours could not have.
func (c *cluster) refused(server *process, err error) error {
	select {
	case <-server.done:
		return fmt.Errorf("it ended: %s", server.ending())
	case <-time.After(2 * time.Second):
	}
	if says(err, "28P01") { // invalid_password
		return fmt.Errorf("it does not take the password in %s: %w", c.file("password"), err)
	}
	return err
}

// errStranger is an answer from a server on other data than ours.
var errStranger = errors.New("another PostgreSQL answers on its port")

func answers(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, errStranger) || errors.As(err, &pg)
}

func says(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}

// probe connects, makes sure that the server is ours, and that it has our
// database.
func (c *cluster) probe(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("read URL: %w", err)
	}
	config.Database = "postgres" // always there
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx)
	var folder string
	if err := conn.QueryRow(ctx, "show data_directory").Scan(&folder); err != nil {
		return fmt.Errorf("ask for its folder: %w", err)
	}
	if folder != c.data {
		return fmt.Errorf("%w: it runs on %s", errStranger, folder)
	}
	return ensureDatabase(ctx, conn)
}

func ensureDatabase(ctx context.Context, conn *pgx.Conn) error {
	var there bool
	err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&there)
	if err != nil {
		return fmt.Errorf("look for database: %w", err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{database}.Sanitize()); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return nil
}
