package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// PostgresOptions say where a server keeps its things. Dir is required.
type PostgresOptions struct {
	Dir       string       // data, password and logs are kept below this folder
	CacheDir  string       // where binaries from npm are kept between runs; Dir/cache if empty
	Throwaway bool         // for tests: faster, and lost in a power cut
	Logger    *slog.Logger // slog.Default() if nil
}

func (o PostgresOptions) filled() (PostgresOptions, error) {
	if o.Dir == "" {
		return o, errors.New("PostgresOptions.Dir is empty")
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return o, fmt.Errorf("resolve %s: %w", o.Dir, err)
	}
	o.CacheDir, err = filepath.Abs(cmp.Or(o.CacheDir, filepath.Join(o.Dir, "cache")))
	if err != nil {
		return o, fmt.Errorf("resolve %s: %w", o.CacheDir, err)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, nil
}

// Postgres is a running server with a database tidemark.
type Postgres struct {
	URL     string // of the superuser, on 127.0.0.1, with the password
	Version string // such as 15.18
	Origin  string // where the binaries were found, for people

	cluster  *cluster
	server   *process
	exited   chan error
	stopping atomic.Bool
	mu       sync.Mutex // one Stop at a time
}

// StartPostgres starts a server on o.Dir and returns when it answers. The
// context bounds the start alone; the server runs until Stop, or, on Linux,
// until our process dies. Fails with ErrAlreadyRunning if another process of
// ours has the folder, and with the last lines of the log if the server would
// not start.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	return startPostgres(ctx, o, thisMachine())
}

func startPostgres(ctx context.Context, o PostgresOptions, m machine) (*Postgres, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	c, err := openCluster(o, m)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Dir, err)
	}
	p, err := c.start(ctx)
	if err != nil {
		c.close()
		return nil, err
	}
	return p, nil
}

func (c *cluster) start(ctx context.Context) (*Postgres, error) {
	if err := c.stopLeftover(ctx); err != nil {
		return nil, err
	}
	in, err := c.chooseInstall(ctx)
	if err != nil {
		return nil, err
	}
	password, err := c.prepare(ctx, in)
	if err != nil {
		return nil, err
	}
	server, url, err := c.boot(ctx, in, password)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL %s from %s: %w", in.version, in.origin, err)
	}
	p := &Postgres{
		URL: url, Version: in.version.String(), Origin: in.origin,
		cluster: c, server: server, exited: make(chan error, 1),
	}
	go p.watch() // ends with the server, which Stop ends
	return p, nil
}

// watch reports a server that ended without being asked to.
func (p *Postgres) watch() {
	<-p.server.done
	if p.stopping.Load() {
		return
	}
	p.exited <- fmt.Errorf("PostgreSQL ended by itself: %s; see %s", p.server.ending(), p.cluster.file("postgres.log"))
}

// Exited receives once if the server dies by itself, and never after a Stop.
// It is not closed.
func (p *Postgres) Exited() <-chan error { return p.exited }

// Stop ends the server and gives its folder free. It asks for a fast shutdown,
// near the context's deadline (30 s if it has none) for an immediate one, and
// kills the server in the end, which is the one case that it reports. It can be
// called again, and after the server died.
func (p *Postgres) Stop(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping.Store(true)
	defer p.cluster.close()
	if err := end(p.server.handle, p.server.done, postgresSteps(ctx), p.cluster.log); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// Destroy is Stop, and then removes everything that the server kept: for tests,
// whose data may lie elsewhere than in their temporary folder.
func (p *Postgres) Destroy(ctx context.Context) error {
	return errors.Join(p.Stop(ctx), p.cluster.remove())
}
