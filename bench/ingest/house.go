package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

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
	server   *exec.Cmd
	keeper   *exec.Cmd
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
	binary := filepath.Join(h.services.Dir, "tidemark")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/tidemark")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, said)
	}
	listen, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	h.base = "http://" + listen
	key, err := secret.Generate()
	if err != nil {
		return err
	}
	env := append(os.Environ(), "TIDEMARK_SECRET_KEYS="+key.Text(), "DATABASE_URL="+h.services.DatabaseURL, "REDIS_URL="+h.services.RedisURL,
		"TIDEMARK_LISTEN="+listen, "TIDEMARK_LOG_LEVEL=warn")
	run := func(command string) (*exec.Cmd, error) {
		c := exec.CommandContext(context.WithoutCancel(ctx), binary, command) // ended by close
		c.Env, c.Stderr = env, os.Stderr
		return c, c.Start()
	}
	if h.server, err = run("serve"); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	if h.keeper, err = run("work"); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	return h.waitReady(ctx)
}

func (h *house) waitReady(ctx context.Context) error {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+"/readyz", nil)
		if err != nil {
			return fmt.Errorf("ask whether the server is ready: %w", err)
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w", ctx.Err())
		}
	}
}

func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// close ends what was started, and returns what went wrong first.
func (h *house) close(err error) error {
	for _, c := range []*exec.Cmd{h.server, h.keeper} {
		if c != nil && c.Process != nil {
			_ = c.Process.Signal(syscall.SIGTERM) // it may be gone
			_ = c.Wait()
		}
	}
	if h.worker != nil {
		h.worker.Close()
	}
	if h.services != nil {
		err = errors.Join(err, h.services.Stop())
	}
	return err
}
