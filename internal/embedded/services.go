package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

const (
	servicesStart = 5 * time.Minute // a download included
	servicesStop  = 20 * time.Second
)

// ServicesOptions say what Tidemark is to run on.
type ServicesOptions struct {
	Dir       string       // what is started keeps its things below; if empty, in a temporary folder, which Stop removes
	CacheDir  string       // where binaries from npm are kept between runs; Dir/cache if empty
	Throwaway bool         // for tests: faster, and lost in a power cut
	Logger    *slog.Logger // slog.Default() if nil

	// What runs already, and is not started.
	DatabaseURL, RedisURL string
}

// Services are a PostgreSQL and a Redis.
type Services struct {
	Dir                   string
	DatabaseURL, RedisURL string
	Postgres              *Postgres // nil if it was there already
	Redis                 *Redis    // likewise

	temporary bool
}

// StartServices starts what does not run already, and returns when it answers. It takes five
// minutes at most; what has been started is stopped again if something would not start. The
// services run until Stop, or, on Linux, until our process dies.
func StartServices(ctx context.Context, o ServicesOptions) (*Services, error) {
	ctx, cancel := context.WithTimeout(ctx, servicesStart)
	defer cancel()
	s := &Services{Dir: o.Dir, DatabaseURL: o.DatabaseURL, RedisURL: o.RedisURL}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Services) start(ctx context.Context, o ServicesOptions) (err error) {
	if s.Dir == "" {
		if err := s.makeDir(); err != nil {
			return err
		}
	}
	if s.DatabaseURL == "" {
		s.Postgres, err = StartPostgres(ctx, PostgresOptions{
			Dir: filepath.Join(s.Dir, "postgres"), CacheDir: cmp.Or(o.CacheDir, filepath.Join(s.Dir, "cache")),
			Throwaway: o.Throwaway, Logger: o.Logger,
		})
		if err != nil {
			return fmt.Errorf("start PostgreSQL: %w", err)
		}
		s.DatabaseURL = s.Postgres.URL
	}
	if s.RedisURL == "" {
		s.Redis, err = StartRedis(ctx, RedisOptions{Dir: filepath.Join(s.Dir, "redis"), Logger: o.Logger})
		if err != nil {
			return fmt.Errorf("start Redis: %w", err)
		}
		s.RedisURL = s.Redis.URL
	}
	return nil
}

// makeDir makes a temporary folder that PostgreSQL can reach, which may run as another user.
func (s *Services) makeDir() (err error) {
	if s.Dir, err = os.MkdirTemp("", "tidemark-"); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	s.temporary = true
	if err := os.Chmod(s.Dir, 0o755); err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	return nil
}

// Notes tell people what was started.
func (s *Services) Notes() (notes []string) {
	if s.Postgres != nil {
		notes = append(notes, fmt.Sprintf("PostgreSQL %s, started from %s", s.Postgres.Version, s.Postgres.Origin))
	}
	if s.Redis != nil {
		notes = append(notes, s.Redis.Kind+", started here")
	}
	return notes
}

// RedisInProcess reports whether a stand-in runs instead of a real Redis.
func (s *Services) RedisInProcess() bool { return s.Redis != nil && s.Redis.InProcess }

// Follow returns an error once something that was started ends by itself, and nil once ctx ends.
func (s *Services) Follow(ctx context.Context) error {
	var postgres, redis <-chan error
	if s.Postgres != nil {
		postgres = s.Postgres.Exited()
	}
	if s.Redis != nil {
		redis = s.Redis.Exited()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-postgres:
		return fmt.Errorf("follow PostgreSQL: it ended by itself: %w", err)
	case err := <-redis:
		return fmt.Errorf("follow Redis: it ended by itself: %w", err)
	}
}

// Stop ends what was started, in 20 s at most, and removes what it kept if its folder was a
// temporary one.
func (s *Services) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), servicesStop)
	defer cancel()
	var problems []error
	if s.Redis != nil {
		problems = append(problems, s.Redis.Stop(ctx))
	}
	if s.Postgres != nil {
		stop := s.Postgres.Stop
		if s.temporary {
			stop = s.Postgres.Destroy // its data may lie elsewhere
		}
		problems = append(problems, stop(ctx))
	}
	if s.temporary {
		problems = append(problems, os.RemoveAll(s.Dir))
	}
	return errors.Join(problems...)
}
