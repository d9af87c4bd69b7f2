package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/progress"
)

type upCommand struct {
	Dir        string `default:".tidemark" help:"Where to keep what it starts."`
	DemoEvents int    `default:"500000" help:"How many events the demo has; 0 for no demo. It is loaded once."`
}

func (c upCommand) Run(ctx context.Context, config app.Config) error {
	return app.Up(ctx, config, app.UpOptions{Dir: c.Dir, DemoEvents: c.DemoEvents}, config.Logger())
}

type serveCommand struct{}

func (serveCommand) Run(ctx context.Context, config app.Config) error {
	return withNode(ctx, config, app.Needs{Roles: []string{postgres.AppRole, postgres.AccessRole}, Redis: true, Kafka: true}, func(node *app.Node) error {
		var listen net.ListenConfig
		listener, err := listen.Listen(ctx, "tcp", config.Listen)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		return node.Serve(ctx, listener)
	})
}

type workCommand struct{}

func (workCommand) Run(ctx context.Context, config app.Config) error {
	// It reads what it summarizes, and stores what comes by a log, as the tenants do; and it answers
	// who has forgotten their password.
	roles := []string{postgres.WorkerRole, postgres.AccessRole, postgres.AppRole}
	needs := app.Needs{Roles: roles, Feed: true, Redis: true, Kafka: true}
	return withNode(ctx, config, needs, func(node *app.Node) error { return node.Work(ctx) })
}

// withNode opens a node on services that have what is needed.
func withNode(ctx context.Context, config app.Config, needs app.Needs, do func(*app.Node) error) error {
	if err := config.Preflight(ctx, needs); err != nil {
		return fmt.Errorf("the configuration can't work:\n%w", err)
	}
	node, err := app.NewNode(ctx, config, config.Logger())
	if err != nil {
		return err
	}
	defer node.Close()
	return do(node)
}

// withWorker opens the database for managing tenants.
func withWorker(ctx context.Context, config app.Config, do func(*postgres.Worker) error) error {
	if err := config.Preflight(ctx, app.Needs{Roles: []string{postgres.WorkerRole}}); err != nil {
		return fmt.Errorf("the configuration can't work:\n%w", err)
	}
	worker, err := postgres.OpenWorker(ctx, config.DatabaseURL, 1)
	if err != nil {
		return err
	}
	defer worker.Close()
	return do(worker)
}

type migrateCommand struct{}

func (migrateCommand) Run(ctx context.Context, config app.Config) error {
	if err := config.Preflight(ctx, app.Needs{}); err != nil {
		return fmt.Errorf("the configuration can't work:\n%w", err)
	}
	applied, err := postgres.Migrate(ctx, config.DatabaseURL)
	if err != nil {
		return err
	}
	fmt.Printf("%d migrations applied.\n", applied)
	return nil
}

type demoCommand struct {
	Events int    `default:"500000" help:"How many events, over both companies."`
	Dir    string `default:".tidemark" help:"Where the demo's keys are kept, and, if no DATABASE_URL is set, the database."`
}

func (c demoCommand) Run(ctx context.Context, config app.Config) error {
	return withServices(ctx, config, c.Dir, func(config app.Config) error {
		if _, err := postgres.Migrate(ctx, config.DatabaseURL); err != nil {
			return err
		}
		return withNode(ctx, config, app.Needs{Roles: []string{postgres.AppRole, postgres.WorkerRole}, Redis: true}, func(node *app.Node) error {
			state, err := node.LoadDemo(ctx, c.Dir, c.Events, true, progress.Events(os.Stderr, "loading the demo"))
			if err != nil {
				return err
			}
			for _, t := range state.Tenants {
				fmt.Printf("%-10s tenant %s  read key %s  write key %s  manage key %s\n", t.Company, t.Tenant, t.ReadKey, t.WriteKey, t.ManageKey)
			}
			return nil
		})
	})
}

// withServices runs do with a database and Redis, started for it where none is configured.
func withServices(ctx context.Context, config app.Config, dir string, do func(app.Config) error) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	config, err = app.KeepSecretKeys(config, dir)
	if err != nil {
		return err
	}
	config, services, err := app.StartServices(ctx, config, dir, config.Logger())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, services.Stop()) }()
	group, ctx := errgroup.WithContext(ctx)
	done := make(chan struct{})
	group.Go(func() error { defer close(done); return do(config) })
	select {
	case <-done:
	case <-ctx.Done():
	}
	return group.Wait()
}

type schemaCommand struct{}

func (schemaCommand) Run() error {
	_, err := fmt.Print(graph.SDL())
	return err
}
