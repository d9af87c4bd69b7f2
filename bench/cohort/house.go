package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/journey"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// house is a PostgreSQL with the events in it, the service that answers from histories, and a
// DuckDB with the same rows.
type house struct {
	services *embedded.Services
	owner    *pgx.Conn
	worker   *postgres.Worker
	app      *postgres.App
	store    *history.Store
	journeys *journey.Service
	duck     *duck
	tenants  []company
	dir      string
}

// company is a tenant, by its number in DuckDB's table.
type company struct {
	id     tenant.ID
	events int
	people int
}

func open(ctx context.Context, o options) (h *house, err error) {
	h = &house{}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	config := app.Config{Pool: 4, Listen: "127.0.0.1:0", MaxEventBytes: event.MaxEventBytes, MaxBatchBytes: event.MaxBatchBytes, Documents: "open", Limits: app.DefaultLimits()}
	if config, h.services, err = app.StartServices(ctx, config, o.dir, slog.New(slog.DiscardHandler)); err != nil {
		return h, err
	}
	h.dir = h.services.Dir
	if _, err = postgres.Migrate(ctx, config.DatabaseURL); err != nil {
		return h, err
	}
	if h.owner, err = pgx.Connect(ctx, config.DatabaseURL); err != nil {
		return h, fmt.Errorf("connect: %w", err)
	}
	if h.worker, err = postgres.OpenWorker(ctx, config.DatabaseURL, 2); err != nil {
		return h, err
	}
	if h.app, err = postgres.OpenApp(ctx, config.DatabaseURL, 4, nil); err != nil {
		return h, err
	}
	h.store = history.NewStore(h.app, 4<<30)
	h.journeys = journey.NewService(metric.NewService(h.app, metric.NewCatalog(metric.Builtin())), h.store)
	if err = h.fill(ctx, o.events); err != nil {
		return h, err
	}
	csv, err := h.export(ctx)
	if err != nil {
		return h, err
	}
	h.duck, err = startDuck(ctx, csv)
	return h, err
}

func (h *house) close() error {
	var all error
	if h.duck != nil {
		all = errors.Join(all, h.duck.close())
	}
	if h.store != nil {
		h.store.Close()
	}
	if h.app != nil {
		h.app.Close()
	}
	if h.worker != nil {
		h.worker.Close()
	}
	if h.owner != nil {
		all = errors.Join(all, h.owner.Close(context.Background()))
	}
	if h.services != nil {
		all = errors.Join(all, h.services.Stop())
	}
	return all
}

// as is a context of somebody who may ask a tenant's questions.
func (h *house) as(ctx context.Context, n int) context.Context {
	return access.With(ctx, access.Principal{Tenant: h.tenants[n].id, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions()})
}

// The first tenant has nine tenths of the events, the other one is a middling one.
var shares = []float64{0.9, 0.1}

// first is when the year of events begins: a Monday.
const first = "2025-06-02T00:00:00Z"

