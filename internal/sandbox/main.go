// Command sandbox runs a command with a throw-away PostgreSQL and Redis, whose addresses it
// gives it as DATABASE_URL and REDIS_URL. It is how tests get their services, and how code is
// generated from a migrated database; so it needs no generated code itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

const standIn = "sandbox: an in-process stand-in ran in place of Redis. For the real one, install redis-server or valkey-server."

func main() {
	migrate := flag.Bool("migrate", false, "bring the database to the newest migration first")
	realRedis := flag.Bool("real-redis", false, "fail where only an in-process stand-in for Redis is to be had")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, *migrate, *realRedis, flag.Args())
	stop()
	os.Exit(code)
}

// run returns the command's exit code, or 1 where it could not be run.
func run(ctx context.Context, migrate, realRedis bool, command []string) int {
	s, err := start(ctx)
	if err == nil {
		err = runOn(ctx, s, migrate, realRedis, command)
		err = errors.Join(err, s.Stop())
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		return 1
	}
	return 0
}

func start(ctx context.Context) (*embedded.Services, error) {
	options := embedded.ServicesOptions{
		Throwaway: true, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if cache, err := os.UserCacheDir(); err == nil {
		options.CacheDir = filepath.Join(cache, "tidemark")
	}
	s, err := embedded.StartServices(ctx, options)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "sandbox: PostgreSQL %s from %s; %s\n", s.Postgres.Version, s.Postgres.Origin, s.Redis.Kind)
	return s, nil
}

func runOn(ctx context.Context, s *embedded.Services, migrate, realRedis bool, words []string) error {
	if s.RedisInProcess() && realRedis {
		return errors.New("a real Redis is required, and there is neither redis-server nor valkey-server on PATH")
	}
	if migrate {
		if _, err := postgres.Migrate(ctx, s.DatabaseURL); err != nil {
			return err
		}
	}
	if len(words) == 0 {
		return errors.New("name a command to run")
	}
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), "DATABASE_URL="+s.DatabaseURL, "REDIS_URL="+s.RedisURL)
	err := command.Run()
	if s.RedisInProcess() {
		fmt.Fprintln(os.Stderr, standIn)
	}
	return err
}
