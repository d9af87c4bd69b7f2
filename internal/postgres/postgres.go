// Package postgres opens the database so that one tenant cannot see another: the
// application connects as a role that owns nothing, and every statement runs in a
// transaction that names its tenant, under row-level security.
package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// The roles that connections take on; the login named by the URL must be a member.
const (
	AppRole    = "tidemark_app"
	WorkerRole = "tidemark_worker"
	AccessRole = "tidemark_access"
	// A NarrowRole is taken on by transactions of the app's that are to see some rows alone.
	NarrowRole = "tidemark_narrow"
)

// connectTimeout bounds the making of one connection.
const connectTimeout = 5 * time.Second

// App reads and writes for one tenant a transaction.
type App struct{ pool *pgxpool.Pool }

// Worker reads and writes over all tenants: keeping house, and managing tenants.
type Worker struct{ pool *pgxpool.Pool }

// Access reads and writes who may sign in: logins, and of tenants what belongs to the one
// tenant, or the one login, that a transaction names. It sees none of a tenant's data.
type Access struct{ pool *pgxpool.Pool }

// OpenApp connects as the role without ownership. size bounds the connections; a
// caller beyond it waits until its context's deadline. The tracer, if there is one, is
// told of every statement.
func OpenApp(ctx context.Context, url string, size int, tracer pgx.QueryTracer) (*App, error) {
	pool, err := open(ctx, url, AppRole, size, tracer)
	if err != nil {
		return nil, err
	}
	return &App{pool}, nil
}

// OpenWorker connects as the role that sees all tenants by policy.
func OpenWorker(ctx context.Context, url string, size int) (*Worker, error) {
	pool, err := open(ctx, url, WorkerRole, size, nil)
	if err != nil {
		return nil, err
	}
	return &Worker{pool}, nil
}

// OpenAccess connects as the role that signs people in.
func OpenAccess(ctx context.Context, url string, size int, tracer pgx.QueryTracer) (*Access, error) {
	pool, err := open(ctx, url, AccessRole, size, tracer)
	if err != nil {
		return nil, err
	}
	return &Access{pool}, nil
}

func open(ctx context.Context, url, role string, size int, tracer pgx.QueryTracer) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The cause is left out: it may repeat the URL, and the URL has the password.
		return nil, errors.New("open database: the URL cannot be read")
	}
	config.MaxConns = int32(size)
	config.ConnConfig.Tracer = tracer
	takeRole(config.ConnConfig, role)
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap()) // pgx's own way to write a uuid.UUID goes by its text
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return pool, nil
}

// Connect makes one connection that takes on a role, for a command that looks after what
// several roles have.
func Connect(ctx context.Context, url, role string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("open database: the URL cannot be read")
	}
	takeRole(config, role)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, unavailable(fmt.Errorf("open database: %w", err))
	}
	return conn, nil
}

func takeRole(config *pgx.ConnConfig, role string) {
	config.ConnectTimeout = connectTimeout
	// As start-up parameters they are what a session falls back to after `reset`.
	config.RuntimeParams["role"] = role
	config.RuntimeParams["application_name"] = "tidemark"
	config.RuntimeParams["timezone"] = "UTC"
}

// Close waits for connections in use to come back, and closes all.
func (a *App) Close() { a.pool.Close() }

// Close waits for connections in use to come back, and closes all.
func (w *Worker) Close() { w.pool.Close() }

// Close waits for connections in use to come back, and closes all.
func (a *Access) Close() { a.pool.Close() }

// Ping says whether the database answers.
func (a *App) Ping(ctx context.Context) error {
	return unavailable(a.pool.Ping(ctx))
}

// InTenant runs fn in one transaction that sees and writes one tenant's rows only.
// It commits if fn returns nil. fn is run once: retrying is the caller's decision. Where the
// context carries Rows, it sees those alone and writes nothing.
func (a *App) InTenant(ctx context.Context, id tenant.ID, fn func(tx pgx.Tx) error) error {
	return narrowed(ctx, inTx(ctx, a.pool, ofTenant(opening{}, id).ofRows(ctx), fn))
}