// fill puts events where the writer would, as many as it takes, unless they are there. Who is
// active is so for a while, with pauses; a few types are most of what they do.
func (h *house) fill(ctx context.Context, events int) error {
	start := time.Now()
	for n, share := range shares {
		name := fmt.Sprintf("company %d", n)
		c := company{events: int(share * float64(events)), people: int(share*float64(events)) / 50}
		err := h.owner.QueryRow(ctx, "select tenant_id from tenant where name = $1", name).Scan(&c.id)
		if errors.Is(err, pgx.ErrNoRows) {
			c.id, err = access.CreateTenant(ctx, h.worker, name, "UTC", time.Monday)
			if err == nil {
				err = h.fillTenant(ctx, c)
			}
		}
		if err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		h.tenants = append(h.tenants, c)
	}
	if _, err := h.owner.Exec(ctx, "vacuum (analyze) event"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	fmt.Printf("%d events are there after %v\n", events, time.Since(start).Round(time.Second))
	return nil
}

func (h *house) fillTenant(ctx context.Context, c company) error {
	// The past only: events are what is measured, and not how they came.
	for month := range 12 {
		_, err := h.owner.Exec(ctx, "select event_partition_ensure(($1::timestamptz + make_interval(months => $2))::date)", first, month)
		if err != nil {
			return fmt.Errorf("make partition: %w", err)
		}
	}
	for _, statement := range []string{
		`select setseed(0.25)`,
		`select set_config('role', 'tidemark_worker', false), set_config('bench.tenant', '` + c.id.String() + `', false)`,
		fmt.Sprintf(`insert into identity (tenant_id, anonymous, distinct_id, person_id, first_seen_at, first_seen_day)
			select current_setting('bench.tenant')::uuid, false, 'u' || n, 0, '%s', '2025-06-02' from generate_series(1, %d) n`, first, c.people),
		`update identity set person_id = identity_id where person_id = 0`,
		fmt.Sprintf(`insert into event (tenant_id, occurred_at, received_at, type, identity_id, user_id, source, message_id, properties, context)
			select current_setting('bench.tenant')::uuid,
				at.at, at.at, -- it arrived when it happened
				(array['Opened', 'Opened', 'Opened', 'Viewed', 'Viewed', 'Searched', 'Created', 'Shared', 'Invited', 'Paid'])[1 + floor(random() * 10)::int],
				u.identity_id, u.distinct_id, 'default', '', jsonb_build_object('plan', u.plan, 'n', e.i), '{}'
			from (
				select identity_id, distinct_id, random() * 300 as joined, 20 + random() * 200 as stays,
					(array['free', 'free', 'free', 'team', 'business'])[1 + floor(random() * 5)::int] as plan
				from identity where tenant_id = current_setting('bench.tenant')::uuid
			) u
			cross join lateral (select i, random() ^ 2 * u.stays as after from generate_series(1, 50) i) e
			cross join lateral (select timestamptz '%s' + least(u.joined + e.after, 363.99) * interval '1 day' as at) at
			order by 2`, first),
		`insert into data_revision (tenant_id, subject) values (current_setting('bench.tenant')::uuid, 'day') on conflict do nothing`,
		`reset role`,
	} {
		if _, err := h.owner.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	return nil
}

// export writes the rows for DuckDB, with the property that is filtered by as a column of its own.
func (h *house) export(ctx context.Context) (string, error) {
	path := filepath.Join(h.dir, "event.csv")
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("export: %w", err)
	}
	defer file.Close()
	for n, c := range h.tenants {
		_, err := h.owner.PgConn().CopyTo(ctx, file, fmt.Sprintf(`copy (
			select %d, identity_id, (extract(epoch from occurred_at) * 1000000)::bigint, event_id, type, properties ->> 'plan'
			from event where tenant_id = '%s') to stdout (format csv)`, n, c.id))
		if err != nil {
			return "", fmt.Errorf("export: %w", err)
		}
	}
	return path, file.Close()
}

// askRaw asks PostgreSQL in plain SQL.
func (h *house) askRaw(ctx context.Context, sql string) (string, time.Duration, error) {
	start := time.Now()
	rows, err := h.owner.Query(ctx, sql)
	if err != nil {
		return "", 0, fmt.Errorf("ask PostgreSQL: %w", err)
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.Trim(fmt.Sprint(values), "[]"), err
	})
	return strings.Join(lines, "\n"), time.Since(start), err
}

// duck is DuckDB, in a process that answers SQL.
type duck struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	version string
}

func startDuck(ctx context.Context, csv string) (*duck, error) {
	const folder = "bench/cohort/duckdb"
	if out, err := exec.CommandContext(ctx, "npm", "--prefix", folder, "install", "--no-save", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("install DuckDB: %w: %s", err, out)
	}
	d := &duck{command: exec.CommandContext(ctx, "node", filepath.Join(folder, "serve.mjs"), csv)}
	d.command.Stderr = os.Stderr
	var err error
	if d.in, err = d.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start DuckDB: %w", err)
	}
	out, err := d.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start DuckDB: %w", err)
	}
	d.out = bufio.NewReader(out)
	if err := d.command.Start(); err != nil {
		return nil, fmt.Errorf("start DuckDB: %w", err)
	}
	var ready struct{ Ready string }
	err = d.read(&ready)
	d.version = ready.Ready
	return d, err
}

func (d *duck) read(into any) error {
	line, err := d.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read DuckDB's answer: %w", err)
	}
	if err := json.Unmarshal(line, into); err != nil {
		return fmt.Errorf("read DuckDB's answer: %w", err)
	}
	return nil
}

// ask gives the rows, and how long it took by DuckDB's own process.
func (d *duck) ask(sql string) (string, time.Duration, error) {
	line, err := json.Marshal(strings.Join(strings.Fields(sql), " "))
	if err != nil {
		return "", 0, fmt.Errorf("ask DuckDB: %w", err)
	}
	if _, err := d.in.Write(append(line, '\n')); err != nil {
		return "", 0, fmt.Errorf("ask DuckDB: %w", err)
	}
	var answer struct {
		Took float64
		Rows []string
	}
	if err := d.read(&answer); err != nil {
		return "", 0, err
	}
	return strings.Join(answer.Rows, "\n"), time.Duration(answer.Took * float64(time.Millisecond)), nil
}

func (d *duck) close() error {
	return errors.Join(d.in.Close(), d.command.Wait())
}
