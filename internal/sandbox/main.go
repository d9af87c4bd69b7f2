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
	"time"

	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

const (
	startWithin = 5 * time.Minute // a download included
	stopWithin  = 20 * time.Second
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
		err = s.run(ctx, migrate, realRedis, command)
		err = errors.Join(err, s.stop())
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

type sandbox struct {
	dir      string
	postgres *embedded.Postgres
	redis    *embedded.Redis
}

func start(ctx context.Context) (s *sandbox, err error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	s = &sandbox{}
	if s.dir, err = os.MkdirTemp("", "tidemark-sandbox-"); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if err := os.Chmod(s.dir, 0o755); err != nil { // PostgreSQL may run as another user
		return nil, fmt.Errorf("open folder: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = s.dir
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s.postgres, err = embedded.StartPostgres(ctx, embedded.PostgresOptions{
		Dir: filepath.Join(s.dir, "postgres"), CacheDir: filepath.Join(cache, "tidemark"), Throwaway: true, Logger: logger,
	})
	if err == nil {
		s.redis, err = embedded.StartRedis(ctx, embedded.RedisOptions{Dir: filepath.Join(s.dir, "redis"), Logger: logger})
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	fmt.Fprintf(os.Stderr, "sandbox: PostgreSQL %s from %s; %s\n", s.postgres.Version, s.postgres.Origin, s.redis.Kind)
	return s, nil
}

func (s *sandbox) run(ctx context.Context, migrate, realRedis bool, words []string) error {
	if s.redis.InProcess && realRedis {
		return errors.New("a real Redis is required, and there is neither redis-server nor valkey-server on PATH")
	}
	if migrate {
		if _, err := postgres.Migrate(ctx, s.postgres.URL); err != nil {
			return err
		}
	}
	if len(words) == 0 {
		return errors.New("name a command to run")
	}
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), "DATABASE_URL="+s.postgres.URL, "REDIS_URL="+s.redis.URL)
	err := command.Run()
	if s.redis.InProcess {
		fmt.Fprintln(os.Stderr, standIn)
	}
	return err
}

func (s *sandbox) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	var problems []error
	if s.redis != nil {
		problems = append(problems, s.redis.Stop(ctx))
	}
	if s.postgres != nil {
		problems = append(problems, s.postgres.Destroy(ctx))
	}
	return errors.Join(append(problems, os.RemoveAll(s.dir))...)
}
