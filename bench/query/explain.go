package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// work is what a page makes PostgreSQL do, by EXPLAIN (ANALYZE, BUFFERS) of its statements.
type work struct {
	page       string
	statements int
	rows       int // that scans gave
	buffers    int // pages of 8 KiB, read or found in memory
	indexes    []string
}

// explain listens to what a server in this process asks the database for each page, and asks
// the same again with EXPLAIN, as the role and the tenant of the original.
func (h *house) explain(ctx context.Context) (list []work, err error) {
	c, err := h.clock(ctx)
	if err != nil {
		return nil, err
	}
	var heard ear
	config := h.config
	config.Tracer = &heard
	err = inProcess(ctx, config, func(base string) error {
		for _, p := range pages {
			w, err := h.explainPage(ctx, base, p, c, &heard)
			if err != nil {
				return fmt.Errorf("explain %s: %w", p.name, err)
			}
			fmt.Printf("  %s: %d statements touch %d rows in %d buffers, by %s\n", w.page, w.statements, w.rows, w.buffers, strings.Join(w.indexes, ", "))
			list = append(list, w)
		}
		return nil
	})
	return list, err
}

// inProcess serves in this process while do runs.
func inProcess(ctx context.Context, config app.Config, do func(base string) error) (err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	node, err := app.NewNode(ctx, config, slog.New(slog.DiscardHandler))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer node.Close()
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- node.Serve(serving, listener) }()
	err = do("http://" + listener.Addr().String())
	stop()
	return errors.Join(err, <-ended)
}

func (h *house) explainPage(ctx context.Context, base string, p page, c clock, heard *ear) (w work, err error) {
	statements, err := h.listen(ctx, base, p.body(c), heard)
	if err != nil {
		return w, err
	}
	return h.explainAll(ctx, p.name, statements)
}

// asked is one statement, as it was sent.
type asked struct {
	sql  string
	args []any
}

// ear hears the named statements of a server.
type ear struct {
	mu   sync.Mutex
	list []asked
}

func (e *ear) take() []asked {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

func (e *ear) hear(sql string, args []any) {
	if !strings.HasPrefix(sql, "-- name: ") {
		return // it begins or ends a transaction
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, asked{sql, args})
}

// TraceQueryStart implements [pgx.QueryTracer].
func (e *ear) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	e.hear(data.SQL, data.Args)
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (*ear) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements [pgx.BatchTracer].
func (e *ear) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, q := range data.Batch.QueuedQueries {
		e.hear(q.SQL, q.Arguments)
	}
	return ctx
}

// TraceBatchQuery implements [pgx.BatchTracer].
func (*ear) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements [pgx.BatchTracer].
func (*ear) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (h *house) explainAll(ctx context.Context, name string, statements []asked) (w work, err error) {
	w = work{page: name, statements: len(statements)}
	conn, err := postgres.Connect(ctx, h.config.DatabaseURL, postgres.AppRole)
	if err != nil {
		return w, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "select set_config('app.tenant_id', $1, false)", h.tenant); err != nil {
		return w, fmt.Errorf("name the tenant: %w", err)
	}
	seen := map[string]bool{}
	for _, s := range statements {
		var text []byte
		if err := conn.QueryRow(ctx, "explain (analyze, buffers, format json) "+s.sql, s.args...).Scan(&text); err != nil {
			return w, fmt.Errorf("%.40s: %w", s.sql, err)
		}
		var plans []struct{ Plan plan }
		if err := json.Unmarshal(text, &plans); err != nil {
			return w, fmt.Errorf("read a plan: %w", err)
		}
		for _, p := range plans {
			w.buffers += p.Plan.Hit + p.Plan.Read
			p.Plan.add(&w, seen)
		}
	}
	return w, nil
}

// plan is a node of EXPLAIN's.
type plan struct {
	Kind  string  `json:"Node Type"`
	Table string  `json:"Relation Name"`
	Index string  `json:"Index Name"`
	Rows  float64 `json:"Actual Rows"`
	Loops float64 `json:"Actual Loops"`
	Out   float64 `json:"Rows Removed by Filter"`
	Hit   int     `json:"Shared Hit Blocks"`
	Read  int     `json:"Shared Read Blocks"`
	Below []plan  `json:"Plans"`
}

// add adds up what the scans of a plan touch.
func (p plan) add(w *work, seen map[string]bool) {
	if p.Loops > 0 && (p.Table != "" || p.Index != "") {
		w.rows += int((p.Rows + p.Out) * p.Loops)
		name := p.Index
		if name == "" {
			name = p.Kind + " of " + p.Table
		}
		if !seen[name] {
			seen[name] = true
			w.indexes = append(w.indexes, name)
		}
	}
	for _, below := range p.Below {
		below.add(w, seen)
	}
}
