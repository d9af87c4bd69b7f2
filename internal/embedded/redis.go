package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2"
)

// RedisOptions say where a server keeps its log. Dir is required. Nothing else
// is kept: Redis carries hints, and PostgreSQL the truth.
type RedisOptions struct {
	Dir    string
	Logger *slog.Logger // slog.Default() if nil
}

func (o RedisOptions) filled() (RedisOptions, error) {
	if o.Dir == "" {
		return o, errors.New("RedisOptions.Dir is empty")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("resolve %s: %w", o.Dir, err)
	}
	o.Dir = dir
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, nil
}

// Redis is a running server.
type Redis struct {
	URL       string // on 127.0.0.1, with a password of this run
	Kind      string // "redis-server 7.0.15", "valkey-server 8.1.1", "miniredis (in-process)"
	InProcess bool   // a stand-in that ends with this process: one process, modest load

	mini     *miniredis.Miniredis // either this
	server   *process             // or this
	lock     *os.File
	log      *slog.Logger
	exited   chan error
	stopping atomic.Bool
	mu       sync.Mutex // one Stop at a time
}

// StartRedis starts the machine's redis-server or valkey-server, and an
// in-process stand-in where there is neither. The context bounds the start
// alone. Fails with ErrAlreadyRunning if another process of ours has the folder,
// and with the last lines of the log if the server would not start.
func StartRedis(ctx context.Context, o RedisOptions) (*Redis, error) {
	return startRedis(ctx, o, thisMachine())
}

func startRedis(ctx context.Context, o RedisOptions, m machine) (*Redis, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	if binary, kind := findRedis(ctx, m, o.Logger); binary != "" {
		r, err := startRedisServer(ctx, o, m, binary, kind)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", kind, err)
		}
		return r, nil
	}
	return startMiniredis(o)
}

func startMiniredis(o RedisOptions) (*Redis, error) {
	password := newPassword()
	mini := miniredis.NewMiniRedis()
	mini.RequireAuth(password)
	mini.ClockTTL(true) // by itself, its keys never expire
	if err := mini.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start in-process Redis: %w", err)
	}
	o.Logger.Info("no redis-server or valkey-server in PATH: using an in-process stand-in, good for one process")
	return &Redis{
		URL: redisURL(password, mini.Addr()), Kind: "miniredis (in-process)", InProcess: true,
		mini: mini, log: o.Logger, exited: make(chan error, 1),
	}, nil
}

func redisURL(password, address string) string {
	u := url.URL{Scheme: "redis", User: url.UserPassword("", password), Host: address, Path: "/0"}
	return u.String()
}

// watch reports a server that ended without being asked to.
func (r *Redis) watch() {
	<-r.server.done
	if !r.stopping.Load() {
		r.exited <- fmt.Errorf("%s ended by itself: %s", r.Kind, r.server.ending())
	}
}

// Exited receives once if the server dies by itself, and never after a Stop. It
// is not closed.
func (r *Redis) Exited() <-chan error { return r.exited }

// Stop ends the server, kills it after the context's deadline (30 s if it has
// none), and reports that alone. It can be called again, and after the server
// died.
func (r *Redis) Stop(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopping.Store(true)
	if r.InProcess {
		r.mini.Close()
		return nil
	}
	defer r.lock.Close() // again is an error that says nothing
	if err := end(r.server.handle, r.server.done, redisSteps(ctx), r.log); err != nil {
		return fmt.Errorf("stop %s: %w", r.Kind, err)
	}
	return nil
}