// Read is InTenant for queries: one snapshot for all of fn's statements, and no writes.
func (a *App) Read(ctx context.Context, id tenant.ID, fn func(tx pgx.Tx) error) error {
	return narrowed(ctx, inTx(ctx, a.pool, ofTenant(opening{mode: snapshot}, id).ofRows(ctx), fn))
}

// ReadOnce is Read for a single statement, or a single batch, which makes it one round trip. A
// second one fails.
func (a *App) ReadOnce(ctx context.Context, id tenant.ID, fn func(tx pgx.Tx) error) error {
	begin := ofTenant(opening{mode: snapshot}, id).ofRows(ctx)
	begin.once = true
	return narrowed(ctx, inTx(ctx, a.pool, begin, fn))
}

// WithKeyHash runs fn in a transaction that names no tenant, and sees the one key whose hash it
// was given, for a single statement or batch.
func (a *App) WithKeyHash(ctx context.Context, hash [32]byte, fn func(tx pgx.Tx) error) error {
	begin := opening{mode: readOnly, once: true}.and("select set_config('app.key_hash', $1, true)", hex.EncodeToString(hash[:]))
	return inTx(ctx, a.pool, begin, fn)
}

// WithEmbedKey is the same for the embed key that a token names.
func (a *App) WithEmbedKey(ctx context.Context, id uuid.UUID, fn func(tx pgx.Tx) error) error {
	begin := opening{mode: readOnly, once: true}.and("select set_config('app.embed_key_id', $1, true)", id.String())
	return inTx(ctx, a.pool, begin, fn)
}

// InTx runs fn in one transaction over all tenants.
func (w *Worker) InTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return inTx(ctx, w.pool, opening{}, fn)
}

// Pool is for the queue, whose library makes transactions of its own.
func (w *Worker) Pool() *pgxpool.Pool { return w.pool }

// InTenant runs fn in one transaction that sees and writes one tenant's rows, and logins.
func (a *Access) InTenant(ctx context.Context, id tenant.ID, fn func(tx pgx.Tx) error) error {
	return inTx(ctx, a.pool, ofTenant(opening{}, id), fn)
}

// AsLogin runs fn in one transaction that sees what belongs to one login, in all tenants.
func (a *Access) AsLogin(ctx context.Context, login uuid.UUID, fn func(tx pgx.Tx) error) error {
	return inTx(ctx, a.pool, opening{}.and("select set_config('app.login_id', $1, true)", login.String()), fn)
}

// InTx runs fn in one transaction that sees logins alone, and of no tenant anything.
func (a *Access) InTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return inTx(ctx, a.pool, opening{}, fn)
}

var (
	readOnly = pgx.TxOptions{AccessMode: pgx.ReadOnly}
	snapshot = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
)

// ofTenant names the tenant for the transaction.
func ofTenant(o opening, id tenant.ID) opening {
	return o.and("select set_config('app.tenant_id', $1, true)", id.String())
}

func inTx(ctx context.Context, pool *pgxpool.Pool, begin opening, fn func(tx pgx.Tx) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return unavailable(fmt.Errorf("acquire connection: %w", err))
	}
	defer conn.Release()
	return unavailable(run(ctx, &lazyTx{conn: conn.Conn(), opening: begin}, fn))
}

// run commits where fn returns nil, and rolls back where it fails or panics.
func run(ctx context.Context, tx *lazyTx, fn func(tx pgx.Tx) error) (err error) {
	defer func() {
		rolledBack := tx.Rollback(ctx) // does nothing after a commit
		if err == nil && rolledBack != nil && !errors.Is(rolledBack, pgx.ErrTxClosed) {
			err = rolledBack
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// unavailable turns the failures that pass by themselves into faults that say so.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := fault.Of(err); ok {
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Timeout, "The database did not answer in time.").Because(err)
	}
	if _, answered := errors.AsType[*pgconn.PgError](err); !answered && !errors.Is(err, context.Canceled) && isConnection(err) {
		return fault.New(fault.Unavailable, "The database cannot be reached.").Because(err)
	}
	if Transient(err) {
		return fault.New(fault.Unavailable, "The database is not available at the moment.").Because(err)
	}
	return err
}

func isConnection(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	return connecting || pgconn.SafeToRetry(err) || isNetwork(err)
}
