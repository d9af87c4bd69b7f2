package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// house is a PostgreSQL with the demo in it, and the executor on it, in this process: a
// dashboard costs the least there, so the share is at its highest.
type house struct {
	services *embedded.Services
	node     *app.Node
	app      *postgres.App
	executor *executor.Executor
	keys     *access.Authenticator
	key      string
}

func open(ctx context.Context, events int) (h *house, err error) {
	h = &house{}
	if err := h.start(ctx, events); err != nil {
		return nil, h.close(err)
	}
	return h, nil
}

func (h *house) start(ctx context.Context, events int) error {
	quiet := slog.New(slog.DiscardHandler)
	config, services, err := app.StartServices(ctx, app.Config{Pool: 4, Listen: "127.0.0.1:0", MaxEventBytes: event.MaxEventBytes, MaxBatchBytes: event.MaxBatchBytes, Limits: app.DefaultLimits()}, "", quiet)
	if err != nil {
		return err
	}
	h.services = services
	if _, err := postgres.Migrate(ctx, config.DatabaseURL); err != nil {
		return err
	}
	if config, err = app.KeepSecretKeys(config, services.Dir); err != nil {
		return err
	}
	if h.node, err = app.NewNode(ctx, config, quiet); err != nil {
		return err
	}
	demo, err := h.node.LoadDemo(ctx, services.Dir, events, true, func(int, int) {})
	if err != nil {
		return err
	}
	if err := metric.NewCloser(h.node.Worker(), quiet).Close(ctx); err != nil {
		return err
	}
	if h.app, err = postgres.OpenApp(ctx, config.DatabaseURL, config.Pool, nil); err != nil {
		return err
	}
	h.key, h.keys = demo.Tenants[0].ReadKey, access.NewAuthenticator(h.app, nil, nil)
	h.executor = graph.NewExecutor(&graph.Resolver{
		TenantSettings: access.NewSettings(h.app), MetricService: metric.NewService(h.app, metric.NewCatalog(metric.Builtin())), EventReader: event.NewReader(h.app),
	}, graph.Bounds{Cost: config.Limits.MaxCost, Items: config.Limits.MaxItems}, quiet)
	return nil
}

// operation parses and checks a document for somebody, as for each request.
func (h *house) operation(ctx context.Context, document string) (*graphql.OperationContext, error) {
	operation, errs := h.executor.CreateOperationContext(graphql.StartOperationTrace(ctx), &graphql.RawParams{Query: document})
	if len(errs) > 0 {
		return nil, errs
	}
	return operation, nil
}

// ask answers a document for somebody, to the last byte.
func (h *house) ask(ctx context.Context, document string) (int, error) {
	operation, err := h.operation(ctx, document)
	if err != nil {
		return 0, err
	}
	next, inner := h.executor.DispatchOperation(ctx, operation)
	answer := next(inner)
	if len(answer.Errors) > 0 {
		return 0, answer.Errors
	}
	return len(answer.Data), nil
}

// close ends what was started, and returns what went wrong first.
func (h *house) close(err error) error {
	if h.app != nil {
		h.app.Close()
	}
	if h.node != nil {
		h.node.Close()
	}
	if h.services != nil {
		err = errors.Join(err, h.services.Stop())
	}
	return err
}

// timed is how long one of n runs takes.
func timed(n int, do func() error) (time.Duration, error) {
	start := time.Now()
	for range n {
		if err := do(); err != nil {
			return 0, err
		}
	}
	return time.Since(start) / time.Duration(n), nil
}
