package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/internal/demo"
	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/progress"
	"github.com/tidemarkhq/tidemark/web"
)

// UpOptions are what "tidemark up" is told beyond the configuration.
type UpOptions struct {
	Dir        string // where everything is kept that it starts
	DemoEvents int    // how many events the demo has; 0: no demo
}

// StartServices starts what the configuration does not name, and returns the
// configuration with it filled in. Without a folder, what is started
// keeps its things in a temporary one.
func StartServices(ctx context.Context, config Config, dir string, logger *slog.Logger) (Config, *embedded.Services, error) {
	services, err := embedded.StartServices(ctx, embedded.ServicesOptions{
		Dir: dir, Logger: logger, DatabaseURL: config.DatabaseURL, RedisURL: config.RedisURL,
	})
	if err != nil {
		return config, nil, err
	}
	config.DatabaseURL, config.RedisURL = services.DatabaseURL, services.RedisURL
	return config, services, nil
}

// Up runs everything in one process: the services that are not configured, migrations, the
// demo, the server and the worker. It returns when ctx has ended and all of it has stopped.
func Up(ctx context.Context, config Config, options UpOptions, logger *slog.Logger) (err error) {
	if err := os.MkdirAll(options.Dir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", options.Dir, err)
	}
	config, services, err := StartServices(ctx, config, options.Dir, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, services.Stop()) }()
	if config, err = KeepSecretKeys(config, options.Dir); err != nil {
		return err
	}
	if config, err = keepMail(config, options.Dir); err != nil {
		return err
	}
	if config.Archive == "" {
		folder, err := filepath.Abs(filepath.Join(options.Dir, "archive"))
		if err != nil {
			return fmt.Errorf("find %s: %w", options.Dir, err)
		}
		config.Archive = "file://" + filepath.ToSlash(folder)
	}
	if err := config.Preflight(ctx, Needs{Feed: true, Redis: true, Kafka: true}); err != nil {
		return err
	}
	if _, err := postgres.Migrate(ctx, config.DatabaseURL); err != nil {
		return err
	}
	node, err := NewNode(ctx, config, logger)
	if err != nil {
		return err
	}
	defer node.Close()
	return node.up(ctx, options, services)
}

func (n *Node) up(ctx context.Context, options UpOptions, services *embedded.Services) error {
	var state DemoState
	if options.DemoEvents > 0 {
		var err error
		state, err = n.LoadDemo(ctx, options.Dir, options.DemoEvents, false, progress.Events(os.Stderr, "loading the demo"))
		if err != nil {
			return err
		}
		if state, err = n.peopleDemo(ctx, options.Dir, state); err != nil {
			return err
		}
		if err := n.careDemo(ctx, state); err != nil {
			return err
		}
	}
	n.PlaygroundKeys = state.playgroundKeys
	listener, err := listenNear(ctx, n.config.Listen)
	if err != nil {
		return err
	}
	n.config.Listen = listener.Addr().String() // links lead here
	addresses := addressesOf(listener.Addr(), n.config, state)
	if err := writeSecret(filepath.Join(options.Dir, "up.json"), addresses); err != nil {
		return errors.Join(err, listener.Close())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.Serve(ctx, listener) })
	group.Go(func() error { return n.Work(ctx) })
	group.Go(func() error { return services.Follow(ctx) })
	if state.Loaded {
		group.Go(func() error { return n.demoTraffic(ctx, state, addresses.base) })
	}
	_, built := web.Playground()
	printBanner(os.Stdout, addresses, state, services, built, options.Dir)
	return group.Wait()
}

// nearby is how many ports after the wanted one are tried.
const nearby = 20

// listenNear listens on the address, or on a port after it if that is taken.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	var config net.ListenConfig
	for p := first; p < first+nearby; p++ {
		listener, tried := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(p)))
		if tried == nil {
			return listener, nil
		}
		err = tried
	}
	return nil, fmt.Errorf("listen on %s or a port near it: %w", address, err)
}

func (s DemoState) playgroundKeys() []PlaygroundKey {
	var keys []PlaygroundKey
	for i, c := range demo.Companies() {
		if i < len(s.Tenants) {
			keys = append(keys,
				PlaygroundKey{c.Name + " (read)", s.Tenants[i].ReadKey},
				PlaygroundKey{c.Name + " (write)", s.Tenants[i].WriteKey},
				PlaygroundKey{c.Name + " (manage)", s.Tenants[i].ManageKey})
		}
	}
	return keys
}
