package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/postgres"
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
	return withNode(ctx, config, app.Needs{Migrated: true}, func(node *app.Node) error {
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
	return withNode(ctx, config, app.Needs{Migrated: true, Feed: true}, func(node *app.Node) error { return node.Work(ctx) })
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
	return withServices(ctx, config, c.Dir, false, func(config app.Config) error {
		if _, err := postgres.Migrate(ctx, config.DatabaseURL); err != nil {
			return err
		}
		return withNode(ctx, config, app.Needs{Migrated: true}, func(node *app.Node) error {
			state, err := node.LoadDemo(ctx, c.Dir, c.Events, true, app.ProgressLine(os.Stderr, "loading the demo"))
			if err != nil {
				return err
			}
			for _, t := range state.Tenants {
				fmt.Printf("%-10s tenant %s  read key %s  write key %s\n", t.Company, t.Tenant, t.ReadKey, t.WriteKey)
			}
			return nil
		})
	})
}

// withServices runs do with a database and Redis, started for it where none is configured.
func withServices(ctx context.Context, config app.Config, dir string, throwaway bool, do func(app.Config) error) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	config, services, err := app.StartServices(ctx, config, dir, throwaway, config.Logger())
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

type sandboxCommand struct {
	Migrate   bool     `help:"Bring the database to the newest migration first."`
	RealRedis bool     `help:"Fail where only an in-process stand-in for Redis is to be had."`
	Cache     string   `help:"Where downloaded binaries are kept; by default the user's cache folder."`
	Command   []string `arg:"" passthrough:"" help:"The command and its arguments."`
}

func (c sandboxCommand) Run(ctx context.Context, config app.Config) error {
	dir, err := os.MkdirTemp("", "tidemark-sandbox-")
	if err != nil {
		return fmt.Errorf("make sandbox: %w", err)
	}
	defer os.RemoveAll(dir)
	if config.LogLevel == "info" {
		config.LogLevel = "warn" // the command's own output is what matters here
	}
	config, services, err := app.StartServices(ctx, config, filepath.Join(dir, "services"), true, config.Logger())
	if err != nil {
		return err
	}
	err = errors.Join(c.run(ctx, config, services), services.Stop())
	if services.RedisInProcess() {
		fmt.Fprintln(os.Stderr, "sandbox: an in-process stand-in ran in place of Redis. For the real one, install redis-server or valkey-server.")
	}
	return err
}

func (c sandboxCommand) run(ctx context.Context, config app.Config, services *app.Services) error {
	for _, note := range services.Notes {
		fmt.Fprintln(os.Stderr, "sandbox:", note)
	}
	if services.RedisInProcess() && c.RealRedis {
		return errors.New("a real Redis is required, and there is neither redis-server nor valkey-server on PATH")
	}
	if c.Migrate {
		if _, err := postgres.Migrate(ctx, config.DatabaseURL); err != nil {
			return err
		}
	}
	args := c.Command
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return errors.New("name a command to run")
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), "DATABASE_URL="+config.DatabaseURL, "REDIS_URL="+config.RedisURL,
		"TIDEMARK_GENERATE_URL="+config.DatabaseURL)
	err := command.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitCode(exit.ExitCode())
	}
	return err
}
