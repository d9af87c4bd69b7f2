package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// house is a PostgreSQL with the settings of "tidemark up" (fsync on) and the demo in it, a
// Redis, and on them: a server that works every answer out, one that keeps answers, a worker,
// and the hand-written endpoint, each a process.
type house struct {
	services *embedded.Services
	config   app.Config
	node     *app.Node // for loading
	demo     app.DemoState

	cold, warm, raw     string // the URLs' beginnings
	processes           []*trial.Process
	tenant, read, write string
}

// unlimited lets the load through: limits are counted, and not reached.
var unlimited = []string{
	"TIDEMARK_READ_RATE=100000000", "TIDEMARK_WRITE_RATE=100000000", "TIDEMARK_CALLER_PERCENT=100", "TIDEMARK_LOG_LEVEL=warn",
}

// keepNone is how a server is told to keep no answers.
const keepNone = "TIDEMARK_ANSWER_CACHE=0"

func open(ctx context.Context, o options, events int) (h *house, err error) {
	h = &house{}
	if err := h.start(ctx, o, events); err != nil {
		return nil, h.close(err)
	}
	return h, nil
}

func (h *house) start(ctx context.Context, o options, events int) (err error) {
	quiet := slog.New(slog.DiscardHandler)
	dir := o.dir
	if dir != "" {
		dir = filepath.Join(dir, strconv.Itoa(events))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
	}
	config := app.Config{Pool: 12, Listen: "127.0.0.1:0", MaxEventBytes: event.MaxEventBytes, MaxBatchBytes: event.MaxBatchBytes, Documents: "open", Limits: app.DefaultLimits()}
	if h.config, h.services, err = app.StartServices(ctx, config, dir, quiet); err != nil {
		return err
	}
	if h.config, err = app.KeepSecretKeys(h.config, h.services.Dir); err != nil {
		return err
	}
	if err := h.load(ctx, events, quiet); err != nil {
		return err
	}
	return h.startProcesses(ctx)
}

// load brings the demo in, unless it is there from an earlier run, and materializes its days.
func (h *house) load(ctx context.Context, events int, quiet *slog.Logger) (err error) {
	if _, err := postgres.Migrate(ctx, h.config.DatabaseURL); err != nil {
		return err
	}
	if h.node, err = app.NewNode(ctx, h.config, quiet); err != nil {
		return err
	}
	start := time.Now()
	if h.demo, err = h.node.LoadDemo(ctx, h.services.Dir, events, false, func(int, int) {}); err != nil {
		return err
	}
	fmt.Printf("%d events are there after %v\n", events, time.Since(start).Round(time.Second))
	company := h.demo.Tenants[0]
	h.tenant, h.read, h.write = company.Tenant, company.ReadKey, company.WriteKey
	if err := metric.NewCloser(h.node.Worker(), quiet).Close(ctx); err != nil {
		return err
	}
	return h.asOwner(ctx, func(conn *pgx.Conn) error {
		for _, statement := range []string{"vacuum (analyze)", "checkpoint"} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

func (h *house) startProcesses(ctx context.Context) error {
	binary, err := trial.Build(ctx, h.services.Dir)
	if err != nil {
		return err
	}
	keys := "TIDEMARK_SECRET_KEYS_FILE=" + h.config.SecretKeysFile
	env := append([]string{keys, "DATABASE_URL=" + h.config.DatabaseURL, "REDIS_URL=" + h.config.RedisURL}, unlimited...)
	serve := func(ready string, env []string, path string, args ...string) (base string, err error) {
		listen, err := trial.FreeAddress(ctx)
		if err != nil {
			return "", err
		}
		p, err := trial.Start(ctx, append(env[:len(env):len(env)], "TIDEMARK_LISTEN="+listen, rawListen+"="+listen), path, args...)
		if err != nil {
			return "", err
		}
		h.processes = append(h.processes, p)
		return "http://" + listen, trial.WaitReady(ctx, "http://"+listen+ready)
	}
	if h.cold, err = serve("/readyz", append(env, keepNone), binary, "serve"); err != nil {
		return err
	}
	if h.warm, err = serve("/readyz", env, binary, "serve"); err != nil {
		return err
	}
	keeper, err := trial.Start(ctx, env, binary, "work")
	if err != nil {
		return err
	}
	h.processes = append(h.processes, keeper)
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	// As the server does it, memory is collected seldom.
	h.raw, err = serve("/ready", append(env, rawTenant+"="+h.tenant, "GOGC=300", "GOMEMLIMIT=1GiB"), self)
	return err
}

// asOwner runs do past row security.
func (h *house) asOwner(ctx context.Context, do func(conn *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, h.config.DatabaseURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// close ends what was started, and returns what went wrong first.
func (h *house) close(err error) error {
	for _, p := range h.processes {
		p.Stop()
	}
	if h.node != nil {
		h.node.Close()
	}
	if h.services != nil {
		err = errors.Join(err, h.services.Stop())
	}
	return err
}
