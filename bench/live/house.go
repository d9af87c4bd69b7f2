//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// house is a PostgreSQL with the settings of "tidemark up" (fsync on), a Redis, and the binary
// on them: a server and a worker, as in production. Each topic is a tenant.
type house struct {
	services   *embedded.Services
	config     app.Config
	worker     *postgres.Worker
	owner      *pgxpool.Pool // past row security
	binary     string
	listen     string
	server     *trial.Process
	keeper     *trial.Process
	tenants    []tenantOf
	client     *client
	stopClient context.CancelFunc
	serial     atomic.Int64 // of the last change
}

// tenantOf is one topic.
type tenantOf struct{ id, read, write string }

// unlimited lets the load through: limits are counted, and not reached.
var unlimited = []string{
	"TIDEMARK_READ_RATE=100000000", "TIDEMARK_WRITE_RATE=100000000", "TIDEMARK_CALLER_PERCENT=100", "TIDEMARK_LOG_LEVEL=error",
}

// publishers are how many changes are made at a time, at most.
const publishers = 4

func open(ctx context.Context, tenants int) (h *house, err error) {
	h = &house{}
	if err := h.start(ctx, tenants); err != nil {
		return nil, h.close(err)
	}
	return h, nil
}

func (h *house) start(ctx context.Context, tenants int) (err error) {
	if err := h.startServices(ctx); err != nil {
		return err
	}
	if h.binary, err = trial.Build(ctx, h.services.Dir); err != nil {
		return err
	}
	if h.client, err = newClient(); err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.stopClient = stop
	go h.client.run(running) // close waits for it
	if err := h.startServer(ctx); err != nil {
		return err
	}
	if err := h.makeTenants(ctx, tenants); err != nil {
		return err
	}
	if h.keeper, err = trial.Start(ctx, h.env(), h.binary, "work"); err != nil {
		return err
	}
	return h.settle(ctx)
}

// settleWithin is for the worker to take in tenants with a past.
const settleWithin = 5 * time.Minute

// settle waits until the worker has closed the tenants' days and summed up what is over, which it
// does once, and which must not fall into a measurement.
func (h *house) settle(ctx context.Context) error {
	const looked = `select (select count(distinct tenant_id) from summary) >= $1
		and not exists (select from river.river_job where finalized_at is null and state in ('available', 'running'))`
	for start := time.Now(); time.Since(start) < settleWithin; {
		var settled bool
		if err := h.owner.QueryRow(ctx, looked, len(h.tenants)).Scan(&settled); err != nil {
			return fmt.Errorf("look at what the worker has done: %w", err)
		}
		if settled {
			fmt.Fprintf(os.Stderr, "  the worker has taken the tenants in after %v\n", time.Since(start).Round(time.Second))
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("the worker has not taken in the tenants within %v", settleWithin)
}

func (h *house) startServices(ctx context.Context) (err error) {
	config := app.Config{Pool: 12, Listen: "127.0.0.1:0", MaxEventBytes: event.MaxEventBytes, MaxBatchBytes: event.MaxBatchBytes, Documents: "open", Limits: app.DefaultLimits()}
	if h.config, h.services, err = app.StartServices(ctx, config, "", slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if h.config, err = app.KeepSecretKeys(h.config, h.services.Dir); err != nil {
		return err
	}
	if _, err := postgres.Migrate(ctx, h.config.DatabaseURL); err != nil {
		return err
	}
	if h.worker, err = postgres.OpenWorker(ctx, h.config.DatabaseURL, 1); err != nil {
		return err
	}
	pool, err := pgxpool.ParseConfig(h.config.DatabaseURL)
	if err != nil {
		return errors.New("the URL of the database cannot be read")
	}
	pool.MaxConns = publishers
	h.owner, err = pgxpool.NewWithConfig(ctx, pool)
	return err
}

func (h *house) env() []string {
	return append([]string{
		"TIDEMARK_SECRET_KEYS_FILE=" + h.config.SecretKeysFile, "DATABASE_URL=" + h.config.DatabaseURL,
		"REDIS_URL=" + h.config.RedisURL, "TIDEMARK_LISTEN=" + h.listen,
	}, unlimited...)
}

// startServer starts a server, in place of the one that runs, at the same address.
func (h *house) startServer(ctx context.Context) (err error) {
	h.server.Stop()
	h.server = nil
	if h.listen == "" {
		if h.listen, err = trial.FreeAddress(ctx); err != nil {
			return err
		}
	}
	if h.server, err = trial.Start(ctx, h.env(), h.binary, "serve"); err != nil {
		return err
	}
	return trial.WaitReady(ctx, "http://"+h.listen+"/readyz")
}

func (h *house) makeTenants(ctx context.Context, n int) error {
	for i := range n {
		id, err := access.CreateTenant(ctx, h.worker, fmt.Sprint("Bench ", i+1), "Europe/Berlin", time.Monday)
		if err != nil {
			return err
		}
		t := tenantOf{id: id.String()}
		if t.read, err = access.CreateKey(ctx, h.worker, id, access.ReadKey, "bench"); err != nil {
			return err
		}
		if t.write, err = access.CreateKey(ctx, h.worker, id, access.WriteKey, "bench"); err != nil {
			return err
		}
		if err := t.send(ctx, "http://"+h.listen, uint64(i+1)); err != nil {
			return err
		}
		h.tenants = append(h.tenants, t)
	}
	return nil
}

// target is the server, for subscribers to one document.
func (h *house) target(document string) (t target, err error) {
	if t.address, err = addressOf(h.listen); err != nil {
		return t, err
	}
	for _, tenant := range h.tenants {
		t.upgrade = append(t.upgrade, upgradeOf("/graphql", h.listen))
		init := fmt.Sprintf(`{"type":"connection_init","payload":{"authorization":"Bearer %s"}}`, tenant.read)
		subscribe := fmt.Sprintf(`{"type":"subscribe","id":"1","payload":{"query":%q}}`, document)
		t.hello = append(t.hello, append(clientFrame(textFrame, []byte(init)), clientFrame(textFrame, []byte(subscribe))...))
	}
	return t, nil
}

// upgradeOf is the request for a websocket. Its key is the one of RFC 6455, 1.3.
func upgradeOf(path, host string) []byte {
	return []byte(strings.Join([]string{
		"GET " + path + " HTTP/1.1", "Host: " + host, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Protocol: graphql-transport-ws", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
	}, "\r\n"))
}

// close ends what was started, and returns what went wrong first.
func (h *house) close(err error) error {
	if h.stopClient != nil {
		h.stopClient()
		<-h.client.ended
	}
	h.server.Stop()
	h.keeper.Stop()
	if h.owner != nil {
		h.owner.Close()
	}
	if h.worker != nil {
		h.worker.Close()
	}
	if h.services != nil {
		err = errors.Join(err, h.services.Stop())
	}
	return err
}
