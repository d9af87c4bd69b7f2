package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

const startWithin = 2 * time.Minute

// house is a PostgreSQL with the settings of "tidemark up" (fsync on), a Redis, and the
// binary on them: a server and a worker, as in production.
type house struct {
	services *embedded.Services
	worker   *postgres.Worker
	base     string // of the server's URLs
	server   *trial.Process
	keeper   *trial.Process
	tenants  int
}

func open(ctx context.Context) (h *house, err error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	h = &house{}
	if err := h.start(ctx); err != nil {
		return nil, h.close(err)
	}
	return h, nil
}

func (h *house) start(ctx context.Context) (err error) {
	h.services, err = embedded.StartServices(ctx, embedded.ServicesOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := postgres.Migrate(ctx, h.services.DatabaseURL); err != nil {
		return err
	}
	if h.worker, err = postgres.OpenWorker(ctx, h.services.DatabaseURL, 1); err != nil {
		return err
	}
	return h.startBinary(ctx)
}

func (h *house) startBinary(ctx context.Context) error {
	binary, err := trial.Build(ctx, h.services.Dir)
	if err != nil {
		return err
	}
	listen, err := trial.FreeAddress(ctx)
	if err != nil {
		return err
	}
	h.base = "http://" + listen
	key, err := secret.Generate()
	if err != nil {
		return err
	}
	env := []string{
		"TIDEMARK_SECRET_KEYS=" + key.Text(), "DATABASE_URL=" + h.services.DatabaseURL, "REDIS_URL=" + h.services.RedisURL,
		"TIDEMARK_LISTEN=" + listen, "TIDEMARK_LOG_LEVEL=warn",
	}
	if h.server, err = trial.Start(ctx, env, binary, "serve"); err != nil {
		return err
	}
	if h.keeper, err = trial.Start(ctx, env, binary, "work"); err != nil {
		return err
	}
	return trial.WaitReady(ctx, h.base+"/readyz")
}

// close ends what was started, and returns what went wrong first.
func (h *house) close(err error) error {
	h.server.Stop()
	h.keeper.Stop()
	if h.worker != nil {
		h.worker.Close()
	}
	if h.services != nil {
		err = errors.Join(err, h.services.Stop())
	}
	return err
}
