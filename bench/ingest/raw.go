package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

const (
	rawTable   = "raw_event"
	perCopy    = 10_000 // rows in one transaction, as the writer's
	copyWithin = 5 * time.Minute
)

// copyRaw copies the rows that the parts have become into a table of the same columns,
// indexes and partitions, one connection for each part, and returns the rows a second.
func (h *house) copyRaw(ctx context.Context, parts []part) (perSecond float64, spent cost, err error) {
	ctx, cancel := context.WithTimeout(ctx, copyWithin)
	defer cancel()
	if err := h.makeRawTable(ctx); err != nil {
		return 0, spent, err
	}
	chunks := make([][][]byte, len(parts))
	rows := 0
	for i := range parts {
		if chunks[i], err = h.readBack(ctx, parts[i]); err != nil {
			return 0, spent, err
		}
		rows += parts[i].events
	}
	conns := make([]*pgx.Conn, len(parts))
	for i := range conns {
		if conns[i], err = pgx.Connect(ctx, h.services.DatabaseURL); err != nil {
			return 0, spent, fmt.Errorf("connect: %w", err)
		}
		defer conns[i].Close(context.WithoutCancel(ctx))
	}
	before, start := h.spent(), time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		group.Go(func() error { return copyIn(ctx, conns[i], chunks[i]) })
	}
	if err := group.Wait(); err != nil {
		return 0, spent, err
	}
	perSecond = float64(rows) / time.Since(start).Seconds()
	return perSecond, h.spent().since(before, rows), nil
}

func copyIn(ctx context.Context, conn *pgx.Conn, chunks [][]byte) error {
	for _, chunk := range chunks {
		if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(chunk), "copy "+rawTable+" from stdin (format binary)"); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
	}
	return nil
}

// makeRawTable makes an empty twin of the table event, with every partition and index.
func (h *house) makeRawTable(ctx context.Context) error {
	return h.asOwner(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `
			drop table if exists `+rawTable+`;
			create table `+rawTable+` (like event including all) partition by range (occurred_at);
			do $$
			declare p record;
			begin
			  for p in
			    select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound
			    from pg_inherits i join pg_class c on c.oid = i.inhrelid
			    where i.inhparent = 'event'::regclass
			  loop
			    execute format('create table %I partition of `+rawTable+` %s', 'raw_' || p.relname, p.bound);
			  end loop;
			end $$`)
		return err
	})
}

// readBack reads a part's rows in the order of their arrival, as chunks that COPY takes.
func (h *house) readBack(ctx context.Context, p part) (chunks [][]byte, err error) {
	err = h.asOwner(ctx, func(conn *pgx.Conn) error {
		var first, last int64
		if err := conn.QueryRow(ctx, `select min(event_id), max(event_id) from event where tenant_id = $1`, p.id).Scan(&first, &last); err != nil {
			return err
		}
		for from := first; from <= last; from += perCopy {
			var chunk bytes.Buffer
			query := fmt.Sprintf(`copy (
				select * from event where tenant_id = '%s' and event_id >= %d and event_id < %d order by event_id
			) to stdout (format binary)`, p.id, from, from+perCopy)
			if _, err := conn.PgConn().CopyTo(ctx, &chunk, query); err != nil {
				return err
			}
			chunks = append(chunks, chunk.Bytes())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read rows back: %w", err)
	}
	return chunks, nil
}

// asOwner runs do past row security.
func (h *house) asOwner(ctx context.Context, do func(conn *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, h.services.DatabaseURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}
